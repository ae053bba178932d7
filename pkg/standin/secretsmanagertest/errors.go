package secretsmanagertest

import (
	"fmt"
	"net/http"
)

// Error codes of the service (API reference, "Common Errors" and each action's
// Errors section).
const (
	CodeNotFound         = "ResourceNotFoundException"
	CodeExists           = "ResourceExistsException"
	CodeInvalidRequest   = "InvalidRequestException"
	CodeInvalidParameter = "InvalidParameterException"
	CodeInvalidNextToken = "InvalidNextTokenException"
	CodeDecryption       = "DecryptionFailure"
	CodeInternal         = "InternalServiceError"
	CodeAccessDenied     = "AccessDeniedException"
	CodeThrottling       = "ThrottlingException"
	CodeValidation       = "ValidationException"
)

// Error is an answer of the service that is not a success. Its Message never
// holds a secret value.
type Error struct {
	Code, Message string
}

// Error implements error.
func (e *Error) Error() string { return e.Code + ": " + e.Message }

// status is the HTTP status of the answer: every client error is a 400.
func (e *Error) status() int {
	if e.Code == CodeInternal {
		return http.StatusInternalServerError
	}
	return http.StatusBadRequest
}

// modeled tells whether Code is an error shape of this service. Those spell their
// text "Message"; the errors common to all services spell it "message".
func (e *Error) modeled() bool {
	switch e.Code {
	case CodeAccessDenied, CodeThrottling, CodeValidation, "UnknownOperationException", "SerializationException":
		return false
	}
	return true
}

func fail(code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

func errNoSecret() *Error {
	return fail(CodeNotFound, "Secrets Manager can't find the specified secret.")
}

func errNoVersion(id string) *Error {
	return fail(CodeNotFound, "Secrets Manager can't find the specified secret value for VersionId: %s", id)
}

func errNoStage(stage string) *Error {
	return fail(CodeNotFound, "Secrets Manager can't find the specified secret value for staging label: %s", stage)
}

func errDeleted() *Error {
	return fail(CodeInvalidRequest, "You can't perform this operation on the secret because it was marked for deletion.")
}

func errTokenInUse(token, arn string) *Error {
	return fail(
		CodeExists,
		"You can't use ClientRequestToken %s because that value is already in use for a version of secret %s.",
		token,
		arn,
	)
}

// The user guide's troubleshooting page and the API reference (RotateSecret) name
// this state: AWSPENDING is on a version that does not carry AWSCURRENT.
func errRotationIncomplete() *Error {
	return fail(CodeInvalidRequest, "A previous rotation isn't complete. That rotation will be reattempted.")
}

// defaultMessage is the text of an injected error.
func defaultMessage(code, operation string) string {
	switch code {
	case CodeInternal:
		return "An error occurred on the server side."
	case CodeThrottling:
		return "Rate exceeded"
	case CodeAccessDenied:
		return "User is not authorized to perform: secretsmanager:" + operation +
			" because no identity-based policy allows the action"
	case CodeDecryption:
		return "Secrets Manager can't decrypt the protected secret text using the provided KMS key."
	case CodeNotFound:
		return errNoSecret().Message
	}
	return "injected by the stand-in"
}
