package collect

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"databrain-rotation/pkg/audit/finding"
	"databrain-rotation/pkg/databrain"
)

const (
	listAttempts     = 4   // requests for one list or page
	throttleAttempts = 6   // when throttled: enough to outlast the instance's window
	decodeAttempts   = 2   // when the answer is not the API's, which rarely mends itself
	authFailures     = 3   // in a row, after which no further list is asked for
	startBudget      = 100 // retries of a run, and one more for every five data apps

	firstBackoff  = 500 * time.Millisecond // doubled each time; a random part of it is waited
	throttledBack = 10 * time.Second       // the same after 429
	longestWait   = 2 * time.Minute        // the window of the instance's limit (Databrain, "Rate limiting")
)

// errStopped: too many authentication failures came before.
var errStopped = errors.New("the instance kept refusing the service token")

// requester sends the GET requests of a run and repeats those that failed. It is
// the one layer that retries.
type requester struct {
	gate       *gate
	credential *credential
	budget     atomic.Int64 // retries left for the run
	retries    atomic.Int64
	throttled  atomic.Int64
	refused    atomic.Int64 // authentication failures in a row
	tenPages   atomic.Bool  // a page of this instance has ten entries
}

// do calls send until it succeeds or there is no point in going on, and adds the
// number of requests to effort.
func (r *requester) do(ctx context.Context, effort *int, send func(context.Context, databrain.Secret) error) error {
	last := errNoTime
	for attempt := 1; ; attempt++ {
		if r.refused.Load() >= authFailures {
			return errStopped
		}
		token, number := r.credential.current()
		err := send(ctx, token)
		if errors.Is(err, errNoTime) {
			return last // it was not sent
		}
		*effort++
		if err == nil {
			r.refused.Store(0)
			r.credential.worked(number)
			return nil
		}
		if ctx.Err() != nil {
			return errNoTime
		}
		if errors.Is(err, errNoRoom) {
			return err
		}
		last = err
		class := databrain.ClassOf(err)
		if class == databrain.ClassRateLimited {
			r.throttled.Add(1)
			r.gate.close(throttledWait(err, attempt)) // for all, and after the last attempt too
		}
		if class == databrain.ClassAuth {
			if !r.credential.renew(ctx, number) {
				r.refused.Add(1)
				return err
			}
			attempt-- // a rotation's doing, and none of this request's
		} else if attempt >= attempts(class) || r.budget.Add(-1) < 0 || !r.backOff(ctx, err, attempt) {
			return err
		}
		r.retries.Add(1)
	}
}

// probe asks once whether the instance accepts a token, by a request that shows no
// secrets. Nothing but a definite refusal says that it does not.
func (c *collector) probe(ctx context.Context, token databrain.Secret) finding.Answer {
	if token.Empty() {
		return finding.NoAnswer
	}
	switch err := c.Databrain.Probe(ctx, token); {
	case err == nil:
		return finding.Accepted
	case databrain.Rejected(err):
		return finding.Refused
	case databrain.ClassOf(err) == databrain.ClassRateLimited:
		c.throttled.Add(1)
		c.gate.close(throttledWait(err, 1))
	}
	return finding.NoAnswer
}

// attempts is how many requests a failure of a class is worth.
func attempts(class databrain.Class) int {
	switch class {
	case databrain.ClassRateLimited:
		return throttleAttempts
	case databrain.ClassServer, databrain.ClassTimeout, databrain.ClassNetwork:
		return listAttempts
	case databrain.ClassDecode:
		return decodeAttempts
	}
	return 1
}

// backOff waits a random part of a time that doubles before the next attempt. It
// returns false if the context ends first. A throttled request waits at the gate.
func (r *requester) backOff(ctx context.Context, err error, attempt int) bool {
	return databrain.ClassOf(err) == databrain.ClassRateLimited || Pause(ctx, Jitter(firstBackoff<<(attempt-1)))
}

// throttledWait is how long the instance is left alone after it answered 429: at
// least as long as it asked for. If it did not ask, only the upper half of the time
// is random: without a floor chance alone could use up all attempts within the
// instance's window. Halves of 10, 20, 40, 80 and 120 s are more than its 120 s.
func throttledWait(err error, attempt int) time.Duration {
	wait := min(throttledBack<<(attempt-1), longestWait)
	if e, ok := errors.AsType[*databrain.Error](err); ok && e.RetryAfter > 0 {
		return max(Jitter(wait), min(e.RetryAfter, longestWait))
	}
	return wait/2 + Jitter(wait/2)
}
