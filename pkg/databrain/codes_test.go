package databrain_test

import (
	"fmt"
	"strings"

	"databrain-rotation/pkg/databrain"
	"databrain-rotation/pkg/standin/databraintest"
)

// codeRows are the codes of the documentation in all their spellings.
func codeRows() (all []row) {
	add := func(status int, sent string, want outcome) {
		want.Status = status
		all = append(
			all,
			row{fmt.Sprintf("%d %s", status, sent), false, always(databraintest.Error(status, sent, "text")), want},
		)
	}
	for sent, want := range map[string]outcome{
		"INVALID_REQUEST_BODY":     {Class: databrain.ClassInvalid, Code: "INVALID_REQUEST_BODY"},
		"INVALID REQUEST BODY":     {Class: databrain.ClassInvalid, Code: "INVALID_REQUEST_BODY"},
		"INVALID_REQUEST":          {Class: databrain.ClassInvalid, Code: "INVALID_REQUEST"},
		"RESET_PASSWORD_ERROR":     {Class: databrain.ClassInvalid, Code: "RESET_PASSWORD_ERROR"},
		"INVALID_DATA_APP_API_KEY": {Class: databrain.ClassInvalid, Code: "INVALID_DATA_APP_API_KEY"},
		"DATA_APP_ALREADY_EXISTS":  {Class: databrain.ClassInvalid, Code: "DATA_APP_ALREADY_EXISTS"},
		"DATA_APP_NOT_FOUND":       {Class: databrain.ClassNotFound, Code: "DATA_APP_NOT_FOUND"},
		"USER_NOT_FOUND":           {Class: databrain.ClassLogin, Code: "USER_NOT_FOUND"},
		"Invalid credentials":      {Class: databrain.ClassLogin, Code: "INVALID_CREDENTIALS"},
		"AUTHENTICATION_ERROR":     {Class: databrain.ClassAuth, Rejected: true, Code: "AUTHENTICATION_ERROR"},
		" authentication-error\t":  {Class: databrain.ClassAuth, Rejected: true, Code: "AUTHENTICATION_ERROR"},
		"AUTHENTICATION_ERR":       {Class: databrain.ClassAuth, Rejected: true, Code: "AUTHENTICATION_ERR"},
		"EXPIRED_SERVICE_TOKEN":    {Class: databrain.ClassAuth, Rejected: true, Code: "EXPIRED_SERVICE_TOKEN"},
		"INVALID_SERVICE_TOKEN":    {Class: databrain.ClassAuth, Rejected: true, Code: "INVALID_SERVICE_TOKEN"},
	} {
		add(400, sent, want)
	}
	for _, sent := range []string{"AUTHENTICATION_ERROR", "AUTHENTICATION_ERR", "EXPIRED_SERVICE_TOKEN",
		"INVALID_DATA_APP_API_KEY"} {
		add(401, sent, outcome{Class: databrain.ClassAuth, Rejected: true, Code: sent})
	}
	add(500, "AUTHENTICATION_ERROR", outcome{Class: databrain.ClassAuth, Rejected: true, Code: "AUTHENTICATION_ERROR"})
	for _, sent := range []string{"SELFHOSTED_APP_ERROR", "ACCOUNT_NOT_FOUND"} {
		add(500, sent, outcome{Class: databrain.ClassPermanent, Code: sent})
	}
	for sent, code := range map[string]string{
		"INTERNAL_SERVER_ERROR": "INTERNAL_SERVER_ERROR",
		"INTERNAL SERVER ERROR": "INTERNAL_SERVER_ERROR",
		"INVALID_SERVER_ERROR":  "INVALID_SERVER_ERROR",
		"INVALID_REQUEST_BODY":  "INVALID_REQUEST_BODY",
		strings.Repeat("A", 48): strings.Repeat("A", 48),
		strings.Repeat("A", 49): "", // too long for a code
	} {
		add(500, sent, outcome{Class: databrain.ClassServer, Unknown: true, Code: code})
	}
	return all
}
