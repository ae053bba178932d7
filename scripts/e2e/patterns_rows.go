package main

// matches are the events that each pattern matches, by their names.
var matches = map[string][]string{
	"template.yaml: FindingRule, SendAllFindings=false": critical,
	"template.yaml: FindingRule, SendAllFindings=true":  anySeverity,
	"functions/audit/README.md: 1":                      append(critical, "critical elsewhere"),

	"template.yaml: FurtherFindingsRule, SendAllFindings=false": {"flood: completed"},
	"template.yaml: FurtherFindingsRule, SendAllFindings=true":  {"flood: completed", "mild flood: completed"},
	"functions/audit/README.md: 2": {
		"first: completed", "second: completed", "third: completed", "stateless: completed", "flood: completed",
		"mild flood: completed", "failed: completed",
	},

	"template.yaml: RotatedRule, CreateTokenSecret=true, HasApiTokens=false":  movesOf("service-token"),
	"template.yaml: RotatedRule, CreateTokenSecret=false, HasApiTokens=false": movesOf("service-token"),
	"template.yaml: RotatedRule, CreateTokenSecret=true, HasApiTokens=true": movesOf(
		"service-token", "api-token/portal"),
	"template.yaml: RotatedRule, CreateTokenSecret=false, HasApiTokens=true": movesOf(
		"service-token", "api-token/portal"),
	"functions/rotate/README.md: 1": movesOf("service-token"),

	"template.yaml: RotationFailedRule, CreateTokenSecret=true":  failuresOf("databrain/service-token"),
	"template.yaml: RotationFailedRule, CreateTokenSecret=false": failuresOf("databrain/service-token"),
	"template.yaml: ApiTokenRotationFailedRule":                  failuresOf("databrain/api-token/portal"),
}

var (
	// With a state a finding is told of once, and once more when it gets worse or comes
	// back; without one at every run. Of a flood one finding has a message of its own.
	critical = []string{
		"first: critical", "first: goes", "second: high", "third: goes", "stateless: critical", "flood: older",
		"mild flood: critical",
	}
	anySeverity = append([]string{
		"first: high", "first: unread", "first: medium", "first: due", "second: due", "third: exception-unused",
		"stateless: medium", "failed: data-apps-unlistable",
	}, critical...)
)

func failuresOf(secret string) []string {
	return []string{secret + " RotationFailed", secret + " RotationAbandoned", secret + " TestRotationFailed"}
}

// movesOf are the moves of AWSCURRENT of secrets under databrain/.
func movesOf(secrets ...string) (moves []string) {
	for _, secret := range secrets {
		moves = append(moves, "databrain/"+secret+" AWSCURRENT")
	}
	return moves
}
