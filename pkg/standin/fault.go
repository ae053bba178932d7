package standin

import (
	"bytes"
	"io"
	"net/http"
	"slices"
)

// Fault breaks some of the calls that it matches. Every matcher that is set must
// match; a Fault without one matches all calls. It counts the matching calls from
// its injection on, those that another fault strikes included: calls at the wire,
// where a retry of the SDK is a call of its own. When two faults are due at one
// call, the one injected first strikes, and the turn of the other is over.
type Fault struct {
	// Operation and Target are compared with those of the call: "PutObject" and
	// "bucket/key" for S3, "POST" and "/api/v2/service-token" for Databrain.
	Operation, Target string
	// When looks at the request, whose body it may read. It may use the stand-in,
	// for example to change its state at a certain call, and must be safe for
	// concurrent use.
	When func(*http.Request) bool

	Skip  int // matching calls that pass before the first strike
	Times int // calls struck in a row; 0 means 1, negative means all from then on

	// AfterEffect lets the call take effect, and only then strikes.
	AfterEffect bool
	// Do is what happens instead of a plain answer.
	Do Action

	seen int // matching calls so far
}

// Inject schedules a fault. It panics if the fault has no Do.
func (s *Wire) Inject(f Fault) {
	if f.Do.strike == nil {
		panic("standin: a Fault needs its Do")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &f)
}

// ClearFaults forgets every fault, of calls and of parts.
func (s *Wire) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults, s.partFaults = nil, nil
}

// strike counts the call for every fault and returns the one that strikes it, or nil.
func (s *Wire) strike(r *http.Request, body []byte, operation, target string) *Fault {
	s.mu.Lock()
	faults := slices.Clone(s.faults)
	s.mu.Unlock()
	var hit *Fault
	for _, f := range faults {
		r.Body = io.NopCloser(bytes.NewReader(body))
		if !f.matches(r, operation, target) { // without the lock: When may use the stand-in
			continue
		}
		s.mu.Lock()
		f.seen++
		struck := strikes(f.seen, f.Skip, f.Times)
		s.mu.Unlock()
		if struck && hit == nil {
			hit = f
		}
	}
	return hit
}

func (f *Fault) matches(r *http.Request, operation, target string) bool {
	return (f.Operation == "" || f.Operation == operation) &&
		(f.Target == "" || f.Target == target) &&
		(f.When == nil || f.When(r))
}

// strikes reports whether the seen-th match is one of those that skip and times mean,
// in the sense of [Fault].
func strikes(seen, skip, times int) bool {
	return seen > skip && (times < 0 || seen <= skip+max(times, 1))
}

// PartFault makes some of the parts that it matches fail while their calls succeed: the
// entries of PutEvents, the findings of BatchImportFindings. It counts the matching parts
// from its injection on; a part that is sent again counts again.
type PartFault struct {
	Of    string // an entry's DetailType, a finding's Id; empty matches every part
	Skip  int    // matching parts that pass before the first strike
	Times int    // parts struck in a row; 0 means 1, negative means all from then on

	Code, Message string // of the part's error; empty means one that a sender repeats

	seen int
}

// InjectPart schedules a fault. When several strike one part, the one injected first
// wins, and each of them counts the part.
func (s *Wire) InjectPart(f PartFault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.partFaults = append(s.partFaults, &f)
}

// StrikePart counts a part for every fault and returns the one that strikes it, or nil.
func (s *Wire) StrikePart(of string) *PartFault {
	s.mu.Lock()
	defer s.mu.Unlock()
	var hit *PartFault
	for _, f := range s.partFaults {
		if f.Of != "" && f.Of != of {
			continue
		}
		f.seen++
		if strikes(f.seen, f.Skip, f.Times) && hit == nil {
			hit = f
		}
	}
	return hit
}
