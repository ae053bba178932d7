package main

import (
	"flag"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "put what the demonstration shows into testdata and the README")

const (
	golden = "testdata/demo.txt"
	readme = "../../README.md"

	// The README shows the scenes before third, between two comments.
	begin = "<!-- the output of make demo -->\n"
	end   = "<!-- the end of the output -->\n"
	third = "\n3. "
)

// TestDemo plays the demonstration and compares what it shows with testdata, and the
// first scenes with the README. Times, ages, sizes, ports and version ids are passed
// over.
func TestDemo(t *testing.T) {
	shown := strings.TrimLeft(play(t), "\n")
	scenes, _, found := strings.Cut(shown, third)
	if !found {
		t.Fatalf("the demonstration has no third scene:\n%s", shown)
	}
	page := read(t, readme)
	before, rest, opened := strings.Cut(page, begin)
	written, after, closed := strings.Cut(rest, end)
	if !opened || !closed {
		t.Fatalf("the README has no place for the demonstration, between %q and %q", begin, end)
	}
	block := "```text\n" + scenes + "```\n"
	if *update {
		write(t, golden, shown)
		write(t, readme, before+begin+block+end+after)
		return
	}
	const advice = "if that is meant: go test ./scripts/demo -update"
	if diff := cmp.Diff(steady(read(t, golden)), steady(shown)); diff != "" {
		t.Errorf("the demonstration has changed (-before +now); %s\n%s", advice, diff)
	}
	if diff := cmp.Diff(steady(written), steady(block)); diff != "" {
		t.Errorf("the README shows something else (-README +demonstration); %s\n%s", advice, diff)
	}
}

// play runs the demonstration in a folder of its own, with functions built for it.
func play(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, function := range []string{"rotate", "rotate-api-token", "audit"} {
		binary := filepath.Join(dir, "build", function, "bootstrap")
		cmd := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "./functions/"+function)
		cmd.Dir = root
		if output, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, output)
		}
	}
	if err := os.Symlink(filepath.Join(root, "events"), filepath.Join(dir, "events")); err != nil {
		t.Fatal(err)
	}
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	s := &screen{out: io.Discard}
	if err := run(t.Context(), s); err != nil || s.broken > 0 {
		t.Fatalf("%v; %d promises broken\n%s", err, s.broken, &s.shown)
	}
	t.Chdir(here)
	return s.shown.String()
}

var (
	changing = regexp.MustCompile(`\d{4}-\d\d-\d\d(?: \d\d:\d\d)?|AWS[A-Z]+ +[0-9a-f]{8}\b|` +
		`127\.0\.0\.1:\d+|\d+ ms|\d{4} d\b|\d+ KB|version [0-9a-f]{8}`)
	spaced = regexp.MustCompile(` *# *`)
)

// steady is text without what differs from run to run; the spaces beside it, which
// align columns, go too.
func steady(text string) string {
	return spaced.ReplaceAllString(changing.ReplaceAllString(text, "#"), " # ")
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
