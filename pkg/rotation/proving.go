package rotation

import (
	"context"
	"time"

	"databrain-rotation/pkg/databrain"
	"databrain-rotation/pkg/tokensecret"
)

// probe asks Databrain about a token, once.
func (s *step) probe(ctx context.Context, token databrain.Secret) (Standing, error) {
	err := s.kind.prove(ctx, token)
	switch {
	case err == nil:
		return Accepted, nil
	case databrain.Rejected(err):
		return Rejected, err
	}
	return NoAnswer, err
}

// await probes until Databrain accepts token: a replica may lag behind a write.
// It returns what the last probe said.
func (s *step) await(ctx context.Context, token databrain.Secret) (Standing, error) {
	ctx, cancel := context.WithTimeout(ctx, longestPoll)
	defer cancel()
	var last Standing
	var cause error
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, 2*time.Second) {
		standing, err := s.probe(ctx, token)
		if standing == Accepted {
			return standing, nil
		}
		if ctx.Err() == nil || last == "" { // a probe cut off by the deadline says less than the one before
			last, cause = standing, err
		}
		if !sleep(ctx, pause) {
			return last, cause
		}
	}
}

func (s *step) ask(ctx context.Context, v tokensecret.Value) (Standing, error) {
	if v.Token().Empty() {
		return Absent, nil
	}
	return s.probe(ctx, v.Token())
}

// proven waits until Databrain accepts the saved token.
func (s *step) proven(ctx context.Context, token databrain.Secret) error {
	switch standing, err := s.await(ctx, token); standing {
	case Accepted:
		s.log.InfoContext(ctx, "Databrain accepts the pending token")
		return nil
	case NoAnswer:
		return s.unavailable("probe of the pending token", err)
	default:
		return s.pendingRejected(err)
	}
}

func (s *step) pendingRejected(cause error) error {
	s.saved, s.left = false, "which token Databrain has now is not known, so no label was moved"
	return s.fail(PendingTokenRejected, cause, "Databrain rejects the pending token, so AWSCURRENT stays where it is",
		s.kind.words().retry)
}

// sleep waits for d and reports whether ctx lasted that long.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
