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
func (s *serviceToken) set(ctx context.Context) error {
	pending, err := s.usable(s.pending(ctx))
	if err != nil {
		return s.pendingMissing(err)
	}
	q := &inquiry{serviceToken: s, pending: pending, standing: make(map[string]Standing), cause: make(map[string]error)}
	action := PlanSet(func(label string) Standing { return q.ask(ctx, label) }, s.config.Takeover)
	return s.setAs(ctx, action, q)
}

// inquiry is what setSecret learned of the tokens, by label.
type inquiry struct {
	*serviceToken
	pending  tokensecret.Value
	standing map[string]Standing
	cause    map[string]error // why a token was not accepted
	unread   error            // why a version that decides could not be read
}

// ask reads the version with label and probes its token.
func (q *inquiry) ask(ctx context.Context, label string) Standing {
	value, err := q.read(ctx, label)
	switch {
	case err != nil && label == labelPrevious: // it only helps to explain what was found
		q.standing[label], q.cause[label] = Unreadable, err
		return Unreadable
	case err != nil:
		q.unread = err
		return NoAnswer
	}
	calls := []func() error{func() error {
		q.standing[label], q.cause[label] = q.serviceToken.ask(ctx, value)
		return nil
	}}
	if label == labelCurrent { // a save will need the admin
		calls = append(calls, func() error {
			_, err := q.admin(ctx)
			return err
		})
	}
	_ = together(calls...) // only a save fails if the admin could not be read
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
func (s *serviceToken) setAs(ctx context.Context, action SetAction, q *inquiry) error {
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
		return s.currentRejected(q)
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

func (s *serviceToken) currentMissing() error {
	return s.fail(
		CurrentTokenMissing,
		nil,
		"AWSCURRENT holds no service token and ROTATION_TAKEOVER=never (parameter RotationTakeover)",
		`Store the token that Databrain has now as the member "token" of AWSCURRENT, beside its other members; `+
			"if the organisation has none, set the parameter to "+
			"empty, and the function creates one (ROTATION_TAKEOVER=empty)",
	)
}

// currentRejected says why the rotation is abandoned: AWSCURRENT was rejected, and
// what is known of AWSPREVIOUS decides only what the operator is told.
func (s *serviceToken) currentRejected(q *inquiry) error {
	found := "Databrain rejects AWSCURRENT, and no other stored token works; the rotation was abandoned"
	next := whoChangedIt
	switch q.standing[labelPrevious] {
	case Accepted:
		found = "Databrain rejects AWSCURRENT, but AWSPREVIOUS still works: the token was put back in Databrain, or the " +
			"label moved without it; the rotation was abandoned"
		next = fmt.Sprintf("Make AWSPREVIOUS current again: %s --version-stage AWSCURRENT --move-to-version-id %s "+
			"--remove-from-version-id %s . Or set the parameter RotationTakeover to invalid for one rotation to replace it",
			s.aws("update-secret-version-stage"), s.secret.Holder(labelPrevious), s.secret.Holder(labelCurrent))
	case Unreadable:
		why := fmt.Sprint(q.cause[labelPrevious])
		if e, ok := errors.AsType[*Error](q.cause[labelPrevious]); ok {
			why = e.Found // its advice is for another case
		}
		found = "Databrain rejects AWSCURRENT, and AWSPREVIOUS, which may still work, could not be read: " + why +
			"; the rotation was abandoned"
		next = "Look at AWSPREVIOUS before anything else, because it may hold the only token that works: " +
			s.read(s.secret.Holder(labelPrevious)) + " . " + whoChangedIt
	case NoAnswer:
		found = fmt.Sprintf(
			"Databrain rejects AWSCURRENT, and gave no answer about AWSPREVIOUS, which may still work (%v); the "+
				"rotation was abandoned",
			q.cause[labelPrevious],
		)
	case "": // the pre-flight looks at AWSCURRENT alone
		found = "Databrain rejects AWSCURRENT, so that a rotation would be abandoned"
	}
	return s.fail(CurrentTokenRejected, q.cause[labelCurrent], found, next)
}

const whoChangedIt = "Someone else changed the token, another secret rotates the same organisation, or " +
	"DATABRAIN_BASE_URL (parameter DatabrainBaseUrl) names another instance: CloudTrail tells who moved AWSCURRENT, " +
	"and when. Store the token that works as AWSCURRENT, with scripts/secret.sh store-token; only if nobody has it, set " +
	"the parameter RotationTakeover to invalid (ROTATION_TAKEOVER=invalid) for one rotation to replace it"

// save posts the pending token and sees that it works. The POST may be repeated,
// since it names the value; on an unknown outcome the probe decides.
func (s *serviceToken) save(ctx context.Context, token databrain.Secret) error {
	var jwt databrain.Secret
	err := together(
		func() error { return s.mayMoveLabels(ctx) },
		func() (err error) {
			jwt, err = s.signIn(ctx)
			return err
		},
	)
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
		s.left = unknownSave
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
	s.saved = true
	return s.proven(ctx, token)
}

const unknownSave = "whether Databrain has the token of AWSPENDING now is not known: if so, that of AWSCURRENT is " +
	"dead. Leave AWSPENDING where it is, since a retry finds out and needs it"

func (s *serviceToken) errNotSaved(err error) error {
	if databrain.ClassOf(err) == databrain.ClassNetwork || databrain.ClassOf(err) == databrain.ClassTimeout {
		return s.unavailable("save service token", err)
	}
	return s.refused("save service token", err)
}
