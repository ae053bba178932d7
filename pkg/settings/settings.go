// Package settings reads environment variables and collects every fault, so that
// an operator repairs a wrong deployment in one pass. Errors name variables and
// never show a value: a value in the wrong variable may be a credential.
package settings

import (
	"crypto/x509"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"databrain-rotation/pkg/databrain"
)

// InvalidSettings is the error of a cold start with missing or malformed settings.
type InvalidSettings struct{ Faults []string }

func (e *InvalidSettings) Error() string {
	return "settings: " + strings.Join(e.Faults, "; ") +
		" (nothing was done; a stack sets these variables by its parameters, which the function's README names)"
}

// Reader reads variables through Getenv and notes what is wrong with them.
type Reader struct {
	Getenv func(string) string
	faults []string
}

// Err returns an [*InvalidSettings] that names every fault, or nil.
func (r *Reader) Err() error {
	if len(r.faults) == 0 {
		return nil
	}
	return &InvalidSettings{r.faults}
}

// Fault notes that the variable called name has a problem, e.g. "is required".
func (r *Reader) Fault(name, problem string) {
	r.faults = append(r.faults, name+" "+problem)
}

// Text returns a variable, or fallback if it is empty.
func (r *Reader) Text(name, fallback string) string {
	if v := r.Getenv(name); v != "" {
		return v
	}
	return fallback
}

// Required returns a variable that must not be empty or have spaces around it.
func (r *Reader) Required(name string) string {
	v := r.Getenv(name)
	if v == "" {
		r.Fault(name, "is required")
	} else if strings.TrimSpace(v) != v {
		r.Fault(name, "has white space around it")
	}
	return v
}

var secretID = regexp.MustCompile(`^[A-Za-z0-9/_+=.@!:-]+$`)

// SecretID returns a variable that has to name a secret: a name or an ARN.
func (r *Reader) SecretID(name string) string {
	v := r.Required(name)
	if v != "" && strings.TrimSpace(v) == v && !secretID.MatchString(v) {
		r.Fault(name, "is not the name or ARN of a secret: it has characters that neither can have, such as quotation marks")
	}
	return v
}

// Choice returns a variable that is one of allowed, the first being the default.
func (r *Reader) Choice(name string, allowed ...string) string {
	v := r.Text(name, allowed[0])
	if !slices.Contains(allowed, v) {
		r.Fault(name, "must be one of "+strings.Join(allowed, ", "))
	}
	return v
}

// Int returns a whole number between least and most.
func (r *Reader) Int(name string, fallback, least, most int) int {
	v, err := strconv.Atoi(r.Text(name, strconv.Itoa(fallback)))
	if err != nil || v < least || v > most {
		r.Fault(name, fmt.Sprintf("must be a whole number from %d to %d", least, most))
	}
	return v
}

// Seconds returns a Go duration of one or more whole seconds.
func (r *Reader) Seconds(name string, fallback time.Duration) time.Duration {
	v := r.SecondsOrNone(name, fallback)
	if v == 0 {
		r.Fault(name, "must be a Go duration above zero, such as 24h or 3600s")
	}
	return v
}

// SecondsOrNone returns a Go duration of whole seconds, 0s included. It returns -1 for
// a faulty one.
func (r *Reader) SecondsOrNone(name string, fallback time.Duration) time.Duration {
	v, err := time.ParseDuration(r.Text(name, fallback.String()))
	if err != nil || v < 0 || v%time.Second != 0 {
		r.Fault(name, "must be a Go duration of whole seconds, such as 24h or 3600s")
		return -1
	}
	return v
}

// Instance returns the base URL of the Databrain instance, from
// DATABRAIN_BASE_URL and DATABRAIN_ALLOW_HTTP. It also notes a file of certificate
// authorities that is not there.
func (r *Reader) Instance() *url.URL {
	allowHTTP := r.Choice("DATABRAIN_ALLOW_HTTP", "false", "true") == "true"
	base, err := databrain.ParseBaseURL(r.Getenv("DATABRAIN_BASE_URL"), allowHTTP)
	if err != nil {
		r.Fault("DATABRAIN_BASE_URL", err.Error())
	}
	r.authorities()
	return base
}

// authorities checks the file that SSL_CERT_FILE names: Go passes over one that it
// cannot read, and would then trust nobody whom the file was to vouch for.
func (r *Reader) authorities() {
	name := r.Getenv("SSL_CERT_FILE")
	if name == "" {
		return
	}
	file, err := os.ReadFile(name)
	switch {
	case err != nil:
		r.Fault("SSL_CERT_FILE", "names a file that cannot be read: is the layer with the certificates attached?")
	case !x509.NewCertPool().AppendCertsFromPEM(file):
		r.Fault("SSL_CERT_FILE", "names a file that holds no certificate in PEM form")
	}
}
