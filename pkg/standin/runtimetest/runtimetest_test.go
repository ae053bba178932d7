package runtimetest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/google/go-cmp/cmp"

	"databrain-rotation/pkg/standin/runtimetest"
)

// The test binary is the function under test when this variable is set; its value
// says how it behaves before it asks for its first event.
const asFunction = "RUNTIMETEST_FUNCTION"

func TestMain(m *testing.M) {
	switch os.Getenv(asFunction) {
	case "":
		os.Exit(m.Run())
	case "exit at once":
		fmt.Fprintln(os.Stderr, "the setting X is missing")
		os.Exit(7)
	case "report and exit":
		reportInitError()
		os.Exit(1)
	case "hang":
		time.Sleep(time.Hour)
	case "speak by hand":
		speakByHand()
	}
	fmt.Println("initialized")
	lambda.Start(handle)
}

func reportInitError() {
	req, err := http.NewRequest(
		http.MethodPost,
		"http://"+os.Getenv("AWS_LAMBDA_RUNTIME_API")+"/2018-06-01/runtime/init/error",
		strings.NewReader(`{"errorMessage":"X is missing"}`),
	)
	if err != nil {
		panic(err)
	}
	req.Header.Set("Lambda-Runtime-Function-Error-Type", "SettingsFaulty")
	resp, err := http.DefaultClient.Do(req)
	if err != nil || resp.StatusCode != http.StatusAccepted {
		panic(fmt.Sprint(resp, err))
	}
}

// speakByHand is a runtime that breaks the rules once before it keeps them, and
// writes down what it was told.
func speakByHand() {
	api := "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/invocation/"
	for {
		resp, err := http.Get(api + "next")
		if err != nil {
			panic(err)
		}
		resp.Body.Close()
		for _, id := range []string{"another", resp.Header.Get("Lambda-Runtime-Aws-Request-Id"),
			resp.Header.Get("Lambda-Runtime-Aws-Request-Id")} {
			answered, err := http.Post(api+id+"/response", "application/json", strings.NewReader(`"by hand"`))
			if err != nil {
				panic(err)
			}
			text, _ := io.ReadAll(answered.Body)
			answered.Body.Close()
			fmt.Print(answered.StatusCode, " ", string(text))
		}
	}
}

type TokenRejected struct{ step string }

func (e TokenRejected) Error() string { return e.step + ": the token was rejected" }

var served int // by this process: a warm start counts on

func handle(ctx context.Context, event struct{ Do, Log string }) (any, error) {
	served++
	if event.Log != "" {
		fmt.Println(event.Log)
		fmt.Fprintln(os.Stderr, event.Log)
	}
	switch event.Do {
	case "fail":
		return nil, TokenRejected{step: "testSecret"}
	case "panic":
		panic("no such thing")
	case "exit":
		os.Exit(3)
	case "exit quietly":
		os.Exit(0)
	case "hang":
		time.Sleep(time.Hour)
	case "environment":
		dir, err := os.Getwd()
		return map[string]any{"environ": os.Environ(), "dir": dir}, err
	case "context":
		lc, _ := lambdacontext.FromContext(ctx)
		deadline, _ := ctx.Deadline()
		return map[string]any{
			"id":    lc.AwsRequestID,
			"arn":   lc.InvokedFunctionArn,
			"trace": ctx.Value("x-amzn-trace-id"),
			"left":  time.Until(deadline),
		}, nil
	case "break off":
		return io.MultiReader(strings.NewReader("half"), iotest.ErrReader(TokenRejected{step: "late"})), nil
	case "large":
		return strings.Repeat("x", 6<<20+200), nil
	case "descend":
		child := exec.Command("/bin/sleep", "3600")
		if err := child.Start(); err != nil {
			return nil, err
		}
		return []int{os.Getpid(), child.Process.Pid}, nil
	}
	return map[string]int{"served": served}, nil
}

