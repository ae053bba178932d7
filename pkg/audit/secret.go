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
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"databrain-rotation/pkg/audit/collect"
	"databrain-rotation/pkg/audit/finding"
	"databrain-rotation/pkg/databrain"
	"databrain-rotation/pkg/tokensecret"
)

// SecretsManager is the part of the SDK's client that the audit needs, and that
// the function's role has to allow.
type SecretsManager interface {
	GetSecretValue(context.Context, *secretsmanager.GetSecretValueInput,
		...func(*secretsmanager.Options)) (*secretsmanager.GetSecretValueOutput, error)
	DescribeSecret(context.Context, *secretsmanager.DescribeSecretInput,
		...func(*secretsmanager.Options)) (*secretsmanager.DescribeSecretOutput, error)
	ListSecrets(context.Context, *secretsmanager.ListSecretsInput,
		...func(*secretsmanager.Options)) (*secretsmanager.ListSecretsOutput, error)
}

// Secret is the rotated secret that holds the service token.
type Secret struct {
	Client SecretsManager
	ID     string // name or ARN
}

// is reports whether s is the secret of that name and ARN.
func (s *Secret) is(name, arn string) bool {
	return s.ID == name || s.ID == arn || owner(arn) != "" && (s.ID == owner(arn) || owner(s.ID) == owner(arn))
}

// labelPrevious is the staging label of the version that was AWSCURRENT before.
const labelPrevious = "AWSPREVIOUS"

// version is what the audit needs of one version of the secret.
type version struct {
	token   databrain.Secret
	created time.Time
}

// token reads the service token of the version with a staging label.
func (s *Secret) token(ctx context.Context, label string) (databrain.Secret, error) {
	v, err := s.version(ctx, label)
	return v.token, err
}

// version reads the version with a staging label.
func (s *Secret) version(ctx context.Context, label string) (version, error) {
	out, err := s.Client.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &s.ID, VersionStage: &label})
	if err != nil {
		return version{}, fmt.Errorf("read %s of the secret %s: %w", label, s.ID, err)
	}
	value, err := tokensecret.Parse(out.SecretString, out.SecretBinary)
	if err == nil && value.Token().Empty() {
		err = errors.New("holds no token yet")
	}
	if err != nil {
		return version{}, fmt.Errorf("%s of the secret %s %w", label, s.ID, err)
	}
	return version{value.Token(), aws.ToTime(out.CreatedDate)}, nil
}

// previous reads the token of AWSPREVIOUS if its grace period was over before now: then
// the instance has to refuse it. Over is the end of that period, which lasts for grace from
// the creation of AWSCURRENT. The token is empty if there is nothing to ask for.
func (s *Secret) previous(ctx context.Context, current version, grace time.Duration, now time.Time) (
	token databrain.Secret, over time.Time, err error,
) {
	over = current.created.Add(grace)
	if current.created.IsZero() || !over.Before(now) {
		return databrain.Secret{}, over, nil
	}
	out, err := s.Client.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{
		SecretId: &s.ID, VersionStage: aws.String(labelPrevious),
	})
	if _, missing := errors.AsType[*types.ResourceNotFoundException](err); missing {
		return databrain.Secret{}, over, nil
	}
	if err != nil {
		return databrain.Secret{}, over, fmt.Errorf("GetSecretValue failed (%s)", awsCause(err))
	}
	value, err := tokensecret.Parse(out.SecretString, out.SecretBinary)
	if err != nil {
		return databrain.Secret{}, over, fmt.Errorf("it %w", err)
	}
	if value.Token().Equal(current.token) {
		return databrain.Secret{}, over, nil
	}
	return value.Token(), over, nil
}

// posture reads what Secrets Manager says of the rotation of the secret.
func (s *Secret) posture(ctx context.Context, now time.Time) (finding.Posture, error) {
	out, err := s.Client.DescribeSecret(ctx, &secretsmanager.DescribeSecretInput{SecretId: &s.ID})
	if err != nil {
		return finding.Posture{Owner: owner(s.ID)}, err
	}
	p := finding.Posture{
		Owner: owner(aws.ToString(out.ARN)), Read: true,
		Rotation: aws.ToBool(out.RotationEnabled), NextRotation: nextRotation(out.NextRotationDate),
		RotatedAt: aws.ToTime(out.LastRotatedDate).UTC(),
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

// pendingSince returns when the pending version was made, which only its value tells. A
// version without a value cannot be read: then it returns the last change of the secret,
// before which the version was made.
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
