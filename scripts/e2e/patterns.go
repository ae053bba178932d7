package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// matchPatterns has AWS's own library match every pattern that the template and the
// documents give against the events that the functions and Secrets Manager send.
func (w *workshop) matchPatterns(ctx context.Context) {
	var jars string
	if !w.check(ctx, "event-ruler, AWS's own library for patterns, is installed", func() error {
		folder, err := output(ctx, w.installer(ctx, "ruler"))
		jars = filepath.Join(strings.TrimSpace(folder), "*")
		return err
	}) {
		return
	}
	var events []event
	if !w.check(ctx, "the built audit sends its events, and none in a dry run", func() (err error) {
		events, err = w.sentEvents(ctx)
		return err
	}) {
		return
	}
	w.check(ctx, "each pattern matches the events that it should, and no other", func() error {
		found, err := findPatterns(w.root)
		if err != nil {
			return err
		}
		matched, err := w.match(ctx, jars, found, events)
		if err != nil {
			return err
		}
		w.show(fmt.Sprintf("     %d patterns, %d events", len(found), len(events)))
		return compareMatches(found, events, matched)
	})
}

// match returns for each pattern the names of the events that the library says it matches.
func (w *workshop) match(
	ctx context.Context,
	jars string,
	found []pattern,
	events []event,
) (map[string][]string, error) {
	patternFile, eventFile := filepath.Join(w.dir, "patterns"), filepath.Join(w.dir, "events")
	var patterns, sent strings.Builder
	for _, p := range found {
		patterns.WriteString(p.text + "\n")
	}
	for _, e := range events {
		text, err := json.Marshal(e.envelope)
		if err != nil {
			return nil, err
		}
		sent.Write(append(text, '\n'))
	}
	if err := errors.Join(os.WriteFile(patternFile, []byte(patterns.String()), 0o600),
		os.WriteFile(eventFile, []byte(sent.String()), 0o600)); err != nil {
		return nil, err
	}
	program := filepath.Join(w.root, "scripts/e2e/ruler/Match.java")
	out, err := output(ctx, w.command(ctx, "java", "-cp", jars, program, patternFile, eventFile))
	if err != nil {
		return nil, err
	}
	lines := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
	if len(lines) != len(events) {
		return nil, fmt.Errorf("%d answers for %d events", len(lines), len(events))
	}
	matched := make(map[string][]string)
	for i, line := range lines {
		for number := range strings.FieldsSeq(line) {
			n, err := strconv.Atoi(number)
			if err != nil || n >= len(found) {
				return nil, fmt.Errorf("the answer %q names no pattern", line)
			}
			matched[found[n].name] = append(matched[found[n].name], events[i].name)
		}
	}
	return matched, nil
}

// compareMatches wants each pattern to have a row, each row a pattern, and both the same
// events, of which there is at least one.
func compareMatches(found []pattern, events []event, matched map[string][]string) error {
	var errs []error
	for _, p := range found {
		want, known := matches[p.name]
		switch {
		case !known:
			errs = append(errs, fmt.Errorf("%s has no row: it matches %q", p.name, matched[p.name]))
		case len(want) == 0:
			errs = append(errs, fmt.Errorf("%s should match nothing, says its row", p.name))
		default:
			errs = append(errs, sameEvents(p.name, want, matched[p.name]))
		}
	}
	for name, row := range matches {
		if !slices.ContainsFunc(found, func(p pattern) bool { return p.name == name }) {
			errs = append(errs, fmt.Errorf("there is no pattern %s", name))
		}
		for _, want := range row {
			if !slices.ContainsFunc(events, func(e event) bool { return e.name == want }) {
				errs = append(errs, fmt.Errorf("%s: there is no event %q", name, want))
			}
		}
	}
	return errors.Join(errs...)
}

func sameEvents(name string, want, got []string) error {
	want, got = slices.Sorted(slices.Values(want)), slices.Sorted(slices.Values(got))
	if slices.Equal(want, got) {
		return nil
	}
	return fmt.Errorf("%s\nmatches     %q\nits row has %q", name, got, want)
}
