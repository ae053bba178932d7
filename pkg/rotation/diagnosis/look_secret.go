package diagnosis

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/aws/smithy-go"

	"databrain-rotation/pkg/databrain"
	"databrain-rotation/pkg/jsonobject"
	"databrain-rotation/pkg/rotation"
	"databrain-rotation/pkg/tokensecret"
	"databrain-rotation/pkg/transport"
)

// describe looks at the secret itself.
func (q *inquiry) describe(ctx context.Context) {
	out, err := q.Secrets.DescribeSecret(ctx, &secretsmanager.DescribeSecretInput{SecretId: &q.request.SecretID})
	s := &q.facts.Secret
	if err != nil {
		s.Obstacle, s.Why = obstacle(err)
		return
	}
	*s = SecretFacts{
		ARN: aws.ToString(out.ARN), Name: aws.ToString(out.Name), Function: aws.ToString(out.RotationLambdaARN),
		Last: aws.ToTime(out.LastRotatedDate), Next: aws.ToTime(out.NextRotationDate),
		Metadata: rotation.Metadata{
			Deleted: out.DeletedDate != nil, RotationEnabled: aws.ToBool(out.RotationEnabled), Labels: out.VersionIdsToStages,
		},
	}
	if parsed, err := arn.Parse(s.ARN); err == nil {
		s.Region = parsed.Region
	}
	if primary := aws.ToString(out.PrimaryRegion); primary != "" && primary != s.Region {
		s.Primary = primary
	}
	if rules := out.RotationRules; rules != nil {
		s.Schedule = aws.ToString(rules.ScheduleExpression)
		if days := aws.ToInt64(rules.AutomaticallyAfterDays); s.Schedule == "" && days > 0 {
			s.Schedule = fmt.Sprintf("rate(%d days)", days)
		}
	}
}

// readLabelled reads the value of every version with a label.
func (q *inquiry) readLabelled(ctx context.Context) {
	for id, labels := range q.facts.Secret.Labels {
		if v := (Version{ID: id, Label: labelOf(labels)}); v.Label != "" {
			q.facts.Versions = append(q.facts.Versions, v)
		}
	}
	slices.SortFunc(q.facts.Versions, func(a, b Version) int {
		return cmp.Or(cmp.Compare(rank(a.Label), rank(b.Label)), cmp.Compare(a.Label, b.Label))
	})
	q.facts.Versions = q.facts.Versions[:min(len(q.facts.Versions), mostOther)]
	if !q.facts.Secret.Deleted {
		q.read(ctx, q.facts.Versions)
		return
	}
	for i := range q.facts.Versions {
		q.facts.Versions[i].Standing, q.facts.Versions[i].Why = Unreadable, "the secret is scheduled for deletion"
	}
}

// labelOf returns the label by which a version is known. AWSPENDING on the version of
// AWSCURRENT is what a finished rotation leaves.
func labelOf(labels []string) string {
	for _, label := range []string{labelCurrent, labelPending, labelPrevious} {
		if slices.Contains(labels, label) {
			return label
		}
	}
	return strings.Join(slices.Sorted(slices.Values(labels)), " ")
}

func rank(label string) int {
	if i := slices.Index([]string{labelCurrent, labelPending, labelPrevious}, label); i >= 0 {
		return i
	}
	return 3
}

// read fills in what the values of versions tell, and keeps their tokens.
func (q *inquiry) read(ctx context.Context, versions []Version) {
	tokens := make([]databrain.Secret, len(versions))
	each(len(versions), func(i int) { tokens[i] = q.readOne(ctx, &versions[i]) })
	for i, v := range versions {
		if !tokens[i].Empty() {
			q.tokens[v.ID] = tokens[i]
		}
		if v.Label == labelCurrent && v.Standing == Malformed {
			q.facts.Secret.Kind = v.kind
		}
	}
}

