// Package bootstrap starts a function as a custom runtime of AWS Lambda.
//
// What goes wrong before the first invocation is reported to the Runtime API
// ("Initialization error", AWS Lambda developer guide, "Lambda runtime API"), so
// that whoever invokes the function sees the error's name and message and not
// only that the process ended.
package bootstrap

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"reflect"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambda/messages"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

// Environment is what the process gives to a function, whose own code takes the
// variables, the time and standard output from nowhere else.
type Environment struct {
	Getenv  func(string) string
	Stdout  io.Writer // metric lines; Log writes there too
	Now     func() time.Time
	Log     *slog.Logger
	Version string
}

// Handler answers one invocation. Its error reaches Lambda with an errorType that an
// alarm can match: what its method ErrorType returns, else the name of its Go type.
type Handler = func(ctx context.Context, event json.RawMessage) (any, error)

// Setup makes the handler, once, at the cold start.
type Setup func(context.Context, Environment) (Handler, error)

// Run sets the function up and serves invocations until the environment ends. It
// returns only if the set-up failed, and then the process's exit status.
func Run(getenv func(string) string, stdout io.Writer, version string, setup Setup) int {
	env := Environment{
		Getenv: getenv, Stdout: stdout, Now: time.Now, Version: version,
		Log: slog.New(lambdacontext.NewLogHandler()),
	}
	ctx := context.Background()
	handler, err := setup(ctx, env)
	if err != nil {
		LogFailure(ctx, env.Log, "cold start failed", err)
		if err := reportInitError(ctx, getenv("AWS_LAMBDA_RUNTIME_API"), err); err != nil {
			env.Log.ErrorContext(ctx, "the failure could not be reported to the Runtime API", slog.Any("error", err))
		}
		return 1
	}
	if getenv("AWS_LAMBDA_RUNTIME_API") == "" {
		env.Log.ErrorContext(ctx, "this program serves AWS Lambda, and AWS_LAMBDA_RUNTIME_API names no Lambda; "+
			"to try it use make demo, make serve or sam local invoke")
		return 1
	}
	env.Log.InfoContext(ctx, "cold start", slog.String("build", version))
	log.SetFlags(0)
	log.SetOutput(runtimeLog{env.Log})
	lambda.Start(invoker(handler)) // does not return
	return 1
}

// invoker gives a handler the payload as it came, a broken one included, so that
// every error of an invocation is one that the handler returned.
type invoker Handler

// Invoke implements [lambda.Handler].
func (handle invoker) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	answer, err := handle(ctx, payload)
	if err != nil {
		return nil, messages.InvokeResponse_Error{Message: err.Error(), Type: typeName(err)}
	}
	return json.Marshal(answer)
}

// LogFailure logs what made a cold start or an invocation fail. A handler calls it
// once, for the error that it returns, since it knows more of it than the runtime.
func LogFailure(ctx context.Context, log *slog.Logger, message string, failure error) {
	log.ErrorContext(ctx, message, slog.String("errorType", typeName(failure)), slog.Any("error", failure))
}

// runtimeLog makes log lines of what aws-lambda-go prints, of a panic and of a
// trouble with the Runtime API, and of what net/http prints. An error that a handler
// returned is printed as well, and is passed over: the handler has logged it.
type runtimeLog struct{ log *slog.Logger }

func (l runtimeLog) Write(line []byte) (int, error) {
	var returned struct {
		ErrorType  string          `json:"errorType"`
		StackTrace json.RawMessage `json:"stackTrace"` // of a panic
	}
	if json.Unmarshal(line, &returned) != nil || returned.ErrorType == "" || returned.StackTrace != nil {
		l.log.Error("reported by a library", slog.String("error", strings.TrimSpace(string(line))))
	}
	return len(line), nil
}

// reportInitError posts to /runtime/init/error. Outside Lambda there is no
// Runtime API, and the log has said it all.
func reportInitError(ctx context.Context, runtimeAPI string, failure error) error {
	if runtimeAPI == "" {
		return nil
	}
	body, err := json.Marshal(map[string]string{"errorMessage": failure.Error(), "errorType": typeName(failure)})
	if err != nil {
		return err
	}
	target := fmt.Sprintf("http://%s/2018-06-01/runtime/init/error", runtimeAPI)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Lambda-Runtime-Function-Error-Type", typeName(failure))
	resp, err := (&http.Client{Timeout: 2 * time.Second}).Do(req)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

// typeName returns the errorType of err.
func typeName(err error) string {
	if named, ok := err.(interface{ ErrorType() string }); ok {
		return named.ErrorType()
	}
	t := reflect.TypeOf(err)
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.Name()
}
