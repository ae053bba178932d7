package conformance

// Moto lists where the server of moto 5.2.5 differs from what AWS documents, each
// row measured.
func Moto() Differences {
	const (
		noFunctions = "moto invokes a rotation function only through its Lambda, which needs Docker; RotateSecret " +
			"answers ResourceNotFoundException for any other ARN"
		defaultRead = "a read without a version or a stage follows the latest put, not AWSCURRENT"
	)
	return Differences{
		"get-unknown-stage":                       "the message is that of an unknown secret",
		"describe-leaves-deprecated-versions-out": "versions without labels are described with an empty list",
		"list-versions-hides-deprecated":          "IncludeDeprecated is not looked at",
		"list-versions-in-pages":                  "MaxResults is not looked at",

		"put-current-by-name-moves-previous":                "the version that becomes AWSPREVIOUS loses its other labels",
		"put-repeated-does-nothing":                         "a repeated put moves labels",
		"put-same-token-other-bytes-is-refused":             "a version's value can be overwritten",
		"put-by-hand-abandons-the-pending-version":          "AWSPENDING stays where it is",
		"put-by-hand-clears-pending-of-a-finished-rotation": "AWSPENDING stays, and AWSCURRENT is left on two versions",
		"put-up-to-65536-bytes":                             "the limit is not enforced",

		"stage-current-takes-previous-along": defaultRead,
		"stage-current-back-to-previous":     defaultRead,
		"stage-holder-must-be-named-for-any-label": "RemoveFromVersionId is demanded for AWSCURRENT alone; another " +
			"label ends up on two versions",
		"stage-current-can-not-be-removed": "a secret can lose AWSCURRENT",

		"delete-refuses-writes": "PutSecretValue and UpdateSecretVersionStage work on a deleted secret",
		"delete-keeps-the-name": "the error is ResourceExistsException",

		"rotation-needs-a-function": "without a function, RotateSecret makes a version and moves " +
			"AWSCURRENT to it at once",
		"rotation-needs-a-function-it-may-invoke":       noFunctions + ", and leaves AWSPENDING on a new version",
		"rotation-begins-with-an-empty-pending-version": noFunctions,
		"rotation-is-described":                         noFunctions,
		"rotation-incomplete-refuses-another":           noFunctions,
		"rotation-test-alone-leaves-no-version":         noFunctions,
		"rotation-cancel-keeps-labels":                  noFunctions,
	}
}
