package bootstrap_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"databrain-rotation/pkg/bootstrap"
	"databrain-rotation/pkg/standin/runtimetest"
)

// The test binary is a function when this variable is set.
const asFunction = "RUN_AS_FUNCTION"

func TestMain(m *testing.M) {
	if os.Getenv(asFunction) != "" {
		os.Exit(bootstrap.Run(os.Getenv, os.Stdout, "test", setUp))
	}
	os.Exit(m.Run())
}

// setUp makes a handler that does what the event says.
func setUp(_ context.Context, env bootstrap.Environment) (bootstrap.Handler, error) {
	return func(ctx context.Context, event json.RawMessage) (any, error) {
		switch string(event) {
		case `"call"`:
			return call(ctx)
		case `"fail"`:
			err := &exec.Error{Name: "x", Err: errors.New("no luck")}
			bootstrap.LogFailure(ctx, env.Log, "it failed", err)
			return nil, err
		case `"panic"`:
			panic("at the disco")
		}
		return "done", nil
	}, nil
}

// call makes a request as others do, and one as the functions make them to AWS,
// which finds nobody.
func call(ctx context.Context) (any, error) {
	sdk, err := bootstrap.LoadAWS(ctx)
	if err != nil {
		return nil, err
	}
	resp, err := http.Get("http://aws.test/others")
	if err != nil {
		return nil, err
	}
	resp.Body.Close()
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://aws.test/ours", nil)
	if err != nil {
		return nil, err
	}
	if resp, err := sdk.HTTPClient.Do(req); err == nil {
		resp.Body.Close()
	}
	return "done", nil
}

// TestNoProxy: what the variable HTTP_PROXY names gets no request to AWS.
func TestNoProxy(t *testing.T) {
	var seen []string
	proxy := httptest.NewServer(
		http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen = append(seen, r.URL.String()) }),
	)
	env := map[string]string{asFunction: "1", "HTTP_PROXY": proxy.URL, "AWS_REGION": "us-east-1"}
	f, err := runtimetest.Start(t.Context(), runtimetest.Config{Path: os.Args[0], Env: env, Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if r, err := f.Invoke(t.Context(), []byte(`"call"`), runtimetest.Options{}); err != nil || r.Err != nil {
		t.Fatal(err, r.Err)
	}
	proxy.Close() // waits for the handler
	if len(seen) != 1 || seen[0] != "http://aws.test/others" {
		t.Errorf("the proxy was asked for %q", seen)
	}
}

// TestFailuresAreLoggedOnce: what the handler has logged the runtime does not print
// again, and what only the runtime knows is a log line too.
func TestFailuresAreLoggedOnce(t *testing.T) {
	env := map[string]string{asFunction: "1", "AWS_LAMBDA_LOG_FORMAT": "JSON", "GOCOVERDIR": t.TempDir()}
	f, err := runtimetest.Start(t.Context(), runtimetest.Config{Path: os.Args[0], Env: env, Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for event, want := range map[string][]string{
		`"work"`: nil, `"fail"`: {"it failed", "no luck"}, `"panic"`: {"at the disco"},
	} {
		r, err := f.Invoke(t.Context(), []byte(event), runtimetest.Options{})
		if err != nil {
			t.Fatal(err)
		}
		lines, err := r.ErrorLines()
		if err != nil {
			t.Errorf("%s: %v", event, err)
		}
		var said []string
		for _, l := range lines {
			said = append(said, l["message"].(string)+": "+l["error"].(string))
		}
		all := strings.Join(said, "\n")
		for _, part := range want {
			if strings.Count(all, part) != 1 {
				t.Errorf("%s: %q is not in the log once:\n%s", event, part, r.Log)
			}
		}
		if want == nil && all != "" {
			t.Errorf("%s: %s", event, all)
		}
	}
}

// TestRunByHand: without a Lambda around it the program says so and ends.
func TestRunByHand(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = []string{asFunction + "=1"}
	out, err := cmd.CombinedOutput()
	if _, failed := errors.AsType[*exec.ExitError](err); !failed || !strings.Contains(string(out), "make demo") {
		t.Errorf("%v: %s", err, out)
	}
}
