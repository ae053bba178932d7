package rotation

import (
	"context"
	"errors"
	"log/slog"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
)

// finish is finishSecret: it makes the pending version AWSCURRENT, in one call
// after which nothing is done. AWSPENDING stays on the version, as AWS's own
// functions leave it.
func (s *step) finish(ctx context.Context) error {
	pending, err := s.usable(s.pending(ctx))
	if err != nil {
		return s.pendingMissing(err)
	}
	current, err := s.current(ctx)
	if err != nil {
		return err
	}
	if err := s.differ(pending, current); err != nil {
		return err
	}
	standing, cause := s.probe(ctx, pending.Token())
	return s.finishAs(ctx, PlanFinish(standing), cause)
}

// finishAs carries out what PlanFinish decided.
func (s *step) finishAs(ctx context.Context, action FinishAction, cause error) error {
	switch action {
	case FinishMove:
	case FinishMoveUnproven:
		s.log.WarnContext(ctx, "Databrain does not answer now; testSecret has proven the token, so AWSCURRENT moves",
			slog.Any("cause", cause))
	default:
		return s.pendingRejected(cause)
	}
	return s.move(ctx)
}

func (s *step) move(ctx context.Context) error {
	in := &secretsmanager.UpdateSecretVersionStageInput{
		SecretId: &s.event.SecretID, VersionStage: aws.String(labelCurrent), MoveToVersionId: &s.event.Version,
	}
	if holder := s.secret.Holder(labelCurrent); holder != "" {
		in.RemoveFromVersionId = &holder
	}
	_, err := s.secrets.UpdateSecretVersionStage(ctx, in)
	if err == nil {
		s.log.InfoContext(ctx, "AWSCURRENT moved to the new version",
			slog.String("from", aws.ToString(in.RemoveFromVersionId)))
		return nil
	}
	if _, moved := errors.AsType[*types.InvalidParameterException](err); !moved {
		return s.secretsManager("UpdateSecretVersionStage of AWSCURRENT", err)
	}
	return s.afterLostMove(ctx)
}

// afterLostMove looks again when the label was not where it had been: this very
// call may have moved it and lost its answer, or somebody else did.
func (s *step) afterLostMove(ctx context.Context) error {
	if err := s.describe(ctx); err != nil {
		return err
	}
	action := PlanGuard(s.secret.Metadata, s.event.Step, s.event.Version)
	switch action {
	case GuardDone:
		s.log.InfoContext(ctx, "AWSCURRENT is on the new version already")
		return nil
	case GuardProceed:
		s.leftToOthers()
		return s.fail(LabelMoved, nil, "AWSCURRENT moved to another version while the step ran; the label was not forced",
			"Secrets Manager retries and decides again from what it finds")
	default:
		return s.admit(action)
	}
}
