package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
)

// ErrBroken stands for every failure of a connection that says nothing that is safe
// to show.
var ErrBroken = errors.New("the connection broke before the whole answer was read")

// Cause returns what an operator may see of the failure of a request: who could not
// be reached, and why. net/http quotes malformed answers in its errors, and an answer
// may hold a credential, so that only known errors pass.
func Cause(err error) error {
	if e, ok := errors.AsType[*StalledError](err); ok {
		return e
	}
	if e, ok := errors.AsType[*net.DNSError](err); ok {
		return fmt.Errorf("the name %s could not be looked up: %s", e.Name, e.Err)
	}
	if cause := certificate(err); cause != nil {
		return cause
	}
	if e, ok := errors.AsType[*net.OpError](err); ok {
		return e
	}
	for _, known := range []error{
		context.DeadlineExceeded, context.Canceled, os.ErrDeadlineExceeded, http.ErrSchemeMismatch,
	} {
		if errors.Is(err, known) {
			return known
		}
	}
	// net/http has no types for these.
	if err != nil && strings.Contains(err.Error(), "TLS handshake timeout") {
		return errors.New("the TLS handshake got no answer")
	}
	if err != nil && strings.Contains(err.Error(), "client connection lost") {
		return errors.New("the connection fell silent")
	}
	return ErrBroken
}

// certificate returns what is wrong with the certificate of a server, or nil.
func certificate(err error) error {
	if e, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		if _, unknown := errors.AsType[x509.UnknownAuthorityError](err); unknown {
			return fmt.Errorf("%w (SSL_CERT_FILE can name the certificates of a private authority)", e)
		}
		return e
	}
	return nil
}
