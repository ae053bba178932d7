package audit

import (
	"context"
	"math/rand/v2"
	"time"
)

// jitter is a random part of d, to keep clients apart ("Exponential backoff and
// jitter", AWS architecture blog).
func jitter(d time.Duration) time.Duration { return rand.N(d + 1) }

// pause waits for d. It returns false if the context ends first.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
