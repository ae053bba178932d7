package main

import (
	"fmt"
	"io"
	"os"
	"strings"
)

// The figures of a run that the repository keeps.
const (
	readme = "scripts/bench/README.md"
	chart  = ".github/growth.svg"
)

// section is a part of the output, and of the README: there it stands between
// <!-- name --> and <!-- /name -->.
type section struct{ name, text string }

func sections(f figures, built builds, rounds int, far distances) []section {
	return []section{
		{"side", printed(func(w io.Writer) { printMachine(w, built, rounds); f.side.print(w) })},
		{"rotation", printed(func(w io.Writer) { printCrossings(w, f.crossings, far) })},
		{"audit", printed(func(w io.Writer) { printFar(w, f.far) })},
		{"growth", printed(func(w io.Writer) { printGrowth(w, f.growth) })},
		{"memory", printed(func(w io.Writer) { printMemory(w, f.memory) })},
		{"endurance", printed(func(w io.Writer) { printEndurance(w, f.endurance) })},
		{"cost", printed(printCost)},
		{"goals", printed(func(w io.Writer) { printGoals(w, f) })},
	}
}

func printed(write func(io.Writer)) string {
	var text strings.Builder
	write(&text)
	return text.String()
}

// updateFile puts the sections into the Markdown file at path.
func updateFile(path string, all []section) error {
	document, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	updated := string(document)
	for _, part := range all {
		if updated, err = part.put(updated); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	return os.WriteFile(path, []byte(updated), 0o644)
}

// put returns document with the text of the section in its place.
func (s section) put(document string) (string, error) {
	begin, end := "<!-- "+s.name+" -->\n", "<!-- /"+s.name+" -->\n"
	before, rest, found := strings.Cut(document, begin)
	_, after, ended := strings.Cut(rest, end)
	if !found || !ended {
		return "", fmt.Errorf("no place for the section %q", s.name)
	}
	return before + begin + "\n" + s.text + "\n" + end + after, nil
}
