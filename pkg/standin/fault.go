package standin

import (
	"net/http"
	"time"
)

// Kind says what happens to a call.
type Kind int

// The kinds of faults. "Before" leaves the state untouched; "After" means that the
// call took effect and its caller does not learn so.
const (
	None        Kind = iota // with Fault.Delay: a slow call that succeeds
	ErrorBefore             // an error answer, no effect
	ErrorAfter              // an error answer, although the call took effect
	Throttle                // the service's throttling error, no effect
	CutBefore               // the connection is cut, no effect
	CutAfter                // the connection is cut after the effect
	CutHalfway              // the call takes effect, its answer ends in the middle
	HangBefore              // no answer until the client gives up, no effect
	HangAfter               // no answer until the client gives up, the call took effect
	LateEffect              // the call takes effect only after the client gave up
	Twice                   // delivered twice; the second answer is the one seen
)

var kindNames = [...]string{"none", "error-before", "error-after", "throttle",
	"cut-before", "cut-after", "cut-halfway", "hang-before", "hang-after", "late-effect", "twice"}

// String is the name used in logs.
func (k Kind) String() string { return kindNames[k] }

// Fault breaks some of the calls that it matches, counted from [Wire.Inject] on.
// Calls are counted at the wire: a retry of the SDK is a call of its own.
type Fault struct {
	Kind      Kind
	Operation string // such as "PutObject"; empty matches every operation
	Target    string // what the service says a call is about, such as "bucket/key"; empty matches all
	Skip      int    // matching calls that pass before the first strike
	Times     int    // calls struck in a row; 0 means 1, negative means all from then on

	// Code and Message of ErrorBefore and ErrorAfter; empty means the service's
	// internal error. Status replaces the HTTP status that goes with the code.
	Code, Message string
	Status        int

	// Delay is waited before anything else happens. A client that gives up
	// meanwhile does not undo the call.
	Delay time.Duration
}

type scheduled struct {
	Fault
	seen int
}

// Inject schedules a fault. When several strike the same call, the one injected
// first wins, and each of them counts the call.
func (s *Wire) Inject(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &scheduled{Fault: f})
}

// ClearFaults forgets every fault.
func (s *Wire) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// strike is the fault for this call, if any; s.mu is held.
func (s *Wire) strike(operation, target string) Fault {
	var hit *scheduled
	for _, f := range s.faults {
		if f.Operation != "" && f.Operation != operation || f.Target != "" && f.Target != target {
			continue
		}
		f.seen++
		if Strikes(f.seen, f.Skip, f.Times) && hit == nil {
			hit = f
		}
	}
	if hit == nil {
		return Fault{}
	}
	return hit.Fault
}

// Strikes says whether the seen-th match is one of those that skip and times mean,
// in the sense of [Fault].
func Strikes(seen, skip, times int) bool {
	return seen > skip && (times < 0 || seen <= skip+max(times, 1))
}

// serve answers one call under fault f; run performs the operation.
func (s *Wire) serve(w http.ResponseWriter, r *http.Request, f Fault, run func() Answer) {
	if f.Delay > 0 {
		s.wait(r, time.After(f.Delay))
	}
	switch f.Kind {
	case ErrorAfter, CutAfter, HangAfter, Twice:
		run()
	}
	switch f.Kind {
	case ErrorBefore, ErrorAfter:
		s.fail(r, f, f.Code).write(w, r, false)
	case Throttle:
		s.fail(r, f, s.service.ThrottleCode).write(w, r, false)
	case CutBefore, CutAfter:
		panic(http.ErrAbortHandler)
	case CutHalfway:
		run().write(w, r, true)
	case HangBefore, HangAfter, LateEffect:
		s.wait(r, nil)
		if f.Kind == LateEffect {
			run()
		}
		panic(http.ErrAbortHandler)
	default:
		run().write(w, r, false)
	}
}

// fail is the service's answer for the fault.
func (s *Wire) fail(r *http.Request, f Fault, code string) Answer {
	answer := s.service.Fail(r, code, f.Message)
	if f.Status != 0 {
		answer.Status = f.Status
	}
	return answer
}

// wait ends when the client has given up, when the stand-in closes, or when over
// delivers.
func (s *Wire) wait(r *http.Request, over <-chan time.Time) {
	select {
	case <-over:
	case <-r.Context().Done():
	case <-s.ctx.Done():
	}
}
