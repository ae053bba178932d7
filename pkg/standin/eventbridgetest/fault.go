package eventbridgetest

import (
	"net/http"

	"databrain-rotation/pkg/standin"
)

// failCall is the answer to a call that a fault struck.
func failCall(_ *http.Request, code string) standin.Answer {
	if code == "" {
		code = "InternalException"
	}
	return failure(code, "The call failed.")
}

// failure is an error answer in the JSON 1.1 protocol.
func failure(code, message string) standin.Answer {
	status := http.StatusBadRequest
	if code == "InternalException" || code == "InternalFailure" {
		status = http.StatusInternalServerError
	}
	return standin.JSON(status, map[string]string{"__type": code, "message": message})
}
