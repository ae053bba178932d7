package databraintest

import (
	"net/http"

	"databrain-rotation/pkg/standin"
)

// Error answers with an error in the API's own form.
func Error(status int, code, message string) standin.Action {
	return standin.Respond(failure(status, code, message))
}

// TooManyRequests answers 429 with a body of plain text, and with a Retry-After
// unless that is empty. Neither is documented.
func TooManyRequests(retryAfter string) standin.Action {
	return standin.Respond(tooManyRequests(retryAfter))
}

// failCall is the answer to a call that a [standin.Error] struck.
func failCall(_ *http.Request, code string) answer {
	if code == "" {
		return failure(http.StatusInternalServerError, "INTERNAL_SERVER_ERROR", "INTERNAL_SERVER_ERROR")
	}
	return failure(http.StatusBadRequest, code, code)
}

func failure(status int, code, message string) answer {
	return typed(status, jsonType, encode(map[string]any{"error": map[string]any{"code": code, "message": message}}))
}
