package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"databrain-rotation/pkg/standin/databraintest"
	"databrain-rotation/pkg/standin/labtest"
	"databrain-rotation/pkg/standin/runtimetest"
	"databrain-rotation/pkg/standin/secretsmanagertest"
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
	f, err := runtimetest.Start(t.Context(), runtimetest.Config{Path: os.Args[0], Env: env, Timeout: 20 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func lab(t *testing.T, c labtest.Config) *labtest.Lab {
	t.Helper()
	l, err := labtest.Start(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// TestRotationThroughTheRuntime rotates with the function as a process of its own,
// from the payloads of the repository.
func TestRotationThroughTheRuntime(t *testing.T) {
	for _, strategy := range []string{"replace", "grace"} {
		t.Run(strategy, func(t *testing.T) {
			l := lab(t, labtest.Config{Databrain: databraintest.Config{ServiceToken: "11111111-1111-4111-8111-111111111111"}})
			env := l.Rotate()
			env["ROTATION_STRATEGY"] = strategy
			f := start(t, env)
			var log strings.Builder
			l.Secrets.SetRotationFunction(labtest.RotationARN, func(ctx context.Context, event []byte) error {
				var in struct{ Step string }
				if err := json.Unmarshal(event, &in); err != nil {
					return err
				}
				payload, err := labtest.Payload("../../events", in.Step, labtest.Version)
				if err != nil {
					return err
				}
				return rotate(ctx, f, payload, &log)
			})
			old := l.Databrain.CurrentToken()
			result, err := l.Secrets.Rotate(t.Context(), labtest.TokenSecret,
				secretsmanagertest.RotateOptions{ClientRequestToken: labtest.Version})
			if err != nil {
				t.Fatalf("%v\n%s", err, log.String())
			}
			if n := len(result.Invocations); n != 4 {
				t.Errorf("%d invocations", n)
			}
			value, _ := l.Secrets.Value(labtest.TokenSecret, l.Secrets.Holder(labtest.TokenSecret, secretsmanagertest.Current))
			token := l.Databrain.CurrentToken()
			if want := fmt.Sprintf(`{"baseUrl": "https://databrain.example.com", "token": %q, "quota": 1e3}`,
				token); value != want ||
				token == old {
				t.Error("AWSCURRENT is not the old document around Databrain's new token")
			}
			for _, canary := range []string{old, token, databraintest.ExamplePassword, "eyJ"} {
				if strings.Contains(log.String(), canary) {
					t.Errorf("a credential is in the log")
				}
			}
			for _, word := range []string{`"requestId"`, labtest.Version, "StepSucceeded",
				`"message":"AWSCURRENT moved to the new version"`} {
				if !strings.Contains(log.String(), word) {
					t.Errorf("the log lacks %s:\n%s", word, log.String())
				}
			}
		})
	}
}

// rotate invokes the function as Secrets Manager does, and adds to the log.
func rotate(ctx context.Context, f *runtimetest.Function, event []byte, log *strings.Builder) error {
	result, err := f.Invoke(ctx, event, runtimetest.Options{})
	log.WriteString(result.Log)
	if err == nil && result.Err != nil {
		err = result.Err
	}
	return err
}

// TestEventsOfSecretsManager: the pre-flight and then a rotation, by the events that
// Secrets Manager makes, whose RotationToken it wants back.
func TestEventsOfSecretsManager(t *testing.T) {
	l := lab(t, labtest.Config{RotationTokens: true})
	f := start(t, l.Rotate())
	var log strings.Builder
	l.Secrets.SetRotationFunction(labtest.RotationARN, func(ctx context.Context, event []byte) error {
		return rotate(ctx, f, event, &log)
	})
	before, writes := l.Secrets.Snapshot(labtest.TokenSecret), l.Databrain.Count("POST /api/v2/service-token")
	if result, err := l.Secrets.Preflight(t.Context(), labtest.TokenSecret); err != nil ||
		result.Event != secretsmanagertest.TestRotationSucceeded {
		t.Fatalf("pre-flight: %s, %v\n%s", result.Event, err, log.String())
	}
	if !strings.Contains(log.String(), "pre-flight: Databrain accepts AWSCURRENT") {
		t.Errorf("the log does not say so:\n%s", log.String())
	}
	if diff := cmp.Diff(before, l.Secrets.Snapshot(labtest.TokenSecret)); diff != "" ||
		l.Databrain.Count("POST /api/v2/service-token") != writes {
		t.Errorf("the pre-flight wrote: %s", diff)
	}
	result, err := l.Secrets.Rotate(t.Context(), labtest.TokenSecret, secretsmanagertest.RotateOptions{})
	if err != nil || l.Secrets.Holder(labtest.TokenSecret, secretsmanagertest.Current) != result.VersionID {
		t.Errorf("rotation: %v\n%s", err, log.String())
	}
}

// TestColdStartNamesEveryFaultySetting checks what an operator sees after a wrong
// deployment.
func TestColdStartNamesEveryFaultySetting(t *testing.T) {
	const canary = "s3cr3t-canary"
	f := start(t, map[string]string{
		"DATABRAIN_BASE_URL": "http://user:" + canary + "@databrain.example.com", "DATABRAIN_ALLOW_HTTP": canary,
		"ROTATION_STRATEGY": canary, "ROTATION_GRACE_PERIOD": "-1s", "ROTATION_GRACE_CONTRACT": canary,
		"ROTATION_TAKEOVER": canary,
	})
	result, err := f.Invoke(t.Context(), []byte(`{}`), runtimetest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if result.Err == nil || result.Err.Type != "InvalidSettings" {
		t.Fatalf("got %v\n%s", result.Err, result.Log)
	}
	for _, name := range []string{
		"DATABRAIN_BASE_URL", "DATABRAIN_ALLOW_HTTP", "DATABRAIN_ADMIN_SECRET_ID", "ROTATION_STRATEGY",
		"ROTATION_GRACE_PERIOD", "ROTATION_GRACE_CONTRACT", "ROTATION_TAKEOVER",
	} {
		if !strings.Contains(result.Err.Message, name+" ") {
			t.Errorf("%s is not named in: %s", name, result.Err.Message)
		}
	}
	if strings.Contains(result.Err.Message+result.Log, canary) {
		t.Errorf("a value is shown:\n%s\n%s", result.Err.Message, result.Log)
	}
}

// TestErrorsReachLambdaByName checks the errorType of failures that have no words
// of the function's own, and that the log has each of them once, beside what it is
// searched by.
func TestErrorsReachLambdaByName(t *testing.T) {
	l := lab(t, labtest.Config{})
	env := l.Rotate()
	env["DATABRAIN_BASE_URL"] = "http://127.0.0.1:1"
	f := start(t, env)
	if err := l.Secrets.SetLabels(labtest.TokenSecret, labtest.Version, "AWSPENDING"); err != nil {
		t.Fatal(err)
	}
	invoke := func(payload []byte, kind, step, version string) *runtimetest.FunctionError {
		t.Helper()
		result, err := f.Invoke(t.Context(), payload, runtimetest.Options{})
		if err != nil || result.Err == nil || result.Err.Type != kind {
			t.Fatalf("%v, result %s, want %s", err, result.Payload, kind)
		}
		want := map[string]any{
			"message":            "step failed",
			"requestId":          result.RequestID,
			"step":               step,
			"clientRequestToken": version,
			"errorType":          kind,
			"error":              result.Err.Message,
		}
		lines, err := result.ErrorLines()
		if err != nil || len(lines) != 1 {
			t.Fatalf("%d lines at ERROR, want one; %v\n%s", len(lines), err, result.Log)
		}
		for name, value := range want {
			if lines[0][name] != value {
				t.Errorf("%s is %v in the log, want %v", name, lines[0][name], value)
			}
		}
		return result.Err
	}
	for _, payload := range []string{`{"Step":7}`, `{"Step":`, ``} {
		invoke([]byte(payload), "MalformedEvent", "", "")
	}
	step := func(name string) []byte {
		payload, err := labtest.Payload("../../events", name, labtest.Version)
		if err != nil {
			t.Fatal(err)
		}
		return payload
	}
	if result, err := f.Invoke(t.Context(), step("createSecret"), runtimetest.Options{}); err != nil || result.Err != nil {
		t.Fatalf("createSecret needs no instance: %v, %v", err, result.Err)
	}
	if got := invoke(step("setSecret"), "DatabrainUnavailable", "setSecret", labtest.Version); !strings.Contains(
		got.Message,
		"connection refused",
	) {
		t.Errorf("instance down: %v", got)
	} else if hint := `send {"diagnose":"` + labtest.TokenSecretARN +
		`"} to this function`; !strings.Contains(got.Message, hint) {
		t.Errorf("the way to a diagnosis is not shown: %v", got)
	}
}

// TestDiagnosisThroughTheRuntime asks with the payload of the repository: what the
// function answers is JSON with a text for people, and no error of the function.
func TestDiagnosisThroughTheRuntime(t *testing.T) {
	l := lab(t, labtest.Config{})
	f := start(t, l.Rotate())
	payload, err := os.ReadFile("../../events/rotate-diagnose.json")
	if err != nil {
		t.Fatal(err)
	}
	ask := func(verdict, says string) {
		t.Helper()
		before := l.Secrets.Snapshot(labtest.TokenSecret)
		result, err := f.Invoke(t.Context(), payload, runtimetest.Options{})
		if err != nil || result.Err != nil {
			t.Fatal(err, result.Err)
		}
		var report struct{ Schema, Verdict, Summary, Text string }
		if err := json.Unmarshal(result.Payload, &report); err != nil {
			t.Fatal(err)
		}
		if report.Schema != "databrain.token-rotation.diagnosis/1" || report.Verdict != verdict ||
			!strings.Contains(report.Text, says) {
			t.Errorf("%s", result.Payload)
		}
		if diff := cmp.Diff(before, l.Secrets.Snapshot(labtest.TokenSecret)); diff != "" {
			t.Errorf("it wrote: %s", diff)
		}
		if !strings.Contains(result.Log, `"message":"diagnosis"`) ||
			strings.Contains(result.Log, l.Databrain.CurrentToken()) {
			t.Errorf("the log: %s", result.Log)
		}
	}
	ask("healthy", "answers as the API")
	l.Databrain.SetToken("11111111-1111-4111-8111-111111111111")
	ask("broken", "store-token "+labtest.TokenSecretARN)
}
