package rotation_test

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"databrain-rotation/pkg/rotation"
	"databrain-rotation/pkg/standin/secretsmanagertest"
)

var (
	replay   = flag.String("proof.replay", "", "run this `schedule` alone and print its calls")
	seed     = flag.Uint64("proof.seed", 0, "seed of the samples; 0 takes one from the clock")
	pairs    = flag.Int("proof.pairs", 150, "pairs of faults to sample for each mode")
	complete = flag.Bool("proof.complete", false, "try everything instead of samples")
)

// slow reports whether the race detector is on, which makes a schedule five times
// as slow. It looks for races and needs no more than samples for that; make test runs
// all of this package a second time without it.
func slow() bool {
	info, _ := debug.ReadBuildInfo()
	return slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}

// oneAtATime skips a test under the race detector if its invocations follow each other:
// [TestEveryFault] has a sample of such rotations for it.
func oneAtATime(t *testing.T) {
	t.Helper()
	if slow() && !*complete {
		t.Skip("no two invocations at a time; it runs without the race detector")
	}
}

// sampler returns the source of all samples of a test, and logs how to repeat them.
func sampler(t *testing.T) *rand.Rand {
	t.Helper()
	from := *seed
	if from == 0 {
		from = uint64(time.Now().UnixNano())
	}
	t.Logf("samples drawn with -proof.seed=%d", from)
	return rand.New(rand.NewPCG(from, 0))
}

// schedule is a rotation with its faults: "grace/normal/default 14=die-after 17=lost".
type schedule struct {
	setup  setup
	faults []fault
}

func (s schedule) String() string {
	text := s.setup.String()
	for _, f := range s.faults {
		text += " " + f.String()
	}
	return text
}

func parseSchedule(text string) (schedule, error) {
	fields := strings.Fields(text)
	if len(fields) == 0 {
		return schedule{}, errors.New("the schedule is empty")
	}
	su, err := parseSetup(fields[0])
	if err != nil {
		return schedule{}, err
	}
	s := schedule{setup: su}
	for _, field := range fields[1:] {
		number, what, _ := strings.Cut(field, "=")
		what, delay, isLate := strings.Cut(what, "+")
		f := fault{kind: kind(what)}
		if f.call, err = strconv.Atoi(number); err != nil {
			return s, fmt.Errorf("%q is not call=kind", field)
		}
		if delay == "end" {
			f.delay = atTheEnd
		} else if isLate {
			if f.delay, err = strconv.Atoi(delay); err != nil {
				return s, fmt.Errorf("%q has no delay in calls", field)
			}
		}
		if !knownKind(f) {
			return s, fmt.Errorf("%q names no fault", field)
		}
		s.faults = append(s.faults, f)
	}
	return s, nil
}

func knownKind(f fault) bool {
	all := faultsFor(&call{op: opSave})
	return slices.ContainsFunc(all, func(g fault) bool { return g.kind == f.kind && (f.delay > 0) == (g.delay > 0) })
}

// result is what a schedule came to.
type result struct {
	calls    []*call
	problems []string
	metrics  string
	stopped  bool // in a known state
}

// attempts is how many a rotation may need: one more than there are faults, each of
// which may cost one. A late request may cost two: one that waits for its answer,
// and one that finds the world changed between two of its calls.
func (s schedule) attempts() int {
	n := 1
	for _, f := range s.faults {
		n++
		if f.kind == late {
			n++
		}
	}
	return n
}

// run lets a world come to the end of the schedule. If it may stop where the state is
// [known], it begins at a [fork].
func (s schedule) run(t *testing.T, stops bool) (r result) {
	begin := func() *world { return newWorld(s.setup) }
	if stops && !*complete {
		begin = s.fork(t).resume
	}
	synctest.Test(t, func(*testing.T) {
		w := begin()
		w.stops = stops
		w.wire.faults = make(map[int]fault)
		for _, f := range s.faults {
			w.wire.faults[f.call] = f
		}
		r.problems = w.converge(s.attempts())
		r.calls, r.metrics, r.stopped = w.wire.calls, w.metrics.String(), w.stopped
		w.ended()
	})
	return r
}

