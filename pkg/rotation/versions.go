package rotation

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/aws/smithy-go"

	"databrain-rotation/pkg/databrain"
	"databrain-rotation/pkg/tokensecret"
)

// SecretsManager is the part of the SDK's client that a rotation needs, and that
// the function's role has to allow.
type SecretsManager interface {
	DescribeSecret(context.Context, *secretsmanager.DescribeSecretInput, ...func(*secretsmanager.Options)) (
		*secretsmanager.DescribeSecretOutput, error)
	GetSecretValue(context.Context, *secretsmanager.GetSecretValueInput, ...func(*secretsmanager.Options)) (
		*secretsmanager.GetSecretValueOutput, error)
	PutSecretValue(context.Context, *secretsmanager.PutSecretValueInput, ...func(*secretsmanager.Options)) (
		*secretsmanager.PutSecretValueOutput, error)
	UpdateSecretVersionStage(
		context.Context,
		*secretsmanager.UpdateSecretVersionStageInput,
		...func(*secretsmanager.Options),
	) (
		*secretsmanager.UpdateSecretVersionStageOutput, error)
}

// description is the rotated secret as DescribeSecret shows it.
type description struct {
	Metadata
	arn, name string
	primary   string        // the region of the primary secret, "" unless the secret is replicated
	interval  time.Duration // between rotations; 0 if the schedule does not tell
}

// replica reports whether this is the copy of a secret in another region. A primary
// names its own region, and a secret without replicas names none.
func (d description) replica() bool {
	if d.primary == "" {
		return false
	}
	region, err := arn.Parse(d.arn)
	return err == nil && region.Region != d.primary
}

// is reports whether id names this secret.
func (d description) is(id string) bool { return Names(id, d.arn, d.name) }

// Names reports whether id, a name or a whole or partial ARN, names the secret with
// this ARN and name. A partial ARN lacks the hyphen and six characters that Secrets
// Manager adds.
func Names(id, arn, name string) bool {
	const suffix = len("-AbCdEf")
	partial := ""
	if len(arn) > suffix {
		partial = arn[:len(arn)-suffix]
	}
	return id != "" && (id == arn || id == name || id == partial)
}

func (s *step) describe(ctx context.Context) error {
	out, err := s.secrets.DescribeSecret(ctx, &secretsmanager.DescribeSecretInput{SecretId: &s.event.SecretID})
	if err != nil {
		return s.secretsManager("DescribeSecret", err)
	}
	s.secret = description{
		Metadata: Metadata{
			Deleted: out.DeletedDate != nil, RotationEnabled: aws.ToBool(out.RotationEnabled), Labels: out.VersionIdsToStages,
		},
		arn: aws.ToString(out.ARN), name: aws.ToString(out.Name), primary: aws.ToString(out.PrimaryRegion),
		interval: interval(out.RotationRules),
	}
	return nil
}

var rate = regexp.MustCompile(`^rate\(\s*(\d+)\s+(hour|day)s?\s*\)$`)

// interval reads the time between rotations: a number of days, or a rate of hours or
// days ("Schedule expressions", AWS Secrets Manager user guide), or the shortest time
// between two hours of a cron expression.
func interval(rules *types.RotationRulesType) time.Duration {
	if rules == nil {
		return 0
	}
	expression := strings.TrimSpace(aws.ToString(rules.ScheduleExpression))
	if m := rate.FindStringSubmatch(expression); m != nil {
		n, err := strconv.Atoi(m[1])
		if err != nil { // too many digits
			return 0
		}
		if m[2] == "hour" {
			return time.Duration(n) * time.Hour
		}
		return time.Duration(n) * 24 * time.Hour
	}
	if fields := strings.Fields(strings.TrimSuffix(strings.TrimPrefix(expression, "cron("), ")")); len(fields) == 6 {
		return cronInterval(fields[1], fields[2]+fields[3]+fields[4])
	}
	return time.Duration(aws.ToInt64(rules.AutomaticallyAfterDays)) * 24 * time.Hour
}

