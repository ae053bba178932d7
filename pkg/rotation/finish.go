package rotation

import (
	"context"
	"errors"
	"log/slog"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"databrain-rotation/pkg/databrain"
)

// finish is finishSecret: it makes the pending version AWSCURRENT, in one call
// after which nothing is done. AWSPENDING stays on the version, as AWS's own
// functions leave it.
func (s *step) finish(ctx context.Context) error {
	pending, err := s.usable(s.pending(ctx))
	if err != nil {
		return errPendingMissing(err)
	}
	current, err := s.current(ctx)
	if err != nil {
		return err
	}
	if err := s.differ(pending, current); err != nil {
		return err
	}
	if err := s.mayMove(ctx, pending.Token()); err != nil {
		return err
	}
	return s.move(ctx)
}

func (s *step) mayMove(ctx context.Context, token databrain.Secret) error {
	standing, cause := s.probe(ctx, token)
	switch PlanFinish(standing) {
	case Move:
		return nil
	case MoveUnproven:
		s.log.WarnContext(ctx, "Databrain does not answer now; testSecret has proven the token, so AWSCURRENT moves", slog.Any("cause", cause))
		return nil
	}
	return errPendingRejected(cause)
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
		s.log.InfoContext(ctx, "AWSCURRENT moved to the new version", slog.String("from", aws.ToString(in.RemoveFromVersionId)))
		return nil
	}
	if _, moved := errors.AsType[*types.InvalidParameterException](err); !moved {
		return secretsManager("UpdateSecretVersionStage of AWSCURRENT", err)
	}
	return s.afterLostMove(ctx)
}

// afterLostMove looks again when the label was not where it had been: this very
// call may have moved it and lost its answer, or somebody else did.
func (s *step) afterLostMove(ctx context.Context) error {
	if err := s.describe(ctx); err != nil {
		return err
	}
	switch action := PlanGuard(s.secret.Metadata, s.event.Step, s.event.Version); action {
	case Succeed:
		s.log.InfoContext(ctx, "AWSCURRENT is on the new version already")
		return nil
	case Proceed:
		return &LabelMoved{problem{text: "AWSCURRENT moved to another version while the step ran; the label was not forced. " +
			"Secrets Manager retries and decides again from what it finds"}}
	default:
		return s.guardError(action)
	}
}
