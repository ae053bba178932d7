package s3test

import (
	"encoding/xml"
	"net/http"

	"github.com/google/uuid"

	"databrain-rotation/pkg/standin"
)

// errorAnswer is the error document (API reference, "Error responses").
type errorAnswer struct {
	XMLName   xml.Name `xml:"Error"`
	Code      string
	Message   string
	Resource  string
	RequestId string
}

// meanings are the errors of this part of S3 with their status and usual text.
var meanings = map[string]struct {
	status  int
	message string
}{
	"AccessDenied": {http.StatusForbidden, "Access Denied"},
	"BadDigest":    {http.StatusBadRequest, "The checksum you specified did not match what we received."},
	"ConditionalRequestConflict": {
		http.StatusConflict,
		"The conditional request cannot succeed due to a conflicting operation against this resource.",
	},
	"IncompleteBody":  {http.StatusBadRequest, "The request body terminated unexpectedly"},
	"InternalError":   {http.StatusInternalServerError, "We encountered an internal error. Please try again."},
	"InvalidArgument": {http.StatusBadRequest, "Invalid Argument"},
	"MalformedTrailerError": {
		http.StatusBadRequest,
		"The request contained trailing data that was not well-formed or did not conform to our published schema.",
	},
	"NoSuchBucket": {http.StatusNotFound, "The specified bucket does not exist"},
	"NoSuchKey":    {http.StatusNotFound, "The specified key does not exist."},
	"NotImplemented": {
		http.StatusNotImplemented,
		"A header you provided implies functionality that is not implemented",
	},
	"PreconditionFailed": {
		http.StatusPreconditionFailed,
		"At least one of the pre-conditions you specified did not hold",
	},
	"SlowDown": {http.StatusServiceUnavailable, "Please reduce your request rate."},
	"XAmzContentSHA256Mismatch": {
		http.StatusBadRequest,
		"The provided 'x-amz-content-sha256' header does not match what was computed.",
	},
}

// fail makes an error answer. A code without an entry is a bad request.
func fail(r *http.Request, code string) standin.Answer {
	if code == "" {
		code = "InternalError"
	}
	meaning, ok := meanings[code]
	if !ok {
		meaning.status = http.StatusBadRequest
	}
	id := uuid.NewString()
	h := http.Header{"X-Amz-Request-Id": {id}, "Content-Type": {"application/xml"}}
	if r.Method == http.MethodHead {
		// The status is all that a HEAD request learns.
		return standin.Answer{Status: meaning.status, Header: h}
	}
	return standin.Answer{Status: meaning.status, Header: h,
		Body: document(errorAnswer{Code: code, Message: meaning.message, Resource: r.URL.Path, RequestId: id})}
}

func document(v any) []byte {
	// Strings and numbers alone: this cannot fail.
	body, _ := xml.Marshal(v)
	return append([]byte(xml.Header), body...)
}
