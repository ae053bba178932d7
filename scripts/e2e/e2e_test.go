package main

import (
	"context"
	"debug/elf"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestReportFailsUnlessAllPassed(t *testing.T) {
	pass, fail := func() error { return nil }, func() error { return errors.New("no") }
	for _, c := range []struct {
		name   string
		checks []func() error
		fails  bool
	}{
		{"all passed", []func() error{pass, pass}, false},
		{"one failed", []func() error{pass, fail, pass}, true},
		{"nothing was checked", nil, true},
	} {
		r := &report{out: io.Discard}
		for _, f := range c.checks {
			r.check(t.Context(), "x", f)
		}
		if err := r.close(t.Context()); (err != nil) != c.fails {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestAnInterruptIsAFailure(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	r := &report{out: io.Discard}
	r.check(ctx, "before", func() error { return nil })
	cancel()
	r.check(ctx, "after", func() error { t.Error("ran after the interrupt"); return nil })
	if r.passed != 1 || r.failed != 1 || r.close(ctx) == nil {
		t.Errorf("%d passed, %d failed", r.passed, r.failed)
	}
}

func TestSameFindingsNoticesEachDifference(t *testing.T) {
	stale := strings.TrimSuffix(strings.Repeat(`{"finding":{"check":"token-age"}},`, staleExamples()), ",")
	summary := `{"status":"complete","counts":{"tokens":3,"findings":3}}`
	for _, c := range []struct {
		name, summary       string
		observed, completed int
		report              string
		fails               bool
	}{
		{"all agree", summary, 3, 1, "[" + stale + "]", false},
		{"partial", strings.Replace(summary, "complete", "partial", 1), 3, 1, "[" + stale + "]", true},
		{"a token too few", strings.Replace(summary, `"tokens":3`, `"tokens":2`, 1), 3, 1, "[" + stale + "]", true},
		{"an event too few", summary, 2, 1, "[" + stale + "]", true},
		{"a finding missing from the report", summary, 3, 1, `[{"finding":{"check":"token-age"}}]`, true},
		{"no end", summary, 3, 0, "[" + stale + "]", true},
		{"two ends", summary, 3, 2, "[" + stale + "]", true},
		{"no report", summary, 3, 1, "", true},
		{"no summary", "", 3, 1, "[" + stale + "]", true},
	} {
		if err := sameFindings([]byte(c.summary), c.observed, c.completed, []byte(c.report)); (err != nil) != c.fails {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestSameEventComparesWhatNamesTheRotation(t *testing.T) {
	file := filepath.Join(t.TempDir(), "event.json")
	event := `{"Step":"a","SecretId":"b","ClientRequestToken":"c","RotationToken":"d"}`
	if err := os.WriteFile(file, []byte(event), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := sameEvent([]byte(`{"Step":"a","SecretId":"b","ClientRequestToken":"c"}`), file); err != nil {
		t.Error(err)
	}
	for _, other := range []string{
		`{"Step":"x","SecretId":"b","ClientRequestToken":"c"}`,
		`{"Step":"a","SecretId":"x","ClientRequestToken":"c"}`,
		`{"Step":"a","SecretId":"b"}`,
	} {
		if err := sameEvent([]byte(other), file); err == nil {
			t.Errorf("%s is taken for the payload", other)
		}
	}
}

func TestIsStaticBinaryRefuses(t *testing.T) {
	own, err := ownArchitecture()
	if err != nil {
		t.Skip(err)
	}
	for name, path := range map[string]string{
		"a script": "install.sh", "a dynamic program": "/bin/sh", "nothing": "none",
	} {
		if err := isStaticBinary(path, own.machine); err == nil {
			t.Errorf("%s is taken for a static binary", name)
		}
	}
	if err := isStaticBinary("/proc/self/exe", elf.EM_ALPHA); err == nil {
		t.Error("a program for another machine is taken")
	}
}

// A process that does not end by itself must not outlive stop.
func TestBackgroundEnds(t *testing.T) {
	polled := 0
	b, err := startBackground(
		t.Context(),
		child(t.Context(), "sleep", "600"),
		t.TempDir(),
		func() bool { polled++; return polled > 1 },
	)
	if err != nil {
		t.Fatal(err)
	}
	b.stop()
	if b.cmd.ProcessState == nil {
		t.Error("it still runs")
	}
	never := func() bool { return false }
	if _, err := startBackground(t.Context(), child(t.Context(), "false"), t.TempDir(), never); err == nil ||
		!strings.Contains(err.Error(), "ended at once") {
		t.Errorf("a process that fails: %v", err)
	}
}
