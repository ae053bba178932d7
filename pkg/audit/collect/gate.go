package collect

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

// errNoTime is the error of a request for which the run has no time left.
var errNoTime = errors.New("the time for the audit ran out before this request")

// gate holds every request to the instance back until it may be sent. It keeps to the
// rate. When the instance asks for a pause, the gate closes for all requests, because the
// instance counts them by address (https://docs.usedatabrain.com/developer-docs/rate-limiting).
type gate struct {
	limiter  *rate.Limiter
	now      func() time.Time
	requests atomic.Int64
	paused   func(time.Duration) // hears of a pause as it begins; may be nil

	mu    sync.Mutex
	until time.Time // closed before
}

// newGate returns a gate that lets at most perMinute requests through in any minute,
// bursts included: a bucket that holds b requests and is filled with r a minute lets
// b-1+r through in its first minute.
func newGate(perMinute int, now func() time.Time) *gate {
	burst := min(10, max(1, perMinute/20))
	perSecond := float64(perMinute-burst+1) / 60
	return &gate{limiter: rate.NewLimiter(rate.Limit(perSecond), burst), now: now}
}

// wait returns nil when a request may be sent, and errNoTime if that moment is after the
// deadline of the context.
func (g *gate) wait(ctx context.Context) error {
	for {
		if closed := g.closedFor(); closed > 0 {
			if deadline, ok := ctx.Deadline(); ok && g.now().Add(closed).After(deadline) || !Pause(ctx, closed) {
				return errNoTime
			}
		}
		if err := g.limiter.Wait(ctx); err != nil {
			return errNoTime
		}
		if g.closedFor() <= 0 { // the gate may have closed while this request waited
			g.requests.Add(1)
			return nil
		}
	}
}

// closedFor returns how long the gate stays closed; 0 or less if it is open.
func (g *gate) closedFor() time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.until.Sub(g.now())
}

// close keeps the gate closed for at least d from now, for all requests.
func (g *gate) close(d time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now()
	if g.paused != nil && !g.until.After(now) {
		g.paused(d)
	}
	if until := now.Add(d); until.After(g.until) {
		g.until = until
	}
}
