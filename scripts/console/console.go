// Package console is what the programs under scripts show at a terminal and ask there.
package console

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"

	"databrain-rotation/pkg/audit/finding"
	"databrain-rotation/pkg/audit/report"
)

// Ask prompts for a line and returns it once sound takes it. It asks three times: a
// pasted block may have a line behind the command, which arrives in the answer's place.
// Whoever starts the program keeps the terminal from showing what is typed; see
// scripts/unseen.sh.
func Ask(in *bufio.Reader, notes io.Writer, what string, sound func(string) bool) (string, error) {
	fault := "no %s was given"
	for range 3 {
		fmt.Fprintf(notes, "%s (it is not shown): ", what)
		line, err := in.ReadString('\n')
		fmt.Fprintln(notes)
		line = strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r")
		if sound(line) {
			return line, nil
		}
		if line != "" {
			fault = "what was given is no %s"
		}
		if line != "" || err == nil {
			fmt.Fprintf(notes, "That is no %s: %s.\n", what, Fault(line))
		}
		if err != nil {
			break
		}
	}
	return "", fmt.Errorf(fault, what)
}

// Fault says what is wrong with a line that is none of what was asked for. It shows
// nothing of the line.
func Fault(line string) string {
	switch {
	case line == "":
		return "it is empty"
	case strings.HasPrefix(strings.TrimSpace(line), "{"):
		return "it is a JSON document; give the value of its member alone"
	}
	return "it has characters that one cannot have, such as a space"
}

// Is reports whether w is a terminal.
func Is(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// Count returns a number with its noun, such as "1 finding" or "2 findings".
func Count(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}

// Wrap breaks text into lines of at most width characters where its words allow that.
func Wrap(text string, width int) []string {
	var lines []string
	for _, word := range strings.Fields(text) {
		last := len(lines) - 1
		if last < 0 || len([]rune(lines[last]+word)) >= width {
			lines = append(lines, word)
			continue
		}
		lines[last] += " " + word
	}
	return lines
}

// Columns returns rows as lines with columns as wide as they need to be.
func Columns(rows [][]string) []string {
	var width []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(width) {
				width = append(width, 0)
			}
			width[i] = max(width[i], len([]rune(cell)))
		}
	}
	var lines []string
	for _, row := range rows {
		var b strings.Builder
		for i, cell := range row {
			b.WriteString("  " + cell + strings.Repeat(" ", width[i]-len([]rune(cell))))
		}
		lines = append(lines, strings.TrimRight(b.String(), " "))
	}
	return lines
}

// Findings returns a table of findings, its header first.
func Findings(findings []report.Detail) [][]string {
	rows := [][]string{{"severity", "check", "state", "data app", "token", "age"}}
	for _, item := range findings {
		row := []string{string(item.Finding.Severity), string(item.Finding.Check), string(item.Finding.State), "", "", ""}
		if item.DataApp != nil {
			row[3] = item.DataApp.Name
		}
		if item.Token != nil {
			row[4] = item.Token.Name
			if item.Token.AgeDays != nil {
				row[5] = fmt.Sprintf("%d d", *item.Token.AgeDays)
			}
		}
		if item.Exception != nil && item.DataApp == nil {
			row[3] = "exception " + item.Exception.ID
		}
		if item.Finding.Check == finding.RuleUnused && item.Policy != nil {
			row[3] = "rule " + item.Policy.Rule
		}
		rows = append(rows, row)
	}
	return rows
}
