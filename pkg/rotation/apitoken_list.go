package rotation

import (
	"context"
	"errors"
	"iter"
	"strings"
	"unicode"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"databrain-rotation/pkg/databrain"
	"databrain-rotation/pkg/tokensecret"
)

const serviceSecretSetting = " (DATABRAIN_SERVICE_TOKEN_SECRET_ID)"

// serviceTokenFirst does not advise a rotation: that of a secret without a token would
// end the token in use.
const serviceTokenFirst = "See to the service token's secret first, without rotating it unseen: the stack's output " +
	"DiagnoseCommand says how, or scripts/secret.sh which"

// serviceToken reads the service token with a label from its own secret.
func (s *apiToken) serviceToken(ctx context.Context, label string) (databrain.Secret, error) {
	secret := s.config.ServiceTokenSecretID + serviceSecretSetting
	out, err := s.secrets.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{
		SecretId: &s.config.ServiceTokenSecretID, VersionStage: aws.String(label),
	})
	if _, missing := errors.AsType[*types.ResourceNotFoundException](err); missing && label == labelPending {
		return databrain.Secret{}, errNoValue
	}
	if err != nil {
		return databrain.Secret{}, s.secretsManager("GetSecretValue of "+label+" of the service token's secret "+secret, err)
	}
	v, err := tokensecret.Parse(out.SecretString, out.SecretBinary)
	if err == nil && v.Token().Empty() {
		err = errors.New("holds no token yet")
	}
	if err != nil {
		return databrain.Secret{}, s.fail(MalformedServiceTokenSecret, nil,
			label+" of the service token's secret "+secret+" "+err.Error(), serviceTokenFirst)
	}
	return v.Token(), nil
}

// withService calls read with the service token: that of AWSCURRENT, and where
// Databrain rejects it, that of AWSPENDING. In the middle of a rotation of the service
// token, Databrain may know the new one while AWSCURRENT is still on the old one.
func (s *apiToken) withService(ctx context.Context, read func(service databrain.Secret) error) (err error) {
	if s.service.Empty() {
		if s.service, err = s.serviceToken(ctx, labelCurrent); err != nil {
			return err
		}
	}
	err = read(s.service)
	if !databrain.Rejected(err) {
		return err
	}
	if !s.spare {
		pending, unread := s.serviceToken(ctx, labelPending)
		switch {
		case unread == nil && !pending.Equal(s.service):
			s.service, s.spare = pending, true
			return s.withService(ctx, read)
		case unread != nil && !errors.Is(unread, errNoValue):
			return unread
		}
	}
	return s.fail(ServiceTokenRejected, err, "Databrain rejects the service token, that of AWSCURRENT as well as that of "+
		"AWSPENDING, so that the API tokens cannot be listed",
		serviceTokenFirst+". DATABRAIN_BASE_URL (parameter DatabrainBaseUrl) must name its instance")
}

// list reads the API tokens of a data app and keeps their keys. Errors of Databrain but
// a rejected service token are returned as they are.
func (s *apiToken) list(ctx context.Context, dataApp string) ([]ListedKey, error) {
	var listed []ListedKey
	err := s.withService(ctx, func(service databrain.Secret) error {
		all, err := whole(func(page int) iter.Seq2[databrain.KeyedToken, error] {
			return s.databrain.KeyedAPITokens(ctx, service, dataApp, page)
		}, func(t databrain.KeyedToken) string { return t.Fingerprint })
		if err != nil {
			return err
		}
		listed = make([]ListedKey, 0, len(all))
		for _, t := range all {
			s.keys[t.Fingerprint] = t.Key
			listed = append(listed, ListedKey{t.Fingerprint, t.Name, t.CreatedAt})
		}
		return nil
	})
	return listed, err
}

// unlisted gives an error of list its name.
func (s *apiToken) unlisted(dataApp string, err error) error {
	if _, named := errors.AsType[*Error](err); named {
		return err
	}
	if errors.Is(err, databrain.ErrEntry) {
		return s.fail(APITokenListUnreadable, err, "the list of the API tokens of the data app "+quoted(dataApp)+
			" is not readable as a whole, so that it does not tell which key is in force",
			"Look at the list (GET /api/v2/data-app/api-tokens): an instance that masks its keys cannot be used with this "+
				"function")
	}
	return s.unavailable("list API tokens", err)
}

// mostSearched is how many data apps elsewhere reads the lists of. Databrain takes 500
// requests in two minutes (https://docs.usedatabrain.com/developer-docs/rate-limiting), of
// which the rotation needs some.
const mostSearched = 200

// errUnsearched is the error of elsewhere for an instance of more data apps than a step
// can look through.
var errUnsearched = errors.New("there are more data apps than can be looked through")

// elsewhere returns the name of another data app whose list has the key with this
// fingerprint, "" if none has. It leaves the time that is needed to store a key.
func (s *apiToken) elsewhere(ctx context.Context, fingerprint, dataApp string) (string, error) {
	var apps []databrain.DataApp
	err := s.withService(ctx, func(service databrain.Secret) (err error) {
		apps, err = whole(func(page int) iter.Seq2[databrain.DataApp, error] {
			return s.databrain.DataApps(ctx, service, page)
		}, func(a databrain.DataApp) string { return a.Name })
		return err
	})
	if err != nil {
		return "", err
	}
	for i, app := range apps {
		if app.Name == dataApp {
			continue
		}
		if i >= mostSearched || s.deadline.Sub(s.now()) < rotateTime+storeTime {
			return "", errUnsearched
		}
		listed, err := s.list(ctx, app.Name)
		if databrain.ClassOf(err) == databrain.ClassNotFound && err != nil { // deleted meanwhile
			continue
		}
		if err != nil {
			return "", err
		}
		for _, k := range listed {
			if k.Fingerprint == fingerprint {
				return app.Name, nil
			}
		}
	}
	return "", nil
}

// listPage is the documented length of a page
// (https://docs.usedatabrain.com/developer-docs/helpers/api-reference/list-data-apps).
const listPage = 10

// whole reads a list in one answer. An instance may ignore the request for all and give
// the first page, so that an answer of whole pages is only believed when the next page
// has nothing new.
func whole[T any](read func(page int) iter.Seq2[T, error], id func(T) string) ([]T, error) {
	var all []T
	seen := make(map[string]bool)
	for page := databrain.Whole; ; page = max(page, 1) + 1 {
		fresh, length := 0, 0
		for entry, err := range read(page) {
			if err != nil {
				return nil, err
			}
			length++
			if !seen[id(entry)] {
				seen[id(entry)] = true
				all = append(all, entry)
				fresh++
			}
		}
		if fresh == 0 || length%listPage != 0 {
			return all, nil
		}
	}
}

// quoted is a name from the secret or the instance, bounded, for an error.
func quoted(name string) string {
	const most = 100
	if runes := []rune(name); len(runes) > most {
		name = string(runes[:most]) + "…"
	}
	return `"` + strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, name) + `"`
}
