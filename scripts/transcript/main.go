// Command transcript compares the first scenes of the demonstration, as the README
// shows them, with what the last demonstration showed. Times, ages, sizes and version ids differ from run to run
// and are passed over. With -write it puts the demonstration's words there.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
)

const (
	begin = "<!-- the output of make demo -->\n"
	end   = "<!-- the end of the output -->\n"
	// rest is where the scenes begin that the page leaves out.
	rest = "\n3. "
)

func main() {
	write := flag.Bool("write", false, "put the demonstration's output into the README")
	flag.Parse()
	if err := run("README.md", "build/demo.txt", *write); err != nil {
		fmt.Fprintln(os.Stderr, "transcript:", err)
		os.Exit(1)
	}
}

func run(readme, demo string, write bool) error {
	page, err := os.ReadFile(readme)
	if err != nil {
		return err
	}
	shown, err := os.ReadFile(demo)
	if err != nil {
		return fmt.Errorf("%w (make demo writes it)", err)
	}
	before, after, found := strings.Cut(string(page), begin)
	written, after, closed := strings.Cut(after, end)
	if !found || !closed {
		return errors.New("the README has no transcript")
	}
	scenes, _, long := strings.Cut(strings.TrimLeft(string(shown), "\n"), rest)
	if !long {
		return errors.New("the demonstration has no third scene")
	}
	text := "```text\n" + scenes + "```\n"
	if write {
		return os.WriteFile(readme, []byte(before+begin+text+end+after), 0o644)
	}
	return compare(steady(written), steady(text))
}

func compare(written, shown string) error {
	a, b := strings.Split(written, "\n"), strings.Split(shown, "\n")
	for i := range max(len(a), len(b)) {
		if i >= len(a) || i >= len(b) || a[i] != b[i] {
			return fmt.Errorf("the README's transcript differs from the demonstration in line %d; "+
				"look at build/demo.txt and run: go run ./scripts/transcript -write", i+1)
		}
	}
	return nil
}

var changing = []*regexp.Regexp{
	regexp.MustCompile(`\d+ ms`),
	regexp.MustCompile(`\d{4} d\b`), // ages of the documentation's tokens of 2024
	regexp.MustCompile(`\d+ KB`),
	regexp.MustCompile(`version [0-9a-f]{8}`),
}

// steady is text without what differs from run to run; the spaces beside it, which
// align columns, go too.
func steady(text string) string {
	for _, pattern := range changing {
		text = pattern.ReplaceAllString(text, "#")
	}
	return regexp.MustCompile(` *# *`).ReplaceAllString(text, " # ")
}
