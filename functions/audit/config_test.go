package main

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"databrain-rotation/pkg/audit/finding"
	"databrain-rotation/pkg/bootstrap"
	"databrain-rotation/pkg/settings"
)

func getenv(env map[string]string) func(string) string {
	return func(name string) string { return env[name] }
}

// required are the settings without a default, and changes to them.
func required(changes ...string) map[string]string {
	env := map[string]string{
		"DATABRAIN_BASE_URL":                "https://databrain.example.com/prefix/",
		"DATABRAIN_SERVICE_TOKEN_SECRET_ID": "databrain/service-token",
	}
	for i := 0; i < len(changes); i += 2 {
		env[changes[i]] = changes[i+1]
	}
	return env
}

func TestSettings(t *testing.T) {
	base := config{
		secretID: "databrain/service-token", policy: finding.DefaultPolicy(), bus: "default",
		prefix: "databrain-audit/", requestsPerMinute: 200, concurrency: 4, messagesPerRun: 10,
	}
	with := func(change func(*config)) config {
		c := base
		change(&c)
		return c
	}
	for name, c := range map[string]struct {
		env  map[string]string
		want config
	}{
		"nothing but what is required": {required(), base},
		"everything": {
			required("AUDIT_POLICY", ` {"maxAgeDays":30} `, "AUDIT_EVENT_BUS",
				"arn:aws:events:eu-west-1:123456789012:event-bus/audit", "AUDIT_BUCKET", "reports",
				"AUDIT_PREFIX", "a/b/", "AUDIT_REQUESTS_PER_MINUTE", "1000", "AUDIT_CONCURRENCY", "16",
				"AUDIT_API_TOKEN_PREFIX", "databrain/api-token/", "AUDIT_PREVIOUS_GRACE", "24h",
				"AUDIT_MESSAGES_PER_RUN", "0", "AUDIT_DASHBOARD_URL", "https://console.example.com/#dashboards:name=x",
				"AUDIT_SECURITY_HUB", "true"),
			with(func(c *config) {
				c.policy.MaxAgeDays = 30
				c.bus, c.bucket, c.prefix = "arn:aws:events:eu-west-1:123456789012:event-bus/audit", "reports", "a/b/"
				c.requestsPerMinute, c.concurrency = 1000, 16
				c.apiTokenPrefix, c.previousGrace = "databrain/api-token/", 24*time.Hour
				c.messagesPerRun, c.dashboard = 0, "https://console.example.com/#dashboards:name=x"
				c.securityHub = true
			}),
		},
		"no events": {required("AUDIT_EVENT_BUS", "none"), with(func(c *config) { c.bus = "" })},
		"policy in S3": {required("AUDIT_POLICY", "s3://b/k/policy.json"), with(func(c *config) {
			c.policy,
				c.policyObject = finding.Policy{}, &object{"b", "k/policy.json"}
		})},
		"policy in S3 behind a byte order mark": {required("AUDIT_POLICY", "\uFEFFs3://b/k/policy.json"),
			with(func(c *config) {
				c.policy, c.policyObject = finding.Policy{}, &object{"b", "k/policy.json"}
			})},
		"empty settings": {required("AUDIT_POLICY", "", "AUDIT_BUCKET", "", "AUDIT_PREFIX", "", "AUDIT_EVENT_BUS", ""), base},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parseConfig(getenv(c.env))
			if err != nil {
				t.Fatal(err)
			}
			if got.instance.String() != "https://databrain.example.com/prefix" {
				t.Errorf("instance %s", got.instance)
			}
			if diff := cmp.Diff(c.want, got, cmp.AllowUnexported(config{}, object{}), cmpopts.IgnoreFields(config{},
				"instance")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestFaultySettings: every faulty variable is named in one error, and no value is
// shown, wherever it was put.
func TestFaultySettings(t *testing.T) {
	const value = "s3cr3t-Value"
	for name, c := range map[string]struct {
		env    map[string]string
		faulty []string
	}{
		"all missing": {nil, []string{"DATABRAIN_BASE_URL", "DATABRAIN_SERVICE_TOKEN_SECRET_ID"}},
		"all wrong": {
			map[string]string{
				"DATABRAIN_BASE_URL": "ftp://" + value + "@x", "DATABRAIN_ALLOW_HTTP": value,
				"DATABRAIN_SERVICE_TOKEN_SECRET_ID": " " + value,
				"AUDIT_POLICY":                      value, "AUDIT_EVENT_BUS": value + " " + value, "AUDIT_BUCKET": "s3://" + value,
				"AUDIT_PREFIX":              "/" + value,
				"AUDIT_REQUESTS_PER_MINUTE": value, "AUDIT_CONCURRENCY": value,
				"AUDIT_PREVIOUS_GRACE": value, "AUDIT_API_TOKEN_PREFIX": value + "*", "AUDIT_SECURITY_HUB": value,
				"AUDIT_MESSAGES_PER_RUN": value, "AUDIT_DASHBOARD_URL": "javascript:" + value,
			},
			[]string{"DATABRAIN_ALLOW_HTTP", "DATABRAIN_BASE_URL", "DATABRAIN_SERVICE_TOKEN_SECRET_ID",
				"AUDIT_REQUESTS_PER_MINUTE", "AUDIT_CONCURRENCY",
				"AUDIT_PREVIOUS_GRACE", "AUDIT_MESSAGES_PER_RUN", "AUDIT_SECURITY_HUB", "AUDIT_POLICY",
				"AUDIT_EVENT_BUS", "AUDIT_BUCKET",
				"AUDIT_PREFIX", "AUDIT_API_TOKEN_PREFIX", "AUDIT_DASHBOARD_URL"},
		},
		"numbers out of range": {required("AUDIT_REQUESTS_PER_MINUTE", "0", "AUDIT_CONCURRENCY",
			"65", "AUDIT_MESSAGES_PER_RUN", "1001"),
			[]string{"AUDIT_REQUESTS_PER_MINUTE", "AUDIT_CONCURRENCY", "AUDIT_MESSAGES_PER_RUN"}},
		"a prefix that AWS would negate": {required("AUDIT_API_TOKEN_PREFIX", "!databrain/"),
			[]string{"AUDIT_API_TOKEN_PREFIX"}},
		"a prefix that a shell takes otherwise": {required("AUDIT_API_TOKEN_PREFIX", "-databrain/"),
			[]string{"AUDIT_API_TOKEN_PREFIX"}},
		"http to elsewhere": {required("DATABRAIN_BASE_URL", "http://databrain.example.com"),
			[]string{"DATABRAIN_BASE_URL"}},
		"a bad policy": {required("AUDIT_POLICY",
			`{"maxAgeDays":"`+value+`","`+value+`":1}`), []string{"AUDIT_POLICY maxAgeDays", "AUDIT_POLICY (a member"}},
		"a mistyped address": {required("AUDIT_POLICY", "s3:/"+value+"/policy.json"),
			[]string{"AUDIT_POLICY is not a JSON object: it looks like the address of an"}},
		"a policy at no key": {required("AUDIT_POLICY", "s3://"+value), []string{"AUDIT_POLICY"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := parseConfig(getenv(c.env))
			invalid, ok := errors.AsType[*settings.InvalidSettings](err)
			if !ok {
				t.Fatalf("error %v", err)
			}
			var got []string
			for i, fault := range invalid.Faults {
				if i < len(c.faulty) && strings.HasPrefix(fault, c.faulty[i]+" ") {
					fault = c.faulty[i]
				}
				got = append(got, fault)
			}
			if diff := cmp.Diff(c.faulty, got); diff != "" {
				t.Error(diff)
			}
			if strings.Contains(strings.ToLower(err.Error()), strings.ToLower(value)) {
				t.Errorf("the error shows a value: %v", err)
			}
		})
	}
}

// TestOnlyTheClientsThatAreNeeded: each client that is made costs time at the cold
// start.
func TestOnlyTheClientsThatAreNeeded(t *testing.T) {
	for name, c := range map[string]struct {
		env        map[string]string
		bus, store bool
	}{
		"default":      {required(), true, false},
		"none":         {required("AUDIT_EVENT_BUS", "none"), false, false},
		"bucket":       {required("AUDIT_BUCKET", "b"), true, true},
		"policy in S3": {required("AUDIT_POLICY", "s3://b/k"), true, false},
	} {
		parsed, err := parseConfig(getenv(c.env))
		if err != nil {
			t.Fatal(err)
		}
		a := newAuditor(parsed, aws.Config{Region: "us-east-1"}, bootstrap.Environment{})
		if (a.Bus != nil) != c.bus || (a.Store != nil) != c.store {
			t.Errorf("%s: bus %v, store %v", name, a.Bus, a.Store)
		}
		if a.Instance != "https://databrain.example.com/prefix" {
			t.Errorf("instance %q", a.Instance)
		}
	}
}

func TestEvents(t *testing.T) {
	for payload, want := range map[string]struct{ dryRun, malformed bool }{
		`{}`:               {},
		`{"dryRun":true}`:  {dryRun: true},
		`{"dryRun":false}`: {},
		`{"source":"aws.scheduler","detail":{"dryRun":true}}`: {},
		`{"id":"1","source":"a","detail":{"id":1,"id":2}}`:    {},
		`{"dryRun":"true"}`:              {malformed: true},
		`{"dryRun":null}`:                {malformed: true},
		`{"dryrun":true}`:                {malformed: true},
		`{"DryRun":true}`:                {malformed: true},
		`{"dryRun":true,"dryRun":false}`: {malformed: true},
		`{"id":"1","id":"2"}`:            {malformed: true},
		`null`:                           {malformed: true},
		`[]`:                             {malformed: true},
		`"dryRun"`:                       {malformed: true},
		`{"dryRun":true`:                 {malformed: true},
		``:                               {malformed: true},
	} {
		dryRun, err := parseEvent([]byte(payload))
		_, malformed := errors.AsType[*MalformedEvent](err)
		if dryRun != want.dryRun || malformed != want.malformed || malformed != (err != nil) {
			t.Errorf("%s: dry run %t, error %v", payload, dryRun, err)
		}
	}
}
