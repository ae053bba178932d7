// Package runtimetest runs a built Lambda function as AWS Lambda would: it
// starts the bootstrap binary as a process of its own, serves it the Lambda
// Runtime API on loopback, hands it invocations with deadlines and request ids,
// and tells what became of them: answers, errors, crashes, time-outs, logs.
//
//	f, err := runtimetest.Start(ctx, runtimetest.Config{
//		Path: "build/rotate/bootstrap",
//		Env:  map[string]string{"AWS_ENDPOINT_URL": "http://127.0.0.1:4566"},
//	})
//	if err != nil { … }
//	defer f.Close()
//	res, err := f.Invoke(ctx, payload, runtimetest.Options{})
//
// The error of Invoke is about this package or its caller; what the function
// did, good or bad, is in the [Result].
//
// # A test binary as the function
//
// A test needs no build step: it runs itself. TestMain turns the process into
// the function when a variable says so:
//
//	func TestMain(m *testing.M) {
//		if os.Getenv("RUN_AS_LAMBDA") != "" {
//			main() // never returns: aws-lambda-go asks for invocations until it is killed
//			return
//		}
//		os.Exit(m.Run())
//	}
//
//	f, err := runtimetest.Start(t.Context(), runtimetest.Config{
//		Path: os.Args[0],
//		Env:  map[string]string{"RUN_AS_LAMBDA": "1", …},
//	})
//
// Nothing of the test's own environment reaches the function, so the variable is
// set only where the test sets it. Figures of memory and of the cold start are
// then those of a test binary, larger and slower than the shipped one. Under go
// test -cover a function that exits adds a line about GOCOVERDIR to its log unless
// Env has one.
//
// # Faithful to
//
//   - The Runtime API: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
//   - The life of an execution environment: one invocation at a time, a second
//     one meanwhile starts another environment, a warm environment is used again,
//     and a crash or time-out costs the environment and nothing else:
//     https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
//   - The variables that Lambda sets:
//     https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
//   - An invocation ends when the runtime asks for the next one, not when it
//     answers; what the process still does in between counts and is logged.
//
// # Known differences
//
//   - Lambda starts a function whose initialization failed once more inside the
//     invocation; here it is started once and the failure reported.
//   - An environment that is not in use is not frozen.
//   - The memory limit is told to the function and not enforced.
//   - No extensions, no response streaming to the caller, no platform log lines.
package runtimetest
