package rotation

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/smithy-go"

	"databrain-rotation/pkg/databrain"
	"databrain-rotation/pkg/tokensecret"
	"databrain-rotation/pkg/transport"
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
	// SecretIsReplica: the event names a replica, which only its primary can change.
	SecretIsReplica Name = "SecretIsReplica"
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
	// ServiceTokenSecretIsRotatedSecret: the setting names the rotated secret itself.
	ServiceTokenSecretIsRotatedSecret Name = "ServiceTokenSecretIsRotatedSecret"
	// MalformedServiceTokenSecret: the service token's secret holds no service token.
	MalformedServiceTokenSecret Name = "MalformedServiceTokenSecret"
	// ServiceTokenRejected: Databrain rejects the service token that lists API tokens.
	ServiceTokenRejected Name = "ServiceTokenRejected"
	// ServiceTokenAsKey: the secret of an API token holds a service token.
	ServiceTokenAsKey Name = "ServiceTokenAsKey"
	// DataAppNotFound: the instance has no data app of the name in the secret.
	DataAppNotFound Name = "DataAppNotFound"
	// APITokenInOtherApp: the key belongs to another data app than the secret says.
	APITokenInOtherApp Name = "APITokenInOtherApp"
	// APITokenNotListed: the data app lists neither the key nor a successor.
	APITokenNotListed Name = "APITokenNotListed"
	// APITokenRejected: Databrain accepts no key of the name in the secret.
	APITokenRejected Name = "APITokenRejected"
	// APITokenAmbiguous: several keys may be the one in force.
	APITokenAmbiguous Name = "APITokenAmbiguous"
	// APITokenListUnreadable: the list of API tokens has entries without a readable key.
	APITokenListUnreadable Name = "APITokenListUnreadable"
	// APITokenInGrace: Databrain does not rotate the key, which it accepts.
	APITokenInGrace Name = "APITokenInGrace"
	// APITokenContractMismatch: the endpoint that rotates API tokens speaks the other contract.
	APITokenContractMismatch Name = "APITokenContractMismatch"
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

	// Secret is the name or ARN to ask for a diagnosis of; "" if the event has none.
	Secret string
	Ask    string // the stack's output that asks
}

func (e *Error) Error() string {
	found := e.Found
	if e.Cause != nil {
		found += ": " + e.Cause.Error()
	}
	text := found + "; " + e.Left + ". " + e.Next
	if e.Secret != "" {
		// A space, so that a command at the end can be marked and pasted.
		text += fmt.Sprintf(` (The whole picture: send {"diagnose":%q} to this function; stack output %s.)`, e.Secret, e.Ask)
	}
	return text
}

// Unwrap returns the cause, nil if there is none.
func (e *Error) Unwrap() error { return e.Cause }

// ErrorType returns the name under which Lambda reports the error.
func (e *Error) ErrorType() string { return string(e.Name) }

const nothingWritten = "nothing was written"

// fail returns the error of a step that has left things as s.left says. Once
// Databrain has the pending token, AWSCURRENT is the wrong one to read, so that the
// error says which token works and how to make it current.
func (s *step) fail(name Name, cause error, found, next string) error {
	e := &Error{Name: name, Found: found, Cause: cause, Left: s.left, Next: next}
	if s.kind != nil {
		e.Ask, e.Secret = s.kind.words().ask, s.event.SecretID
	}
	if s.saved {
		e.Left = "Databrain has accepted the token of version " + s.event.Version + ", and any other token of AWSCURRENT " +
			"is dead or ends with its grace period. That version may be the only copy of the token that works: leave its " +
			"label where it is"
		e.Next += ". Until a retry succeeds, this lets consumers read the token that works: " + s.promotePending()
	}
	return e
}

// aws returns an operation on the rotated secret as a command, without other options. The
// region is the ARN's, because a shell may have another.
func (s *step) aws(operation string) string {
	command := "aws secretsmanager " + operation
	if parsed, err := arn.Parse(s.event.SecretID); err == nil {
		command += " --region " + parsed.Region
	}
	return command + " --secret-id " + s.event.SecretID
}

// promotePending is the command that does what finishSecret does. AWS wants to be told
// which version has AWSCURRENT, which is not known if DescribeSecret failed.
func (s *step) promotePending() string {
	command := s.aws("update-secret-version-stage") +
		" --version-stage AWSCURRENT --move-to-version-id " + s.event.Version
	holder := s.secret.Holder(labelCurrent)
	switch {
	case s.secret.Labels == nil:
		return command + " --remove-from-version-id VERSION , where VERSION is the one that has AWSCURRENT in: " +
			s.aws("describe-secret")
	case holder != "":
		return command + " --remove-from-version-id " + holder
	}
	return command
}

// malformed is for a version of the rotated secret. The value of a version cannot be
// changed, so a pending one has to go; but damaged bytes may hold the one token that
// works, and no advice may cost it.
func (s *step) malformed(label string, fault error) error {
	advice := s.kind.words().restore
	if _, others := errors.AsType[*tokensecret.OtherMembersError](fault); others {
		advice += s.kind.words().blank
	}
	if label == labelPending {
		s.saved = false // a token that cannot be read is none to promote
		advice = "If AWSCURRENT works, remove the label and rotate again: " + s.unlabelPending() +
			" . If it does not, this value may hold the only token that works: read it, and store its token as " +
			"AWSCURRENT: " + s.read(s.event.Version)
	}
	found := fmt.Sprintf("the value of the rotated secret's version %s %v", label, fault)
	return s.fail(MalformedSecret, nil, found, advice)
}