func (q *inquiry) readOne(ctx context.Context, v *Version) databrain.Secret {
	out, err := q.Secrets.GetSecretValue(
		ctx,
		&secretsmanager.GetSecretValueInput{SecretId: &q.facts.Secret.ARN, VersionId: &v.ID},
	)
	if _, missing := errors.AsType[*types.ResourceNotFoundException](err); missing {
		v.Standing, v.NoValue, v.Why = Empty, true, "the version has no value"
		return databrain.Secret{}
	}
	if err != nil {
		v.Standing = Unreadable
		_, v.Why = obstacle(err)
		return databrain.Secret{}
	}
	v.Created = aws.ToTime(out.CreatedDate)
	parse := tokensecret.Parse
	if q.Key != nil {
		parse = tokensecret.ParseAPIToken
	}
	value, err := parse(out.SecretString, out.SecretBinary)
	if err != nil {
		v.Standing, v.Why, v.kind = Malformed, err.Error(), q.kindOf(aws.ToString(out.SecretString))
		return databrain.Secret{}
	}
	token := value.Token()
	if token.Empty() {
		v.Standing, v.Why = Empty, "the token is empty"
		return token
	}
	v.Fingerprint = token.Fingerprint()
	v.Unsavable = !databrain.IsUUID(token.Reveal())
	v.Standing, v.Why = NotAsked, ""
	return token
}

// kindOf returns whose secret a malformed value is; "" if it may be one of this kind, or
// does not look like any.
func (q *inquiry) kindOf(raw string) string {
	object, err := jsonobject.Parse([]byte(raw))
	has := func(name string) bool { return object.Raw(name) != nil }
	switch {
	case err != nil, q.Key == nil && has("token"), q.Key != nil && (has("key") || has("dataApp")):
		return ""
	case has("token"):
		return "a service token's"
	case has("dataApp") && has("key"):
		return "an API token's"
	case has("email") && has("password"):
		return "an admin's"
	}
	return ""
}

// otherVersions looks for a token that works among the versions without a label, the
// newest first: a label that was taken away leaves the value where it is, until AWS
// deletes the version.
func (q *inquiry) otherVersions(ctx context.Context) {
	if q.facts.Secret.Deleted || q.facts.Secret.Kind != "" {
		return
	}
	out, err := q.Secrets.ListSecretVersionIds(ctx, &secretsmanager.ListSecretVersionIdsInput{
		SecretId: &q.facts.Secret.ARN, IncludeDeprecated: aws.Bool(true), MaxResults: aws.Int32(100),
	})
	if err != nil {
		_, q.facts.Unlabelled = obstacle(err)
		return
	}
	var others []Version
	for _, entry := range out.Versions {
		if len(entry.VersionStages) == 0 {
			others = append(others, Version{ID: aws.ToString(entry.VersionId), Created: aws.ToTime(entry.CreatedDate)})
		}
	}
	slices.SortStableFunc(others, func(a, b Version) int { return b.Created.Compare(a.Created) })
	if len(others) > mostOther || out.NextToken != nil {
		q.facts.Unlabelled = fmt.Sprintf("there are more than %d", mostOther)
		others = others[:min(len(others), mostOther)]
	}
	q.read(ctx, others)
	q.ask(ctx, others)
	q.facts.Versions = append(q.facts.Versions, others...)
}

// obstacle says why a call of Secrets Manager failed. AWS's message is kept only for
// codes whose messages name principals, keys and secrets; others quote what was sent.
func obstacle(err error) (Obstacle, string) {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return Silent, transport.Cause(err).Error()
	}
	said := api.ErrorCode() + ": " + strings.TrimSuffix(api.ErrorMessage(), ".")
	switch code := api.ErrorCode(); code {
	case "ResourceNotFoundException":
		return NotFound, code
	case "AccessDeniedException", "AccessDenied", "DecryptionFailure", "KMSAccessDeniedException", "KMSDisabledException",
		"KMSInvalidStateException", "KMSNotFoundException", "DisabledException":
		return Denied, said
	default:
		return Failed, code
	}
}
