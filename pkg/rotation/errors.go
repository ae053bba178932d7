package rotation

import (
	"errors"
	"fmt"
	"strings"

	"github.com/aws/smithy-go"

	"databrain-rotation/pkg/databrain"
)

// Name says what kept a step from its end. It reaches Lambda as errorType, which an
// alarm can match.
type Name string

// The names of the errors of a rotation.
const (
	// MalformedEvent: the payload is not a rotation event.
	MalformedEvent Name = "MalformedEvent"
	// UnknownStep: the event names a step that does not exist.
	UnknownStep Name = "UnknownStep"
	// SecretDeleted: the secret is scheduled for deletion.
	SecretDeleted Name = "SecretDeleted"
	// RotationNotEnabled: rotation is switched off for the secret.
	RotationNotEnabled Name = "RotationNotEnabled"
	// VersionUnknown: DescribeSecret, which leaves out versions without labels, does
	// not show the event's ClientRequestToken.
	VersionUnknown Name = "VersionUnknown"
	// VersionNotPending: that version is not AWSPENDING (any more).
	VersionNotPending Name = "VersionNotPending"
	// PendingValueMissing: AWSPENDING has no value in a step that needs one.
	PendingValueMissing Name = "PendingValueMissing"
	// PendingEqualsCurrent: AWSPENDING holds the token of AWSCURRENT.
	PendingEqualsCurrent Name = "PendingEqualsCurrent"
	// PendingTokenRejected: Databrain does not accept AWSPENDING, so it is not promoted.
	PendingTokenRejected Name = "PendingTokenRejected"
	// MalformedSecret: the function cannot rotate the value of a version.
	MalformedSecret Name = "MalformedSecret"
	// MalformedAdminSecret: the admin secret holds no e-mail address and password.
	MalformedAdminSecret Name = "MalformedAdminSecret"
	// AdminSecretIsRotatedSecret: the setting names the rotated secret itself.
	AdminSecretIsRotatedSecret Name = "AdminSecretIsRotatedSecret"
	// AdminSignInRefused: Databrain refused the admin's e-mail address or password.
	AdminSignInRefused Name = "AdminSignInRefused"
	// CurrentTokenMissing: AWSCURRENT holds no token and the settings forbid filling it.
	CurrentTokenMissing Name = "CurrentTokenMissing"
	// CurrentTokenRejected: Databrain rejects AWSCURRENT, so the rotation was abandoned.
	CurrentTokenRejected Name = "CurrentTokenRejected"
	// DatabrainUnavailable: Databrain gave no usable answer; a retry may help.
	DatabrainUnavailable Name = "DatabrainUnavailable"
	// DatabrainRefused: Databrain refused a write; it did not take effect.
	DatabrainRefused Name = "DatabrainRefused"
	// GraceContractMismatch: the rotate endpoint speaks the other contract.
	GraceContractMismatch Name = "GraceContractMismatch"
	// SecretsManagerFailed: a call of Secrets Manager failed.
	SecretsManagerFailed Name = "SecretsManagerFailed"
	// LabelMoved: the staging labels changed while the step ran.
	LabelMoved Name = "LabelMoved"
	// OutOfTime: too little of the invocation's time is left to begin a write.
	OutOfTime Name = "OutOfTime"
)

// Error is the failure of a step, in the order in which an operator reads it.
type Error struct {
	Name  Name
	Found string // what happened
	Cause error  // what a service or the network said; nil if nothing did
	Left  string // what was written, and what was left alone
	Next  string // what to do
}

func (e *Error) Error() string {
	found := e.Found
	if e.Cause != nil {
		found += ": " + e.Cause.Error()
	}
	return found + "; " + e.Left + ". " + e.Next
}

// Unwrap returns the cause, nil if there is none.
func (e *Error) Unwrap() error { return e.Cause }

// ErrorType returns the name under which Lambda reports the error.
func (e *Error) ErrorType() string { return string(e.Name) }

const nothingWritten = "nothing was written"

// fail returns the error of a step that has left things as s.left says.
func (s *step) fail(name Name, cause error, found, next string) error {
	return &Error{Name: name, Found: found, Cause: cause, Left: s.left, Next: next}
}

// malformed is for a version of the rotated secret. The value of a version cannot be
// changed, so a pending one has to go.
func (s *step) malformed(label string, fault error) error {
	advice := `Store a JSON object such as {"token":""} or a bare UUID, as text`
	if label == labelPending {
		advice = "Remove the label and rotate again: " + s.unlabelPending()
	}
	found := fmt.Sprintf("the value of the rotated secret's version %s %v", label, fault)
	return s.fail(MalformedSecret, nil, found, advice)
}

// unlabelPending is the command that takes AWSPENDING off this rotation's version.
func (s *step) unlabelPending() string {
	return "aws secretsmanager update-secret-version-stage --secret-id " + s.event.SecretID +
		" --version-stage AWSPENDING --remove-from-version-id " + s.event.Version
}

// unavailable is for every outcome that says nothing about a token.
func (s *step) unavailable(tried string, cause error) error {
	return s.fail(DatabrainUnavailable, cause, tried+": Databrain gave no usable answer, so nothing was concluded from it",
		"The rotation can be retried. Check DATABRAIN_BASE_URL, the network path and the instance's health")
}

// refused is for a write that Databrain definitely did not carry out.
func (s *step) refused(tried string, cause error) error {
	found, next := "Databrain refused", "Check the admin account's rights and the instance's log"
	switch databrain.ClassOf(cause) {
	case databrain.ClassPermanent:
		found = "Databrain refused for good: the instance is not self-hosted, or it has no account for this admin"
		next = "A retry cannot help. Check DATABRAIN_BASE_URL and the instance's set-up"
	case databrain.ClassRateLimited:
		found, next = "Databrain's rate limit refused it", "The rotation can be retried"
	}
	return s.fail(DatabrainRefused, cause, tried+": "+found, next)
}

// secretsManager is for the failure of a call. AWS's message is kept only for
// codes whose messages name principals, keys and secrets; validation messages
// quote their input.
func (s *step) secretsManager(operation string, err error) error {
	found := "Secrets Manager: " + operation + " failed"
	var api smithy.APIError
	if !errors.As(err, &api) {
		return s.fail(SecretsManagerFailed, nil, found+" without an answer",
			"The step can be retried. In a VPC, check the route or endpoint to Secrets Manager, port 443")
	}
	found += ": " + api.ErrorCode()
	said := ": " + strings.TrimSuffix(api.ErrorMessage(), ".")
	switch api.ErrorCode() {
	case "AccessDeniedException", "DecryptionFailure", "EncryptionFailure":
		return s.fail(SecretsManagerFailed, nil, found+said,
			"Check what the function's role, the secret's policy and the key's policy allow, and that the key is enabled")
	case "ResourceNotFoundException":
		return s.fail(SecretsManagerFailed, nil, found+said,
			"Check that the secret exists and has a value, and that the settings name it")
	case "InvalidRequestException":
		found += said
	}
	return s.fail(SecretsManagerFailed, nil, found, "The step can be retried")
}
