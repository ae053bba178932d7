package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"databrain-rotation/pkg/standin/labtest"
	"databrain-rotation/pkg/standin/runtimetest"
)

const asFunction = "RUN_AS_FUNCTION"

// TestMain makes the test binary a function as well: one that fails its cold start.
func TestMain(m *testing.M) {
	if os.Getenv(asFunction) != "" {
		os.Exit(3)
	}
	os.Exit(m.Run())
}

// TestTakenPortsAreNamed: all of them at once, each with the variable that moves it.
func TestTakenPortsAreNamed(t *testing.T) {
	env := make(map[string]string)
	for _, p := range ports {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		_, env[p.variable], _ = net.SplitHostPort(listener.Addr().String())
	}
	env["S3_PORT"] = "none"
	err := run(t.Context(), nil, func(name string) string { return env[name] }, io.Discard, io.Discard)
	if err == nil {
		t.Fatal("it serves on ports that are taken")
	}
	for _, p := range ports {
		want := "port " + env[p.variable] + " is in use, perhaps by another make serve; " +
			"choose a free one: make serve " + p.variable + "=…"
		if p == objectsPort {
			want = "S3_PORT=none is not a port"
		}
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error lacks %q:\n%v", want, err)
		}
	}
}

func TestPortsOfTheEventsFolder(t *testing.T) {
	env, err := os.ReadFile("../../events/local-env.json")
	if err != nil {
		t.Fatal(err)
	}
	if want := "http://host.docker.internal:" + databrainPort.usual; !strings.Contains(string(env), want) {
		t.Errorf("events/local-env.json lacks %s", want)
	}
}

func TestLambdaInvoke(t *testing.T) {
	f, err := runtimetest.Start(t.Context(), runtimetest.Config{
		Path: os.Args[0], Env: map[string]string{asFunction: "1", "GOCOVERDIR": t.TempDir()}, Timeout: time.Minute,
	})
	if err != nil {
		t.Fatal(err)
	}
	handler := lambda(context.Background(), map[string]*runtimetest.Function{"AuditFunction": f})
	invoke := func(name, kind string) *httptest.ResponseRecorder {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost,
			"/2015-03-31/functions/"+name+"/invocations", http.NoBody)
		r.Header.Set("X-Amz-Invocation-Type", kind)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		return w
	}
	if w := invoke("AuditFunction", ""); w.Code != 200 || w.Header().Get("X-Amz-Function-Error") != "Unhandled" ||
		!strings.Contains(w.Body.String(), "Runtime.ExitError") {
		t.Errorf("a function that exits: %d %v %s", w.Code, w.Header(), w.Body)
	}
	if w := invoke("Other", ""); w.Code != 404 || w.Header().Get("X-Amzn-Errortype") != "ResourceNotFoundException" {
		t.Errorf("an unknown function: %d %v", w.Code, w.Header())
	}
	if w := invoke("AuditFunction", "Event"); w.Code != 400 {
		t.Errorf("an asynchronous invocation: %d", w.Code)
	}
}

// TestWhatIsPastedIsThatOfTheFunctions: a shell gets the settings that the functions have,
// and its owner hears what has no stand-in.
func TestWhatIsPastedIsThatOfTheFunctions(t *testing.T) {
	lab, err := labtest.Start(labtest.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = lab.Close() })
	var text strings.Builder
	explain(&text, lab, "http://127.0.0.1:1", "", false)
	for _, want := range []string{
		"export AUDIT_API_TOKEN_PREFIX=" + labtest.APITokenPrefix, "export SECRET=" + labtest.TokenSecret,
		"In place of aws logs, look here",
	} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in\n%s", want, &text)
		}
	}
	if got := auditEnvironment(lab)["AUDIT_API_TOKEN_PREFIX"]; got != labtest.APITokenPrefix {
		t.Errorf("the audit looks for secrets under %q", got)
	}
}

// TestOutputsInEveryShell: what the runbook asks the stack for, serve prints, ready to be
// pasted, and without a reference that only a stack could fill in.
func TestOutputsInEveryShell(t *testing.T) {
	function, err := outputs("../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, shell := range []string{"bash", "dash", "zsh"} {
		if _, err := exec.LookPath(shell); err != nil {
			t.Logf("not run, for want of %s", shell)
			continue
		}
		for output, want := range map[string]string{
			"TokenSecretArn":            labtest.TokenSecretARN,
			"AuditBucketName":           labtest.Bucket,
			"RotateApiTokenFunctionArn": labtest.APITokenRotationARN,
			"DiagnoseCommand":           `--function-name RotateFunction `,
			"DiagnoseApiTokenCommand":   `'{"diagnose":"` + labtest.APITokenPrefix + `NAME"}'`,
			"ManageApiTokenCommand":     "--rotation-lambda-arn " + labtest.APITokenRotationARN + " ",
			"AuditNowCommand":           `--payload '{}' /dev/stdout | cat`,
			"AuditDryRunCommand":        `--payload '{"dryRun":true}' /dev/stdout | cat`,
		} {
			got, err := exec.CommandContext(t.Context(), shell, "-c", function+"\nout "+output).CombinedOutput()
			if err != nil || !strings.Contains(string(got), want) || strings.Contains(string(got), "${") {
				t.Errorf("%s: out %s: %v\n%s", shell, output, err, got)
			}
		}
		got, err := exec.CommandContext(t.Context(), shell, "-c", function+"\nout AlarmTopicArn").CombinedOutput()
		if err == nil || string(got) != "make serve has no output AlarmTopicArn\n" {
			t.Errorf("%s: an output that is not there: %v\n%s", shell, err, got)
		}
	}
}
