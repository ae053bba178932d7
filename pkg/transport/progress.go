package transport

import (
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
)

// Progress knows whether anything of a request was written to a connection.
type Progress struct{ asked, wrote atomic.Bool }

// Follow returns a copy of req whose progress the result follows. A transport that
// does not report to [httptrace] leaves it open what was sent.
func Follow(req *http.Request) (*http.Request, *Progress) {
	p := &Progress{}
	trace := &httptrace.ClientTrace{
		GetConn:      func(string) { p.asked.Store(true) },
		WroteHeaders: func() { p.wrote.Store(true) },
	}
	return req.WithContext(httptrace.WithClientTrace(req.Context(), trace)), p
}

// NothingSent reports whether the request certainly did not leave: the transport
// looked for a connection, and wrote no header of the request to one. The type of
// the error tells nothing: a dial that is cut short ends with the deadline's.
func (p *Progress) NothingSent() bool { return p.asked.Load() && !p.wrote.Load() }