// cronInterval returns the shortest time between two hours of a cron expression. It is 0
// for one that names a single hour of some days: they have no single interval.
func cronInterval(hours, days string) time.Duration {
	at := cronHours(hours)
	everyDay := strings.Trim(days, "*?") == ""
	switch {
	case len(at) == 0:
		return 0
	case len(at) > 1:
		shortest := 24
		for n, hour := range at[1:] {
			shortest = min(shortest, hour-at[n])
		}
		if everyDay {
			shortest = min(shortest, 24-at[len(at)-1]+at[0])
		}
		return time.Duration(shortest) * time.Hour
	case everyDay:
		return 24 * time.Hour
	}
	return 0
}

var cronPart = regexp.MustCompile(`^(\*|\d+)(?:-(\d+))?(?:/(\d+))?$`)

// cronHours returns the hours that a field such as 8, *, */6, 0/12, 0-12/4 or 0,8,16
// names, in order; none for a field of another form.
func cronHours(field string) []int {
	var hours []int
	for part := range strings.SplitSeq(field, ",") {
		m := cronPart.FindStringSubmatch(part)
		if m == nil {
			return nil
		}
		first, _ := strconv.Atoi(m[1]) // * begins at 0
		last, step := first, 1
		if m[1] == "*" || m[3] != "" {
			last = 23
		}
		if m[2] != "" {
			last, _ = strconv.Atoi(m[2])
		}
		if m[3] != "" {
			step, _ = strconv.Atoi(m[3])
		}
		for hour := first; hour <= min(last, 23); hour += max(step, 1) {
			hours = append(hours, hour)
		}
	}
	slices.Sort(hours)
	return slices.Compact(hours)
}

// errNoValue: the version does not exist, or it has no value.
var errNoValue = errors.New("the version has no value")

// value returns the document of the version with label, whose id is known from
// DescribeSecret, so that a label that moves in between is noticed. What the step was
// opened with is returned once; after that, the version is read again.
func (s *step) value(ctx context.Context, version, label string) (tokensecret.Value, error) {
	a := s.opened[label]
	delete(s.opened, label)
	if a == nil {
		fresh := s.get(ctx, version, label)
		a = &fresh
	}
	if _, missing := errors.AsType[*types.ResourceNotFoundException](a.err); missing {
		return tokensecret.Value{}, errNoValue
	}
	if _, moved := errors.AsType[*types.InvalidRequestException](a.err); moved {
		return tokensecret.Value{}, s.labelMoved(label, s.secretsManager("GetSecretValue of "+label, a.err))
	}
	if a.err != nil {
		return tokensecret.Value{}, s.secretsManager("GetSecretValue of "+label, a.err)
	}
	if aws.ToString(a.out.VersionId) != version {
		return tokensecret.Value{}, s.labelMoved(label, nil)
	}
	d, err := s.kind.parse(a.out.SecretString, a.out.SecretBinary)
	if err != nil {
		return d, s.malformed(label, err)
	}
	return d, nil
}

// labelMoved is for a label that is not on the version that DescribeSecret has shown.
func (s *step) labelMoved(label string, cause error) error {
	return s.fail(LabelMoved, cause, label+" moved, or the secret was deleted, while the step ran",
		"Secrets Manager retries and decides again from what it finds")
}

// current reads the document of AWSCURRENT; the empty document if no version has
// that label.
func (s *step) current(ctx context.Context) (tokensecret.Value, error) {
	holder := s.secret.Holder(labelCurrent)
	if holder == "" {
		return tokensecret.Empty(), nil
	}
	d, err := s.value(ctx, holder, labelCurrent)
	if errors.Is(err, errNoValue) {
		return d, s.fail(
			LabelMoved,
			nil,
			"AWSCURRENT moved, or lost its value, while the step ran",
			"The step can be retried",
		)
	}
	return d, err
}

