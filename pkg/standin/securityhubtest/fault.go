package securityhubtest

import (
	"net/http"

	"databrain-rotation/pkg/standin"
)

// fail is the answer to a call that a fault struck.
func fail(_ *http.Request, code string) standin.Answer {
	if code == "" {
		code = "InternalException"
	}
	message := "The call failed."
	if code == "InvalidAccessException" {
		message = "Account 123456789012 is not subscribed to AWS Security Hub"
	}
	return failure(code, message)
}

// statuses are those of the service's errors
// (https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_BatchImportFindings.html).
var statuses = map[string]int{
	"InternalException": http.StatusInternalServerError, "InvalidAccessException": http.StatusUnauthorized,
	"LimitExceededException": http.StatusTooManyRequests, "TooManyRequestsException": http.StatusTooManyRequests,
	"AccessDeniedException": http.StatusForbidden, "InvalidSignatureException": http.StatusForbidden,
	"ResourceNotFoundException": http.StatusNotFound,
}

// failure is an error answer in the REST JSON protocol.
func failure(code, message string) standin.Answer {
	status := statuses[code]
	if status == 0 {
		status = http.StatusBadRequest
	}
	a := answer(status, map[string]string{"Message": message, "Code": code})
	a.Header.Set("X-Amzn-Errortype", code)
	return a
}

func answer(status int, document any) standin.Answer {
	a := standin.JSON(status, document)
	a.Header.Set("Content-Type", "application/json")
	return a
}
