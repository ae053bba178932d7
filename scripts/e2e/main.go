// Command e2e runs the parts that the other tests stand in for: the SAM CLI with
// Docker, moto as AWS, the AWS CLI as a client.
//
//	go run ./scripts/e2e          # from the repository root; make e2e
//
// It installs what it needs (see install.sh), starts a Docker engine of its own
// where none answers, and removes every process, container, network and file
// again, also after a failure or an interrupt. Nothing is skipped: what cannot run
// is a failure that says what is missing. Traffic stays on this machine, but for
// the installation and the attempt to pull AWS's base image.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		stop()
		os.Exit(1)
	}
}

// workshop is what all parts share.
type workshop struct {
	*report
	root string // the repository
	dir  string // scratch, removed at the end
	bin  string // the installed tools
}

func run(ctx context.Context, out io.Writer) error {
	root, err := os.Getwd()
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(root, "template.yaml")); err != nil {
		return fmt.Errorf("run this from the root of the repository: %w", err)
	}
	// Short, since it holds a Unix socket, and below /tmp, which every engine may mount.
	dir, err := os.MkdirTemp("/tmp", "e2e-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	w := &workshop{report: &report{out: out}, root: root, dir: dir}
	fmt.Fprintln(out, "installing the tools (about a minute the first time)")
	venv, err := output(ctx, w.command(ctx, filepath.Join(root, "scripts/e2e/install.sh"), "tools"))
	if err != nil {
		return fmt.Errorf("install the tools: %w", err)
	}
	w.bin = filepath.Join(strings.TrimSpace(venv), "bin")
	w.lintTemplate(ctx)
	w.buildFunctions(ctx)
	w.packageRelease(ctx)
	w.useMoto(ctx)
	w.useAWSCLI(ctx)
	w.invokeLocally(ctx)
	return w.close(ctx)
}

// tool is one of the installed tools.
func (w *workshop) tool(ctx context.Context, name string, args ...string) *exec.Cmd {
	return w.command(ctx, filepath.Join(w.bin, name), args...)
}

// command runs at the root of the repository with credentials that open nothing,
// whatever the user's own are. The SAM CLI keeps its notes in the scratch folder and
// asks a closed port of this machine, once, for the account of its caller.
func (w *workshop) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := child(ctx, name, args...)
	cmd.Dir = w.root
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "AWS_") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	cmd.Env = append(cmd.Env,
		"AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=example", "AWS_DEFAULT_REGION=us-east-1",
		"AWS_EC2_METADATA_DISABLED=true", "AWS_CONFIG_FILE="+os.DevNull, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull, "AWS_PAGER=",
		"AWS_ENDPOINT_URL=http://127.0.0.1:9", "AWS_MAX_ATTEMPTS=1",
		"SAM_CLI_TELEMETRY=0", "__SAM_CLI_APP_DIR="+filepath.Join(w.dir, "sam"))
	return cmd
}
