package rotation_test

import (
	"maps"
	"slices"
	"testing"
)

// TestEveryFault breaks every call of a rotation in every way, for every mode: with
// each start at the default switches, and with each switch at the normal start.
func TestEveryFault(t *testing.T) {
	var setups []setup
	for _, mode := range slices.Sorted(maps.Keys(modes)) {
		for _, start := range slices.Sorted(maps.Keys(starts)) {
			setups = append(setups, setup{mode, start, "default"})
		}
		for _, variant := range slices.Sorted(maps.Keys(variants)) {
			if variant != "default" && (mode != "replace" || !onlyGrace[variant]) {
				setups = append(setups, setup{mode, "normal", variant})
			}
		}
	}
	for _, s := range setups {
		t.Run(s.String(), func(t *testing.T) {
			t.Parallel()
			count := 0
			for _, f := range singleFaults(t, s) {
				schedule{s, []fault{f}}.check(t)
				count++
			}
			t.Logf("%d schedules", count)
		})
	}
}

// singleFaults are all faults of all calls of a rotation that nothing disturbs.
func singleFaults(t *testing.T, s setup) []fault {
	t.Helper()
	clean := schedule{setup: s}.check(t)
	if len(clean.calls) < 10 {
		t.Fatalf("a whole rotation made only these calls:\n%s", clean.trace())
	}
	var faults []fault
	for _, c := range clean.calls {
		faults = append(faults, faultsFor(c)...)
	}
	return faults
}
