package databrain

import (
	"context"
	"databrain-rotation/pkg/jsonobject"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/google/uuid"
)

// IsUUID reports whether value is a UUID in its usual form of 36 characters, the one
// in which a service token is saved ({docs}/create-service-token).
func IsUUID(value string) bool { return len(value) == 36 && uuid.Validate(value) == nil }

// SaveServiceToken makes token, a UUID, the service token of the organisation
// ({docs}/create-service-token). The caller chooses the value, so the request may
// be repeated after a lost answer. The previous token is assumed to die at once.
//
// The answer must echo the token; another answer is of unknown outcome.
func (c *Client) SaveServiceToken(ctx context.Context, admin, token Secret) error {
	r := request{
		op: "save service token", method: http.MethodPost, path: "/api/v2/service-token",
		bearer: admin, body: map[string]string{"token": token.Reveal()},
	}
	return c.fetch(ctx, r, func(answer jsonobject.Object) bool {
		key, _ := answer.Text("key")
		return key == token.Reveal()
	})
}

// RotateServiceToken asks the instance for a new service token in the newer of
// the two documented contracts ({docs}/rotate-service-token): authorised by the
// current token itself, which stays valid for grace, in whole seconds.
//
// The request is not idempotent: each success mints another token, and the answer
// is the only place that shows it. It is sent once, on a connection of its own,
// since net/http may send a request again when a kept-alive one turns out dead.
func (c *Client) RotateServiceToken(ctx context.Context, current Secret, grace time.Duration) (Secret, error) {
	return c.rotate(ctx, current, grace, nil)
}

// RotateServiceTokenAsAdmin is [Client.RotateServiceToken] in the older contract:
// authorised by the admin's JWT, with the current token in the body.
func (c *Client) RotateServiceTokenAsAdmin(
	ctx context.Context,
	admin, current Secret,
	grace time.Duration,
) (Secret, error) {
	return c.rotate(ctx, admin, grace, map[string]any{"token": current.Reveal()})
}

func (c *Client) rotate(ctx context.Context, bearer Secret, grace time.Duration, body map[string]any) (Secret, error) {
	r := request{
		op: "rotate service token", method: http.MethodPost, path: "/api/v2/service-token/rotate",
		bearer: bearer, once: true,
	}
	seconds := int64(grace / time.Second)
	if seconds <= 0 {
		return Secret{}, c.failure(
			r,
			Error{Class: ClassInvalid, err: errors.New("the grace period must be a second or more")},
		)
	}
	if body == nil {
		body = make(map[string]any)
	}
	body["expireAt"] = seconds // a duration in spite of its name
	r.body = body
	return c.key(ctx, r)
}

// Probe proves that the instance accepts token, by reading a page of the data
// apps ({docs}/list-data-apps), whose answer holds no secrets. Nil means
// accepted. [Rejected] tells a definite refusal from every other failure, which
// says nothing about the token.
func (c *Client) Probe(ctx context.Context, token Secret) error {
	r := request{
		op: "probe service token", method: http.MethodGet, path: dataAppPath, bearer: token,
		query: url.Values{"isPagination": {"true"}, "pageNumber": {"1"}},
	}
	return c.fetch(ctx, r, hasList)
}
