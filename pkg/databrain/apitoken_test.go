package databrain_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"databrain-rotation/pkg/databrain"
	"databrain-rotation/pkg/standin"
	"databrain-rotation/pkg/standin/databraintest"
)

const (
	exampleKey     = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
	exampleKeyName = "Development Token"
)

func apiKey() databrain.Secret { return databrain.NewSecret(exampleKey) }

// apiTokenOperations are those of data apps' API tokens. list makes one that reads a
// list.
func apiTokenOperations(
	list func(string, string, func(context.Context, *databrain.Client) error) operation,
) []operation {
	mint := func(name, endpoint string, call func(context.Context, *databrain.Client) (databrain.Secret,
		error)) operation {
		return operation{
			name: name, endpoint: endpoint,
			frame: "{%s}", member: "key", value: `"` + freshToken + `"`, wrong: `"{` + freshToken + `}"`,
			call: func(ctx context.Context, c *databrain.Client, _ databrain.Secret) error {
				_, err := call(ctx, c)
				return err
			},
		}
	}
	probe := list("ProbeAPIToken", "GET /api/v2/data-app/embeds", func(ctx context.Context, c *databrain.Client) error {
		return c.ProbeAPIToken(ctx, apiKey())
	})
	probe.rejects = "INVALID_DATA_APP_API_KEY"
	byService := mint("RotateAPITokenByService", "POST /api/v2/data-app/rotate-api",
		func(ctx context.Context, c *databrain.Client) (databrain.Secret, error) {
			return c.RotateAPITokenByService(ctx, serviceToken(), apiKey(), time.Hour)
		})
	byService.contract = databraintest.AdminContract
	return []operation{
		probe, byService,
		list("KeyedAPITokens", "GET /api/v2/data-app/api-tokens", func(ctx context.Context, c *databrain.Client) error {
			return drain(c.KeyedAPITokens(ctx, serviceToken(), exampleApp, databrain.Whole))
		}),
		mint("CreateAPIToken", "POST /api/v2/data-app/api-tokens",
			func(ctx context.Context, c *databrain.Client) (databrain.Secret, error) {
				return c.CreateAPIToken(ctx, serviceToken(), exampleApp, "new")
			}),
		mint("RotateAPIToken", "POST /api/v2/data-app/rotate-api",
			func(ctx context.Context, c *databrain.Client) (databrain.Secret, error) {
				return c.RotateAPIToken(ctx, apiKey(), time.Hour)
			}),
	}
}

// TestAPITokenLife makes a token, finds its key in the list, rotates it in each
// contract, and sees the old key end with its grace period. The other contract is
// refused, and mints nothing.
func TestAPITokenLife(t *testing.T) {
	for _, spoken := range []databraintest.Contract{databraintest.ServiceTokenContract, databraintest.AdminContract} {
		now := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
		db := databraintest.New(databraintest.Config{
			Now: func() time.Time { return now }, Switches: databraintest.Switches{RotateAPIContract: spoken},
		})
		c := inProcess(t, db.Client().Transport, databrain.Options{})
		made, err := c.CreateAPIToken(t.Context(), serviceToken(), exampleApp, "made")
		if err != nil {
			t.Fatal(err)
		}
		byKey := func() (databrain.Secret, error) { return c.RotateAPIToken(t.Context(), made, time.Hour) }
		byService := func() (databrain.Secret, error) {
			return c.RotateAPITokenByService(t.Context(), serviceToken(), made, time.Hour)
		}
		right, wrong := byKey, byService
		if spoken == databraintest.AdminContract {
			right, wrong = byService, byKey
		}
		if key, err := wrong(); err == nil || databrain.Unknown(err) || !key.Empty() || db.MintedAPITokens() != 1 {
			t.Errorf("contract %d: the other one: %v, %d minted", spoken, err, db.MintedAPITokens())
		}
		now = now.Add(time.Minute)
		fresh, err := right()
		if err != nil || fresh.Equal(made) {
			t.Fatalf("contract %d: %v", spoken, err)
		}
		tokens, err := collect(c.KeyedAPITokens(t.Context(), serviceToken(), exampleApp, databrain.Whole))
		if err != nil || len(tokens) != 4 || !tokens[0].Key.Equal(fresh) || tokens[0].Name != "made" ||
			!tokens[0].CreatedAt.Equal(now) {
			t.Errorf("contract %d: the list: %v, %v", spoken, tokens, err)
		}
		now = now.Add(time.Hour - time.Nanosecond)
		for _, key := range []databrain.Secret{made, fresh} {
			if err := c.ProbeAPIToken(t.Context(), key); err != nil {
				t.Errorf("contract %d: in the grace period: %v", spoken, err)
			}
		}
		now = now.Add(time.Nanosecond)
		if err := c.ProbeAPIToken(t.Context(), made); !databrain.Rejected(err) || databrain.Unknown(err) {
			t.Errorf("contract %d: after the grace period: %v", spoken, err)
		}
		if err := c.ProbeAPIToken(t.Context(), fresh); err != nil {
			t.Errorf("contract %d: the new key: %v", spoken, err)
		}
	}
}

