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
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/google/uuid"
)

// Service is what is particular to one stand-in.
type Service struct {
	// Name stands in error messages.
	Name string

	// Route reads a request whose body was received in full. It names the
	// operation and what it is about (a key, a bus) and returns the function that
	// lets it take effect.
	Route func(r *http.Request, body []byte) (operation, target string, perform func() Answer)

	// Fail makes the service's error answer. An empty code means the service's
	// internal error, an empty message the usual text.
	Fail func(r *http.Request, code, message string) Answer

	// ThrottleCode is the error code of a throttled call.
	ThrottleCode string

	// Now is the clock of the call log; nil means time.Now.
	Now func() time.Time
}

// Answer is a whole response.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// JSON is an answer in the JSON 1.1 protocol, whose document is the service's own.
func JSON(status int, document any) Answer {
	body, err := json.Marshal(document)
	if err != nil {
		panic(err)
	}
	return Answer{Status: status, Body: body, Header: http.Header{
		"Content-Type":     {"application/x-amz-json-1.1"},
		"X-Amzn-Requestid": {uuid.NewString()},
	}}
}

// Call is one request as it arrived, without its body.
type Call struct {
	Time      time.Time
	Operation string // empty when the service knows no such operation
	Target    string
	Bytes     int // of the request's body
	Fault     Kind
	Status    int // of the operation itself; 0 when a fault kept it from running
}

// Wire serves the calls of one stand-in. It is safe for concurrent use.
type Wire struct {
	service Service
	ctx     context.Context // ends with Close
	cancel  context.CancelFunc

	mu       sync.Mutex
	calls    []*Call
	faults   []*scheduled
	inFlight int
	peak     int

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
	body, err := io.ReadAll(r.Body)
	if err != nil {
		// The client went away in the middle of its request.
		panic(http.ErrAbortHandler)
	}
	operation, target, perform := s.service.Route(r, body)
	call, fault := s.record(operation, target, len(body))
	s.serve(w, r, fault, func() Answer {
		answer := perform()
		s.mu.Lock()
		defer s.mu.Unlock()
		call.Status = answer.Status
		return answer
	})
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

// record appends to the call log and finds the fault that strikes the call.
func (s *Wire) record(operation, target string, size int) (*Call, Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fault := s.strike(operation, target)
	call := &Call{Time: s.service.Now(), Operation: operation, Target: target, Bytes: size, Fault: fault.Kind}
	s.calls = append(s.calls, call)
	return call, fault
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

// ClearCalls empties the call log and forgets the peak.
func (s *Wire) ClearCalls() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls, s.peak = nil, s.inFlight
}

// PeakInFlight is the largest number of requests that were open at one time.
func (s *Wire) PeakInFlight() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.peak
}

// write sends the answer, or only the first half of its body.
func (a Answer) write(w http.ResponseWriter, r *http.Request, half bool) {
	h := w.Header()
	for name, values := range a.Header {
		h[name] = values
	}
	if h.Get("Content-Length") == "" && a.Status != http.StatusNoContent {
		h.Set("Content-Length", strconv.Itoa(len(a.Body)))
	}
	w.WriteHeader(a.Status)
	if r.Method == http.MethodHead {
		return
	}
	if half {
		w.Write(a.Body[:len(a.Body)/2])
		http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
	w.Write(a.Body)
}
