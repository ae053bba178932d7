package main

import (
	"os"
	"strings"
	"testing"
	"time"

	"databrain-rotation/pkg/standin/secretsmanagertest"
)

// someFigures returns figures that have something in every place.
func someFigures() figures {
	f := figures{side: sideBySide{lives: make(map[string][]life)}, crossings: make(map[string]*crossings)}
	for _, name := range functions() {
		f.side.lives[name] = []life{{cold: time.Millisecond, first: time.Millisecond, warm: time.Millisecond, peak: 1 << 20}}
	}
	c := crossing{steps: make(map[string]stretch)}
	for _, step := range secretsmanagertest.Steps() {
		c.steps[step] = stretch{requests: 2, inSequence: 1, took: time.Second}
	}
	for _, name := range []string{rotate, python} {
		f.crossings[name] = &crossings{fresh: []crossing{c}, warm: []crossing{c}}
	}
	a := audited{
		estate: estate{apps: 10, tokens: 10, concurrency: 1, perMinute: 600, latency: latency},
		wall:   time.Second, peak: 20 << 20,
	}
	f.growth, f.memory = []growth{{a, a}}, []audited{a, a, a, a}
	f.far = []farAudit{{audited: a, aws: 7}}
	f.endurance = []endurance{{name: rotate, early: 1, runs: 10, after: 1 << 20, end: 1 << 20}}
	return f
}

// TestTables compares the rows of every table with its header.
func TestTables(t *testing.T) {
	for _, part := range sections(someFigures(), builds{}, 1, distances{}) {
		cells := 0
		for line := range strings.Lines(part.text) {
			if !strings.HasPrefix(line, "|") {
				cells = 0
				continue
			}
			if n := strings.Count(line, "|"); cells == 0 {
				cells = n
			} else if n != cells {
				t.Errorf("%s: a header of %d cells over the row %s", part.name, cells-1, line)
			}
		}
	}
}

// TestReadme puts other figures into the README, in memory.
func TestReadme(t *testing.T) {
	document, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(document)
	for _, part := range sections(someFigures(), builds{}, 1, distances{}) {
		changed, err := part.put(text)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(changed, part.text) {
			t.Errorf("the section %q is not in the README", part.name)
		}
		if twice, err := part.put(changed); err != nil || twice != changed {
			t.Errorf("the section %q cannot be replaced twice: %v", part.name, err)
		}
	}
	if _, err := (section{name: "unknown"}).put(text); err == nil {
		t.Error("an unknown section has a place")
	}
}
