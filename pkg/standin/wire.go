// Package standin is what the stand-ins of remote services have in common. A
// [Listener] serves a handler on loopback, a [Transport] in the process. A [Wire]
// adds a log of calls, a count of calls in flight and failures on demand; the
// stand-in of an AWS service embeds it and adds its service:
//
//	type Server struct {
//		*standin.Wire
//		…
//	}
//
//	s.Wire = standin.New(standin.Service{Name: "S3", Route: s.route, Fail: fail})
//
// Faults act alike on sockets ([Wire.Start]) and in the process ([Wire.Transport]),
// where they also work inside a testing/synctest bubble.
package standin

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Service is what is particular to one stand-in.
type Service struct {
	// Name stands in error messages.
	Name string

	// Route reads a request whose body was received in full. It names the
	// operation and what it is about (a key, a bus, a path) and returns the
	// function that lets it take effect.
	Route func(r *http.Request, body []byte) (operation, target string, perform func() Answer)

	// Fail makes the service's error answer. An empty code means the service's
	// internal error.
	Fail func(r *http.Request, code string) Answer

	// Now is the clock of the call log; nil means time.Now.
	Now func() time.Time
}

// Call is one request as it arrived, without its headers and its body.
type Call struct {
	Time      time.Time
	Operation string // empty when the service knows no such operation
	Target    string
	Query     string // of the request's address
	Struck    bool   // by a fault
}

// Wire serves the calls of one stand-in. It is safe for concurrent use.
type Wire struct {
	service Service
	ctx     context.Context // ends with Close
	cancel  context.CancelFunc

	mu         sync.Mutex
	calls      []*Call
	faults     []*Fault
	partFaults []*PartFault
	inFlight   int
	peak       int

	listener Listener
}

// New returns a Wire for the service.
func New(service Service) *Wire {
	if service.Now == nil {
		service.Now = time.Now
	}
	s := &Wire{service: service}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

// Transport serves requests in the process, whatever their host.
func (s *Wire) Transport() http.RoundTripper { return Transport{Handler: s} }

// Client is an HTTP client over [Wire.Transport].
func (s *Wire) Client() *http.Client { return &http.Client{Transport: s.Transport()} }

// Start listens on a loopback address, such as "127.0.0.1:8080", and returns the
// endpoint's URL; "" is any free port. [Wire.Close] ends it.
func (s *Wire) Start(addr string) (url string, err error) {
	url, err = s.listener.Listen(addr, s)
	if err != nil {
		return "", fmt.Errorf("start the %s stand-in: %w", s.service.Name, err)
	}
	return url, nil
}

// Close ends the listener and hanging calls. What was recorded stays readable.
func (s *Wire) Close() error {
	s.cancel()
	return s.listener.Close()
}

// NewConnections is the number of connections that clients have opened; requests
// in the process open none.
func (s *Wire) NewConnections() int { return s.listener.NewConnections() }

// ServeHTTP implements [http.Handler].
func (s *Wire) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.enter()
	defer s.leave()
	// The body is read before anything else: net/http notices that a client went
	// away only once it has the whole request.
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	openAccessLog().keep(r, body)
	operation, target, effect := s.service.Route(r, body)
	call := s.record(r, operation, target)
	fault := s.strike(r, body, operation, target)
	if fault == nil {
		effect().write(w, r)
		return
	}
	s.mark(call)
	if fault.AfterEffect {
		done := effect()
		effect = func() Answer { return done }
	}
	fault.Do.strike(s, w, r, effect)
}

func (s *Wire) enter() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inFlight++
	s.peak = max(s.peak, s.inFlight)
}

func (s *Wire) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inFlight--
}

// record appends to the call log.
func (s *Wire) record(r *http.Request, operation, target string) *Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	call := &Call{Time: s.service.Now(), Operation: operation, Target: target, Query: r.URL.RawQuery}
	s.calls = append(s.calls, call)
	return call
}

func (s *Wire) mark(call *Call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	call.Struck = true
}

// Calls are all requests so far, in the order of arrival.
func (s *Wire) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	calls := make([]Call, len(s.calls))
	for i, c := range s.calls {
		calls[i] = *c
	}
	return calls
}

// Count is the number of requests for an operation, or of all when it is empty. A
// retry of the SDK is a request of its own.
func (s *Wire) Count(operation string) int {
	calls := s.Calls()
	return len(slices.DeleteFunc(calls, func(c Call) bool { return operation != "" && c.Operation != operation }))
}

// Struck is the number of requests that faults have struck.
func (s *Wire) Struck() int {
	calls := s.Calls()
	return len(slices.DeleteFunc(calls, func(c Call) bool { return !c.Struck }))
}

// PeakInFlight is the largest number of requests that were open at one time.
func (s *Wire) PeakInFlight() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.peak
}

// PeakRate is the largest number of requests that came within any span of length
// window, its end exclusive.
func (s *Wire) PeakRate(window time.Duration) int {
	calls := s.Calls()
	slices.SortFunc(calls, func(a, b Call) int { return a.Time.Compare(b.Time) })
	peak, first := 0, 0
	for i, c := range calls {
		for c.Time.Sub(calls[first].Time) >= window {
			first++
		}
		peak = max(peak, i-first+1)
	}
	return peak
}
