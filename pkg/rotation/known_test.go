package rotation_test

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"databrain-rotation/pkg/standin/secretsmanagertest"
)

// known are the states from which rotations of a setup have come to a good end at the
// first attempt. Many faults leave the same state behind, and what follows is the same,
// because a Rotator keeps nothing between two invocations. So a schedule or an
// interleaving whose faults are over stops where another has been. With -proof.complete
// each runs to its own end.
var known = struct {
	sync.Mutex
	states map[string]bool
}{states: make(map[string]bool)}

// errKnown ends an invocation that another rotation has made.
var errKnown = errors.New("known from here")

// comparable reports whether [world.position] is all that the next invocation depends
// on: API tokens are not in it. Neither is the SDK's budget of retries, which no schedule
// uses up.
func (s setup) comparable() bool { return !*complete && !s.ofKey() }

// reached reports whether another rotation has been in the state before step. It takes
// note of the state if not.
func (w *world) reached(step string) bool {
	if !w.stops || !w.setup.comparable() || w.wire.disturbed() {
		return false
	}
	state := w.setup.String() + " " + step + "\n" + w.position()
	known.Lock()
	defer known.Unlock()
	if known.states[state] {
		w.stopped = true
		return true
	}
	w.states = append(w.states, state)
	return false
}

// ended makes the states of a world known that came to a good end.
func (w *world) ended() {
	if !w.stops || len(w.watch.problems) > 0 {
		return
	}
	known.Lock()
	defer known.Unlock()
	for _, state := range w.states {
		known.states[state] = true
	}
}

// disturbed reports whether a fault has yet to strike, or a late request to arrive.
func (w *wire) disturbed() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for number := range w.faults {
		if number > len(w.calls) {
			return true
		}
	}
	return len(w.late) > 0
}

// position describes the secret, the instance's tokens, and what the watch makes of them.
// Random ids are numbered in the order in which they appear; times are those to come, to
// the second.
func (w *world) position() string {
	w.watch.mu.Lock()
	defer w.watch.mu.Unlock()
	var text strings.Builder
	fmt.Fprintln(&text, w.watch.alive, w.watch.settled, w.watch.byHand)
	tokens := w.db.ServiceTokens(time.Second)
	for _, v := range w.sm.Snapshot(w.secret) {
		value, _ := w.sm.Value(w.secret, v.ID)
		token := tokenOf(value)
		fmt.Fprintln(&text, v, value, w.sm.Hidden(w.secret, v.ID), tokens[token], w.watch.proven[token])
		delete(tokens, token)
	}
	var others []string
	for _, state := range tokens { // what no version has
		others = append(others, state)
	}
	slices.Sort(others)
	fmt.Fprintln(&text, others)
	return anonymous(text.String())
}

var uuids = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)

func anonymous(text string) string {
	numbers := make(map[string]int)
	return uuids.ReplaceAllStringFunc(text, func(id string) string {
		if numbers[id] == 0 {
			numbers[id] = len(numbers) + 1
		}
		return fmt.Sprint("#", numbers[id])
	})
}

// TestPositions holds the comparison to its word: two worlds that the same happened to
// are alike although their ids differ, and whatever matters to the next invocation makes
// a difference.
func TestPositions(t *testing.T) {
	happened := map[string]func(*world){
		"nothing":                  func(*world) {},
		"a rotation":               func(w *world) { must(w.rotate(1)) },
		"a step":                   func(w *world) { w.steps(1) },
		"two steps":                func(w *world) { w.steps(2) },
		"another token":            func(w *world) { w.db.SetToken(foreignToken) },
		"a value stored by hand":   func(w *world) { must(w.sm.ManualPut(w.secret, secretDocument(foreignToken))) },
		"another value":            func(w *world) { must(w.sm.ManualPut(w.secret, `{"token":"`+foreignToken+`"}`)) },
		"a minute after two steps": func(w *world) { w.steps(2); time.Sleep(time.Minute) },
		"a day after two steps":    func(w *world) { w.steps(2); time.Sleep(25 * time.Hour) },
	}
	seen := make(map[string]string)
	for what, happens := range happened {
		var positions [2]string
		for i := range positions {
			synctest.Test(t, func(*testing.T) {
				w := newWorld(setup{"grace", "normal", "default"})
				happens(w)
				positions[i] = w.position()
			})
		}
		if diff := cmp.Diff(positions[0], positions[1]); diff != "" {
			t.Errorf("%s, two times:\n%s", what, diff)
		}
		if other, is := seen[positions[0]]; is {
			t.Errorf("%s is like %s:\n%s", what, other, positions[0])
		}
		seen[positions[0]] = what
	}
}

// steps runs the first n steps of a rotation.
func (w *world) steps(n int) {
	version := uuid.NewString()
	must(0, w.sm.SetLabels(w.secret, version, secretsmanagertest.Pending))
	for _, step := range secretsmanagertest.Steps()[:n] {
		must(0, w.run(w.invocation(step, version)))
	}
}
