package audit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"databrain-rotation/pkg/audit/collect"
	"databrain-rotation/pkg/audit/finding"
	"databrain-rotation/pkg/databrain"
	"databrain-rotation/pkg/tokensecret"
)

// SecretsManager is the part of the SDK's client that the audit needs, and that
// the function's role has to allow.
type SecretsManager interface {
	GetSecretValue(context.Context, *secretsmanager.GetSecretValueInput, ...func(*secretsmanager.Options)) (*secretsmanager.GetSecretValueOutput, error)
	DescribeSecret(context.Context, *secretsmanager.DescribeSecretInput, ...func(*secretsmanager.Options)) (*secretsmanager.DescribeSecretOutput, error)
}

// Secret is the rotated secret that holds the service token.
type Secret struct {
	Client SecretsManager
	ID     string // name or ARN
}

// token reads the service token of the version with a staging label.
func (s *Secret) token(ctx context.Context, label string) (databrain.Secret, error) {
	out, err := s.Client.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &s.ID, VersionStage: &label})
	if err != nil {
		return databrain.Secret{}, fmt.Errorf("read %s of the secret that DATABRAIN_SERVICE_TOKEN_SECRET_ID names: %w", label, err)
	}
	value, err := tokensecret.Parse(out.SecretString, out.SecretBinary)
	if err == nil && value.Token().Empty() {
		err = errors.New("holds no token yet: rotate the secret first")
	}
	if err != nil {
		return databrain.Secret{}, fmt.Errorf("%s of the secret that DATABRAIN_SERVICE_TOKEN_SECRET_ID names %w", label, err)
	}
	return value.Token(), nil
}

// posture reads what Secrets Manager says of the rotation of the secret.
func (s *Secret) posture(ctx context.Context, now time.Time) (finding.Posture, error) {
	out, err := s.Client.DescribeSecret(ctx, &secretsmanager.DescribeSecretInput{SecretId: &s.ID})
	if err != nil {
		return finding.Posture{Owner: owner(s.ID)}, err
	}
	p := finding.Posture{
		Owner: owner(aws.ToString(out.ARN)), Read: true,
		Rotation: aws.ToBool(out.RotationEnabled), RotatedAt: aws.ToTime(out.LastRotatedDate).UTC(),
	}
	if p.RotatedAt.IsZero() {
		p.RotatedAt = aws.ToTime(out.CreatedDate).UTC()
	}
	if !p.RotatedAt.IsZero() {
		p.AgeDays = finding.AgeDays(now, p.RotatedAt)
	}
	for version, labels := range out.VersionIdsToStages {
		if slices.Contains(labels, collect.LabelPending) && !slices.Contains(labels, collect.LabelCurrent) {
			p.PendingSince = s.pendingSince(ctx, version, aws.ToTime(out.LastChangedDate))
		}
	}
	return p, nil
}

// pendingSince is when the pending version was made. DescribeSecret does not say,
// and a version without a value can not be read: then the last change of the
// secret is the latest that it can be.
func (s *Secret) pendingSince(ctx context.Context, version string, changed time.Time) time.Time {
	out, err := s.Client.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &s.ID, VersionId: &version})
	if err != nil || out.CreatedDate == nil {
		return changed.UTC()
	}
	return out.CreatedDate.UTC()
}

// owner returns the ARN of a secret without the random suffix that Secrets Manager
// gives it, so that a secret which is created again under its name keeps its state; ""
// for what is no ARN.
func owner(arn string) string {
	const suffix = len("-AbCdEf")
	if !strings.HasPrefix(arn, "arn:") || len(arn) <= suffix || arn[len(arn)-suffix] != '-' {
		return ""
	}
	return arn[:len(arn)-suffix]
}
