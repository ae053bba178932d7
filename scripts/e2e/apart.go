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
	passed, failed := 0, 0
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
		lines := bufio.NewScanner(out)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			switch line := lines.Text(); {
			case totals.MatchString(line): // they become part of ours
				continue
			case strings.HasPrefix(line, "ok "):
				passed++
			case strings.HasPrefix(line, "FAIL "):
				failed++
			}
			w.show(lines.Text())
		}
		return cmd.Wait()
	}()
	w.count(passed, failed)
	if passed+failed == 0 || err != nil && failed == 0 {
		w.check(ctx, name, func() error { return fmt.Errorf("after %d checks: %v", passed, err) })
	}
}
