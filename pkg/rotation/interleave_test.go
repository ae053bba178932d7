package rotation_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"databrain-rotation/pkg/rotation"
	"databrain-rotation/pkg/standin/secretsmanagertest"
)

// interleaving is two invocations of one rotation at the same time, as when Secrets
// Manager retries while the invocation before still runs. Turns says whose call is
// next, A's or B's; when they run out, A goes on to its end, then B.
type interleaving struct {
	setup setup
	done  int // steps of the rotation that are behind it
	steps [2]string
	turns string
}

// String is the form that -proof.replay takes.
func (l interleaving) String() string {
	return fmt.Sprintf("%s after %d steps %s || %s turns %q", l.setup, l.done, l.steps[0], l.steps[1], l.turns)
}

func parseInterleaving(text string) (l interleaving, err error) {
	var where string
	if _, err = fmt.Sscanf(text, "%s after %d steps %s || %s turns %q", &where, &l.done, &l.steps[0], &l.steps[1],
		&l.turns); err != nil {
		return l, err
	}
	l.setup, err = parseSetup(where)
	return l, err
}

// run lets the two take turns, then lets Secrets Manager retry: one attempt has to
// be enough.
func (l interleaving) run(t *testing.T, stops bool) (r result) {
	synctest.Test(t, func(*testing.T) {
		w := newWorld(l.setup)
		w.stops = stops
		version := w.sm.Holder(w.secret, secretsmanagertest.Pending)
		if version == "" {
			version = uuid.NewString()
			must(0, w.sm.SetLabels(w.secret, version, secretsmanagertest.Pending))
		}
		for _, step := range secretsmanagertest.Steps()[:l.done] {
			if err := w.run(w.invocation(step, version)); err != nil {
				w.watch.note("before the interleaving %s failed: %v", step, err)
			}
		}
		w.takeTurns(w.invocation(l.steps[0], version), w.invocation(l.steps[1], version), l.turns)
		r.problems = w.converge(1)
		r.calls = w.wire.calls
		w.ended()
	})
	return r
}

func (w *world) invocation(step, version string) *invocation {
	return &invocation{step: step, event: rotation.Event{Step: step, SecretID: w.secret, Version: version}}
}

// takeTurns runs a and b, one call at a time. Either may fail: a retry follows.
func (w *world) takeTurns(a, b *invocation, turns string) {
	w.wire.gate = func(inv *invocation) {
		inv.waiting.Add(1)
		<-inv.turn
	}
	for _, inv := range []*invocation{a, b} {
		inv.turn = make(chan struct{})
		go func() {
			_ = w.run(inv)
			inv.ended.Store(true)
		}()
		synctest.Wait()
	}
	// next lets inv make one call, as soon as it wants to, and reports whether it
	// may want another.
	next := func(inv *invocation) bool {
		for synctest.Wait(); inv.waiting.Load() == 0; synctest.Wait() {
			if inv.ended.Load() {
				return false
			}
			time.Sleep(10 * time.Millisecond)
		}
		inv.waiting.Add(-1)
		inv.turn <- struct{}{}
		return true
	}
	for _, who := range turns {
		next(map[rune]*invocation{'A': a, 'B': b}[who])
	}
	for next(a) {
	}
	for next(b) {
	}
	w.wire.gate = nil
}

// TestTwoInvocations lets any two steps of a rotation run at the same time, at any
// point of the rotation. With -proof.complete it tries every order of calls in
// which each is interrupted once by the other, else a sample of them, and always
// samples of wilder ones, which alone run under the race detector.
func TestTwoInvocations(t *testing.T) {
	draw := sampler(t)
	for _, mode := range slices.Sorted(maps.Keys(modes)) {
		var work []interleaving
		share := setup{mode: mode}.share()
		for range (wild() + share - 1) / share {
			work = append(work, randomInterleaving(draw, mode))
		}
		if *complete || !slow() {
			once := interruptedOnce(t, mode)
			if !*complete {
				draw.Shuffle(len(once), func(i, j int) { once[i], once[j] = once[j], once[i] })
				once = once[:min(len(once), 240/share)]
			}
			work = append(work, once...)
		}
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			for _, l := range work {
				check(t, l, true)
			}
			t.Logf("%d interleavings", len(work))
		})
	}
}

// wild is how many interleavings to draw for each mode.
func wild() int {
	switch {
	case *complete:
		return 3000
	case slow():
		return 40
	}
	return 200
}

// interruptedOnce are all interleavings in which A makes i calls, B makes j, A goes
// on to its end, and then B.
func interruptedOnce(t *testing.T, mode string) (all []interleaving) {
	steps := secretsmanagertest.Steps()
	for done := range steps {
		for _, a := range steps {
			for _, b := range steps {
				l := interleaving{setup: setup{mode, "normal", "default"}, done: done, steps: [2]string{a, b}}
				calls := make(map[*invocation]int)
				var order []*invocation
				for _, c := range check(t, l, false).calls {
					if c.inv.turn != nil {
						if calls[c.inv]++; calls[c.inv] == 1 {
							order = append(order, c.inv)
						}
					}
				}
				if len(order) != 2 {
					t.Fatalf("%s: %d invocations took turns", l, len(order))
				}
				for i := range calls[order[0]] + 1 {
					for j := range calls[order[1]] + 1 {
						l.turns = strings.Repeat("A", i) + strings.Repeat("B", j)
						all = append(all, l)
					}
				}
			}
		}
	}
	return all
}

func randomInterleaving(draw *rand.Rand, mode string) interleaving {
	pick := func(of ...string) string { return of[draw.IntN(len(of))] }
	steps := secretsmanagertest.Steps()
	from := setup{mode, pick("normal", "old-pending", "old-pending-live", "empty-token", "foreign"),
		pick("default", "refuse-in-grace", "drop-grace", "propagation", "read-lag", "reversed")}
	if from.ofKey() {
		from.start = pick("normal", "rotated", "import", "create", "by-hand", "by-hand-dead", "old-pending")
		from.variant = pick("default", "refuse-in-grace", "in-grace", "keep-date", "expired", "read-lag", "reversed")
	}
	l := interleaving{
		setup: from,
		done:  draw.IntN(len(steps)), steps: [2]string{pick(steps...), pick(steps...)},
	}
	for range 2 + draw.IntN(6) {
		l.turns += strings.Repeat(pick("A", "B"), 1+draw.IntN(4))
	}
	return l
}

// TestLateRequests lets each request that writes arrive late, before each later
// call of the rotation: its invocation has given up, and others have taken over.
func TestLateRequests(t *testing.T) {
	oneAtATime(t)
	for _, mode := range slices.Sorted(maps.Keys(modes)) {
		share := setup{mode: mode}.share()
		variants := []string{"default", "refuse-in-grace", "drop-grace"}
		if (setup{mode: mode}).ofKey() {
			variants = []string{"default", "refuse-in-grace", "in-grace", "keep-date"}
		}
		for _, variant := range variants {
			t.Run(mode+"/"+variant, func(t *testing.T) {
				t.Parallel()
				s := setup{mode, "normal", variant}
				count := 0
				for _, c := range (schedule{setup: s}).check(t).calls {
					if !c.writes() {
						continue
					}
					calls := schedule{s, []fault{{c.n, late, atTheEnd}}}.check(t).calls
					for delay := 1; delay <= len(calls)-c.n; delay += share {
						schedule{s, []fault{{c.n, late, delay}}}.checkUntilKnown(t)
						count++
					}
				}
				t.Logf("%d schedules", count)
			})
		}
	}
}
