package databrain

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"databrain-rotation/pkg/transport"
)

// Class is the kind of a failure, decided once from status and error code.
type Class string

// The classes of failure.
const (
	ClassAuth        Class = "auth"         // 401, or a code that says the token is not valid
	ClassForbidden   Class = "forbidden"    // 403
	ClassRateLimited Class = "rate_limited" // 429
	ClassServer      Class = "server"       // 5xx
	ClassTimeout     Class = "timeout"      // no whole answer in time
	ClassDecode      Class = "decode"       // an answer that is not the API's: HTML, truncated, too large, a redirect
	ClassNetwork     Class = "network"      // no connection, or it broke
	ClassInvalid     Class = "invalid"      // the API refused the request as it was written
	ClassNotFound    Class = "not_found"    // DATA_APP_NOT_FOUND
	ClassLogin       Class = "login"        // unknown e-mail address or wrong password
	ClassPermanent   Class = "permanent"    // no retry helps: SELFHOSTED_APP_ERROR, ACCOUNT_NOT_FOUND
)

// Error is the failure of one request. It holds nothing that came from the
// answer's body but a code made of letters.
type Error struct {
	Op     string // what was tried, e.g. "save service token"
	Host   string // scheme and host of the instance
	Class  Class
	Status int    // HTTP status; 0 without an answer
	Code   string // normalised error code, e.g. "INVALID_REQUEST_BODY"; "" without one

	// RetryAfter is how long the instance asked to wait; 0 if it did not say.
	RetryAfter time.Duration

	unknown  bool // it may have taken effect
	rejected bool // the API itself said that the token is not valid
	err      error
}

// Error says what is wrong first, then who was asked for what.
func (e *Error) Error() string { return fmt.Sprintf("%s (%s, %s)", e.Said(), e.Host, e.Op) }

// Said is what is wrong, without who was asked for what.
func (e *Error) Said() string {
	var b strings.Builder
	b.WriteString(string(e.Class))
	if e.Status != 0 {
		fmt.Fprintf(&b, ", status %d", e.Status)
	}
	if e.Code != "" {
		fmt.Fprintf(&b, ", code %s", e.Code)
	}
	if e.err != nil {
		fmt.Fprintf(&b, ": %v", e.err)
	}
	return b.String()
}

// Unwrap returns the transport's error, if there was one.
func (e *Error) Unwrap() error { return e.err }

// Unknown reports whether err leaves it open if the request took effect. An
// error that is not an [*Error] does.
func Unknown(err error) bool {
	if err == nil {
		return false
	}
	e, ok := errors.AsType[*Error](err)
	return !ok || e.unknown
}

// Rejected reports whether err is a definite answer of the API that the token is
// not valid: a 401 with the API's own JSON error, or any status with the code
// AUTHENTICATION_ERROR, AUTHENTICATION_ERR, EXPIRED_SERVICE_TOKEN or
// INVALID_SERVICE_TOKEN. A proxy's 401 page is not.
func Rejected(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.rejected
}

// ClassOf returns the class of err, ClassNetwork if it is not an [*Error].
func ClassOf(err error) Class {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Class
	}
	return ClassNetwork
}

// classify fills in what an answer with this status and error code means. ours
// tells the API's own JSON error from a page that something else sent.
func (e *Error) classify(ours bool) {
	e.rejected = e.Status == http.StatusUnauthorized && ours
	e.unknown = e.Status/100 != 4 || !ours // a proxy's page may follow a forwarded request
	switch e.Code {
	case "AUTHENTICATION_ERROR", "AUTHENTICATION_ERR", "EXPIRED_SERVICE_TOKEN", "INVALID_SERVICE_TOKEN":
		e.Class, e.rejected, e.unknown = ClassAuth, true, false
		return
	case "SELFHOSTED_APP_ERROR", "ACCOUNT_NOT_FOUND":
		e.Class, e.unknown = ClassPermanent, false
		return
	case "USER_NOT_FOUND", "INVALID_CREDENTIALS":
		e.Class, e.unknown = ClassLogin, false
		return
	case "DATA_APP_NOT_FOUND":
		e.Class, e.unknown = ClassNotFound, false
		return
	}
	switch {
	case e.Status == http.StatusUnauthorized:
		e.Class, e.unknown = ClassAuth, false
	case e.Status == http.StatusForbidden:
		e.Class, e.unknown = ClassForbidden, false
	case e.Status == http.StatusTooManyRequests:
		e.Class, e.unknown = ClassRateLimited, false
	case e.Status >= 500:
		e.Class = ClassServer
	case e.Status/100 == 4 && ours:
		e.Class = ClassInvalid
	default:
		e.Class = ClassDecode
	}
}

// failure returns e with what it has in common with the other failures of r.
func (c *Client) failure(r request, e Error) *Error {
	e.Op, e.Host = r.op, c.base.Scheme+"://"+c.base.Host
	return &e
}

// broken is the failure of a request that got no answer, or not all of it. It leaves
// it open whether the request took effect.
func (c *Client) broken(r request, status int, err error) *Error {
	e := c.failure(r, Error{Status: status, Class: ClassNetwork, unknown: true})
	var timeout net.Error
	switch {
	case errors.Is(err, errUnreadable):
		e.Class, e.err = ClassDecode, errUnreadable
		return e
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		e.Class = ClassTimeout
	}
	e.err = transport.Cause(err)
	return e
}

// normalise makes one spelling of the API's codes: "Invalid credentials",
// "INVALID REQUEST BODY" and INVALID_REQUEST_BODY all occur. What is not made of
// letters is no code and is dropped, so that a code cannot carry a credential.
func normalise(code string) string {
	words := strings.FieldsFunc(strings.ToUpper(code), func(r rune) bool {
		return r == ' ' || r == '-' || r == '_' || r == '\t'
	})
	code = strings.Join(words, "_")
	foreign := func(r rune) bool { return r != '_' && (r < 'A' || r > 'Z') }
	if len(code) > 48 || strings.ContainsFunc(code, foreign) {
		return ""
	}
	return code
}
