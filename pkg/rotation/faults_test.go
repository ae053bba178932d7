package rotation_test

import (
	"maps"
	"slices"
	"testing"
)

// TestEveryFault breaks every call of a rotation in every way, for every mode: with
// each start at the default switches, and with each switch at the normal start.
// Under the race detector, which is for the tests of two invocations, it takes a few of
// the normal start.
func TestEveryFault(t *testing.T) {
	draw, few := sampler(t), slow() && !*complete
	for _, s := range allSetups() {
		normal, share := s.start == "normal" && s.variant == "default", s.share()
		switch {
		case few && !normal:
			continue
		case few:
			share = 30
		case normal:
			share = 1
		}
		offset := draw.IntN(share)
		t.Run(s.String(), func(t *testing.T) {
			t.Parallel()
			faults := singleFaults(t, s)
			whole := 0
			for i := offset; i < len(faults); i += share {
				if r := (schedule{s, []fault{faults[i]}}).checkUntilKnown(t); !r.stopped {
					whole++
				}
			}
			t.Logf("%d schedules, %d of them to a state that no other had reached",
				(len(faults)-offset+share-1)/share, whole)
		})
	}
}

func allSetups() []setup {
	var setups []setup
	for _, mode := range slices.Sorted(maps.Keys(modes)) {
		of := setup{mode: mode}
		for _, start := range slices.Sorted(maps.Keys(of.starts())) {
			setups = append(setups, setup{mode, start, "default"})
		}
		for _, variant := range slices.Sorted(maps.Keys(of.variants())) {
			if variant != "default" && (mode != "replace" || !onlyGrace[variant]) {
				setups = append(setups, setup{mode, "normal", variant})
			}
		}
	}
	return setups
}

// singleFaults are all faults of all calls of a rotation that nothing disturbs.
func singleFaults(t *testing.T, s setup) []fault {
	t.Helper()
	clean := schedule{setup: s}.check(t)
	if len(clean.calls) < 10 {
		t.Fatalf("a whole rotation made only these calls:\n%s", clean.trace())
	}
	return faultsFrom(clean.calls, 1)
}

// faultsFrom are all faults of the calls from number first on.
func faultsFrom(calls []*call, first int) []fault {
	var faults []fault
	for _, c := range calls[first-1:] {
		faults = append(faults, faultsFor(c)...)
	}
	return faults
}
