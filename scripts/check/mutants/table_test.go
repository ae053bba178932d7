package main

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestTable keeps the table true without running a mutant: every edit applies to
// the sources as they are and gives a file that parses, and every -run names a test.
func TestTable(t *testing.T) {
	t.Chdir("../../..")
	tests := testNames(t)
	guards := make(map[string]bool)
	for _, m := range mutants {
		if guards[m.guard] {
			t.Errorf("two mutants are called %q", m.guard)
		}
		guards[m.guard] = true
		dir := t.TempDir()
		if _, err := m.overlay(dir); err != nil {
			t.Errorf("%s: %v", m.guard, err)
			continue
		}
		for _, e := range m.edits {
			if _, err := parser.ParseFile(token.NewFileSet(), e.mutated(dir), nil, 0); err != nil {
				t.Errorf("%s: %v", m.guard, err)
			}
		}
		for pattern := range strings.SplitSeq(m.test, "|") {
			top, _, _ := strings.Cut(pattern, "/")
			if !regexp.MustCompile(`(?m)^` + top).MatchString(tests) {
				t.Errorf("%s: no test is called %s", m.guard, top)
			}
		}
	}
}

// testNames are the test functions of pkg/rotation, a line each.
func testNames(t *testing.T) string {
	files, err := filepath.Glob("pkg/rotation/*_test.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("no tests in pkg/rotation (%v)", err)
	}
	var names strings.Builder
	for _, name := range files {
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok {
				names.WriteString(fn.Name.Name + "\n")
			}
		}
	}
	return names.String()
}

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
