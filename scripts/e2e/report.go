package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"sync"
	"time"
)

// totals is the last line of a run.
var totals = regexp.MustCompile(`^\d+ passed, \d+ failed$`)

// report counts what was checked.
type report struct {
	out io.Writer

	mu             sync.Mutex
	passed, failed int
}

// check runs one check and reports it. It says whether the check passed, for
// those that build on it. An interrupt ends the run without further checks. Checks
// may run at the same time.
func (r *report) check(ctx context.Context, name string, f func() error) bool {
	began := time.Now()
	err := ctx.Err()
	if err == nil {
		err = f()
	}
	took := time.Since(began).Round(10 * time.Millisecond)
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		r.failed++
		fmt.Fprintf(r.out, "FAIL %s (%v)\n     %s\n", name, took, strings.ReplaceAll(err.Error(), "\n", "\n     "))
		return false
	}
	r.passed++
	fmt.Fprintf(r.out, "ok   %s (%v)\n", name, took)
	return true
}

// show prints a line between the checks.
func (r *report) show(line string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fmt.Fprintln(r.out, line)
}

// count adds the checks of another run.
func (r *report) count(passed, failed int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.passed += passed
	r.failed += failed
}

// close prints the totals.
func (r *report) close(ctx context.Context) error {
	fmt.Fprintf(r.out, "%d passed, %d failed\n", r.passed, r.failed)
	if err := context.Cause(ctx); err != nil {
		return fmt.Errorf("interrupted: %w", err)
	}
	if r.failed > 0 {
		return errors.New("not everything works")
	}
	if r.passed == 0 {
		return errors.New("nothing was checked")
	}
	return nil
}
