package rotation

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"databrain-rotation/pkg/databrain"
	"databrain-rotation/pkg/tokensecret"
)

const (
	rotateTime = 10 * time.Second // for Databrain to rotate
	storeTime  = 5 * time.Second  // to store its answer, at the least
	shortGrace = time.Hour        // how long the AWS SDKs' secret caches keep a value
)

// kept reports whether createSecret has nothing to make, because the pending version has
// a value already. That value must be one that a rotation can finish with.
func (s *step) kept(ctx context.Context, current tokensecret.Value) (bool, error) {
	pending, err := s.usable(s.value(ctx, s.event.Version, labelPending))
	if errors.Is(err, errNoValue) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	s.log.InfoContext(ctx, "the pending version has a value already; it is kept")
	return true, s.differ(pending, current)
}

// timeTo refuses to begin what Databrain cannot be asked for twice, unless enough time
// is left to store its answer.
func (s *step) timeTo(task string) error {
	if s.deadline.Sub(s.now()) >= rotateTime+storeTime {
		return nil
	}
	return s.fail(OutOfTime, nil, fmt.Sprintf("less than %v are left, too little to %s", rotateTime+storeTime, task),
		"Raise the function's timeout (Timeout in the template) above what it is now")
}

// makeCall asks Databrain for a new token, in one of the documented contracts.
type makeCall func(context.Context) (databrain.Secret, error)

// bounded makes the call within rotateTime, so that time is left to store its answer.
func bounded(ctx context.Context, call makeCall) (databrain.Secret, error) {
	ctx, cancel := context.WithTimeout(ctx, rotateTime)
	defer cancel()
	return call(ctx)
}

// adopt goes on with the value that another invocation stored first.
func (s *step) adopt(ctx context.Context, current tokensecret.Value) error {
	pending, err := s.usable(s.pending(ctx))
	if err != nil {
		return s.pendingMissing(err)
	}
	s.log.InfoContext(ctx, "another invocation stored the pending value first; it is adopted")
	return s.differ(pending, current)
}

// storeRemote stores a token that only this invocation knows: again and again until
// the time is up, of which its caller has kept some. left says how things stand if it
// cannot be stored.
func (s *step) storeRemote(
	ctx context.Context, current tokensecret.Value, token databrain.Secret, left string,
) error {
	value := current.With(token)
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, 2*time.Second) {
		exists, err := s.put(ctx, value) // the SDK's client gives up an attempt that hangs
		if err == nil && !exists {
			s.log.InfoContext(ctx, "stored Databrain's token as AWSPENDING")
			return nil
		}
		if exists {
			s.orphanPossible = true
			return s.adopt(ctx, current)
		}
		if !sleep(ctx, pause) {
			s.orphanPossible = true
			s.left = "Databrain made a token that could not be stored: " + left
			s.log.ErrorContext(ctx, s.left)
			if e, ok := errors.AsType[*Error](err); ok {
				e.Left = s.left
			}
			return err
		}
	}
}

func (s *step) warnOfGrace(ctx context.Context, grace time.Duration) {
	if grace < shortGrace {
		s.log.WarnContext(ctx, "the grace period is shorter than the hour for which the AWS SDKs' secret caches keep a value",
			slog.String("grace", grace.String()))
	}
	if s.secret.interval > 0 && grace > s.secret.interval {
		s.log.WarnContext(
			ctx,
			"the grace period is longer than the rotation interval, so several old tokens are valid at once",
			slog.String("grace", grace.String()),
			slog.String("interval", s.secret.interval.String()),
		)
	}
}
