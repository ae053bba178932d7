package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"databrain-rotation/pkg/databrain"
	"databrain-rotation/pkg/tokensecret"
)

// errNoValue is the error of a version that exists and holds nothing.
var errNoValue = errors.New("has no value")

// labels returns the version that carries each staging label.
func (o *operator) labels(ctx context.Context, id string) (map[string]string, error) {
	out, err := o.secrets.DescribeSecret(ctx, &secretsmanager.DescribeSecretInput{SecretId: &id})
	if err != nil {
		return nil, failed("read "+id+"; nothing was changed", err)
	}
	if out.DeletedDate != nil {
		return nil, fmt.Errorf("%s is scheduled for deletion; nothing was changed", id)
	}
	holders := make(map[string]string)
	for version, labels := range out.VersionIdsToStages {
		for _, label := range labels {
			holders[label] = version
		}
	}
	return holders, nil
}

// value reads one version. The error completes a sentence about it; errNoValue is
// the only one that proves that there is nothing.
func (o *operator) value(ctx context.Context, id, version string) (tokensecret.Value, error) {
	out, err := o.secrets.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &id, VersionId: &version})
	if _, missing := errors.AsType[*types.ResourceNotFoundException](err); missing {
		return tokensecret.Value{}, errNoValue
	}
	if err != nil {
		return tokensecret.Value{}, failed("cannot be read", err)
	}
	value, err := tokensecret.Parse(out.SecretString, out.SecretBinary)
	if err != nil {
		return value, &malformed{err}
	}
	return value, nil
}

// malformed is the error of a value that was read and holds no token for sure.
type malformed struct{ err error }

func (e *malformed) Error() string { return e.err.Error() }

// row is what is known of one version.
type row struct {
	version, labels, created string
	standing                 standing
	why                      string
}

// standing is what Databrain says about the token of a version.
type standing string

const (
	accepted standing = "accepted"
	rejected standing = "rejected"
	noAnswer standing = "no answer"
	unknown  standing = "not asked" // without a value, or one that cannot be read
)

// maxUnlabelled bounds the questions about versions that nobody uses any more.
const maxUnlabelled = 20

