// Command serve keeps the stand-ins up on loopback ports, for the AWS CLI, curl and
// sam local invoke, until it is interrupted. The built functions run behind it: the
// stand-in of Secrets Manager rotates with one, and aws lambda invoke reaches both.
// They log to standard error. DATABRAIN_PORT and its like choose other ports.
//
//	go run ./scripts/serve                        on loopback
//	go run ./scripts/serve -bridge 172.17.0.1     and for Docker's containers on Linux
//	go run ./scripts/serve -pending               with a rotation begun, for events/
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

	"databrain-rotation/pkg/standin"
	"databrain-rotation/pkg/standin/labtest"
	"databrain-rotation/pkg/standin/runtimetest"
	"databrain-rotation/pkg/standin/secretsmanagertest"
)

// The functions, as make build leaves them.
const (
	rotate         = "build/rotate/bootstrap"
	rotateAPIToken = "build/rotate-api-token/bootstrap"
	audit          = "build/audit/bootstrap"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "serve:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, getenv func(string) string, out, logs io.Writer) error {
	flags := flag.NewFlagSet("serve", flag.ContinueOnError)
	bridge := flags.String("bridge", "", "`address` of this machine in the containers' network, to listen on as well")
	pending := flags.Bool("pending", false, "begin a rotation and leave it waiting, as the payloads in events/ need it")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if err := checkPorts(getenv); err != nil {
		return err
	}
	lab, err := labtest.Start(labtest.Config{
		DatabrainAddr: databrainPort.address(getenv), SecretsManagerAddr: secretsPort.address(getenv),
		EventBridgeAddr: eventsPort.address(getenv), S3Addr: objectsPort.address(getenv),
	})
	if err != nil {
		return err
	}
	defer lab.Close()
	functions, err := start(ctx, lab, logs)
	if err != nil {
		return err
	}
	var listener standin.Listener
	defer listener.Close()
	lambdaURL, err := listener.Listen(lambdaPort.address(getenv), lambda(ctx, functions))
	if err != nil {
		return err
	}
	if *pending {
		if err := lab.Secrets.SetLabels(labtest.TokenSecret, labtest.Version, secretsmanagertest.Pending); err != nil {
			return err
		}
	}
	if *bridge != "" {
		closeAll, err := serveContainers(lab, *bridge, getenv)
		defer closeAll()
		if err != nil {
			return err
		}
	}
	commands, err := outputs("template.yaml")
	if err != nil {
		return err
	}
	explain(out, lab, lambdaURL, commands, *pending)
	<-ctx.Done()
	return nil
}

// start starts the functions, which end with ctx, and lets Secrets Manager rotate.
func start(ctx context.Context, lab *labtest.Lab, logs io.Writer) (map[string]*runtimetest.Function, error) {
	functions := make(map[string]*runtimetest.Function)
	for _, f := range []struct {
		name, path string
		env        map[string]string
	}{
		{"RotateFunction", rotate, lab.Rotate()},
		{"RotateApiTokenFunction", rotateAPIToken, lab.RotateAPIToken()},
		{"AuditFunction", audit, auditEnvironment(lab)},
	} {
		function, err := runtimetest.Start(ctx, runtimetest.Config{
			Path: f.path, Env: f.env, Timeout: time.Minute, Log: logs,
		})
		if err != nil {
			return nil, fmt.Errorf("%w (make serve builds it first)", err)
		}
		functions[f.name] = function
	}
	for arn, name := range map[string]string{
		labtest.RotationARN: "RotateFunction", labtest.APITokenRotationARN: "RotateApiTokenFunction",
	} {
		lab.Secrets.SetRotationFunction(arn, func(ctx context.Context, event []byte) error {
			result, err := functions[name].Invoke(ctx, event, runtimetest.Options{})
			if err == nil && result.Err != nil {
				return result.Err
			}
			return err
		})
	}
	return functions, nil
}

// auditEnvironment is that of a stack that rotates API tokens as well.
func auditEnvironment(lab *labtest.Lab) map[string]string {
	env := lab.Audit()
	env["AUDIT_API_TOKEN_PREFIX"] = labtest.APITokenPrefix
	return env
}

func explain(out io.Writer, lab *labtest.Lab, lambdaURL, commands string, pending bool) {
	env := map[string]string{
		"AWS_DEFAULT_REGION":      labtest.Region, // for version 1 of the AWS CLI
		"AWS_ENDPOINT_URL_LAMBDA": lambdaURL,
		"DATABRAIN_ALLOW_HTTP":    "true",
		"SECRET":                  labtest.TokenSecret, // as in the runbook
	}
	maps.Copy(env, lab.Rotate())
	maps.Copy(env, lab.RotateAPIToken())
	maps.Copy(env, auditEnvironment(lab))
	delete(env, "AWS_SDK_UA_APP_ID") // names one function to the stand-ins
	fmt.Fprint(out, `Paste this into another shell. There the runbook's commands that diagnose, rotate and
audit reach the stand-ins, and so do scripts/secret.sh and make audit. Other services
have no stand-in: what the runbook asks of them would go to AWS, which refuses these
keys. In place of aws logs, look here, because the functions log in this terminal. An
AWS CLI before 2.13 would ask AWS for everything.

`)
	for _, name := range slices.Sorted(maps.Keys(env)) {
		fmt.Fprintf(out, "  export %s=%s\n", name, env[name])
	}
	fmt.Fprint(out, commands)
	fmt.Fprint(out, `
Then try, in that shell and in this folder. The secret of an API token is there already:
  aws secretsmanager rotate-secret --secret-id $SECRET
  aws secretsmanager describe-secret --secret-id $SECRET
  eval "$(out DiagnoseCommand)"
  eval "$(out AuditNowCommand)"
  aws s3 cp s3://$AUDIT_BUCKET/databrain-audit/latest/report.html build/
  eval "$(out ManageApiTokenCommand | sed s/NAME/portal/)"
  eval "$(out DiagnoseApiTokenCommand | sed s/NAME/portal/)"

An audit without AWS, by the token that works now:
  aws secretsmanager get-secret-value --secret-id $SECRET --query SecretString --output text |
    python3 -c 'import json,sys; print(json.load(sys.stdin)["token"])' | make audit

`)

	if pending {
		fmt.Fprint(out, `A rotation has begun and waits, as the payloads in events/ need it. The first
rotate-secret says so and takes it up; the next begins one of its own.
`)
	}
	fmt.Fprint(out, "Interrupt to stop; nothing is kept.\n")
}
