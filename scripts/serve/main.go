// Command serve keeps the stand-ins up on fixed loopback ports, for the AWS CLI,
// curl and sam local invoke, until it is interrupted.
package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"databrain-rotation/pkg/labtest"
)

// The ports are those of events/local-env.json.
var addresses = labtest.Config{
	DatabrainAddr: "127.0.0.1:8090", SecretsManagerAddr: "127.0.0.1:8091",
	EventBridgeAddr: "127.0.0.1:8092", S3Addr: "127.0.0.1:8093",
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "serve:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer) error {
	lab, err := labtest.Start(addresses)
	if err != nil {
		return fmt.Errorf("%w (is another one running?)", err)
	}
	defer lab.Close()
	// A rotation that has just begun, so that the payloads in events/ find theirs.
	if err := lab.Secrets.SetLabels(labtest.TokenSecret, labtest.Version, "AWSPENDING"); err != nil {
		return err
	}
	fmt.Fprintf(out, "Databrain        %s\nSecrets Manager  %s\nEventBridge      %s\nS3               %s\n\n",
		lab.DatabrainURL, lab.SecretsManagerURL, lab.EventBridgeURL, lab.S3URL)
	fmt.Fprintln(out, "Lead the AWS CLI and both functions here:")
	env := lab.AWS()
	env["AWS_DEFAULT_REGION"] = labtest.Region // for version 1 of the AWS CLI
	maps.Copy(env, lab.Rotate())
	maps.Copy(env, lab.Audit())
	for _, name := range slices.Sorted(maps.Keys(env)) {
		fmt.Fprintf(out, "  export %s=%s\n", name, env[name])
	}
	fmt.Fprintf(out, "\nTry:\n  curl -s %s/health/live\n  aws secretsmanager describe-secret --secret-id %s\n",
		lab.DatabrainURL, labtest.TokenSecret)
	fmt.Fprintln(out, "\nInterrupt to stop; nothing is kept.")
	<-ctx.Done()
	return nil
}
