package rotation

import (
	"context"
	"errors"
	"log/slog"

	"github.com/google/uuid"

	"databrain-rotation/pkg/databrain"
	"databrain-rotation/pkg/tokensecret"
)

// create is createSecret: it sees to it that the pending version has a value.
func (s *serviceToken) create(ctx context.Context) error {
	current, err := s.current(ctx)
	if err != nil {
		return err
	}
	if kept, err := s.kept(ctx, current); kept || err != nil {
		return err
	}
	if s.config.Strategy == Grace {
		return s.createByGrace(ctx, current)
	}
	return s.mint(ctx, current)
}

// mint makes the token here and stores it.
func (s *serviceToken) mint(ctx context.Context, current tokensecret.Value) error {
	// Not the ClientRequestToken, which is a UUID too: it is in CloudTrail.
	exists, err := s.put(ctx, current.With(databrain.NewSecret(uuid.NewString())))
	if err != nil {
		return err
	}
	if exists {
		return s.adopt(ctx, current)
	}
	s.log.InfoContext(ctx, "stored a new token as AWSPENDING")
	return nil
}

// createByGrace lets Databrain make the token, if the current one works.
func (s *serviceToken) createByGrace(ctx context.Context, current tokensecret.Value) error {
	standing, cause := s.ask(ctx, current)
	return s.createAs(ctx, PlanCreate(standing), current, cause)
}

// createAs carries out what PlanCreate decided. Every precondition is checked before
// the rotate call: a token whose answer is lost, or cannot be stored, is live and
// known to nobody.
func (s *serviceToken) createAs(
	ctx context.Context, action CreateAction, current tokensecret.Value, cause error,
) error {
	switch action {
	case CreateRemotely:
	case CreateHere:
		s.log.WarnContext(ctx, "AWSCURRENT has no token that works, so there is none to keep for a grace period; "+
			"setSecret decides whether it may be replaced", slog.Bool("empty", current.Token().Empty()))
		return s.mint(ctx, current)
	default:
		return s.unavailable("probe of AWSCURRENT before the rotation", cause)
	}
	var rotate makeCall
	err := together(
		func() error { return s.mayMoveLabels(ctx) },
		func() (err error) {
			rotate, err = s.prepareRotate(ctx, current)
			return err
		},
	)
	if err != nil {
		return err
	}
	if err := s.timeTo("rotate and store the answer"); err != nil {
		return err
	}
	s.warnOfGrace(ctx, s.config.GracePeriod)
	return s.rotate(ctx, current, rotate)
}

// prepareRotate checks what the call and its fallback need, and returns the call
// in the contract that the settings name.
func (s *serviceToken) prepareRotate(ctx context.Context, current tokensecret.Value) (makeCall, error) {
	if s.config.Contract == ContractAdminJWT {
		jwt, err := s.signIn(ctx)
		return func(ctx context.Context) (databrain.Secret, error) {
			return s.databrain.RotateServiceTokenAsAdmin(ctx, jwt, current.Token(), s.config.GracePeriod)
		}, err
	}
	_, err := s.admin(ctx)
	return func(ctx context.Context) (databrain.Secret, error) {
		return s.databrain.RotateServiceToken(ctx, current.Token(), s.config.GracePeriod)
	}, err
}

func (s *serviceToken) rotate(ctx context.Context, current tokensecret.Value, call makeCall) error {
	began := s.now()
	token, err := bounded(ctx, call)
	var answer *databrain.Error
	if err != nil && !errors.As(err, &answer) {
		return s.unavailable("rotate", err)
	}
	action := PlanRotated(answer, !token.Equal(current.Token()))
	if action == RotatedStore {
		s.log.InfoContext(ctx, "Databrain made a new token; the old one stays valid for the grace period",
			slog.Time("oldTokenEnds", began.Add(s.config.GracePeriod)))
		return s.storeRemote(ctx, current, token, "it is live and nobody holds it, until the next attempt replaces it; "+
			"that of AWSCURRENT works until its grace period ends")
	}
	return s.notRotated(ctx, action, current, err)
}

// notRotated carries out what PlanRotated decided where Databrain gave no new token.
func (s *serviceToken) notRotated(
	ctx context.Context, action RotatedAction, current tokensecret.Value, cause error,
) error {
	switch action {
	case RotatedMint:
		s.orphanPossible = true
		s.log.WarnContext(ctx, "the outcome of the rotate call is unknown: a token that nobody holds may be live until "+
			"setSecret replaces it; going on with a token made here, without a grace period. If this repeats, check "+
			"ROTATION_GRACE_CONTRACT", slog.Any("cause", cause))
		return s.mint(ctx, current)
	case RotatedContract:
		return s.fail(GraceContractMismatch, cause, "Databrain accepts AWSCURRENT but refuses the rotate request: the "+
			"instance probably speaks the other contract",
			"Set the parameter RotationGraceContract (ROTATION_GRACE_CONTRACT) to the other value (service-token, admin-jwt)")
	case RotatedUnavailable:
		return s.unavailable("rotate", cause)
	default:
		return s.refused("rotate", cause)
	}
}