// converge rotates until it succeeds, lets the late requests arrive, repeats all
// steps as late duplicates, and returns what is wrong.
func (w *world) converge(attempts int) []string {
	res, err := w.rotate(attempts)
	if w.setup.ofKey() {
		res, err = w.keyConverges(res, err)
	}
	calls := len(w.wire.calls)
	if w.stopped {
		return w.watch.end()
	}
	if err != nil {
		w.watch.note("no convergence within %d attempts: %v", attempts, err)
	} else {
		w.wire.deliverLate(2 * atTheEnd)
		w.watch.succeeded(res.VersionID)
		w.wire.faults = nil
		if w.setup.ofKey() {
			w.watch.keysMade()
		}
		for _, step := range secretsmanagertest.Steps() {
			event := rotation.Event{Step: step, SecretID: res.SecretARN, Version: res.VersionID}
			if err := w.run(&invocation{event: event, step: step}); err != nil {
				w.watch.note("a late duplicate of %s failed: %v", step, err)
			}
		}
		for _, c := range w.wire.calls[calls:] {
			if c.writes() {
				w.watch.note("a late duplicate wrote: %s", c.op)
			}
		}
		w.wire.calls = w.wire.calls[:calls]
	}
	return w.watch.end()
}

// check runs the schedule to its own end.
func (s schedule) check(t *testing.T) result { t.Helper(); return check(t, s, false) }

// checkUntilKnown stops where the state is [known].
func (s schedule) checkUntilKnown(t *testing.T) result { t.Helper(); return check(t, s, true) }

func (r result) trace() string {
	var text strings.Builder
	for _, c := range r.calls {
		fmt.Fprintln(&text, c)
	}
	return text.String()
}

// replayable is a schedule or an interleaving, from the line that a failed one
// printed.
type replayable interface {
	fmt.Stringer
	run(t *testing.T, stops bool) result // where the state is [known]
}

// check runs r and reports problems with the line that replays it.
func check(t *testing.T, r replayable, stops bool) result {
	t.Helper()
	came := r.run(t, stops)
	if len(came.problems) > 0 {
		t.Errorf(
			"%s\n  replay: go test ./pkg/rotation -run 'TestReplay$' -v -proof.replay='%s'",
			strings.Join(came.problems, "\n"),
			r,
		)
	}
	return came
}

func parseReplay(line string) (replayable, error) {
	if strings.Contains(line, "||") {
		return parseInterleaving(line)
	}
	return parseSchedule(line)
}

// TestReplay runs what -proof.replay says two times and, with -v, shows the calls.
// Without the flag it shows that a line determines the calls, so that replaying
// means something.
func TestReplay(t *testing.T) {
	lines := []string{*replay}
	if *replay == "" {
		lines = []string{
			"grace-jwt/normal/sdk-retry 6=late+3 9=error-after 12=twice 20=throttled 21=die-after",
			`grace/normal/read-lag after 0 steps createSecret || createSecret turns "AAABBBBAAABBA"`,
		}
	}
	for _, line := range lines {
		r, err := parseReplay(line)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(r); got != line {
			t.Fatalf("%q reads as %q", line, got)
		}
		first := check(t, r, false)
		if diff := cmp.Diff(first.trace(), r.run(t, false).trace()); diff != "" {
			t.Errorf("%s made other calls the second time (-first +second):\n%s", line, diff)
		}
		if s, ok := r.(schedule); ok {
			for _, f := range s.faults {
				if !strings.Contains(first.trace(), "<- "+f.String()) {
					t.Errorf("the fault %s struck nothing", f)
				}
			}
		}
		t.Logf("%s\n%s", line, first.trace())
	}
}