// which shows every version of a secret with what Databrain says about its token.
func (o *operator) which(ctx context.Context, args []string) error {
	id := args[0]
	rows, err := o.rows(ctx, id)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(o.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "VERSION\tCREATED\tLABELS\tDATABRAIN SAYS")
	for _, r := range rows {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", r.version, r.created, r.labels, strings.TrimSpace(string(r.standing)+"  "+r.why))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	_, err = fmt.Fprintf(o.out, "\n%s\n", advice(id, rows))
	return err
}

// rows asks about every version with a label, and about the newest of the others.
func (o *operator) rows(ctx context.Context, id string) ([]row, error) {
	var versions []types.SecretVersionsListEntry
	pages := secretsmanager.NewListSecretVersionIdsPaginator(o.secrets, &secretsmanager.ListSecretVersionIdsInput{
		SecretId: &id, IncludeDeprecated: aws.Bool(true),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, failed("list the versions of "+id, err)
		}
		versions = append(versions, page.Versions...)
	}
	slices.SortStableFunc(versions, func(a, b types.SecretVersionsListEntry) int {
		return cmp.Or(cmp.Compare(min(len(b.VersionStages), 1), min(len(a.VersionStages), 1)),
			aws.ToTime(b.CreatedDate).Compare(aws.ToTime(a.CreatedDate)))
	})
	var rows []row
	unlabelled := 0
	for _, v := range versions {
		if len(v.VersionStages) == 0 {
			if unlabelled++; unlabelled > maxUnlabelled {
				break
			}
		}
		r := row{
			version: aws.ToString(v.VersionId),
			labels:  cmp.Or(strings.Join(slices.Sorted(slices.Values(v.VersionStages)), " "), "-"),
			created: aws.ToTime(v.CreatedDate).UTC().Format("2006-01-02 15:04"),
		}
		r.standing, r.why = o.standing(ctx, id, r.version)
		rows = append(rows, r)
	}
	return rows, nil
}

// standing asks Databrain about the token of a version, and says why the answer is
// not "accepted".
func (o *operator) standing(ctx context.Context, id, version string) (standing, string) {
	value, err := o.value(ctx, id, version)
	if err != nil {
		return unknown, "the version " + err.Error()
	}
	if value.Token().Empty() {
		return unknown, "the token is empty"
	}
	err = o.databrain.Probe(ctx, value.Token())
	switch {
	case err == nil:
		return accepted, ""
	case databrain.Rejected(err):
		return rejected, why(err)
	default:
		return noAnswer, why(err)
	}
}

// why returns what is wrong, without the instance and the request, which are the same
// for each probe.
func why(err error) string {
	if e, ok := errors.AsType[*databrain.Error](err); ok {
		return e.Said()
	}
	return err.Error()
}

// advice says what to do about the labels.
func advice(id string, rows []row) string {
	find := func(label string) (found row) {
		for _, r := range rows {
			if slices.Contains(strings.Fields(r.labels), label) {
				return r
			}
		}
		return row{}
	}
	current, pending := find("AWSCURRENT"), find("AWSPENDING")
	working := slices.IndexFunc(rows, func(r row) bool { return r.standing == accepted })
	unsure := slices.ContainsFunc(rows, func(r row) bool { return r.standing == noAnswer })
	switch {
	case current.standing == accepted:
		return "AWSCURRENT works: whoever reads the secret can go on."
	case current.standing == noAnswer:
		return "Databrain gave no usable answer about AWSCURRENT. That does not mean that the token is dead: change " +
			"nothing, ask again."
	case pending.standing == accepted:
		return "AWSPENDING holds a token that works, AWSCURRENT does not. Do not take AWSPENDING off. This finishes " +
			"the rotation:\n" +
			"  aws secretsmanager rotate-secret --secret-id " + id + "\n" +
			"It ends with \"A previous rotation isn't complete\" and has begun all the same; do not repeat it."
	case working >= 0 && current.version != "":
		return fmt.Sprintf("Version %s works, AWSCURRENT does not. This makes it current:\n"+
			"  aws secretsmanager update-secret-version-stage --secret-id %s --version-stage AWSCURRENT "+
			"--move-to-version-id %s --remove-from-version-id %s",
			rows[working].version, id, rows[working].version, current.version)
	case unsure:
		return "Databrain gave no usable answer about some tokens. Change nothing, ask again."
	case current.standing == unknown:
		return "AWSCURRENT holds no token that could be asked about. If it is empty and a token is in use, store that: " +
			"store-token. Correct any other value in the Secrets Manager console, for it may hold a token that works."
	default:
		return "No stored token works. If you know the one that does, store it: store-token."
	}
}

// dropPending takes AWSPENDING off its version, unless its token works or may work.
func (o *operator) dropPending(ctx context.Context, args []string) error {
	id := args[0]
	labels, err := o.labels(ctx, id)
	if err != nil {
		return err
	}
	version := labels["AWSPENDING"]
	if version == "" || version == labels["AWSCURRENT"] {
		fmt.Fprintln(o.notes, "AWSPENDING is on no version of its own; nothing was changed.")
		return nil
	}
	if err := o.expendable(ctx, id, version, labels["AWSCURRENT"]); err != nil {
		return err
	}
	label := "AWSPENDING"
	_, err = o.secrets.UpdateSecretVersionStage(ctx, &secretsmanager.UpdateSecretVersionStageInput{
		SecretId: &id, VersionStage: &label, RemoveFromVersionId: &version,
	})
	if err != nil {
		return failed("take AWSPENDING off version "+version, err)
	}
	// A rotation that ran meanwhile may have saved the token in Databrain since.
	if err := o.expendable(ctx, id, version, labels["AWSCURRENT"]); err != nil {
		_, undo := o.secrets.UpdateSecretVersionStage(ctx, &secretsmanager.UpdateSecretVersionStageInput{
			SecretId: &id, VersionStage: &label, MoveToVersionId: &version,
		})
		if undo != nil {
			return errors.Join(err, failed("put AWSPENDING back on version "+version, undo))
		}
		return fmt.Errorf("AWSPENDING was put back on version %s: %w", version, err)
	}
	fmt.Fprintf(o.notes, "AWSPENDING is off version %s. The version stays until AWS deletes it. The way back:\n"+
		"  aws secretsmanager update-secret-version-stage --secret-id %s --version-stage AWSPENDING "+
		"--move-to-version-id %s\n", version, id, version)
	return nil
}

// expendable returns an error unless the pending version can go: it has no usable
// token, Databrain rejects its token, or AWSCURRENT holds the same.
func (o *operator) expendable(ctx context.Context, id, version, current string) error {
	value, err := o.value(ctx, id, version)
	if _, odd := errors.AsType[*malformed](err); odd || errors.Is(err, errNoValue) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("AWSPENDING %w; the label stays where it is", err)
	}
	if value.Token().Empty() {
		return nil
	}
	if current != "" {
		kept, err := o.value(ctx, id, current)
		if err == nil && kept.Token().Equal(value.Token()) {
			return nil
		}
	}
	err = o.databrain.Probe(ctx, value.Token())
	switch {
	case err == nil:
		return fmt.Errorf(
			"the token of AWSPENDING works at %s and may be the only one that does, so its label stays where it is; "+
				"finish the rotation: aws secretsmanager rotate-secret --secret-id %s",
			o.instance,
			id,
		)
	case databrain.Rejected(err):
		return nil
	default:
		return fmt.Errorf(
			"no usable answer came from %s about the token of AWSPENDING, which may be the only one that works, "+
				"so its label stays where it is: %w",
			o.instance,
			err,
		)
	}
}