// TestKeysAreListed: beside each key stands what the list without keys shows, and no
// verb prints the key.
func TestKeysAreListed(t *testing.T) {
	c := inProcess(t, databraintest.New(databraintest.Config{}).Client().Transport, databrain.Options{})
	keyed, err := collect(c.KeyedAPITokens(t.Context(), serviceToken(), exampleApp, databrain.Whole))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := collect(c.APITokens(t.Context(), serviceToken(), exampleApp, databrain.Whole))
	if err != nil {
		t.Fatal(err)
	}
	var without []databrain.APIToken
	for _, token := range keyed {
		without = append(without, token.APIToken)
	}
	if diff := cmp.Diff(plain, without); diff != "" || keyed[1].Key.Reveal() != exampleKey {
		t.Errorf("-without keys +with\n%s", diff)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		if shown := fmt.Sprintf(verb, keyed); strings.Contains(shown, exampleKey) {
			t.Errorf("%s shows a key: %s", verb, shown)
		}
	}
}

// TestRotateAPITokenBodies: the grace period is a number of whole seconds, 0 included,
// and the newer contract has no key in its body.
func TestRotateAPITokenBodies(t *testing.T) {
	var body string
	c := inProcess(t, standin.Transport{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent, _ := io.ReadAll(r.Body)
		body = string(sent)
		io.WriteString(w, `{"key":"`+freshToken+`"}`)
	})}, databrain.Options{})
	for grace, seconds := range map[time.Duration]string{0: "0", time.Second: "1", 24 * time.Hour: "86400"} {
		if key, err := c.RotateAPIToken(t.Context(), apiKey(), grace); err != nil || key.Reveal() != freshToken ||
			body != `{"expireAt":`+seconds+`}` {
			t.Errorf("%v: sent %s, %v", grace, body, err)
		}
		if key, err := c.RotateAPITokenByService(t.Context(), serviceToken(), apiKey(), grace); err != nil ||
			key.Reveal() != freshToken || body != `{"expireAt":`+seconds+`,"key":"`+exampleKey+`"}` {
			t.Errorf("%v: sent %s, %v", grace, body, err)
		}
	}
	body = "nothing was sent"
	for _, grace := range []time.Duration{-time.Second, time.Second / 2} {
		_, err := c.RotateAPIToken(t.Context(), apiKey(), grace)
		_, byService := c.RotateAPITokenByService(t.Context(), serviceToken(), apiKey(), grace)
		for _, err := range []error{err, byService} {
			if diff := cmp.Diff(outcome{Class: databrain.ClassInvalid}, outcomeOf(t, err)); diff != "" ||
				body != "nothing was sent" {
				t.Errorf("%v: %s; %s", grace, diff, body)
			}
		}
	}
}

