package databrain_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"databrain-rotation/pkg/databrain"
	"databrain-rotation/pkg/standin"
	"databrain-rotation/pkg/standin/databraintest"
)

const (
	exampleApp   = "Customer Portal Analytics"
	freshToken   = "6f1c1f0a-52c1-4a2c-9d0e-3b7b0b6a7f11"
	foreignToken = "0e9a1f7e-6c54-4f0e-8f3a-2d6c4b1a9e22"
)

// operation is one call of the client, as the tables of this package see it.
type operation struct {
	name, endpoint string
	contract       databraintest.Contract
	// frame takes one member and makes it a whole answer; member is the right
	// member's name, value its right value and wrong one that must not pass.
	frame, member, value, wrong string
	admin                       bool // needs a JWT
	// rejects is a code that to this operation means that the token is not valid.
	rejects string
	call    func(context.Context, *databrain.Client, databrain.Secret) error
}

// answer is a right answer but for the given member in place of the right one.
func (o operation) answer(member string) string { return fmt.Sprintf(o.frame, member) }

func (o operation) right() string { return o.answer(fmt.Sprintf("%q:%s", o.member, o.value)) }

func serviceToken() databrain.Secret { return databrain.NewSecret(databraintest.ExampleServiceToken) }

func admin() databrain.Credentials {
	return databrain.Credentials{
		Email: databraintest.ExampleEmail, Password: databrain.NewSecret(databraintest.ExamplePassword),
	}
}

func operations() []operation {
	list := func(name, endpoint string, call func(context.Context, *databrain.Client) error) operation {
		return operation{
			name: name, endpoint: endpoint, frame: "{%s}", member: "data", value: "[]", wrong: `"none"`,
			call: func(ctx context.Context, c *databrain.Client, _ databrain.Secret) error { return call(ctx, c) },
		}
	}
	return append([]operation{
		{
			name: "SignIn", endpoint: "POST /api/v2/admin-account/jwt",
			frame: `{"data":{%s}}`, member: "accessToken", value: `"eyJ.e30.c2ln"`, wrong: `"two\nlines"`,
			call: func(ctx context.Context, c *databrain.Client, _ databrain.Secret) error {
				_, err := c.SignIn(ctx, admin())
				return err
			},
		}, {
			name: "SaveServiceToken", endpoint: "POST /api/v2/service-token", admin: true,
			frame: "{%s}", member: "key", value: `"` + freshToken + `"`, wrong: `"` + foreignToken + `"`,
			call: func(ctx context.Context, c *databrain.Client, jwt databrain.Secret) error {
				return c.SaveServiceToken(ctx, jwt, databrain.NewSecret(freshToken))
			},
		}, {
			name: "RotateServiceToken", endpoint: "POST /api/v2/service-token/rotate",
			frame: "{%s}", member: "key", value: `"` + freshToken + `"`, wrong: `"service_token_xyz"`,
			call: func(ctx context.Context, c *databrain.Client, _ databrain.Secret) error {
				_, err := c.RotateServiceToken(ctx, serviceToken(), time.Hour)
				return err
			},
		}, {
			name: "RotateServiceTokenAsAdmin", endpoint: "POST /api/v2/service-token/rotate", admin: true,
			contract: databraintest.AdminContract,
			frame:    "{%s}", member: "key", value: `"` + freshToken + `"`, wrong: `"{` + freshToken + `}"`,
			call: func(ctx context.Context, c *databrain.Client, jwt databrain.Secret) error {
				_, err := c.RotateServiceTokenAsAdmin(ctx, jwt, serviceToken(), time.Hour)
				return err
			},
		},
		list("Probe", "GET /api/v2/data-app", func(ctx context.Context, c *databrain.Client) error {
			return c.Probe(ctx, serviceToken())
		}),
		list("DataApps", "GET /api/v2/data-app", func(ctx context.Context, c *databrain.Client) error {
			return drain(c.DataApps(ctx, serviceToken(), databrain.Whole))
		}),
		list("DataAppPages", "GET /api/v2/data-app", func(ctx context.Context, c *databrain.Client) error {
			return drain(c.DataApps(ctx, serviceToken(), 1))
		}),
		list("APITokens", "GET /api/v2/data-app/api-tokens", func(ctx context.Context, c *databrain.Client) error {
			return drain(c.APITokens(ctx, serviceToken(), exampleApp, databrain.Whole))
		}),
		list("APITokenPages", "GET /api/v2/data-app/api-tokens", func(ctx context.Context, c *databrain.Client) error {
			return drain(c.APITokens(ctx, serviceToken(), exampleApp, 1))
		}),
	}, apiTokenOperations(list)...)
}

