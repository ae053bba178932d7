// Command serve keeps the stand-ins up on fixed ports, for the AWS CLI, curl and
// sam local invoke, until it is interrupted. Secrets Manager's stand-in rotates with
// the built function, which logs to standard error.
//
//	go run ./scripts/serve                        on loopback
//	go run ./scripts/serve -bridge 172.17.0.1     and for Docker's containers on Linux
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"databrain-rotation/pkg/standin/labtest"
	"databrain-rotation/pkg/standin/runtimetest"
)

// The ports are those of events/local-env.json.
var addresses = labtest.Config{
	DatabrainAddr: "127.0.0.1:8090", SecretsManagerAddr: "127.0.0.1:8091",
	EventBridgeAddr: "127.0.0.1:8092", S3Addr: "127.0.0.1:8093",
}

const rotate = "build/rotate/bootstrap" // make build

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "serve:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out, logs io.Writer) error {
	flags := flag.NewFlagSet("serve", flag.ContinueOnError)
	bridge := flags.String("bridge", "", "`address` of this machine in the containers' network, to listen on as well")
	if err := flags.Parse(args); err != nil {
		return err
	}
	lab, err := labtest.Start(addresses)
	if err != nil {
		return fmt.Errorf("%w (is another one running?)", err)
	}
	defer lab.Close()
	function, err := runtimetest.Start(ctx, runtimetest.Config{
		Path: rotate, Env: lab.Rotate(), Timeout: time.Minute, Log: logs,
	})
	if err != nil {
		return fmt.Errorf("%w (make serve builds it first)", err)
	}
	defer function.Close()
	lab.Secrets.SetRotationFunction(labtest.RotationARN, func(ctx context.Context, event []byte) error {
		result, err := function.Invoke(ctx, event, runtimetest.Options{})
		if err == nil && result.Err != nil {
			return result.Err
		}
		return err
	})
	// A rotation that has just begun, so that the payloads in events/ find theirs.
	if err := lab.Secrets.SetLabels(labtest.TokenSecret, labtest.Version, "AWSPENDING"); err != nil {
		return err
	}
	if *bridge != "" {
		closeAll, err := serveContainers(lab, *bridge)
		defer closeAll()
		if err != nil {
			return err
		}
	}
	explain(out, lab)
	<-ctx.Done()
	return nil
}

func explain(out io.Writer, lab *labtest.Lab) {
	env := map[string]string{
		"AWS_DEFAULT_REGION":   labtest.Region, // for version 1 of the AWS CLI
		"DATABRAIN_ALLOW_HTTP": "true",
		"SECRET":               labtest.TokenSecret, // as in the runbook
	}
	maps.Copy(env, lab.Rotate())
	maps.Copy(env, lab.Audit())
	fmt.Fprintln(out, "In another shell, for the AWS CLI, the functions and the runbook:")
	for _, name := range slices.Sorted(maps.Keys(env)) {
		fmt.Fprintf(out, "  export %s=%s\n", name, env[name])
	}
	fmt.Fprint(out, `
Try there:
  curl -s $DATABRAIN_BASE_URL/health/live
  aws secretsmanager describe-secret --secret-id $SECRET
  aws secretsmanager rotate-secret --secret-id $SECRET

A rotation has begun and waits, as the payloads in events/ need it. The first
rotate-secret says so and takes it up; the next begins one of its own. The
function's log appears here. Interrupt to stop; nothing is kept.
`)
}
