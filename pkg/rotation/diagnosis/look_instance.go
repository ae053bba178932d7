package diagnosis

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/google/uuid"

	"databrain-rotation/pkg/databrain"
	"databrain-rotation/pkg/rotation"
)

// control asks about a token that was just made up. An instance rejects it; whatever
// accepts it accepts anything, and whatever does neither is not asked about a token
// that works.
func (q *inquiry) control(ctx context.Context) {
	began := q.Now()
	err := q.prove(ctx, q.client, databrain.NewSecret(uuid.NewString()))
	i := &q.facts.Instance
	i.Took, i.Answers, i.AcceptsAny = q.Now().Sub(began), databrain.Rejected(err), err == nil
	switch {
	case i.AcceptsAny:
		i.Why = "it accepts a token that was made up"
	case !i.Answers:
		i.Why, i.Remedy = why(err), rotation.Remedy(err)
	}
}

// elsewhere looks for the API above a path that does not have it: at the addresses
// that are left when the path of the base URL loses one segment after the other.
func (q *inquiry) elsewhere(ctx context.Context) {
	if q.facts.Instance.Answers || q.facts.Instance.AcceptsAny || q.Instance.Path == "" {
		return
	}
	var bases []*url.URL
	for path := q.Instance.Path; path != "" && len(bases) < atOnce; {
		path = strings.TrimRight(path[:strings.LastIndexByte(path, '/')], "/")
		base := *q.Instance
		base.Path, base.RawPath = path, ""
		bases = append(bases, &base)
	}
	answers := make([]bool, len(bases))
	each(len(bases), func(i int) {
		answers[i] = databrain.Rejected(q.prove(ctx, q.Client(bases[i]), databrain.NewSecret(uuid.NewString())))
	})
	if i := slices.Index(answers, true); i >= 0 {
		q.facts.Instance.AnswersAt = address(bases[i])
	}
}

// askTokens asks Databrain about every token that was read.
func (q *inquiry) askTokens(ctx context.Context) { q.ask(ctx, q.facts.Versions) }

// ask fills in what Databrain says about the tokens of versions. It asks once for a
// token that several versions hold, and not at all where nothing answers as the API.
func (q *inquiry) ask(ctx context.Context, versions []Version) {
	var different []Version
	for _, v := range versions {
		same := func(w Version) bool { return w.Fingerprint == v.Fingerprint }
		if v.Standing == NotAsked && !slices.ContainsFunc(different, same) {
			different = append(different, v)
		}
	}
	each(len(different), func(i int) {
		v := &different[i]
		if !q.facts.Instance.Answers {
			v.Standing, v.Why = NoAnswer, "not asked, because the instance does not answer as the API"
			return
		}
		v.Standing, v.Why = q.probe(ctx, q.tokens[v.ID])
	})
	for i := range versions {
		for _, v := range different {
			if versions[i].Standing == NotAsked && versions[i].Fingerprint == v.Fingerprint {
				versions[i].Standing, versions[i].Why = v.Standing, v.Why
			}
		}
	}
}

// prove asks as the rotation of this kind of token does.
func (q *inquiry) prove(ctx context.Context, client *databrain.Client, token databrain.Secret) error {
	if q.Key != nil {
		return client.ProbeAPIToken(ctx, token)
	}
	return client.Probe(ctx, token)
}

func (q *inquiry) probe(ctx context.Context, token databrain.Secret) (Standing, string) {
	err := q.prove(ctx, q.client, token)
	switch {
	case err == nil:
		return Accepted, ""
	case databrain.Rejected(err):
		return Rejected, why(err)
	}
	return NoAnswer, why(err)
}

// readAdmin reads the admin's credentials.
func (q *inquiry) readAdmin(ctx context.Context) {
	out, err := q.Secrets.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &q.Config.AdminSecretID})
	a := &q.facts.Admin
	if err != nil {
		a.Standing = Unreadable
		_, a.Why = obstacle(err)
		return
	}
	if q.admin, err = rotation.ReadAdmin(aws.ToString(out.SecretString)); err != nil {
		a.Standing, a.Why = Malformed, err.Error()
	}
}

// signIn signs in as the admin, once, if the request wants it and the credentials are
// not known to be useless.
func (q *inquiry) signIn(ctx context.Context) {
	a := &q.facts.Admin
	switch {
	case a.Standing != NotAsked:
		return
	case q.request.NoSignIn:
		a.Why = "the request says so"
		return
	case !q.facts.Instance.Answers:
		a.Why = "the instance does not answer as the API"
		return
	}
	_, err := q.client.SignIn(ctx, q.admin)
	if err == nil {
		a.Standing = Accepted
		return
	}
	a.Why = why(err)
	switch class := databrain.ClassOf(err); {
	case class == databrain.ClassLogin, class == databrain.ClassInvalid, databrain.Rejected(err):
		a.Standing = Refused
	case class == databrain.ClassPermanent, class == databrain.ClassForbidden:
		a.Standing, q.facts.AdminForGood = Refused, true
	default:
		a.Standing = NoAnswer
	}
}

// why is what came of a request: the status and the code of the API, else the kind of
// the failure.
func why(err error) string {
	e, ok := errors.AsType[*databrain.Error](err)
	switch {
	case !ok:
		return "no answer"
	case e.Status != 0 && e.Code != "":
		return fmt.Sprintf("%d %s", e.Status, e.Code)
	}
	return e.Said()
}

// address writes a base URL without a slash at its end.
func address(u *url.URL) string { return strings.TrimRight(u.String(), "/") }
