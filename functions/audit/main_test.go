package main

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"databrain-rotation/pkg/audit/report"
	"databrain-rotation/pkg/standin/databraintest"
	"databrain-rotation/pkg/standin/labtest"
	"databrain-rotation/pkg/standin/runtimetest"
)

// The test binary is the function when this variable is set.
const asFunction = "RUN_AS_FUNCTION"

func TestMain(m *testing.M) {
	if os.Getenv(asFunction) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

func start(t *testing.T, env map[string]string) *runtimetest.Function {
	t.Helper()
	env[asFunction] = "1"
	env["GOCOVERDIR"] = t.TempDir() // for go test -cover: without it each process logs a warning
	f, err := runtimetest.Start(t.Context(), runtimetest.Config{Path: os.Args[0], Env: env, Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func lab(t *testing.T) *labtest.Lab {
	t.Helper()
	l, err := labtest.Start(labtest.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func invoke(t *testing.T, f *runtimetest.Function, payload string) runtimetest.Result {
	t.Helper()
	r, err := f.Invoke(t.Context(), []byte(payload),
		runtimetest.Options{RequestID: "9b1deb4d-0000-4000-8000-000000000001"})
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range databraintest.ExampleDataApps() {
		for _, k := range a.Tokens {
			if strings.Contains(r.Log+string(r.Payload), k.Key) {
				t.Error("the log or the answer holds a key")
			}
		}
	}
	return r
}

// TestAuditThroughTheRuntime audits the documentation's example with the function
// as a process of its own, from the payload of the repository, twice in one
// environment.
func TestAuditThroughTheRuntime(t *testing.T) {
	payload, err := os.ReadFile("../../events/audit-scheduled.json")
	if err != nil {
		t.Fatal(err)
	}
	l := lab(t)
	f := start(t, l.Audit())
	for run, want := range []report.Counts{{New: 3}, {Ongoing: 3}} {
		r := invoke(t, f, string(payload))
		if r.Err != nil {
			t.Fatalf("%v\n%s", r.Err, r.Log)
		}
		var s report.Summary
		if err := json.Unmarshal(r.Payload, &s); err != nil {
			t.Fatal(err)
		}
		if s.Status != report.Complete || s.Requests != 4 || s.Counts.Stale != 3 || s.Counts.New != want.New ||
			s.Counts.Ongoing != want.Ongoing ||
			s.RunID != "9b1deb4d-0000-4000-8000-000000000001" ||
			s.Instance != l.DatabrainURL {
			t.Errorf("run %d: %+v", run, s)
		}
		for _, word := range []string{`"requestId":"9b1deb4d-0000-4000-8000-000000000001"`,
			`"Namespace":"Databrain/TokenAudit"`, `"audit ended"`} {
			if !strings.Contains(r.Log, word) {
				t.Errorf("run %d: the log lacks %s:\n%s", run, word, r.Log)
			}
		}
	}
	if _, stored := l.Objects.Object(labtest.Bucket, "databrain-audit/latest/report.html"); !stored {
		t.Error("no report")
	}
	events := l.Events.Accepted()
	if r := invoke(t, f, `{"dryRun":true}`); r.Err != nil || l.Events.Accepted() != events ||
		strings.Contains(r.Log, "_aws") {
		t.Errorf("a dry run: %v, %d events\n%s", r.Err, l.Events.Accepted()-events, r.Log)
	}
}

// TestImportsThroughTheRuntime: the account and the region are those of the function's ARN,
// the address is that of the SDK's variable.
func TestImportsThroughTheRuntime(t *testing.T) {
	l := lab(t)
	env := l.Audit()
	env["AUDIT_SECURITY_HUB"] = "true"
	f := start(t, env)
	for run := range 2 {
		if r := invoke(t, f, `{}`); r.Err != nil || !strings.Contains(r.Log, `"imported":`) {
			t.Fatalf("run %d: %v\n%s", run, r.Err, r.Log)
		}
		if n, calls := len(l.Hub.Findings()), l.Hub.Count("BatchImportFindings"); n != 3 || calls != 1 {
			t.Errorf("run %d: %d findings by %d calls", run, n, calls)
		}
	}
	for _, f := range l.Hub.Findings() {
		if f["AwsAccountId"] != "123456789012" {
			t.Errorf("imported for account %v", f["AwsAccountId"])
		}
	}
}

func TestErrorsThroughTheRuntime(t *testing.T) {
	const hidden = "s3cr3t-Value"
	for name, c := range map[string]struct {
		change  func(*labtest.Lab, map[string]string)
		payload string
		kind    string
		says    []string
	}{
		"settings": {func(_ *labtest.Lab, env map[string]string) {
			env["DATABRAIN_BASE_URL"], env["AUDIT_CONCURRENCY"], env["AUDIT_POLICY"] = "", hidden,
				`{"rules":[{"id":"`+hidden+`"}]}`
		}, `{}`, "InvalidSettings", []string{"DATABRAIN_BASE_URL", "AUDIT_CONCURRENCY", "AUDIT_POLICY rules[0].maxAgeDays"}},
		"event": {nil, `{"dryRun":"` + hidden + `"}`, "MalformedEvent", []string{"dryRun"}},
		"secret": {func(l *labtest.Lab, _ map[string]string) {
			l.Secrets.ManualPut(labtest.TokenSecret, `{"token":["`+hidden+`"]}`)
		}, `{}`, "RunFailed", []string{labtest.TokenSecretARN, "AWSCURRENT"}},
		"list": {func(l *labtest.Lab, _ map[string]string) { l.Databrain.SetToken(hidden) }, `{}`, "RunFailed",
			[]string{"list the data apps", "AUTHENTICATION_ERROR"}},
		"policy": {func(_ *labtest.Lab, env map[string]string) {
			env["AUDIT_POLICY"] = "s3://" + labtest.Bucket + "/policy.json"
		}, `{}`, "RunFailed", []string{"AUDIT_POLICY", "policy.json"}},
		"events": {func(_ *labtest.Lab, env map[string]string) {
			env["AWS_ENDPOINT_URL_EVENTBRIDGE"] = "http://127.0.0.1:1"
		}, `{}`, "EmissionFailed", []string{"events"}},
		"Security Hub": {func(l *labtest.Lab, env map[string]string) {
			env["AUDIT_SECURITY_HUB"] = "true"
			l.Hub.Switch(false)
		}, `{}`, "EmissionFailed", []string{"Security Hub", "switched off", "enable-security-hub", "AuditSecurityHub"}},
	} {
		t.Run(name, func(t *testing.T) {
			l := lab(t)
			env := l.Audit()
			if c.change != nil {
				c.change(l, env)
			}
			r := invoke(t, start(t, env), c.payload)
			if r.Err == nil || r.Err.Type != c.kind {
				t.Fatalf("error %v, want %s\n%s", r.Err, c.kind, r.Log)
			}
			for _, word := range c.says {
				if !strings.Contains(r.Err.Message, word) {
					t.Errorf("the message lacks %q: %s", word, r.Err.Message)
				}
			}
			lines, err := r.ErrorLines()
			lines = slices.DeleteFunc(
				lines,
				func(l map[string]any) bool { return l["errorType"] == nil },
			) // those of single events
			if err != nil || len(lines) != 1 || lines[0]["errorType"] != c.kind || lines[0]["error"] != r.Err.Message {
				t.Errorf("%d lines tell of the failure, want one of %s; %v\n%s", len(lines), c.kind, err, r.Log)
			}
			if strings.Contains(r.Log+string(r.Payload), hidden) {
				t.Errorf("a value is shown:\n%s\n%s", r.Payload, r.Log)
			}
		})
	}
}
