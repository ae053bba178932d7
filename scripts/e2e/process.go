package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// child is a command whose whole process group is interrupted when ctx ends: the
// SAM CLI then removes its container, which it would not on other signals.
func child(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGINT) }
	cmd.WaitDelay = 15 * time.Second
	return cmd
}

// output runs a command and returns its standard output. The error holds the end
// of what it wrote.
func output(ctx context.Context, cmd *exec.Cmd) (string, error) {
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	if err != nil {
		return stdout.String(), fmt.Errorf("%s %s: %w\n%s", filepath.Base(cmd.Path), strings.Join(cmd.Args[1:], " "), err,
			tail(stdout.String()+stderr.String(), 20))
	}
	return stdout.String(), nil
}

func tail(text string, lines int) string {
	all := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

// background is a process that runs until stop.
type background struct {
	cmd  *exec.Cmd
	log  string
	done chan struct{}
}

// startBackground starts a process whose output goes to dir/NAME.log and returns
// when ready says so.
func startBackground(ctx context.Context, cmd *exec.Cmd, dir string, ready func() bool) (*background, error) {
	name := filepath.Base(cmd.Path)
	b := &background{cmd: cmd, log: filepath.Join(dir, name+".log"), done: make(chan struct{})}
	file, err := os.Create(b.log)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	cmd.Stdout, cmd.Stderr = file, file
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go func() { cmd.Wait(); close(b.done) }()
	deadline := time.After(time.Minute)
	for !ready() {
		select {
		case <-ctx.Done():
			b.stop()
			return nil, context.Cause(ctx)
		case <-b.done:
			return nil, fmt.Errorf("%s ended at once:\n%s", name, b.lastLines())
		case <-deadline:
			b.stop()
			return nil, fmt.Errorf("%s is not ready after a minute:\n%s", name, b.lastLines())
		case <-time.After(100 * time.Millisecond):
		}
	}
	return b, nil
}

// eventually asks every second until done. After limit it fails with what is not so.
func eventually(ctx context.Context, limit time.Duration, missing string, done func() (bool, error)) error {
	deadline := time.Now().Add(limit)
	for {
		if is, err := done(); is || err != nil {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s after %v", missing, limit)
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(time.Second):
		}
	}
}

func (b *background) lastLines() string {
	text, _ := os.ReadFile(b.log) // an unreadable log shows nothing
	return tail(string(text), 15)
}

// stop ends the process group and waits for the process, by force after 15 s.
func (b *background) stop() {
	syscall.Kill(-b.cmd.Process.Pid, syscall.SIGTERM)
	select {
	case <-b.done:
	case <-time.After(15 * time.Second):
		syscall.Kill(-b.cmd.Process.Pid, syscall.SIGKILL)
		<-b.done
	}
}

// freePort is a TCP port of loopback that was free a moment ago.
func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, err
}

func answers(address string) bool {
	conn, err := net.DialTimeout("tcp", address, time.Second)
	if err != nil {
		return false
	}
	conn.Close()
	return true
}
