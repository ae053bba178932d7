package audit

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"databrain-rotation/pkg/audit/collect"
	"databrain-rotation/pkg/audit/finding"
	"databrain-rotation/pkg/databrain"
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
	token, fault := serviceToken(aws.ToString(out.SecretString))
	if fault != "" {
		return databrain.Secret{}, fmt.Errorf("%s of the secret that DATABRAIN_SERVICE_TOKEN_SECRET_ID names %s", label, fault)
	}
	return token, nil
}

// serviceToken reads a version's value: a JSON object with the token in its member
// "token", or a bare UUID. The fault shows nothing of the value.
func serviceToken(value string) (token databrain.Secret, fault string) {
	if value == "" {
		return token, "is binary or empty; it must be a string"
	}
	if value[0] != '{' {
		if !databrain.IsUUID(value) {
			return token, "is neither a JSON object nor a bare UUID"
		}
		return databrain.NewSecret(value), ""
	}
	given := 0
	var text *string
	err := finding.EachMember([]byte(value), func(name string, raw json.RawMessage) {
		if name == "token" {
			given++
			text = nil
			_ = json.Unmarshal(bytes.Clone(raw), &text) // what is no string stays nil
		}
	})
	switch {
	case err != nil:
		return token, "is not a JSON object"
	case given > 1:
		return token, `has the member "token" twice`
	case given == 0 || text != nil && *text == "":
		return token, "holds no token yet: rotate the secret first"
	case text == nil || !sendable(*text):
		return token, `has a member "token" that is not a token`
	}
	return databrain.NewSecret(*text), ""
}

// sendable reports whether a token can stand in a header: visible ASCII only.
func sendable(token string) bool {
	return !slices.ContainsFunc([]byte(token), func(c byte) bool { return c <= ' ' || c > '~' })
}

// posture reads what Secrets Manager says of the rotation of the secret.
func (s *Secret) posture(ctx context.Context, now time.Time) (finding.Posture, error) {
	out, err := s.Client.DescribeSecret(ctx, &secretsmanager.DescribeSecretInput{SecretId: &s.ID})
	if err != nil {
		return finding.Posture{}, err
	}
	p := finding.Posture{Read: true, Rotation: aws.ToBool(out.RotationEnabled), RotatedAt: aws.ToTime(out.LastRotatedDate).UTC()}
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
