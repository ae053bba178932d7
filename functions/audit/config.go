package main

import (
	"errors"
	"net/url"
	"strings"
	"time"

	"databrain-rotation/pkg/audit/finding"
	"databrain-rotation/pkg/settings"
)

// config is the function's environment.
type config struct {
	instance          *url.URL
	secretID          string
	policy            finding.Policy
	policyObject      *object // read at every run in place of policy
	bus               string  // "" sends no events
	bucket, prefix    string  // bucket "" stores nothing
	requestsPerMinute int
	concurrency       int
	previousGrace     time.Duration
	apiTokenPrefix    string // "" knows of no managed API tokens
	messagesPerRun    int
	dashboard         string // address; "" is not known
	securityHub       bool   // import the findings
}

// object is an object in S3.
type object struct{ bucket, key string }

// parseConfig reads all settings and returns every fault in one error.
func parseConfig(getenv func(string) string) (config, error) {
	r := &settings.Reader{Getenv: getenv}
	c := config{
		instance:          r.Instance(),
		secretID:          r.SecretID("DATABRAIN_SERVICE_TOKEN_SECRET_ID"),
		bus:               r.Text("AUDIT_EVENT_BUS", "default"),
		bucket:            r.Text("AUDIT_BUCKET", ""),
		prefix:            r.Text("AUDIT_PREFIX", "databrain-audit/"),
		requestsPerMinute: r.Int("AUDIT_REQUESTS_PER_MINUTE", 200, 1, 60_000),
		concurrency:       r.Int("AUDIT_CONCURRENCY", 4, 1, 64),
		previousGrace:     r.SecondsOrNone("AUDIT_PREVIOUS_GRACE", 0),
		apiTokenPrefix:    r.Text("AUDIT_API_TOKEN_PREFIX", ""),
		messagesPerRun:    r.Int("AUDIT_MESSAGES_PER_RUN", 10, 0, 1000),
		dashboard:         r.Text("AUDIT_DASHBOARD_URL", ""),
		securityHub:       r.Choice("AUDIT_SECURITY_HUB", "false", "true") == "true",
	}
	c.policy, c.policyObject = parsePolicy(r)
	if c.bus == "none" {
		c.bus = ""
	} else if !madeOf(c.bus, ":/._-") {
		r.Fault("AUDIT_EVENT_BUS", "must be the name or ARN of an event bus, or none")
	}
	if !madeOf(c.bucket, ":/._-") || strings.Contains(c.bucket, "://") {
		r.Fault("AUDIT_BUCKET", "must be the name of a bucket")
	}
	if strings.HasPrefix(c.prefix, "/") || strings.ContainsAny(c.prefix, " \t\r\n") {
		r.Fault("AUDIT_PREFIX", "must not begin with a slash or hold white space")
	}
	if !madeOf(c.apiTokenPrefix, "/_+=.@-") || strings.HasPrefix(c.apiTokenPrefix, "-") || len(c.apiTokenPrefix) > 480 {
		r.Fault("AUDIT_API_TOKEN_PREFIX", "must be the beginning of a secret's name, such as databrain/api-token/")
	}
	if u, err := url.Parse(c.dashboard); c.dashboard != "" && (err != nil || u.Scheme != "https" || u.Host == "") {
		r.Fault("AUDIT_DASHBOARD_URL", "must be an https URL")
	}
	if err := r.Err(); err != nil {
		return config{}, err
	}
	return c, nil
}

// parsePolicy reads AUDIT_POLICY: absent, inline JSON, or the address of an object.
func parsePolicy(r *settings.Reader) (finding.Policy, *object) {
	const name = "AUDIT_POLICY"
	value := strings.TrimSpace(strings.TrimPrefix(r.Text(name, ""), "\uFEFF")) // a byte order mark is no part of it
	if value == "" {
		return finding.DefaultPolicy(), nil
	}
	if address, ok := strings.CutPrefix(value, "s3://"); ok {
		bucket, key, _ := strings.Cut(address, "/")
		if bucket == "" || key == "" || !madeOf(bucket, "._-") {
			r.Fault(name, "must be s3://bucket/key, with a bucket and a key, or a JSON object")
		}
		return finding.Policy{}, &object{bucket, key}
	}
	policy, err := finding.ParsePolicy([]byte(value), name)
	if invalid, ok := errors.AsType[*finding.InvalidPolicy](err); ok {
		for _, fault := range invalid.Faults {
			r.Fault(name, fault)
		}
	}
	return policy, nil
}

// madeOf reports whether text has nothing but letters, digits and the given marks.
func madeOf(text, marks string) bool {
	for _, c := range []byte(text) {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !letter && strings.IndexByte(marks, c) < 0 {
			return false
		}
	}
	return true
}
