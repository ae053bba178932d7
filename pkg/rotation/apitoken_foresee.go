package rotation

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"databrain-rotation/pkg/databrain"
)

// SecretsReader is the part of [SecretsManager] that writes nothing.
type SecretsReader interface {
	DescribeSecret(context.Context, *secretsmanager.DescribeSecretInput, ...func(*secretsmanager.Options)) (
		*secretsmanager.DescribeSecretOutput, error)
	GetSecretValue(context.Context, *secretsmanager.GetSecretValueInput, ...func(*secretsmanager.Options)) (
		*secretsmanager.GetSecretValueOutput, error)
}

// APITokenOutlook is what createSecret of an API token would find and decide now, if
// AWSPENDING had no value.
type APITokenOutlook struct {
	DataApp, Name string        // from AWSCURRENT; "" if it does not tell
	Service       bool          // a service token was read
	Spare         bool          // that of AWSPENDING, because Databrain rejects that of AWSCURRENT
	State         APITokenState // its List is nil if it was not read
	// Asked is what Databrain says of listed keys, by fingerprint, as far as the
	// decision depends on them.
	Asked map[string]Standing
	Plan  APITokenPlan // zero if Err came before the decision
	Err   *Error       // with which createSecret would end; nil if it would make or take a key
}

// ForeseeAPIToken returns the outlook of the secret with this name or ARN. It reads
// with the functions of the rotation itself. It writes nothing: it never comes to a
// write, and its client of Secrets Manager has none.
func ForeseeAPIToken(
	ctx context.Context, secrets SecretsReader, instance *databrain.Client, c APITokenConfig, secretID string,
	now func() time.Time,
) APITokenOutlook {
	s := &apiToken{config: c, keys: make(map[string]databrain.Secret), step: &step{
		Rotator: &Rotator{secrets: readOnly{secrets}, databrain: instance, instance: c.Instance, now: now},
		event:   Event{Step: StepCreate, SecretID: secretID}, log: slog.New(slog.DiscardHandler),
		began: now(), deadline: now().Add(longestStep), left: nothingWritten,
	}}
	s.kind = s
	o := APITokenOutlook{Asked: make(map[string]Standing)}
	o.Err, _ = errors.AsType[*Error](s.foresee(ctx, &o))
	o.Service, o.Spare = !s.service.Empty(), s.spare
	return o
}

func (s *apiToken) foresee(ctx context.Context, o *APITokenOutlook) error {
	if err := s.describe(ctx); err != nil {
		return err
	}
	if err := s.mayRotate(); err != nil {
		return err
	}
	current, err := s.token(ctx)
	if err != nil {
		return err
	}
	o.DataApp, o.Name = current.DataApp(), current.Name()
	if o.State, err = s.look(ctx, current); err != nil {
		return err
	}
	ask := s.ask(ctx)
	o.Plan = PlanAPIToken(o.State, func(fingerprint string) Standing {
		o.Asked[fingerprint] = ask(fingerprint)
		return o.Asked[fingerprint]
	})
	return s.feasible(o.Plan, current)
}

// readOnly is a client of Secrets Manager that refuses to write.
type readOnly struct{ SecretsReader }

var errReadOnly = errors.New("a diagnosis writes nothing")

func (readOnly) PutSecretValue(
	context.Context, *secretsmanager.PutSecretValueInput, ...func(*secretsmanager.Options),
) (*secretsmanager.PutSecretValueOutput, error) {
	return nil, errReadOnly
}

func (readOnly) UpdateSecretVersionStage(
	context.Context, *secretsmanager.UpdateSecretVersionStageInput, ...func(*secretsmanager.Options),
) (*secretsmanager.UpdateSecretVersionStageOutput, error) {
	return nil, errReadOnly
}