// drain reads seq to its end and returns its error, which must be the last thing.
func drain[T any](seq iter.Seq2[T, error]) error {
	var last error
	for _, err := range seq {
		if last != nil {
			return fmt.Errorf("the sequence went on after %w", last)
		}
		last = err
	}
	return last
}

func parse(t testing.TB, base string) *url.URL {
	t.Helper()
	u, err := databrain.ParseBaseURL(base, true)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// inProcess is a client of h without a socket.
func inProcess(t testing.TB, h http.RoundTripper, o databrain.Options) *databrain.Client {
	o.Transport = h
	return databrain.New(parse(t, "https://databrain.test"), o)
}

// overSocket is a client of db with the client's own transport.
func overSocket(t testing.TB, db *databraintest.Server, o databrain.Options) *databrain.Client {
	t.Helper()
	base, err := db.Start("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return databrain.New(parse(t, base), o)
}

// jwt signs in if o needs it.
func (o operation) jwt(t testing.TB, c *databrain.Client) databrain.Secret {
	t.Helper()
	if !o.admin {
		return databrain.Secret{}
	}
	jwt, err := c.SignIn(t.Context(), admin())
	if err != nil {
		t.Fatal(err)
	}
	return jwt
}

func (o operation) server() *databraintest.Server {
	return databraintest.New(databraintest.Config{Switches: databraintest.Switches{
		RotateContract: o.contract, RotateAPIContract: o.contract,
	}})
}

// fault is what strikes o alone.
func (o operation) fault(do standin.Action) standin.Fault {
	method, path, _ := strings.Cut(o.endpoint, " ")
	return standin.Fault{Operation: method, Target: path, Do: do}
}

// outcome is all that a caller can decide on.
type outcome struct {
	Class             databrain.Class
	Unknown, Rejected bool
	Status            int
	Code              string
	RetryAfter        time.Duration
}

func outcomeOf(t testing.TB, err error) outcome {
	t.Helper()
	if err == nil {
		return outcome{}
	}
	e, ok := errors.AsType[*databrain.Error](err)
	if !ok {
		t.Errorf("%T is not a *databrain.Error: %v", err, err)
		return outcome{}
	}
	if got := databrain.ClassOf(err); got != e.Class {
		t.Errorf("ClassOf = %s, the error has %s", got, e.Class)
	}
	return outcome{e.Class, databrain.Unknown(err), databrain.Rejected(err), e.Status, e.Code, e.RetryAfter}
}

// bodies is a transport that counts the answers whose body is still open, and
// keeps the context of the last request.
type bodies struct {
	http.RoundTripper
	open int
	last context.Context
}

func (b *bodies) RoundTrip(r *http.Request) (*http.Response, error) {
	b.last = r.Context()
	resp, err := b.RoundTripper.RoundTrip(r)
	if err == nil {
		b.open++
		resp.Body = &countedBody{ReadCloser: resp.Body, of: b}
	}
	return resp, err
}

type countedBody struct {
	io.ReadCloser
	of     *bodies
	closed bool
}

func (b *countedBody) Close() error {
	if !b.closed {
		b.closed = true
		b.of.open--
	}
	return b.ReadCloser.Close()
}

// released checks that nothing of the last request lives on: neither its answer
// nor the timer of its context.
func (b *bodies) released(t *testing.T) {
	t.Helper()
	if b.open != 0 {
		t.Errorf("%d answers were left open", b.open)
	}
	if b.last.Err() == nil {
		t.Error("the timer of the request was left running")
	}
}
