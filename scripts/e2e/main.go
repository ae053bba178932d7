// Command e2e runs the parts that the other tests stand in for, on engines that
// others wrote: a deployment in LocalStack, moto as AWS, the SAM CLI with Docker, the
// AWS CLI as a client.
//
//	go run ./scripts/e2e               # from the repository root; make e2e
//	go run ./scripts/e2e build moto    # some parts alone, see stages
//
// It installs what it needs (see install.sh), starts a Docker engine of its own
// where none answers, and removes every process, container, network and file
// again, also after a failure or an interrupt. Nothing is skipped: what cannot run
// is a failure that says what is missing. Traffic stays on this machine, but for
// the installation and the attempt to pull AWS's base image.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Stdout, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		stop()
		os.Exit(1)
	}
}

// workshop is what all parts share.
type workshop struct {
	*report
	root string     // the repository
	dir  string     // scratch, removed at the end
	bin  string     // the installed tools
	cli  sync.Mutex // held while the AWS CLI is looked for
}

// part is some of the checks.
type part struct {
	name string
	run  func(*workshop, context.Context)
}

// stages follow one another: each leaves in the scratch folder what later ones use. The
// parts of a line follow one another too, and the lines of a stage run beside each other,
// because most parts wait: for an engine, a container, a minute to pass.
var stages = [][][]part{{
	{{"template", (*workshop).lintTemplate}},
	{{"build", (*workshop).buildFunctions}},
	{{"release", (*workshop).packageRelease}},
}, {
	{{"deployment", (*workshop).deployApart}},
	{{"invoke", (*workshop).invokeLocally}},
	{{"ministack", (*workshop).useMinistack}},
	{
		{"requests", (*workshop).recordRequests},
		{"readers", (*workshop).readReports},
		{"patterns", (*workshop).matchPatterns},
		{"moto", (*workshop).useMoto},
		{"cli", (*workshop).useAWSCLI},
	},
}, {
	{{"iam", (*workshop).evaluateIAM}},
}}

// run runs the parts that args name, or all of them. With -in it uses a scratch folder
// that is there and stays; -in without a name is the deployment inside another run.
func run(ctx context.Context, out io.Writer, args []string) error {
	flags := flag.NewFlagSet("e2e", flag.ContinueOnError)
	dir := flags.String("in", "", "the scratch `folder` of the run that started this one")
	if err := flags.Parse(args); err != nil {
		return err
	}
	root, err := os.Getwd()
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(root, "template.yaml")); err != nil {
		return fmt.Errorf("run this from the root of the repository: %w", err)
	}
	w := &workshop{report: &report{out: out}, root: root, dir: *dir}
	if *dir == "" {
		// Short, since it holds a Unix socket, and below /tmp, which every engine may mount.
		if w.dir, err = os.MkdirTemp("/tmp", "e2e-"); err != nil {
			return err
		}
		defer os.RemoveAll(w.dir)
		fmt.Fprintln(out, "installing the tools (about three minutes the first time)")
	}
	venv, err := output(ctx, w.installer(ctx, "tools"))
	if err != nil {
		return fmt.Errorf("install the tools: %w", err)
	}
	w.bin = filepath.Join(strings.TrimSpace(venv), "bin")
	if *dir != "" && flags.NArg() == 0 {
		w.deploy(ctx)
		return w.close(ctx)
	}
	for _, stage := range stages {
		var lines sync.WaitGroup
		for _, line := range stage {
			lines.Go(func() {
				for _, part := range line {
					if flags.NArg() == 0 || slices.Contains(flags.Args(), part.name) {
						part.run(w, ctx)
					}
				}
			})
		}
		lines.Wait()
	}
	return w.close(ctx)
}

// installer installs a group of tools and prints the folder that they are in.
func (w *workshop) installer(ctx context.Context, group string) *exec.Cmd {
	return w.command(ctx, filepath.Join(w.root, "scripts/e2e/install.sh"), group)
}

// tool is one of the installed tools.
func (w *workshop) tool(ctx context.Context, name string, args ...string) *exec.Cmd {
	return w.command(ctx, filepath.Join(w.bin, name), args...)
}

// command runs at the root of the repository with credentials that open nothing,
// whatever the user's own are. Temporary files and the SAM CLI's notes go to the scratch
// folder. The SAM CLI asks a closed port of this machine, once, for the account of its caller.
func (w *workshop) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := child(ctx, name, args...)
	cmd.Dir = w.root
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "AWS_") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	cmd.Env = append(cmd.Env, "AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=example",
		"AWS_DEFAULT_REGION=us-east-1", "AWS_EC2_METADATA_DISABLED=true", "AWS_CONFIG_FILE="+os.DevNull,
		"AWS_SHARED_CREDENTIALS_FILE="+os.DevNull, "AWS_PAGER=", "AWS_ENDPOINT_URL=http://127.0.0.1:9",
		"AWS_MAX_ATTEMPTS=1", "SAM_CLI_TELEMETRY=0", "__SAM_CLI_APP_DIR="+filepath.Join(w.dir, "sam"), "TMPDIR="+w.dir)
	return cmd
}