// read is the command that shows the value of a version.
func (s *step) read(version string) string {
	return s.aws("get-secret-value") + " --version-id " + version
}

// unlabelPending is the command that takes AWSPENDING off this rotation's version.
func (s *step) unlabelPending() string {
	return s.aws("update-secret-version-stage") +
		" --version-stage AWSPENDING --remove-from-version-id " + s.event.Version
}

// unavailable is for every outcome that says nothing about a token.
func (s *step) unavailable(tried string, cause error) error {
	return s.fail(DatabrainUnavailable, cause, "Databrain gave no usable answer ("+tried+")",
		triesAgain+Remedy(cause)+s.shortTime(cause))
}

const triesAgain = "Secrets Manager tries again by itself for a while. If it stays: "

// Remedy returns what to do about an answer of Databrain that says nothing about a token.
func Remedy(cause error) string {
	switch databrain.ClassOf(cause) {
	case databrain.ClassRateLimited:
		return "let rotations and audits run at different times, or raise the rate limit of the instance (RATE_LIMIT)"
	case databrain.ClassForbidden:
		return "a firewall or proxy before the instance may refuse the function, and its log says so"
	case databrain.ClassDecode:
		return "DATABRAIN_BASE_URL (parameter DatabrainBaseUrl) is probably wrong, or a proxy or login page answers in " +
			"place of the API. The address is the origin of the instance, without /api/v2"
	}
	return "see whether the instance runs, whether DATABRAIN_BASE_URL (parameter DatabrainBaseUrl) names it, and " +
		"whether the function has a way to it"
}

// shortTime is an advice where a request has hung, for a function whose time-out is
// too short for that.
func (s *step) shortTime(cause error) string {
	var timeout net.Error
	hung := errors.Is(cause, context.DeadlineExceeded) || errors.As(cause, &timeout) && timeout.Timeout()
	if whole := s.deadline.Add(reportTime).Sub(s.began); hung && whole < shortStep {
		return fmt.Sprintf(
			". The function had only %v for the step: raise its timeout to 60 seconds",
			whole.Round(time.Second),
		)
	}
	return ""
}

// refused is for a write that Databrain definitely did not carry out.
func (s *step) refused(tried string, cause error) error {
	found, next := "Databrain refused ("+tried+")", "Check what the account may do there, and the instance's log"
	switch databrain.ClassOf(cause) {
	case databrain.ClassPermanent:
		found = "Databrain refused for good (" + tried + "): the instance is not self-hosted, or has no account " +
			"for this admin"
		next = "A retry cannot help. Check DATABRAIN_BASE_URL (parameter DatabrainBaseUrl) and the instance's set-up"
	case databrain.ClassRateLimited:
		found = "Databrain's rate limit refused the request (" + tried + ")"
		next = triesAgain + Remedy(cause)
	}
	return s.fail(DatabrainRefused, cause, found, next)
}

// secretsManager is for the failure of a call. A retry is promised only where it can
// help: for what AWS calls transient, and where nothing answered. AWS's message is
// kept only for codes whose messages name principals, keys and secrets; others quote
// what was sent, and PutSecretValue sends a token.
func (s *step) secretsManager(operation string, err error) error {
	found := "Secrets Manager: " + operation + " failed"
	var api smithy.APIError
	if !errors.As(err, &api) {
		return s.fail(SecretsManagerFailed, transport.Cause(err), found+" without an answer",
			"The step can be retried, and Secrets Manager does so by itself. If it stays: in a VPC, check the route or the "+
				"endpoint to Secrets Manager, port 443"+s.shortTime(err))
	}
	code := api.ErrorCode()
	said := code + ": " + strings.TrimSuffix(api.ErrorMessage(), ".")
	next := ""
	switch code {
	case "AccessDeniedException", "AccessDenied":
		next = "Check what the function's role, the secret's policy and the policy of its KMS key allow"
	case "DecryptionFailure",
		"EncryptionFailure",
		"KMSInvalidStateException",
		"KMSDisabledException",
		"KMSNotFoundException",
		"KMSAccessDeniedException",
		"DisabledException",
		"InvalidKeyUsageException":
		next = "Check that the secret's KMS key exists and is enabled, and that its policy lets the function's role use it"
	case "ResourceNotFoundException":
		next = "Check that the secret exists and has a value, and that the settings name it"
	case "LimitExceededException":
		next = "A quota of Secrets Manager is used up; the message names it"
	case "InvalidRequestException":
		next = "The message names what stands in the way"
	case "ValidationException", "InvalidParameterException":
		next = "The request itself is refused. A name or ARN in the settings must have no quotation marks or spaces around it"
		if strings.HasPrefix(operation, "PutSecretValue") {
			said, next = code, "A value has 65,536 bytes at the most"
		}
	case "ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded", "InternalServiceError",
		"InternalServiceErrorException", "InternalFailure", "ServiceUnavailable", "ServiceUnavailableException":
		said, next = code, "The step can be retried, and Secrets Manager does so by itself"
	default:
		said, next = code, "A retry helps only if the cause passes by itself: look the code up in the API reference"
	}
	return s.fail(SecretsManagerFailed, nil, found+": "+said, next)
}
