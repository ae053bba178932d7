package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// deployApart runs the part "deployment" in a network namespace of its own: LocalStack
// listens on every interface, whatever it is told. A namespace needs root; without it
// LocalStack is reachable from the network for the two minutes that it runs.
func (w *workshop) deployApart(ctx context.Context) {
	// The namespace leads nowhere, so that everything is installed before.
	if !w.check(ctx, "LocalStack and the AWS CLI 2 are installed", func() error {
		if _, err := output(ctx, w.installer(ctx, "localstack")); err != nil {
			return err
		}
		_, err := w.operator(ctx, localStackURL)
		return err
	}) {
		return
	}
	if os.Geteuid() != 0 {
		w.deploy(ctx)
		return
	}
	w.merge(ctx, "the deployment runs in a network of its own", func() (*exec.Cmd, error) {
		self, err := os.Executable()
		if err != nil {
			return nil, err
		}
		cmd := w.command(ctx, "unshare", "--net", "sh", "-c", `ip link set lo up && exec "$@"`,
			"sh", self, "-in", w.dir)
		cmd.WaitDelay = time.Minute // for the inner run to remove what it has made
		return cmd, nil
	})
}

// merge runs another run of this program, shows what it shows and counts its checks.
func (w *workshop) merge(ctx context.Context, name string, start func() (*exec.Cmd, error)) {
	before := w.passed + w.failed
	err := func() error {
		cmd, err := start()
		if err != nil {
			return err
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			return err
		}
		cmd.Stderr = w.out
		if err := cmd.Start(); err != nil {
			return err
		}
		for lines := bufio.NewScanner(out); lines.Scan(); {
			w.copyLine(lines.Text())
		}
		return cmd.Wait()
	}()
	if checked := w.passed + w.failed - before; checked == 0 || err != nil && w.failed == 0 {
		w.check(ctx, name, func() error { return fmt.Errorf("after %d checks: %v", checked, err) })
	}
}

// copyLine shows a line of the inner run, its totals apart, which become part of ours.
func (w *workshop) copyLine(line string) {
	switch {
	case strings.HasPrefix(line, "ok "):
		w.passed++
	case strings.HasPrefix(line, "FAIL "):
		w.failed++
	case totals.MatchString(line):
		return
	}
	fmt.Fprintln(w.out, line)
}
