package collect

import (
	"context"
	"math/rand/v2"
	"time"
)

// Jitter is a random part of d, to keep clients apart ("Exponential backoff and
// jitter", AWS architecture blog).
func Jitter(d time.Duration) time.Duration { return rand.N(d + 1) }

// Pause waits for d. It returns false if the context ends first.
func Pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
