package databrain

import (
	"errors"
	"net"
	"net/url"
	"strconv"
	"strings"
)

// ParseBaseURL reads the address of an instance: an origin with an optional path
// prefix. It must be https; http is accepted for loopback hosts, and elsewhere
// only with allowHTTP. User info, a query and a fragment are refused. The errors
// say what is wrong and never quote the value, which may hold a password.
func ParseBaseURL(value string, allowHTTP bool) (*url.URL, error) {
	u, err := url.Parse(value)
	switch {
	case value == "":
		return nil, errors.New("is required: the https address of the instance")
	case err != nil || u.Hostname() == "" || u.Opaque != "" || !port(u.Port()):
		return nil, errors.New("is not a URL such as https://databrain.example.com")
	case u.User != nil:
		return nil, errors.New("must not hold a user or password")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.Contains(value, "#"):
		return nil, errors.New("must not have a query or a fragment")
	case strings.HasSuffix(strings.TrimRight(u.Path, "/"), "/api/v2"):
		return nil, errors.New("must not end in /api/v2, which every request adds")
	case u.Scheme == "http" && !allowHTTP && !loopback(u.Hostname()):
		return nil, errors.New("must be https (DATABRAIN_ALLOW_HTTP=true accepts http, unencrypted)")
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, errors.New("must start with https://")
	}
	u.Path, u.RawPath = strings.TrimRight(u.Path, "/"), strings.TrimRight(u.RawPath, "/")
	return u, nil
}

// port reports whether digits, which [url.Parse] does not bound, are a TCP port or
// absent.
func port(digits string) bool {
	n, err := strconv.ParseUint(digits, 10, 16)
	return digits == "" || err == nil && n > 0
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