// previous reads AWSPREVIOUS, which may be missing.
func (s *step) previous(ctx context.Context) (tokensecret.Value, error) {
	holder := s.secret.Holder(labelPrevious)
	if holder == "" {
		return tokensecret.Empty(), nil
	}
	v, err := s.value(ctx, holder, labelPrevious)
	if errors.Is(err, errNoValue) {
		return tokensecret.Empty(), nil
	}
	return v, err
}

// storable reports whether token can be sent to Databrain and stored.
func storable(token databrain.Secret) bool { return databrain.IsUUID(token.Reveal()) }

// usable lets a pending value pass whose token can be saved.
func (s *step) usable(d tokensecret.Value, err error) (tokensecret.Value, error) {
	if err == nil && !storable(d.Token()) {
		return d, s.malformed(labelPending, errors.New("holds no UUID as its token, so a rotation cannot finish with it"))
	}
	return d, err
}

// pending reads the pending version in a step that needs its value. Reads may lag
// behind writes, so a missing value is asked for again, for about three seconds.
func (s *step) pending(ctx context.Context) (tokensecret.Value, error) {
	for pause := 200 * time.Millisecond; ; pause *= 2 {
		d, err := s.value(ctx, s.event.Version, labelPending)
		if !errors.Is(err, errNoValue) || pause > 2*time.Second || !sleep(ctx, pause) {
			return d, err
		}
	}
}

// pendingMissing gives errNoValue of a pending version its name.
func (s *step) pendingMissing(err error) error {
	if !errors.Is(err, errNoValue) {
		return err
	}
	s.saved = false
	return s.fail(PendingValueMissing, nil, "the pending version has no value, so there is nothing to save or promote",
		"There is nothing to do: Secrets Manager starts again from createSecret, which stores one")
}

func (s *step) differ(pending, current tokensecret.Value) error {
	if pending.Token().Equal(current.Token()) {
		s.saved = false
		return s.fail(
			PendingEqualsCurrent,
			nil,
			"AWSPENDING holds the same token as AWSCURRENT, so this rotation cannot finish",
			"Remove the label and rotate again: "+s.unlabelPending(),
		)
	}
	return nil
}

// put stores the pending value. Two invocations may race: then the version has a
// value already, and exists is true.
func (s *step) put(ctx context.Context, value string) (exists bool, err error) {
	in := &secretsmanager.PutSecretValueInput{
		SecretId: &s.event.SecretID, ClientRequestToken: &s.event.Version, SecretString: &value,
		VersionStages: []string{labelPending}, // left out, AWSCURRENT would move at once
	}
	if !s.event.RotationToken.Empty() {
		in.RotationToken = aws.String(s.event.RotationToken.Reveal())
	}
	_, err = s.secrets.PutSecretValue(ctx, in)
	if _, exists := errors.AsType[*types.ResourceExistsException](err); exists {
		return true, nil
	}
	if err != nil {
		return false, s.secretsManager("PutSecretValue of AWSPENDING", err)
	}
	return false, nil
}

// mayMoveLabels proves, before the old token dies, that the function may move a label
// in the end: it puts AWSPENDING on the version that has it. That changes nothing, and
// fails if the label has moved meanwhile.
//
// UpdateSecretVersionStage documents neither that such a move succeeds nor that it
// fails (https://docs.aws.amazon.com/secretsmanager/latest/apireference/), so only a
// denial counts. A role whose policy has the condition key secretsmanager:VersionStage
// has to allow AWSPENDING as well as AWSCURRENT.
func (s *step) mayMoveLabels(ctx context.Context) error {
	_, err := s.secrets.UpdateSecretVersionStage(ctx, &secretsmanager.UpdateSecretVersionStageInput{
		SecretId: &s.event.SecretID, VersionStage: aws.String(labelPending),
		MoveToVersionId: &s.event.Version, RemoveFromVersionId: &s.event.Version,
	})
	var api smithy.APIError
	if errors.As(err, &api) && strings.HasPrefix(api.ErrorCode(), "AccessDenied") {
		return s.secretsManager("UpdateSecretVersionStage, tried before the old token dies,", err)
	}
	return nil
}
