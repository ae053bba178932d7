package rotation_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"databrain-rotation/pkg/rotation"
)

// TestAbsorbed are the faults that must not cost an attempt: the invocation that
// meets them finds out by itself what took effect, or tries again. Only the death
// of the sandbox is too much.
func TestAbsorbed(t *testing.T) {
	oneAtATime(t)
	unclear := []kind{lost, lostAnswer, failed, errorAfter, truncated, hang, hangAfter, otherOK}
	refused := []kind{unreachable, noConnect, throttled}
	for name, tt := range map[string]struct {
		setup  string
		op     string
		kinds  []kind
		delays []int // of late
		calls  int   // of op in the whole rotation, at the most
	}{
		"save, outcome unknown: the probe decides, and the same POST is repeated once": {
			"replace/normal/default", opSave, append(unclear, twice), []int{1, 2, 4}, 2},
		"rotate, outcome unknown: a local token takes its place, and nothing rotates again": {
			"grace/normal/default", opRotate, append(unclear, twice), []int{1, 2, 4, 8}, 1},
		"rotate in the older contract": {
			"grace-jwt/normal/default", opRotate, append(unclear, twice), []int{1, 2, 4, 8}, 1},
		"store of a token that Databrain made: tried until the time is up": {
			"grace/normal/default", opPut, append(slices.Concat(unclear, refused), twice), []int{1, 2}, 2},
		"move, seen two times: the second answer is that the label is not there any more": {
			"replace/normal/default", opMove, []kind{twice}, nil, 1},
		"move, repeated by the SDK after a lost answer": {
			"replace/normal/sdk-retry", opMove, []kind{lost, lostAnswer, failed, errorAfter, truncated, throttled}, nil, 2},
		"probe before the move: testSecret has proven the token": {
			"replace/normal/default", opProbe, append(unclear, throttled, unreachable, noConnect, denied), nil, 5},
	} {
		t.Run(name, func(t *testing.T) {
			s := must(parseSetup(tt.setup))
			at := 0 // the last call of the operation; only probe has several
			for _, c := range (schedule{setup: s}).check(t).calls {
				if c.op == tt.op {
					at = c.n
				}
			}
			faults := make([]fault, 0, len(tt.kinds)+len(tt.delays))
			for _, k := range tt.kinds {
				faults = append(faults, fault{call: at, kind: k})
			}
			for _, d := range tt.delays {
				faults = append(faults, fault{at, late, d})
			}
			for _, f := range faults {
				r := schedule{s, []fault{f}}.check(t)
				begun, made := 0, 0
				for i, c := range r.calls {
					if c.inv.step == "createSecret" && (i == 0 || r.calls[i-1].inv != c.inv) {
						begun++
					}
					if c.op == tt.op {
						made++
					}
				}
				most := tt.calls
				if tt.op == opSave && f.kind.tookEffect() {
					most = 1
				}
				if begun != 1 || made > most {
					t.Errorf("%s: %d attempts, %q %d times:\n%s", f, begun, tt.op, made, r.trace())
				}
				if tt.op == opPut && strings.Contains(r.metrics, "OrphanPossible") {
					t.Errorf("%s: the token was stored, and counted as lost", f)
				}
			}
		})
	}
}

// TestDefiniteRefusals: a write that Databrain has certainly not carried out is not
// repeated in the same invocation, and its outcome is not looked for.
func TestDefiniteRefusals(t *testing.T) {
	for _, mode := range []string{"replace/normal/default", "grace/normal/default", "grace-jwt/normal/default"} {
		s := must(parseSetup(mode))
		for _, c := range (schedule{setup: s}).check(t).calls {
			if c.op != opSave && c.op != opRotate && c.op != opSignIn {
				continue
			}
			for _, k := range []kind{unreachable, noConnect, throttled} {
				f := fault{call: c.n, kind: k}
				r := schedule{s, []fault{f}}.check(t)
				if next := r.calls[c.n]; next.inv == r.calls[c.n-1].inv || strings.Contains(r.metrics, "OrphanPossible") {
					t.Errorf("%s: the invocation went on:\n%s", schedule{s, []fault{f}}, r.trace())
				}
			}
		}
	}
}

// TestSaveIsNotRepeatedForEver: twice in an invocation, whatever the answers.
func TestSaveIsNotRepeatedForEver(t *testing.T) {
	r := schedule{
		must(parseSetup("replace/normal/default")),
		[]fault{{call: 13, kind: lost}, {call: 15, kind: lost}},
	}.check(
		t,
	)
	if r.calls[12].op != opSave || r.calls[14].op != opSave {
		t.Fatalf("calls 13 and 15 do not save:\n%s", r.trace())
	}
	if saves := r.calls[12].inv.counts[opSave]; saves != 2 {
		t.Errorf("an invocation saved %d times:\n%s", saves, r.trace())
	}
}

// TestNoTimeToRotate: with too little time for the answer to be stored, Databrain
// is not asked for a token.
func TestNoTimeToRotate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(setup{"grace", "normal", "default"})
		w.lambda = 15 * time.Second
		_, err := w.rotate(1)
		if ok := nameOf(err) == rotation.OutOfTime; !ok {
			t.Errorf("createSecret came to %v, want an OutOfTime", err)
		}
		for _, c := range w.wire.calls {
			if c.writes() && c.op != opProve {
				t.Errorf("and made the call: %s", c)
			}
		}
		w.lambda = lambdaTime
		if problems := w.converge(1); problems != nil {
			t.Errorf("with time enough: %s", strings.Join(problems, "\n"))
		}
	})
}