func start(t *testing.T, c runtimetest.Config, behaviour string) *runtimetest.Function {
	t.Helper()
	c.Path = os.Args[0]
	c.Env = map[string]string{asFunction: behaviour}
	// Lambda's own defaults are short for a loaded machine.
	if c.Timeout == 0 {
		c.Timeout = time.Minute
	}
	if c.InitTimeout == 0 {
		c.InitTimeout = time.Minute
	}
	f, err := runtimetest.Start(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	return f
}

func invoke(t *testing.T, f *runtimetest.Function, event string, o runtimetest.Options) runtimetest.Result {
	t.Helper()
	res, err := f.Invoke(t.Context(), []byte(event), o)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func TestWarmInvocations(t *testing.T) {
	var log strings.Builder
	f := start(t, runtimetest.Config{Log: &log}, "serve")
	first := invoke(t, f, `{"Log":"one"}`, runtimetest.Options{})
	second := invoke(t, f, `{"Log":"two"}`, runtimetest.Options{})

	if string(first.Payload) != `{"served":1}` || string(second.Payload) != `{"served":2}` {
		t.Errorf("answers %s and %s, want the same process to serve both", first.Payload, second.Payload)
	}
	if !first.ColdStart || second.ColdStart {
		t.Errorf("cold start %v then %v", first.ColdStart, second.ColdStart)
	}
	if first.InitDuration <= 0 || second.InitDuration != 0 || first.Duration <= 0 {
		t.Errorf("init %v then %v, duration %v", first.InitDuration, second.InitDuration, first.Duration)
	}
	if first.Log != "initialized\none\none\n" || second.Log != "two\ntwo\n" {
		t.Errorf("logs %q and %q", first.Log, second.Log)
	}
	if log.String() != first.Log+second.Log {
		t.Errorf("Config.Log got %q", log.String())
	}
	if runtime.GOOS == "linux" && second.PeakRSS < 1<<20 {
		t.Errorf("peak resident set of %d bytes", second.PeakRSS)
	}
	if first.RequestID == second.RequestID {
		t.Error("two invocations share a request id")
	}
}

func TestFailures(t *testing.T) {
	tests := map[string]struct {
		event    string
		kind     string
		message  string
		inLog    string
		survives bool
	}{
		"named error": {
			`{"Do":"fail"}`,
			"TokenRejected",
			"testSecret: the token was rejected",
			`"errorType":"TokenRejected"`,
			true,
		},
		"panic": {`{"Do":"panic"}`, "string", "no such thing", "the process should exit", false},
		"exit with status": {
			`{"Do":"exit","Log":"last words"}`,
			"Runtime.ExitError",
			"RequestId: id Error: Runtime exited with error: exit status 3",
			"last words",
			false,
		},
		"exit with none": {
			`{"Do":"exit quietly"}`,
			"Runtime.ExitError",
			"RequestId: id Error: Runtime exited without providing a reason",
			"",
			false,
		},
		"time-out": {
			`{"Do":"hang","Log":"last words"}`,
			"Sandbox.Timedout",
			"RequestId: id Error: Task timed out after 3.00 seconds",
			"last words",
			false,
		},
		"answer too large": {
			`{"Do":"large"}`,
			"Function.ResponseSizeTooLarge",
			"Response payload size exceeded maximum allowed payload size (6291556 bytes).",
			"",
			false,
		},
		"error after half": {`{"Do":"break off"}`, "TokenRejected", "late: the token was rejected", "", true},
		"malformed event":  {`{`, "errorString", "unexpected EOF", "", true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			f := start(t, runtimetest.Config{}, "serve")
			invoke(t, f, `{}`, runtimetest.Options{})
			o := runtimetest.Options{RequestID: "id"}
			if tt.kind == "Sandbox.Timedout" {
				o.Timeout = 3 * time.Second
			}
			res := invoke(t, f, tt.event, o)
			if res.Err == nil || res.Err.Type != tt.kind || res.Err.Message != tt.message {
				t.Fatalf("got error %v and payload %.200s", res.Err, res.Payload)
			}
			var sent runtimetest.FunctionError
			if err := json.Unmarshal(res.Payload, &sent); err != nil || sent.Type != tt.kind {
				t.Errorf("the caller gets %s", res.Payload)
			}
			if tt.kind == "string" && (len(res.Err.StackTrace) == 0 || res.Err.StackTrace[0].Line == 0) {
				t.Errorf("stack trace of the panic: %v", res.Err.StackTrace)
			}
			if !strings.Contains(res.Log, tt.inLog) {
				t.Errorf("log %q lacks %q", res.Log, tt.inLog)
			}
			next := invoke(t, f, `{}`, runtimetest.Options{})
			if next.Err != nil || next.ColdStart == tt.survives {
				t.Errorf("next invocation: error %v, cold start %v", next.Err, next.ColdStart)
			}
		})
	}
}

func TestTheRuntimeAPIRefuses(t *testing.T) {
	f := start(t, runtimetest.Config{}, "speak by hand")
	for range 2 {
		res := invoke(t, f, `{}`, runtimetest.Options{})
		want := `400 {"errorType":"InvalidRequestID","errorMessage":"there is no such invocation"}` + "\n" +
			`202 {"status":"OK"}` + "\n" +
			`403 {"errorType":"InvalidStateTransition","errorMessage":"the invocation has its answer already"}` + "\n"
		if diff := cmp.Diff(want, res.Log); diff != "" || string(res.Payload) != `"by hand"` || res.Err != nil {
			t.Errorf("answer %s, %v; log (-want +got):\n%s", res.Payload, res.Err, diff)
		}
	}
}

func TestInitializationFailures(t *testing.T) {
	tests := map[string]struct{ kind, message, log string }{
		"exit at once": {
			"Runtime.ExitError",
			"RequestId: id Error: Runtime exited with error: exit status 7",
			"the setting X is missing\n",
		},
		"report and exit": {"SettingsFaulty", "X is missing", ""},
		"hang":            {"Sandbox.Timedout", "RequestId: id Error: Task timed out after 0.30 seconds", ""},
	}
	for behaviour, tt := range tests {
		t.Run(behaviour, func(t *testing.T) {
			c := runtimetest.Config{}
			if behaviour == "hang" {
				c.InitTimeout = 300 * time.Millisecond
			}
			f := start(t, c, behaviour)
			for range 2 {
				res := invoke(t, f, `{}`, runtimetest.Options{RequestID: "id"})
				if res.Err == nil || res.Err.Type != tt.kind || res.Err.Message != tt.message ||
					!strings.HasPrefix(res.Log, tt.log) ||
					!res.ColdStart {
					t.Errorf("got error %v, log %q, cold start %v", res.Err, res.Log, res.ColdStart)
				}
			}
		})
	}
}

func TestEnvironmentIsOnlyWhatWasGiven(t *testing.T) {
	t.Setenv("SECRET_OF_THE_TEST", "leaked")
	f, err := runtimetest.Start(t.Context(), runtimetest.Config{Path: os.Args[0], Env: map[string]string{
		asFunction: "serve", "AWS_LAMBDA_FUNCTION_NAME": "rotate", "AWS_REGION": "eu-central-1",
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var got struct {
		Environ []string
		Dir     string
	}
	res := invoke(t, f, `{"Do":"environment"}`, runtimetest.Options{})
	if err := json.Unmarshal(res.Payload, &got); err != nil {
		t.Fatalf("%v: %s", err, res.Payload)
	}
	want := map[string]string{asFunction: "serve", "AWS_LAMBDA_FUNCTION_NAME": "rotate", "AWS_REGION": "eu-central-1",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128", "AWS_LAMBDA_LOG_FORMAT": "Text", "LAMBDA_TASK_ROOT": got.Dir,
		"_HANDLER": "bootstrap"}
	for _, pair := range got.Environ {
		name, value, _ := strings.Cut(pair, "=")
		if w, ok := want[name]; ok && w != value {
			t.Errorf("%s is %q, want %q", name, value, w)
		}
		delete(want, name)
		if name == "PATH" || name == "HOME" || strings.Contains(pair, "leaked") {
			t.Errorf("%s reached the function", name)
		}
	}
	if len(want) > 0 {
		t.Errorf("missing: %v", want)
	}
	if here, _ := os.Getwd(); here == got.Dir {
		t.Error("the function works in the test's folder")
	}
	f.Close()
	if _, err := os.Stat(got.Dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the working folder is still there: %v", err)
	}
}

func TestInvocationContext(t *testing.T) {
	f := start(t, runtimetest.Config{Timeout: time.Minute}, "serve")
	var got struct {
		ID, ARN, Trace string
		Left           time.Duration
	}
	decode := func(o runtimetest.Options) {
		t.Helper()
		if err := json.Unmarshal(invoke(t, f, `{"Do":"context"}`, o).Payload, &got); err != nil {
			t.Fatal(err)
		}
	}
	decode(runtimetest.Options{RequestID: "again", Timeout: time.Hour})
	if got.ID != "again" || got.Left < 59*time.Minute || got.Left > time.Hour {
		t.Errorf("got %+v", got)
	}
	decode(runtimetest.Options{})
	if got.ID == "again" || got.ARN != "arn:aws:lambda:us-east-1:123456789012:function:function" ||
		!strings.HasPrefix(got.Trace, "Root=1-") || got.Left > time.Minute || got.Left < 50*time.Second {
		t.Errorf("defaults: %+v", got)
	}
}

func TestStartRefuses(t *testing.T) {
	folder := t.TempDir()
	notExecutable := folder + "/bootstrap"
	if err := os.WriteFile(notExecutable, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]runtimetest.Config{
		"no such file":   {Path: folder + "/absent"},
		"a folder":       {Path: folder},
		"not executable": {Path: notExecutable},
		"its own API":    {Path: os.Args[0], Env: map[string]string{"AWS_LAMBDA_RUNTIME_API": "127.0.0.1:1"}},
	} {
		if _, err := runtimetest.Start(t.Context(), c); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestInvalidEntrypoint(t *testing.T) {
	path := t.TempDir() + "/bootstrap"
	if err := os.WriteFile(path, []byte("neither a binary nor a script"), 0o700); err != nil {
		t.Fatal(err)
	}
	f, err := runtimetest.Start(t.Context(), runtimetest.Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	res := invoke(t, f, `{}`, runtimetest.Options{RequestID: "id"})
	if res.Err == nil || res.Err.Type != "Runtime.InvalidEntrypoint" ||
		!strings.Contains(res.Err.Message, "exec format error") {
		t.Errorf("got %v", res.Err)
	}
}
