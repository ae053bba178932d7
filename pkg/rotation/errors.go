package rotation

import (
	"errors"
	"fmt"
	"strings"

	"github.com/aws/smithy-go"

	"databrain-rotation/pkg/databrain"
)

// problem is what the named errors of this package have in common: a text that
// says what happened, what was left untouched and what to do, and the cause. The
// name of the type reaches Lambda as errorType, which an alarm can match.
type problem struct {
	text  string
	cause error
}

func (p *problem) Error() string {
	if p.cause == nil {
		return p.text
	}
	return p.text + ": " + p.cause.Error()
}

// Unwrap returns the cause, nil if there is none.
func (p *problem) Unwrap() error { return p.cause }

// The errors of a rotation.
type (
	// MalformedEvent: the payload is not a rotation event.
	MalformedEvent struct{ problem }
	// UnknownStep: the event names a step that does not exist.
	UnknownStep struct{ problem }
	// SecretDeleted: the secret is scheduled for deletion.
	SecretDeleted struct{ problem }
	// RotationNotEnabled: rotation is switched off for the secret.
	RotationNotEnabled struct{ problem }
	// VersionUnknown: DescribeSecret, which leaves out versions without labels, does
	// not show the event's ClientRequestToken.
	VersionUnknown struct{ problem }
	// VersionNotPending: that version is not AWSPENDING (any more).
	VersionNotPending struct{ problem }
	// PendingValueMissing: AWSPENDING has no value in a step that needs one.
	PendingValueMissing struct{ problem }
	// PendingEqualsCurrent: AWSPENDING holds the token of AWSCURRENT.
	PendingEqualsCurrent struct{ problem }
	// PendingTokenRejected: Databrain does not accept AWSPENDING, so it is not promoted.
	PendingTokenRejected struct{ problem }
	// MalformedSecret: a version's value is not one that the function can rotate.
	MalformedSecret struct{ problem }
	// MalformedAdminSecret: the admin secret holds no e-mail address and password.
	MalformedAdminSecret struct{ problem }
	// AdminSecretIsRotatedSecret: the setting names the rotated secret itself.
	AdminSecretIsRotatedSecret struct{ problem }
	// AdminSignInRefused: Databrain refused the admin's e-mail address or password.
	AdminSignInRefused struct{ problem }
	// CurrentTokenMissing: AWSCURRENT holds no token and the settings forbid to fill it.
	CurrentTokenMissing struct{ problem }
	// CurrentTokenRejected: Databrain rejects AWSCURRENT, so the rotation was abandoned.
	CurrentTokenRejected struct{ problem }
	// DatabrainUnavailable: Databrain gave no usable answer; a retry may help.
	DatabrainUnavailable struct{ problem }
	// DatabrainRefused: Databrain refused a write; it did not take effect.
	DatabrainRefused struct{ problem }
	// GraceContractMismatch: the rotate endpoint speaks the other contract.
	GraceContractMismatch struct{ problem }
	// SecretsManagerFailed: a call of Secrets Manager failed.
	SecretsManagerFailed struct{ problem }
	// LabelMoved: the staging labels changed while the step ran.
	LabelMoved struct{ problem }
	// OutOfTime: too little of the invocation's time is left to begin a write.
	OutOfTime struct{ problem }
)

// malformed is for a version of the rotated secret. A version's value can not be
// changed, so a pending one has to go.
func (s *step) malformed(label, fault string) error {
	advice := `Store a JSON object such as {"token":""} or a bare UUID, as text`
	if label == labelPending {
		advice = "Remove the label and rotate again: " + s.unlabelPending()
	}
	return &MalformedSecret{problem{text: fmt.Sprintf("the value of the rotated secret's version %s %s; no version was changed. %s", label, fault, advice)}}
}

// unlabelPending is the command that takes AWSPENDING off this rotation's version.
func (s *step) unlabelPending() string {
	return fmt.Sprintf("aws secretsmanager update-secret-version-stage --secret-id %s --version-stage AWSPENDING --remove-from-version-id %s",
		s.event.SecretID, s.event.Version)
}

// unavailable is for every outcome that says nothing about a token.
func unavailable(tried string, cause error) error {
	return &DatabrainUnavailable{problem{tried + ": Databrain gave no usable answer, so nothing was concluded from it; " +
		"the rotation can be retried. Check DATABRAIN_BASE_URL, the network path and the instance's health", cause}}
}

// refused is for a write that Databrain definitely did not carry out.
func refused(tried string, cause error) error {
	advice := "Databrain refused and nothing changed there. Check the admin account's rights and the instance's log"
	switch databrain.ClassOf(cause) {
	case databrain.ClassPermanent:
		advice = "Databrain refused for good: either the instance is not self-hosted, or it has no account for this admin; " +
			"a retry can not help. Check DATABRAIN_BASE_URL and the instance's set-up"
	case databrain.ClassRateLimited:
		advice = "Databrain's rate limit refused it and nothing changed there; the rotation can be retried"
	}
	return &DatabrainRefused{problem{tried + ": " + advice, cause}}
}

// secretsManager wraps the failure of a call. AWS's message is kept only for
// codes whose messages name principals, keys and secrets; validation messages
// quote their input.
func secretsManager(operation string, err error) error {
	text := "Secrets Manager: " + operation + " failed"
	var api smithy.APIError
	if !errors.As(err, &api) {
		return &SecretsManagerFailed{problem{text: text + " without an answer; the step can be retried. " +
			"In a VPC, check the route or endpoint to Secrets Manager, port 443"}}
	}
	text += ": " + api.ErrorCode()
	switch api.ErrorCode() {
	case "AccessDeniedException", "DecryptionFailure", "EncryptionFailure":
		text += ": " + strings.TrimSuffix(api.ErrorMessage(), ".") + ". Check what the function's role, the secret's policy and the key's policy allow, and that the key is enabled"
	case "ResourceNotFoundException":
		text += ": " + strings.TrimSuffix(api.ErrorMessage(), ".") + ". Check that the secret exists and has a value, and that the settings name it"
	case "InvalidRequestException":
		text += ": " + api.ErrorMessage()
	default:
		text += "; the step can be retried"
	}
	return &SecretsManagerFailed{problem{text: text}}
}
