package rotation

import (
	"context"
	"errors"
	"log/slog"
)

// test is testSecret: it proves that Databrain authenticates the pending token.
// Called alone on a version without a token, as Secrets Manager does when rotation
// is configured without rotating at once, it is a pre-flight check. Whether that
// version is empty or a copy of AWSCURRENT is not documented.
func (s *serviceToken) test(ctx context.Context) error {
	pending, err := s.pending(ctx)
	if errors.Is(err, errNoValue) || err == nil && pending.Token().Empty() {
		return s.preflight(ctx)
	}
	if err != nil {
		return err
	}
	if err = s.proven(ctx, pending.Token()); err == nil {
		return nil
	}
	if current, unread := s.current(ctx); unread == nil && pending.Token().Equal(current.Token()) {
		return s.preflight(ctx) // a copy of AWSCURRENT proves no more than that does
	}
	return err
}

// preflight checks what a rotation would start from and writes nothing.
func (s *serviceToken) preflight(ctx context.Context) error {
	s.left = nothingWritten
	current, err := s.current(ctx)
	if err != nil {
		return err
	}
	standing, cause := s.ask(ctx, current)
	return s.preflightAs(ctx, PlanPreflight(standing, s.config.Takeover), standing, cause)
}

// preflightAs carries out what PlanPreflight decided.
func (s *serviceToken) preflightAs(ctx context.Context, action PreflightAction, standing Standing, cause error) error {
	switch action {
	case PreflightDone:
		if _, err := s.admin(ctx); err != nil { // the rotation will need it
			return err
		}
		s.log.InfoContext(ctx, "pre-flight: Databrain accepts AWSCURRENT; nothing was written",
			slog.String("instance", s.instance))
		return nil
	case PreflightSignIn:
		if _, err := s.signIn(ctx); err != nil {
			return err
		}
		found := "nothing to rotate yet"
		if standing == Rejected {
			found = "Databrain rejects AWSCURRENT, which ROTATION_TAKEOVER=invalid lets a rotation replace"
		}
		s.log.InfoContext(ctx, "pre-flight: "+found+", and the admin can sign in; nothing was written",
			slog.String("instance", s.instance))
		return nil
	case PreflightMissing:
		return s.currentMissing()
	case PreflightRejected:
		return s.currentRejected(&inquiry{cause: map[string]error{labelCurrent: cause}})
	default:
		return s.unavailable("pre-flight probe of AWSCURRENT", cause)
	}
}
