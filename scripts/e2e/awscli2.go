package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// operator is a person with a shell and the AWS CLI 2, in the account of an engine.
type operator struct {
	*workshop
	endpoint string
	path     string // PATH with the AWS CLI 2 first
	asking   string // host and port of ask.py, where it was started
}

// operator finds the AWS CLI 2 or installs it. Releases before 2.13 do not read
// AWS_ENDPOINT_URL, so a script of two lines passes it on as an option.
func (w *workshop) operator(ctx context.Context, endpoint string) (*operator, error) {
	w.cli.Lock()
	defer w.cli.Unlock()
	cli, err := w.findCLI(ctx)
	if err != nil {
		if _, err := output(ctx, w.installer(ctx, "cli")); err != nil {
			return nil, fmt.Errorf("install the AWS CLI 2: %w", err)
		}
		if cli, err = w.findCLI(ctx); err != nil {
			return nil, err
		}
	}
	dir := filepath.Join(w.dir, "cli")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	script := filepath.Join(dir, "aws")
	if _, err := os.Stat(script); err != nil { // another part may be running it
		text := fmt.Sprintf("#!/bin/sh\nexec %s --endpoint-url \"$AWS_ENDPOINT_URL\" \"$@\"\n", cli)
		if err := os.WriteFile(script, []byte(text), 0o700); err != nil {
			return nil, err
		}
	}
	return &operator{workshop: w, endpoint: endpoint, path: dir + string(os.PathListSeparator) + os.Getenv("PATH")}, nil
}

// findCLI looks for an AWS CLI 2 behind every "aws" of PATH: the first may be of version 1.
func (w *workshop) findCLI(ctx context.Context) (string, error) {
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		cli := filepath.Join(dir, "aws")
		if _, err := os.Stat(cli); err != nil {
			continue
		}
		version, err := output(ctx, w.command(ctx, cli, "--version"))
		if err == nil && strings.HasPrefix(version, "aws-cli/2") {
			return cli, nil
		}
	}
	return "", errors.New("there is no AWS CLI 2: its package is awscli on Debian 12 and later; AWS's page names others")
}

// shell runs a command line as a person would paste it.
func (o *operator) shell(ctx context.Context, line string) *exec.Cmd {
	cmd := o.command(ctx, "sh", "-c", line)
	cmd.Env = append(cmd.Env, "PATH="+o.path, "AWS_ENDPOINT_URL="+o.endpoint)
	return cmd
}

// aws runs the AWS CLI and decodes its answer, unless into is nil.
func (o *operator) aws(ctx context.Context, into any, args ...string) error {
	cmd := o.command(ctx, filepath.Join(o.dir, "cli", "aws"), append(args, "--output", "json")...)
	cmd.Env = append(cmd.Env, "AWS_ENDPOINT_URL="+o.endpoint)
	out, err := output(ctx, cmd)
	if err != nil || into == nil || out == "" {
		return err
	}
	return json.Unmarshal([]byte(out), into)
}
