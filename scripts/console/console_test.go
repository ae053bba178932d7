package console

import (
	"slices"
	"testing"
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
