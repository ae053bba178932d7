package databraintest

import (
	"maps"
	"net/url"
	"slices"
	"time"
)

// Request is what the log keeps of a request: no header, no body.
type Request struct {
	At time.Time
	// Endpoint is the method and the path as the API names it, for example
	// "GET /api/v2/data-app", whatever prefix and spelling the request had.
	Endpoint string
	// Method and Path are as they came.
	Method, Path string
	// Query is the query, sorted, with the values of parameters that no list or
	// delete endpoint documents replaced by "hidden".
	Query string
	// Struck is whether a [Fault] struck it.
	Struck bool
}

type requestLog struct {
	requests     []Request
	inFlight     int
	peakInFlight int
}

func (s *Server) arrive(c *call) (entry int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := &s.log
	l.requests = append(l.requests, Request{
		At: s.now(), Endpoint: c.endpoint, Method: c.r.Method, Path: c.r.URL.Path, Query: harmless(c.r.URL.Query()),
	})
	l.inFlight++
	l.peakInFlight = max(l.peakInFlight, l.inFlight)
	return len(l.requests) - 1
}

func (s *Server) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log.inFlight--
}

func (s *Server) markStruck(entry int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log.requests[entry].Struck = true
}

func harmless(q url.Values) string {
	for name := range q {
		switch name {
		case "name", "dataAppName", "isPagination", "pageNumber":
		default:
			q[name] = []string{"hidden"}
		}
	}
	return q.Encode()
}

// Requests are the requests so far, in the order in which they came.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.log.requests)
}

// Count is the number of requests to an endpoint, such as
// "POST /api/v2/service-token".
func (s *Server) Count(endpoint string) int {
	n := 0
	for _, r := range s.Requests() {
		if r.Endpoint == endpoint {
			n++
		}
	}
	return n
}

// Struck is the number of requests that faults have struck.
func (s *Server) Struck() int {
	n := 0
	for _, r := range s.Requests() {
		if r.Struck {
			n++
		}
	}
	return n
}

// PeakInFlight is the largest number of requests that were under way at once.
func (s *Server) PeakInFlight() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.peakInFlight
}

// PeakRate is the largest number of requests that came within any span of length
// window, its end exclusive.
func (s *Server) PeakRate(window time.Duration) int {
	requests := s.Requests()
	slices.SortFunc(requests, func(a, b Request) int { return a.At.Compare(b.At) })
	peak, first := 0, 0
	for i, r := range requests {
		for r.At.Sub(requests[first].At) >= window {
			first++
		}
		peak = max(peak, i-first+1)
	}
	return peak
}

// SignIns is the number of sign-ins that gave a JWT.
func (s *Server) SignIns() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.signIns
}

// Minted is the number of different service tokens that came into being through
// the API: values saved for the first time, and tokens made by rotating.
func (s *Server) Minted() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tokens.minted
}

// TokenWorks reports whether the instance accepts a service token now, the delay
// of reads aside.
func (s *Server) TokenWorks(token string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tokens.all[token]
	return t != nil && t.live(s.now())
}

// CurrentToken is the service token that was saved or minted last, or "".
func (s *Server) CurrentToken() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tokens.current
}

// LiveTokens are all service tokens that work now, sorted.
func (s *Server) LiveTokens() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	live := maps.Clone(s.tokens.all)
	maps.DeleteFunc(live, func(_ string, t *serviceToken) bool { return !t.live(now) })
	return slices.Sorted(maps.Keys(live))
}

// APITokenWorks reports whether a data app's API token works now.
func (s *Server) APITokenWorks(key string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.liveKey(key, s.now()) != nil
}
