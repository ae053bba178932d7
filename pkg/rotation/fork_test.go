package rotation_test

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// fork is an undisturbed rotation just before one of its steps. A schedule whose first
// fault strikes later may begin there, because a Rotator keeps nothing between two
// invocations. With -proof.complete each begins at the beginning.
type fork struct {
	world *world
	at    time.Time // of the bubble's clock
	done  int       // steps
}

// forks are made once for each setup.
var forks sync.Map

// forksOf rotates once without a fault.
func forksOf(t *testing.T, s setup) []fork {
	once, _ := forks.LoadOrStore(s, sync.OnceValue(func() (all []fork) {
		synctest.Test(t, func(*testing.T) {
			w := newWorld(s)
			w.before = func() { all = append(all, fork{w.fork(), time.Now(), len(all)}) }
			if _, err := w.rotate(1); err != nil {
				t.Errorf("%s without a fault: %v", s, err)
			}
		})
		return all
	}))
	return once.(func() []fork)()
}

// fork returns the last of the forks that is before the first fault.
func (s schedule) fork(t *testing.T) (last fork) {
	first := slices.MinFunc(s.faults, func(a, b fault) int { return a.call - b.call })
	for _, f := range forksOf(t, s.setup) {
		if len(f.world.wire.calls) < first.call {
			last = f
		}
	}
	return last
}

// resume returns a world in the state of the fork, whose next rotation leaves out the steps
// that are done.
func (f fork) resume() *world {
	time.Sleep(time.Until(f.at))
	w := f.world.fork()
	w.skip = f.done
	return w
}

// fork returns another world in the state of w, with a log of its own.
func (w *world) fork() *world {
	o := w.setup.options()
	f := &world{
		setup: w.setup, lambda: w.lambda, sm: w.sm.Fork(), db: w.db.Fork(),
		secret: w.secret, admin: w.admin, bystander: w.bystander, service: w.service,
	}
	f.connect(o)
	f.wire.calls = slices.Clone(w.wire.calls)
	f.watch.resume(w.watch)
	return f
}

// resume takes over what other knows.
func (o *watch) resume(other *watch) {
	other.mu.Lock()
	defer other.mu.Unlock()
	o.problems, o.errors = slices.Clone(other.problems), slices.Clone(other.errors)
	o.values, o.proven, o.secrets = maps.Clone(other.values), maps.Clone(other.proven), maps.Clone(other.secrets)
	o.alive, o.settled, o.byHand = other.alive, other.settled, other.byHand
	o.current, o.origin, o.bystand = other.current, other.origin, other.bystand
}

// TestForks: a schedule that begins at a fork makes the calls that it makes from the
// beginning, to the state in which it may stop.
func TestForks(t *testing.T) {
	oneAtATime(t)
	draw := sampler(t)
	if *complete {
		t.Skip("with -proof.complete each schedule begins at the beginning")
	}
	for _, s := range allSetups() {
		if draw.IntN(4) > 0 {
			continue
		}
		var faults []fault
		for _, f := range singleFaults(t, s) {
			if (schedule{s, []fault{f}}).fork(t).done > 0 {
				faults = append(faults, f)
			}
		}
		sc := schedule{s, []fault{faults[draw.IntN(len(faults))]}}
		whole, forked := sc.check(t), sc.checkUntilKnown(t)
		if len(forked.calls) < sc.faults[0].call || !strings.HasPrefix(whole.trace(), forked.trace()) {
			t.Errorf("%s: from the beginning\n%s\nfrom a fork\n%s", sc, whole.trace(), forked.trace())
		}
	}
}
