// Command mutants shows that the tests of the rotation would notice if a guard were
// missing: it removes each one in turn, runs the tests that are to notice, and
// fails if they pass.
//
//	go run ./scripts/check/mutants            all
//	go run ./scripts/check/mutants -only move those whose guard contains "move"
//
// The sources are not touched: a mutated file is laid over its original by go
// test's -overlay, so that the build cache serves all that did not change.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"text/tabwriter"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("mutants", flag.ContinueOnError)
	only := flags.String("only", "", "try only guards whose name contains `text`")
	parallel := flags.Int("j", 2, "mutants to try at the same time")
	if err := flags.Parse(args); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "mutants")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	began := time.Now()
	var chosen []mutant
	for _, m := range mutants {
		if strings.Contains(m.guard, *only) {
			chosen = append(chosen, m)
		}
	}
	verdicts := tryAll(ctx, dir, chosen, *parallel)
	bad := report(out, chosen, verdicts)
	fmt.Fprintf(
		out,
		"\n%d guards removed, %d noticed, in %v\n",
		len(chosen),
		len(chosen)-bad,
		time.Since(began).Round(time.Second),
	)
	if bad > 0 || len(chosen) == 0 {
		return fmt.Errorf("%d of %d removed guards were not noticed", bad, len(chosen))
	}
	return nil
}

// verdict is what became of a mutant: the test that failed, or why there is none.
type verdict struct {
	test string
	err  error
}

func tryAll(ctx context.Context, dir string, chosen []mutant, parallel int) []verdict {
	verdicts := make([]verdict, len(chosen))
	slots := make(chan struct{}, max(parallel, 1))
	var all sync.WaitGroup
	for i, m := range chosen {
		all.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			verdicts[i].test, verdicts[i].err = m.try(ctx, filepath.Join(dir, fmt.Sprint(i)))
		})
	}
	all.Wait()
	return verdicts
}

func report(out io.Writer, chosen []mutant, verdicts []verdict) (bad int) {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "GUARD REMOVED\tNOTICED BY\tRULE")
	for i, m := range chosen {
		noticed := verdicts[i].test
		if verdicts[i].err != nil {
			bad++
			noticed = "NOT NOTICED: " + verdicts[i].err.Error()
		}
		fmt.Fprintf(table, "%s\t%s\t%s\n", m.guard, noticed, m.rule)
	}
	table.Flush()
	return bad
}

// try runs the mutant's tests and returns the first one that failed.
func (m mutant) try(ctx context.Context, dir string) (string, error) {
	overlay, err := m.overlay(dir)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "go", "test", "-overlay", overlay, "-count=1", "-failfast", "-timeout=4m",
		"-run", m.test, "./pkg/rotation", "-proof.seed=1", "-rapid.nofailfile", "-rapid.seed=1")
	output, err := cmd.CombinedOutput()
	switch failed := failure.FindSubmatch(output); {
	case ctx.Err() != nil:
		return "", ctx.Err()
	case err == nil:
		return "", errors.New("the tests passed: " + m.test)
	case failed == nil:
		return "", fmt.Errorf("no test failed, but go test did: %.300s", output)
	default:
		return string(failed[1]), nil
	}
}

var failure = regexp.MustCompile(`(?m)^--- FAIL: (\S+)`)

// mutated is where the mutated file stands in dir.
func (e edit) mutated(dir string) string {
	return filepath.Join(dir, strings.ReplaceAll(e.file, "/", "-"))
}

// overlay writes the mutated files and what -overlay needs to know of them.
func (m mutant) overlay(dir string) (string, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	replace := make(map[string]string)
	for _, e := range m.edits {
		original, err := filepath.Abs(filepath.Join("pkg", e.file))
		if err != nil {
			return "", err
		}
		from := original
		if mutated, twice := replace[original]; twice {
			from = mutated
		}
		source, err := os.ReadFile(from)
		if err != nil {
			return "", err
		}
		if n := strings.Count(string(source), e.old); n != 1 {
			return "", fmt.Errorf("the table is out of date: %s has this text %d times: %.80q", e.file, n, e.old)
		}
		mutated := e.mutated(dir)
		if err := os.WriteFile(mutated, []byte(strings.Replace(string(source), e.old, e.new, 1)), 0o600); err != nil {
			return "", err
		}
		replace[original] = mutated
	}
	encoded, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	name := filepath.Join(dir, "overlay.json")
	return name, os.WriteFile(name, encoded, 0o600)
}
