package main

import (
	"bytes"
	"strings"
	"testing"
)

// TestRunRefuses: an empty choice and a text that is not in the source are errors,
// not successes.
func TestRunRefuses(t *testing.T) {
	var out bytes.Buffer
	if err := run(t.Context(), []string{"-only", "no such guard"}, &out); err == nil {
		t.Errorf("nothing was tried and that is no error:\n%s", &out)
	}
	t.Chdir("../../..")
	m := mutant{edits: []edit{{"rotation/plan.go", "no such text", ""}}}
	if _, err := m.overlay(t.TempDir()); err == nil || !strings.Contains(err.Error(), "out of date") {
		t.Errorf("an edit that does not apply gave %v", err)
	}
}

// TestEditsApply: every text that is to be replaced stands in the sources.
func TestEditsApply(t *testing.T) {
	t.Chdir("../../..")
	for _, m := range mutants {
		if _, err := m.overlay(t.TempDir()); err != nil {
			t.Errorf("%s: %v", m.guard, err)
		}
	}
}
