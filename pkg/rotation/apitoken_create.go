package rotation

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"databrain-rotation/pkg/databrain"
	"databrain-rotation/pkg/tokensecret"
)

// create is createSecret: it sees to it that the pending version has a value.
func (s *apiToken) create(ctx context.Context) error {
	current, err := s.token(ctx)
	if err != nil {
		return err
	}
	if kept, err := s.kept(ctx, current); kept || err != nil {
		return err
	}
	state, err := s.look(ctx, current)
	if err != nil {
		return err
	}
	return s.createAs(ctx, PlanAPIToken(state, s.ask(ctx)), current, state)
}

// createAs carries out what PlanAPIToken decided.
func (s *apiToken) createAs(
	ctx context.Context, plan APITokenPlan, current tokensecret.Value, state APITokenState,
) error {
	switch plan.Action {
	case KeyRotate:
		return s.rotate(ctx, current, state)
	case KeyCreate:
		return s.createToken(ctx, current, state)
	case KeyImport:
		return s.take(ctx, current, plan.Keys[0],
			"imported the newest key of the name that Databrain accepts; nothing was changed in Databrain")
	case KeyAdopt:
		return s.heal(ctx, current, plan.Keys[0])
	}
	return s.undecided(plan, current)
}

// heal takes a key that has replaced the current one already.
func (s *apiToken) heal(ctx context.Context, current tokensecret.Value, key ListedKey) error {
	s.tookOver = true
	return s.take(ctx, current, key, "adopted a key of the list: an earlier attempt rotated and lost its answer, or "+
		"somebody rotated by hand or made a token of this name")
}

// take stores a key that the list shows.
func (s *apiToken) take(ctx context.Context, current tokensecret.Value, key ListedKey, why string) error {
	if err := s.mayTake(key); err != nil {
		return err
	}
	exists, err := s.put(ctx, current.With(s.keys[key.Fingerprint]))
	if err != nil {
		return err
	}
	if exists {
		return s.adopt(ctx, current)
	}
	s.log.InfoContext(ctx, why, slog.String("fingerprint", key.Fingerprint), slog.String("name", key.Name),
		slog.Time("createdAt", key.CreatedAt))
	return nil
}

// mayTake refuses a listed key that no rotation could finish with.
func (s *apiToken) mayTake(key ListedKey) error {
	if storable(s.keys[key.Fingerprint]) {
		return nil
	}
	return s.fail(APITokenListUnreadable, nil,
		"the key that the list shows as the newest is no UUID, so that Databrain could not rotate it: "+shown(key),
		"Look at the list (GET /api/v2/data-app/api-tokens): an instance that masks its keys cannot be used with this "+
			"function")
}

// rotate asks Databrain for a new key. Every precondition is checked before, and the
// request is sent once.
func (s *apiToken) rotate(ctx context.Context, current tokensecret.Value, state APITokenState) error {
	if err := s.mayMoveLabels(ctx); err != nil {
		return err
	}
	if err := s.timeTo("ask for a key and store it"); err != nil {
		return err
	}
	if s.config.GracePeriod > 0 { // 0 is chosen for a key that has leaked
		s.warnOfGrace(ctx, s.config.GracePeriod)
	}
	ends := s.now().Add(s.config.GracePeriod)
	key, cause := bounded(ctx, func(ctx context.Context) (databrain.Secret, error) {
		if s.config.Contract == ContractByService {
			return s.databrain.RotateAPITokenByService(ctx, s.service, current.Token(), s.config.GracePeriod)
		}
		return s.databrain.RotateAPIToken(ctx, current.Token(), s.config.GracePeriod)
	})
	return s.made(ctx, "rotate API token", made{key, cause, ends}, current, state)
}

// createToken creates a token, where the app lists none of the name.
func (s *apiToken) createToken(ctx context.Context, current tokensecret.Value, state APITokenState) error {
	if err := s.mayMoveLabels(ctx); err != nil {
		return err
	}
	if err := s.timeTo("ask for a key and store it"); err != nil {
		return err
	}
	key, cause := bounded(ctx, func(ctx context.Context) (databrain.Secret, error) {
		return s.databrain.CreateAPIToken(ctx, s.service, current.DataApp(), current.Name())
	})
	return s.made(ctx, "create API token", made{key, cause, time.Time{}}, current, state)
}

// made is the outcome of a request that makes a key.
type made struct {
	key   databrain.Secret
	cause error     // nil if it succeeded
	ends  time.Time // of the old key; zero if there is none
}

// made carries on after a request that makes a key.
func (s *apiToken) made(
	ctx context.Context, tried string, m made, current tokensecret.Value, state APITokenState,
) error {
	answer, _ := errors.AsType[*databrain.Error](m.cause)
	return s.madeAs(ctx, PlanMade(answer, !m.key.Equal(current.Token())), tried, m, current, state)
}

// madeAs carries out what PlanMade decided.
func (s *apiToken) madeAs(
	ctx context.Context, action MadeAction, tried string, m made, current tokensecret.Value, state APITokenState,
) error {
	switch action {
	case MadeStore:
		s.log.InfoContext(ctx, "Databrain made a new key", slog.String("fingerprint", m.key.Fingerprint()),
			slog.Bool("created", m.ends.IsZero()), slog.Time("oldKeyEnds", m.ends))
		return s.storeRemote(ctx, current, m.key, "it is live, the list of the data app shows it, and the next attempt "+
			"stores it"+s.oldKey(current))
	case MadeLook, MadeContract, MadeInGrace:
		return s.recover(ctx, action, tried, m.cause, current, state)
	case MadeUnavailable:
		return s.unavailable(tried, m.cause)
	default:
		return s.refused(tried, m.cause)
	}
}

// oldKey returns what becomes of AWSCURRENT's key once there is a new one, if it has a key.
func (s *apiToken) oldKey(current tokensecret.Value) string {
	switch {
	case current.Token().Empty():
		return ""
	case s.config.GracePeriod == 0:
		return "; the key of AWSCURRENT is dead"
	}
	return "; the key of AWSCURRENT works until its grace period ends"
}

// recover looks into the list for the key that a lost answer did not show.
func (s *apiToken) recover(
	ctx context.Context, action MadeAction, tried string, cause error, current tokensecret.Value, before APITokenState,
) error {
	if action == MadeLook {
		s.left = "whether Databrain made a new key is not known. If it did, the list of the data app shows it, and the " +
			"next attempt finds it there" + s.oldKey(current)
		s.log.WarnContext(ctx, "the outcome of the request is unknown; looking into the list", slog.Any("cause", cause))
	}
	used := s.service
	after, err := s.list(ctx, current.DataApp())
	if err != nil {
		return s.unlisted(current.DataApp(), err)
	}
	ask := s.ask(ctx)
	plan := PlanLostAnswer(before, after, ask)
	switch {
	case plan.Action == KeyAdopt:
		return s.heal(ctx, current, plan.Keys[0])
	case plan.Action != KeyUndecided:
		return s.undecided(plan, current)
	case action == MadeLook, !used.Equal(s.service): // the service token was rotated meanwhile
		return s.unavailable(tried, cause)
	case !current.Token().Empty() && ask(before.Own) != Accepted: // rotated meanwhile, by somebody else
		return s.unavailable(tried, cause)
	case action == MadeInGrace:
		return s.inGrace(cause, after)
	}
	return s.contractMismatch(tried, cause)
}
