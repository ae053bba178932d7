package databraintest

import (
	"net"
	"net/http"
	"time"
)

// rateWindow is the window of the global limiter (the reference's page on rate
// limiting).
const rateWindow = 2 * time.Minute

type window struct {
	start time.Time
	count int
}

// limited counts c against its address and reports whether it is one too many. The
// page also names two headers that carry an address; only the connection's counts
// here, so that a client cannot step aside.
func (s *Server) limited(c *call) bool {
	if s.switches.RateLimit == 0 {
		return false
	}
	host, _, err := net.SplitHostPort(c.r.RemoteAddr)
	if err != nil {
		host = c.r.RemoteAddr
	}
	w := s.windows[host]
	if w.count == 0 || !c.now.Before(w.start.Add(rateWindow)) {
		w = window{start: c.now}
	}
	w.count++
	s.windows[host] = w
	return w.count > s.switches.RateLimit
}

// tooManyRequests: neither the body nor Retry-After is documented.
func tooManyRequests(retryAfter string) answer {
	a := typed(http.StatusTooManyRequests, textType, []byte("Too many requests, please try again later."))
	if retryAfter != "" {
		a.Header.Set("Retry-After", retryAfter)
	}
	return a
}
