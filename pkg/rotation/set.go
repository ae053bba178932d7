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
		return s.pendingMissing(err)
	}
	q := &inquiry{step: s, pending: pending, standing: make(map[string]Standing), cause: make(map[string]error)}
	action := PlanSet(func(label string) Standing { return q.ask(ctx, label) }, s.config.Takeover)
	return s.setAs(ctx, action, q)
}

// inquiry is what setSecret learned of the tokens, by label.
type inquiry struct {
	*step
	pending  tokensecret.Value
	standing map[string]Standing
	cause    map[string]error // why a token was not accepted
	unread   error            // why a version that decides could not be read
}

// ask reads the version with label and probes its token.
func (q *inquiry) ask(ctx context.Context, label string) Standing {
	value, err := q.read(ctx, label)
	if err != nil {
		q.unread = err
		return NoAnswer
	}
	q.standing[label], q.cause[label] = q.step.ask(ctx, value)
	return q.standing[label]
}

func (q *inquiry) read(ctx context.Context, label string) (tokensecret.Value, error) {
	switch label {
	case labelPending:
		return q.pending, nil
	case labelCurrent:
		return q.current(ctx)
	default:
		return q.previous(ctx)
	}
}

// setAs carries out what PlanSet decided.
func (s *step) setAs(ctx context.Context, action SetAction, q *inquiry) error {
	switch action {
	case SetDone:
		s.log.InfoContext(ctx, "Databrain accepts the pending token already")
		return nil
	case SetTakeOver:
		s.tookOver = true
		s.log.WarnContext(ctx, "taking over: AWSCURRENT holds no token that Databrain accepts, and ROTATION_TAKEOVER "+
			"allows replacing it", slog.String("takeover", string(s.config.Takeover)))
		return s.save(ctx, q.pending.Token())
	case SetSave:
		return s.save(ctx, q.pending.Token())
	case SetMissing:
		return s.currentMissing()
	case SetRejected:
		return s.currentRejected(q.standing[labelPrevious], q.cause[labelCurrent])
	default:
		if q.unread != nil {
			return q.unread
		}
		return s.unavailable("probe of the tokens before a write", q.lastCause())
	}
}

// lastCause is why the last token that was asked about was not accepted.
func (q *inquiry) lastCause() error {
	for _, label := range []string{labelPrevious, labelCurrent, labelPending} {
		if q.cause[label] != nil {
			return q.cause[label]
		}
	}
	return nil
}

func (s *step) ask(ctx context.Context, v tokensecret.Value) (Standing, error) {
	if v.Token().Empty() {
		return Absent, nil
	}
	return s.probe(ctx, v.Token())
}

// previous reads AWSPREVIOUS, which may be missing or hold anything: it only
// helps to explain what was found.
func (s *step) previous(ctx context.Context) (tokensecret.Value, error) {
	holder := s.secret.Holder(labelPrevious)
	if holder == "" {
		return tokensecret.Empty(), nil
	}
	v, err := s.value(ctx, holder, labelPrevious)
	if odd, ok := errors.AsType[*Error](err); ok && odd.Name == MalformedSecret || errors.Is(err, errNoValue) {
		return tokensecret.Empty(), nil
	}
	return v, err
}

func (s *step) currentMissing() error {
	return s.fail(CurrentTokenMissing, nil, "AWSCURRENT holds no service token and ROTATION_TAKEOVER=never",
		`Store the token that Databrain has now as {"token":"…"}, or set ROTATION_TAKEOVER=empty to let the function create one`)
}

// currentRejected says why the rotation is abandoned; previous is "" if nobody asked
// about AWSPREVIOUS.
func (s *step) currentRejected(previous Standing, cause error) error {
	switch previous {
	case Accepted:
		return s.fail(CurrentTokenRejected, cause, "the rotation was abandoned: Databrain rejects AWSCURRENT, but "+
			"AWSPREVIOUS still works: the token was put back in Databrain, or the label moved without it", fmt.Sprintf(
			"Make AWSPREVIOUS current again (aws secretsmanager update-secret-version-stage --secret-id %s --version-stage "+
				"AWSCURRENT --move-to-version-id %s --remove-from-version-id %s), or set ROTATION_TAKEOVER=invalid for one "+
				"rotation to replace it", s.event.SecretID, s.secret.Holder(labelPrevious), s.secret.Holder(labelCurrent)))
	case "": // the pre-flight looks at AWSCURRENT alone
		return s.fail(CurrentTokenRejected, cause, "Databrain rejects AWSCURRENT, so a rotation would be abandoned", whoChangedIt)
	default:
		return s.fail(CurrentTokenRejected, cause, "the rotation was abandoned: Databrain rejects AWSCURRENT, and no other "+
			"stored token works", whoChangedIt)
	}
}

const whoChangedIt = "The token was changed by someone else, another secret rotates the same organisation, or DATABRAIN_BASE_URL " +
	"names another instance. Find out which; then store the token that works as AWSCURRENT, or set ROTATION_TAKEOVER=invalid " +
	"for one rotation to replace it"

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
			return s.unavailable("save service token, then probe", probeErr)
		case attempt == 2:
			return s.unavailable("save service token, twice", err)
		}
	}
	return s.proven(ctx, token)
}

func (s *step) errNotSaved(err error) error {
	if databrain.ClassOf(err) == databrain.ClassNetwork || databrain.ClassOf(err) == databrain.ClassTimeout {
		return s.unavailable("save service token", err)
	}
	return s.refused("save service token", err)
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
	return s.fail(PendingTokenRejected, cause, "Databrain rejects the pending token, so AWSCURRENT stays where it is",
		"Secrets Manager retries from createSecret, and setSecret saves the same token again")
}