// TestAPITokenRefusals are those of the stand-in in every reading of the pages.
func TestAPITokenRefusals(t *testing.T) {
	type client = *databrain.Client
	rejected := func(status int, code string) outcome {
		return outcome{Class: databrain.ClassAuth, Rejected: true, Status: status, Code: code}
	}
	probe := func(key string) func(context.Context, client) error {
		return func(ctx context.Context, c client) error { return c.ProbeAPIToken(ctx, databrain.NewSecret(key)) }
	}
	bad := func(status int, code string) databraintest.Switches {
		return databraintest.Switches{BadAPIKeyStatus: status, BadAPIKeyCode: code}
	}
	const other = "11111111-1111-4111-8111-111111111111"
	older := databraintest.Switches{RotateAPIContract: databraintest.AdminContract}
	for name, tt := range map[string]struct {
		switches databraintest.Switches
		call     func(context.Context, client) error
		want     outcome
	}{
		"unknown key":       {databraintest.Switches{}, probe(freshToken), rejected(401, "INVALID_DATA_APP_API_KEY")},
		"unknown key, 400":  {bad(400, ""), probe(freshToken), rejected(400, "INVALID_DATA_APP_API_KEY")},
		"another code":      {bad(401, "AUTHENTICATION_ERR"), probe(freshToken), rejected(401, "AUTHENTICATION_ERR")},
		"a third code, 400": {bad(400, "AUTHENTICATION_ERROR"), probe(freshToken), rejected(400, "AUTHENTICATION_ERROR")},
		"a service token":   {databraintest.Switches{}, probe(other), rejected(401, "INVALID_DATA_APP_API_KEY")},
		"a service token, where it is accepted": {
			databraintest.Switches{EmbedsByServiceToken: true}, probe(other), outcome{}},
		"no such app": {databraintest.Switches{}, func(ctx context.Context, c client) error {
			_, err := c.CreateAPIToken(ctx, databrain.NewSecret(other), "gone", "name")
			return err
		}, outcome{Class: databrain.ClassNotFound, Status: 400, Code: "DATA_APP_NOT_FOUND"}},
		"no name": {databraintest.Switches{}, func(ctx context.Context, c client) error {
			_, err := c.CreateAPIToken(ctx, databrain.NewSecret(other), exampleApp, "")
			return err
		}, outcome{Class: databrain.ClassInvalid, Status: 400, Code: "INVALID_REQUEST_BODY"}},
		"rotate a key that is dead": {databraintest.Switches{}, func(ctx context.Context, c client) error {
			_, err := c.RotateAPIToken(ctx, databrain.NewSecret(freshToken), 0)
			return err
		}, rejected(401, "AUTHENTICATION_ERROR")},
		"the same in the older contract": {older, func(ctx context.Context, c client) error {
			_, err := c.RotateAPITokenByService(ctx, databrain.NewSecret(other), databrain.NewSecret(freshToken), 0)
			return err
		}, outcome{Class: databrain.ClassInvalid, Status: 400, Code: "INVALID_DATA_APP_API_KEY"}},
		"rotate again in grace": {databraintest.Switches{RefuseRotateInGrace: true}, func(ctx context.Context,
			c client) error {
			if _, err := c.RotateAPIToken(ctx, apiKey(), time.Hour); err != nil {
				return err
			}
			_, err := c.RotateAPIToken(ctx, apiKey(), time.Hour)
			return err
		}, outcome{Class: databrain.ClassInvalid, Status: 400, Code: "INVALID_DATA_APP_API_KEY"}},
	} {
		t.Run(name, func(t *testing.T) {
			db := databraintest.New(databraintest.Config{ServiceToken: other, Switches: tt.switches})
			err := tt.call(t.Context(), inProcess(t, db.Client().Transport, databrain.Options{}))
			if diff := cmp.Diff(tt.want, outcomeOf(t, err)); diff != "" {
				t.Errorf("-want +got\n%s\n%v", diff, err)
			}
		})
	}
}
