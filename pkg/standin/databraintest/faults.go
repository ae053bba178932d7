package databraintest

import (
	"net/http"
	"slices"
	"strings"
	"sync"

	"databrain-rotation/pkg/standin"
)

// Fault breaks some of the requests that it matches. Every field that is set must
// match; a Fault without a matcher matches all. It counts the matching calls from
// its injection on, those that another fault strikes included. When two are due at
// one call, the one injected first strikes, and the other's turn is over.
type Fault struct {
	// Method and Path are compared with the request's, the path without
	// [Config.PathPrefix] and in the spelling /api/v2/data-app.
	Method, Path string
	// When looks at the request, whose body it may read. It may use the Server,
	// for example to change a token at a certain call, and must be safe for
	// concurrent use.
	When func(*http.Request) bool
	// Skip is the number of matching calls that pass before the first strike.
	Skip int
	// Times is the number of calls struck: 0 = one, negative = all from then on.
	Times int
	// AfterEffect lets the request take effect, and only then strikes.
	AfterEffect bool
	// Do is what happens instead of a plain answer.
	Do Action
}

// Inject arms f.
func (s *Server) Inject(f Fault) {
	if f.Do.strike == nil {
		panic("databraintest: a Fault needs its Do")
	}
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.armed = append(s.faults.armed, &armedFault{Fault: f})
}

// ClearFaults disarms all faults.
func (s *Server) ClearFaults() {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.armed = nil
}

type faultList struct {
	mu    sync.Mutex
	armed []*armedFault
}

type armedFault struct {
	Fault
	calls int // matching ones so far
}

// next counts c for every fault and gives the one that strikes it, or nil.
func (l *faultList) next(c *call) *armedFault {
	l.mu.Lock()
	armed := slices.Clone(l.armed)
	l.mu.Unlock()
	var due *armedFault
	for _, f := range armed {
		if !f.matches(c) { // without the lock: When may use the Server
			continue
		}
		l.mu.Lock()
		f.calls++
		strikes := standin.Strikes(f.calls, f.Skip, f.Times)
		l.mu.Unlock()
		if strikes && due == nil {
			due = f
		}
	}
	return due
}

func (f *armedFault) matches(c *call) bool {
	method, path, _ := strings.Cut(c.endpoint, " ")
	return (f.Method == "" || f.Method == method) &&
		(f.Path == "" || f.Path == path) &&
		(f.When == nil || f.When(c.request()))
}
