package secretsmanagertest

import (
	"net/http"

	"databrain-rotation/pkg/standin"
)

// FaultKind says what happens to a call.
type FaultKind int

// The kinds of faults. "Before" leaves the state untouched; "After" means that the
// call took effect and its caller does not learn so.
const (
	NoFault     FaultKind = iota
	ErrorBefore           // an error answer, no effect
	ErrorAfter            // an error answer, although the call took effect
	CutBefore             // the connection is cut, no effect
	CutAfter              // the connection is cut after the effect
	HangBefore            // no answer until the client gives up, no effect
	HangAfter             // no answer until the client gives up, the call took effect
	LateEffect            // the call takes effect only after the client gave up
	Throttle              // ThrottlingException, no effect
	Twice                 // delivered twice; the second answer is the one seen
)

var faultNames = [...]string{"none", "error-before", "error-after", "cut-before", "cut-after",
	"hang-before", "hang-after", "late-effect", "throttle", "twice"}

// String is the name used in logs and replay lines.
func (k FaultKind) String() string { return faultNames[k] }

// Fault breaks some of the calls that it matches, counted from [Server.Inject] on.
// Calls are counted at the wire: a retry of the SDK is a call of its own.
type Fault struct {
	Kind      FaultKind
	Operation string // such as "PutSecretValue"; empty matches every operation
	Secret    string // name, ARN or partial ARN; empty matches every secret
	Skip      int    // matching calls that pass before the first strike
	Times     int    // calls struck in a row; 0 means 1, negative means all from then on

	// Code and Message of ErrorBefore and ErrorAfter. Code defaults to
	// InternalServiceError, Message to the service's text for the code.
	Code, Message string
}

type scheduled struct {
	Fault
	seen int
}

// Inject schedules a fault. When several strike the same call, the one injected
// first wins, and each of them counts the call.
func (s *Server) Inject(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &scheduled{Fault: f})
}

// ClearFaults forgets every fault that has not struck.
func (s *Server) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// strike is the fault for this call, if any; s.mu is held.
func (s *Server) strike(operation string, sec *secret) Fault {
	var hit Fault
	for _, f := range s.faults {
		if f.Operation != "" && f.Operation != operation {
			continue
		}
		if f.Secret != "" {
			if want, err := s.find(f.Secret); err != nil || want != sec {
				continue
			}
		}
		f.seen++
		if standin.Strikes(f.seen, f.Skip, f.Times) && hit.Kind == NoFault {
			hit = f.Fault
		}
	}
	return hit
}

// serve answers one call under fault f; run performs the operation.
func (s *Server) serve(w http.ResponseWriter, r *http.Request, operation string, f Fault, run func() answer) {
	switch f.Kind {
	case ErrorAfter, CutAfter, HangAfter, Twice:
		run()
	}
	switch f.Kind {
	case ErrorBefore, ErrorAfter:
		reply(w, encode(nil, f.err(operation)))
	case Throttle:
		reply(w, encode(nil, &Error{CodeThrottling, defaultMessage(CodeThrottling, operation)}))
	case CutBefore, CutAfter:
		panic(http.ErrAbortHandler)
	case HangBefore, HangAfter, LateEffect:
		s.hang(r)
		if f.Kind == LateEffect {
			run()
		}
		panic(http.ErrAbortHandler)
	default:
		reply(w, run())
	}
}

// hang waits until the client has given up or the server closes.
func (s *Server) hang(r *http.Request) {
	select {
	case <-r.Context().Done():
	case <-s.ctx.Done():
	}
}

func (f Fault) err(operation string) *Error {
	e := Error{Code: f.Code, Message: f.Message}
	if e.Code == "" {
		e.Code = CodeInternal
	}
	if e.Message == "" {
		e.Message = defaultMessage(e.Code, operation)
	}
	return &e
}
