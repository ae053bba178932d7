package rotation_test

import (
	"maps"
	"slices"
	"testing"
)

// TestPairsOfFaults breaks two calls of a rotation: the second fault strikes any
// call after the first one, those of the retry that the first one caused included.
// It draws -proof.pairs of them for each mode, or tries all with -proof.complete.
func TestPairsOfFaults(t *testing.T) {
	oneAtATime(t)
	draw := sampler(t)
	for _, mode := range slices.Sorted(maps.Keys(modes)) {
		s := setup{mode, "normal", "default"}
		firsts := singleFaults(t, s)
		if *complete {
			allPairs(t, s, firsts)
			continue
		}
		sample := make([]fault, *pairs/min(3, s.share()))
		for i := range sample {
			sample[i] = firsts[draw.IntN(len(firsts))]
		}
		which := draw.Uint64()
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			for i, first := range sample {
				// The calls that follow are known only after a run with the first fault.
				seconds := faultsFrom(schedule{s, []fault{first}}.check(t).calls, first.call+1)
				if len(seconds) > 0 {
					n := (which + uint64(i)*0x9e3779b97f4a7c15) % uint64(len(seconds))
					schedule{s, []fault{first, seconds[n]}}.checkUntilKnown(t)
				}
			}
		})
	}
}

// allPairs runs one subtest for each call that the first fault may strike.
func allPairs(t *testing.T, s setup, firsts []fault) {
	for _, first := range firsts {
		t.Run(s.mode+"/"+first.String(), func(t *testing.T) {
			t.Parallel()
			seconds := faultsFrom(schedule{s, []fault{first}}.check(t).calls, first.call+1)
			for _, second := range seconds {
				schedule{s, []fault{first, second}}.check(t)
			}
			t.Logf("%d schedules", len(seconds))
		})
	}
}
