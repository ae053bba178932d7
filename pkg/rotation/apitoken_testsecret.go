package rotation

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"databrain-rotation/pkg/tokensecret"
)

// test is testSecret: it proves that Databrain accepts the pending key, and that it is
// the data app's. Called alone on a version without a key, it is a pre-flight check, as
// for the service token.
func (s *apiToken) test(ctx context.Context) error {
	current, err := s.token(ctx)
	if err != nil {
		return err
	}
	pending, err := s.pending(ctx)
	if errors.Is(err, errNoValue) || err == nil && (pending.Token().Empty() || pending.Token().Equal(current.Token())) {
		return s.preflight(ctx, current)
	}
	if pending, err = s.usable(pending, err); err != nil {
		return err
	}
	if err := s.proven(ctx, pending.Token()); err != nil {
		return err
	}
	return s.belongs(ctx, pending)
}

// belongs looks for the pending key in the list of its data app. A list may lag behind
// a write, so that it is asked again, for about three seconds.
func (s *apiToken) belongs(ctx context.Context, pending tokensecret.Value) error {
	for pause := 200 * time.Millisecond; ; pause *= 2 {
		listed, err := s.list(ctx, pending.DataApp())
		if err != nil {
			return s.noList(ctx, pending, err)
		}
		if slices.ContainsFunc(listed, func(k ListedKey) bool { return k.Fingerprint == pending.Token().Fingerprint() }) {
			s.log.InfoContext(ctx, "the data app lists the pending key")
			return nil
		}
		if pause > 2*time.Second || !sleep(ctx, pause) {
			return s.fail(APITokenNotListed, nil, "Databrain accepts the pending key, but the data app "+
				quoted(pending.DataApp())+" does not list it: somebody rotated it meanwhile",
				"Remove the label and rotate again: "+s.unlabelPending()+" . The next rotation takes the newest key of the name")
		}
	}
}

// preflight checks what a rotation would start from and writes nothing.
func (s *apiToken) preflight(ctx context.Context, current tokensecret.Value) error {
	s.left = nothingWritten
	state, err := s.look(ctx, current)
	if err != nil {
		return err
	}
	plan := PlanAPIToken(state, s.ask(ctx))
	if err := s.feasible(plan, current); err != nil {
		return err
	}
	s.log.InfoContext(ctx, "pre-flight: the list is readable and tells what a rotation has to do; nothing was written",
		slog.String("would", string(plan.Action)), slog.String("instance", s.instance))
	return nil
}

// feasible returns why createSecret would make or take no key after plan.
func (s *apiToken) feasible(plan APITokenPlan, current tokensecret.Value) error {
	switch plan.Action {
	case KeyRotate, KeyCreate:
		return nil
	case KeyImport, KeyAdopt:
		return s.mayTake(plan.Keys[0])
	}
	return s.undecided(plan, current)
}
