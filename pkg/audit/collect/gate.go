package collect

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

// errNoTime: the time of the run ends before the next request may be sent.
var errNoTime = errors.New("the time for the audit ran out before this request")

// gate is what every request to the instance passes: it keeps to the rate, and
// closes for all when the instance asks for a pause, since its limit counts
// requests by address and not by what they ask for.
type gate struct {
	limiter  *rate.Limiter
	now      func() time.Time
	requests atomic.Int64

	mu    sync.Mutex
	until time.Time // closed before
}

// newGate lets perMinute requests through in any minute. Bursts count: a bucket
// of b tokens that is filled at r a minute lets b-1+r through in its first one.
func newGate(perMinute int, now func() time.Time) *gate {
	burst := min(10, max(1, perMinute/20))
	perSecond := float64(perMinute-burst+1) / 60
	return &gate{limiter: rate.NewLimiter(rate.Limit(perSecond), burst), now: now}
}

// wait returns when a request may be sent, and errNoTime if that is not before
// the context's deadline.
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
		if g.closedFor() <= 0 { // it may have closed while this request waited its turn
			g.requests.Add(1)
			return nil
		}
	}
}

func (g *gate) closedFor() time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.until.Sub(g.now())
}

// close keeps the gate closed for at least d from now.
func (g *gate) close(d time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if until := g.now().Add(d); until.After(g.until) {
		g.until = until
	}
}
