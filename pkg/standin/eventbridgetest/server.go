// Package eventbridgetest is a stand-in of Amazon EventBridge at the wire, as far
// as a sender of events meets it: PutEvents in the JSON 1.1 protocol, so that the
// real SDK client and the AWS CLI work against it.
//
//	bus := eventbridgetest.New(eventbridgetest.Config{})
//	client := eventbridge.New(eventbridge.Options{
//		BaseEndpoint: aws.String("http://events.test"),
//		HTTPClient:   bus.Client(),
//		...
//	})
//	…
//	for _, e := range bus.Entries() { … }
//
// It holds senders to the rules of the API reference, PutEvents: at most 10
// entries and a bound on their total size in one call, and each entry judged by
// itself, so that a call which succeeds can hold entries that failed.
//
// Faults of whole calls are injected with [standin.Wire.Inject], of single entries
// with [standin.Wire.InjectPart]. There are no rules and no targets: every bus exists
// and keeps what it gets.
package eventbridgetest

import (
	"net/http"
	"strings"
	"sync"
	"time"

	"databrain-rotation/pkg/standin"
)

// Config of a Server. The zero value works.
type Config struct {
	// Now is the clock of the call log and of entries that carry no time of their
	// own; nil means time.Now.
	Now func() time.Time

	// MaxBytes is the size that the entries of one call must stay below. Zero means
	// 256 KiB, which holds in every region; newer documentation says 1 MB.
	MaxBytes int

	// Discard keeps no entries: [Server.Accepted] counts them.
	Discard bool
}

// Server is the stand-in. It is safe for concurrent use.
type Server struct {
	*standin.Wire
	config Config

	mu       sync.Mutex
	entries  []Entry
	accepted int
}

// New returns a Server that has no entries.
func New(c Config) *Server {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.MaxBytes == 0 {
		c.MaxBytes = 256 * 1024
	}
	s := &Server{config: c}
	s.Wire = standin.New(standin.Service{
		Name: "EventBridge", Route: s.route, Fail: failCall, Now: c.Now,
	})
	return s
}

// Entries are the accepted entries in the order of acceptance.
func (s *Server) Entries() []Entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Entry(nil), s.entries...)
}

// Accepted is the number of accepted entries, kept or not.
func (s *Server) Accepted() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.accepted
}

// ClearEntries forgets what was accepted so far.
func (s *Server) ClearEntries() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.entries, s.accepted = nil, 0
}

func (s *Server) route(r *http.Request, body []byte) (operation, target string, perform func() standin.Answer) {
	operation, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), "AWSEvents.")
	if !ok || operation != "PutEvents" || r.Method != http.MethodPost {
		return operation, "", func() standin.Answer {
			return failure("UnknownOperationException", "the stand-in serves PutEvents alone")
		}
	}
	return operation, "", func() standin.Answer { return s.putEvents(body) }
}
