package main

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

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
	f, err := runtimetest.Start(t.Context(), runtimetest.Config{Path: os.Args[0], Env: env, Timeout: 60 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// TestFromImportToRotation goes an operator's way with the function as a process of
// its own: a secret without a key is imported, then rotated, in both contracts.
func TestFromImportToRotation(t *testing.T) {
	for name, contract := range map[string]databraintest.Contract{
		"api-token": databraintest.ServiceTokenContract, "service-token": databraintest.AdminContract,
	} {
		t.Run(name, func(t *testing.T) {
			l, err := labtest.Start(labtest.Config{Databrain: databraintest.Config{
				ServiceToken: "11111111-1111-4111-8111-111111111111",
				Switches:     databraintest.Switches{RotateAPIContract: contract},
			}})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { l.Close() })
			env := l.RotateAPIToken()
			env["API_TOKEN_ROTATE_CONTRACT"] = name
			f := start(t, env)
			var log strings.Builder
			l.Secrets.SetRotationFunction(labtest.APITokenRotationARN, func(ctx context.Context, event []byte) error {
				result, err := f.Invoke(ctx, event, runtimetest.Options{})
				log.WriteString(result.Log)
				if err == nil && result.Err != nil {
					err = result.Err
				}
				return err
			})
			if err := l.Secrets.ConfigureRotation(labtest.APITokenSecret, labtest.APITokenRotationARN,
				secretsmanagertest.RotationRules{AutomaticallyAfterDays: 30}); err != nil {
				t.Fatal(err)
			}
			if _, err := l.Secrets.Preflight(t.Context(), labtest.APITokenSecret); err != nil {
				t.Fatalf("pre-flight: %v\n%s", err, log.String())
			}
			old := databraintest.ExampleDataApps()[0].Tokens[0].Key
			imported := rotate(t, l, &log)
			if imported != strings.Replace(labtest.APITokenValue, `""`, `"`+old+`"`, 1) || l.Databrain.MintedAPITokens() != 0 {
				t.Error("the first rotation did not import the newest key of the name")
			}
			rotated := rotate(t, l, &log)
			payload, err := os.ReadFile("../../events/rotate-api-token-diagnose.json")
			if err != nil {
				t.Fatal(err)
			}
			asked, err := f.Invoke(t.Context(), payload, runtimetest.Options{})
			log.WriteString(asked.Log)
			if err != nil || asked.Err != nil || !strings.Contains(string(asked.Payload), `"verdict":"healthy"`) {
				t.Errorf("the diagnosis of what was rotated: %v %v %s", err, asked.Err, asked.Payload)
			}
			if strings.Contains(string(asked.Payload), old) {
				t.Errorf("a key is in the diagnosis: %s", asked.Payload)
			}
			if rotated == imported || l.Databrain.MintedAPITokens() != 1 || !l.Databrain.APITokenWorks(old) {
				t.Errorf("%d keys made; the old one works: %t", l.Databrain.MintedAPITokens(), l.Databrain.APITokenWorks(old))
			}
			if strings.Contains(log.String(), old) || strings.Contains(log.String(), l.Databrain.CurrentToken()) {
				t.Error("a credential is in the log")
			}
			if !strings.Contains(log.String(), "StepSucceeded") {
				t.Errorf("no metric:\n%s", log.String())
			}
		})
	}
}

// rotate returns the value of AWSCURRENT after a rotation.
func rotate(t *testing.T, l *labtest.Lab, log *strings.Builder) string {
	t.Helper()
	result, err := l.Secrets.Rotate(t.Context(), labtest.APITokenSecret, secretsmanagertest.RotateOptions{Attempts: 1})
	if err != nil {
		t.Fatalf("%v\n%s", err, log.String())
	}
	value, _ := l.Secrets.Value(labtest.APITokenSecret, result.VersionID)
	return value
}

// TestColdStartNamesEveryFaultySetting checks what an operator sees after a wrong
// deployment.
func TestColdStartNamesEveryFaultySetting(t *testing.T) {
	const canary = "s3cr3t-canary"
	f := start(t, map[string]string{
		"DATABRAIN_BASE_URL": "http://user:" + canary + "@databrain.example.com", "DATABRAIN_ALLOW_HTTP": canary,
		"API_TOKEN_GRACE_PERIOD": "-1s", "API_TOKEN_ROTATE_CONTRACT": canary,
	})
	result, err := f.Invoke(t.Context(), []byte(`{}`), runtimetest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if result.Err == nil || result.Err.Type != "InvalidSettings" {
		t.Fatalf("got %v\n%s", result.Err, result.Log)
	}
	for _, name := range []string{
		"DATABRAIN_BASE_URL", "DATABRAIN_ALLOW_HTTP", "DATABRAIN_SERVICE_TOKEN_SECRET_ID", "API_TOKEN_GRACE_PERIOD",
		"API_TOKEN_ROTATE_CONTRACT",
	} {
		if !strings.Contains(result.Err.Message, name+" ") {
			t.Errorf("%s is not named in: %s", name, result.Err.Message)
		}
	}
	if strings.Contains(result.Err.Message+result.Log, canary) {
		t.Errorf("a value is shown:\n%s\n%s", result.Err.Message, result.Log)
	}
}

func TestParseConfig(t *testing.T) {
	for grace, ok := range map[string]bool{"": true, "0s": true, "24h": true, "1.5s": false, "-1s": false, "1": false} {
		c, err := parseConfig(func(name string) string {
			return map[string]string{
				"DATABRAIN_BASE_URL": "https://databrain.example.com/", "DATABRAIN_SERVICE_TOKEN_SECRET_ID": "a",
				"API_TOKEN_GRACE_PERIOD": grace,
			}[name]
		})
		if (err == nil) != ok || ok && c.rotation.Instance != "https://databrain.example.com" {
			t.Errorf("grace period %q: %v", grace, err)
		}
	}
}
