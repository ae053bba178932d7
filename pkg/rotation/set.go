package rotation

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"databrain-rotation/pkg/databrain"
	"databrain-rotation/pkg/tokensecret"
)

// set is setSecret: it makes Databrain accept the pending token. In the grace
// strategy Databrain accepts it already, and this is where everything that went
// wrong before is healed.
func (s *step) set(ctx context.Context) error {
	pending, err := s.usable(s.pending(ctx))
	if err != nil {
		return errPendingMissing(err)
	}
	action, err := s.decide(ctx, pending)
	if err != nil {
		return err
	}
	switch action {
	case Succeed:
		s.log.InfoContext(ctx, "Databrain accepts the pending token already")
		return nil
	case TakeOver:
		s.tookOver = true
		s.log.WarnContext(ctx, "taking over: AWSCURRENT holds no token that Databrain accepts, and ROTATION_TAKEOVER allows to replace it",
			slog.String("takeover", string(s.config.Takeover)))
	}
	return s.save(ctx, pending.Token())
}

// decide walks through PlanSet's table: it asks what the plan wants to know until
// the plan says to succeed, save, take over or fail.
func (s *step) decide(ctx context.Context, pending tokensecret.Value) (Action, error) {
	standing := map[string]Standing{labelPending: NotAsked, labelCurrent: NotAsked, labelPrevious: NotAsked}
	var cause error
	for {
		action := PlanSet(standing[labelPending], standing[labelCurrent], standing[labelPrevious], s.config.Takeover)
		switch action {
		case AskPending:
			standing[labelPending], cause = s.probe(ctx, pending.Token())
		case AskCurrent:
			current, err := s.current(ctx)
			if err != nil {
				return "", err
			}
			standing[labelCurrent], cause = s.ask(ctx, current)
		case AskPrevious:
			previous, err := s.previous(ctx)
			if err != nil {
				return "", err
			}
			standing[labelPrevious], cause = s.ask(ctx, previous)
		case FailUnavailable:
			return action, unavailable("probe of the tokens before a write", cause)
		case AbandonMissing:
			return action, errCurrentMissing()
		case AbandonRejected:
			return action, s.errCurrentRejected(standing[labelPrevious], cause)
		default:
			return action, nil
		}
	}
}

func (s *step) ask(ctx context.Context, d tokensecret.Value) (Standing, error) {
	if d.Token().Empty() {
		return Absent, nil
	}
	return s.probe(ctx, d.Token())
}

// previous reads AWSPREVIOUS, which may be missing or hold anything: it only
// helps to explain what was found.
func (s *step) previous(ctx context.Context) (tokensecret.Value, error) {
	holder := s.secret.Holder(labelPrevious)
	if holder == "" {
		return tokensecret.Empty(), nil
	}
	d, err := s.value(ctx, holder, labelPrevious)
	if _, odd := errors.AsType[*MalformedSecret](err); odd || errors.Is(err, errNoValue) {
		return tokensecret.Empty(), nil
	}
	return d, err
}

func errCurrentMissing() error {
	return &CurrentTokenMissing{problem{text: "AWSCURRENT holds no service token and ROTATION_TAKEOVER=never; nothing was written. " +
		`Store the token that Databrain has now as {"token":"…"}, or set ROTATION_TAKEOVER=empty to let the function create one`}}
}

func (s *step) errCurrentRejected(previous Standing, cause error) error {
	found := "the rotation was abandoned, nothing was written: Databrain rejects AWSCURRENT, and no other stored token works"
	switch previous {
	case Accepted:
		return &CurrentTokenRejected{problem{fmt.Sprintf("the rotation was abandoned, nothing was written: Databrain rejects AWSCURRENT, but "+
			"AWSPREVIOUS still works: the token was put back in Databrain, or the label moved without it. Make AWSPREVIOUS "+
			"current again (aws secretsmanager update-secret-version-stage --secret-id %s --version-stage AWSCURRENT "+
			"--move-to-version-id %s --remove-from-version-id %s), or set ROTATION_TAKEOVER=invalid for one rotation to replace it",
			s.event.SecretID, s.secret.Holder(labelPrevious), s.secret.Holder(labelCurrent)), cause}}
	case NotAsked: // the pre-flight looks at AWSCURRENT alone
		found = "Databrain rejects AWSCURRENT, so a rotation would be abandoned; nothing was written"
	}
	return &CurrentTokenRejected{problem{found + ". It was changed by someone else, another secret rotates the same organisation, or " +
		"DATABRAIN_BASE_URL names another instance. Find out which; then store the token that works as AWSCURRENT, or set " +
		"ROTATION_TAKEOVER=invalid for one rotation to replace it", cause}}
}

// save posts the pending token and sees that it works. The POST may be repeated,
// since it names the value; on an unknown outcome the probe decides.
func (s *step) save(ctx context.Context, token databrain.Secret) error {
	jwt, err := s.signIn(ctx)
	if err != nil {
		return err
	}
	for attempt := 1; ; attempt++ {
		err := s.databrain.SaveServiceToken(ctx, jwt, token)
		if err == nil {
			break
		}
		if !databrain.Unknown(err) {
			return s.errNotSaved(err)
		}
		s.log.WarnContext(ctx, "the outcome of saving the token is unknown; probing it", slog.Any("cause", err))
		standing, probeErr := s.probe(ctx, token)
		switch {
		case standing == Accepted:
			s.log.InfoContext(ctx, "the token was saved: Databrain accepts it")
			return nil
		case standing == NoAnswer:
			return unavailable("save service token, then probe", probeErr)
		case attempt == 2:
			return unavailable("save service token, twice", err)
		}
	}
	return s.proven(ctx, token)
}

func (s *step) errNotSaved(err error) error {
	if databrain.ClassOf(err) == databrain.ClassNetwork || databrain.ClassOf(err) == databrain.ClassTimeout {
		return unavailable("save service token", err)
	}
	return refused("save service token", err)
}

// proven waits until Databrain accepts the saved token.
func (s *step) proven(ctx context.Context, token databrain.Secret) error {
	switch standing, err := s.await(ctx, token); standing {
	case Accepted:
		s.log.InfoContext(ctx, "Databrain accepts the pending token")
		return nil
	case NoAnswer:
		return unavailable("probe of the pending token", err)
	default:
		return errPendingRejected(err)
	}
}

func errPendingRejected(cause error) error {
	return &PendingTokenRejected{problem{"Databrain rejects the pending token, so AWSCURRENT stays where it is; " +
		"Secrets Manager retries from createSecret, and setSecret saves the same token again", cause}}
}
