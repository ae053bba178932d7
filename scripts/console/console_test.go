package console

import (
	"bufio"
	"slices"
	"strings"
	"testing"

	"databrain-rotation/pkg/audit/finding"
	"databrain-rotation/pkg/audit/report"
)

func TestWrap(t *testing.T) {
	for text, want := range map[string][]string{
		"":                       nil,
		"one":                    {"one"},
		"one two  three":         {"one two", "three"},
		"eight888 a b c":         {"eight888", "a b c"},
		"longer-than-that a":     {"longer-than-that", "a"},
		"ünïcödé counts letters": {"ünïcödé", "counts", "letters"},
		"ab cd ef gh":            {"ab cd ef", "gh"},
	} {
		if got := Wrap(text, 8); !slices.Equal(got, want) {
			t.Errorf("%q in lines of 8: %q, want %q", text, got, want)
		}
	}
}

func TestCount(t *testing.T) {
	for n, want := range map[int]string{0: "0 findings", 1: "1 finding", 2: "2 findings"} {
		if got := Count(n, "finding"); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestAsk: what was given and does not fit is not called missing.
func TestAsk(t *testing.T) {
	const sound = "0123"
	for typed, want := range map[string]struct{ line, notes, err string }{
		"":                       {"", "", "no token was given"},
		"\n":                     {"", "it is empty", "no token was given"},
		sound + " \n":            {"", "such as a space", "what was given is no token"},
		sound + " ":              {"", "such as a space", "what was given is no token"},
		` {"token":"0123"}`:      {"", "give the value of its member alone", "what was given is no token"},
		"a b\n" + sound + "\r\n": {sound, "such as a space", ""},
	} {
		var notes strings.Builder
		line, err := Ask(bufio.NewReader(strings.NewReader(typed)), &notes, "token",
			func(line string) bool { return line == sound })
		if line != want.line || (err != nil) != (want.err != "") || err != nil && err.Error() != want.err {
			t.Errorf("%q: %q, %v", typed, line, err)
		}
		if text := notes.String(); !strings.Contains(text, want.notes) || strings.Contains(text, sound) ||
			want.notes == "" && strings.Contains(text, "That is no") {
			t.Errorf("%q: %s", typed, text)
		}
	}
}

// TestFindingsNameWhatTheyAreAbout, also where that is no data app.
func TestFindingsNameWhatTheyAreAbout(t *testing.T) {
	unused := report.FindingDetail{Check: finding.RuleUnused}
	rule, exception := &report.PolicyDetail{Rule: "strict"}, &report.ExceptionDetail{ID: "pilot"}
	rows := Findings([]report.Detail{
		{Finding: unused, Policy: rule},
		{Exception: exception},
		{Policy: rule, Exception: exception, DataApp: &report.DataAppDetail{Name: "App"}},
		{Policy: rule}, // of the service token
	})
	for i, want := range []string{"data app", "rule strict", "exception pilot", "App", ""} {
		if rows[i][3] != want {
			t.Errorf("row %d is about %q, want %q", i, rows[i][3], want)
		}
	}
}
