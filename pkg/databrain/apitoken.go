package databrain

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"net/http"
	"net/url"
	"time"

	"databrain-rotation/pkg/jsonobject"
)

const (
	rotateAPITokenPath = "/api/v2/data-app/rotate-api"
	embedsPath         = "/api/v2/data-app/embeds"
)

// KeyedToken is one API token of a data app together with its key.
type KeyedToken struct {
	APIToken
	Key Secret
}

// KeyedAPITokens is [Client.APITokens] with the keys ({docs}/list-api-tokens). It is for
// a rotation, which finds in the list what a lost answer did not show.
func (c *Client) KeyedAPITokens(
	ctx context.Context, service Secret, name string, page int,
) iter.Seq2[KeyedToken, error] {
	return entries(ctx, c, apiTokensRequest(service, name, page), decodeKeyedToken)
}

func decodeKeyedToken(raw json.RawMessage) (KeyedToken, error) {
	token, err := decodeAPIToken(raw)
	if err != nil {
		return KeyedToken{}, err
	}
	object, err := jsonobject.Parse(raw)
	if err != nil {
		return KeyedToken{}, ErrEntry
	}
	key, _ := object.Text("key")
	return KeyedToken{APIToken: token, Key: NewSecret(key)}, nil
}

// CreateAPIToken makes a token called name in a data app and returns its key
// ({docs}/create-api-token). Names need not be unique.
//
// The request is not idempotent: each success makes another token. It is sent once,
// as a rotation is. After a lost answer the list shows whether there is a new token
// of that name.
func (c *Client) CreateAPIToken(ctx context.Context, service Secret, dataApp, name string) (Secret, error) {
	return c.key(ctx, request{
		op: "create API token", method: http.MethodPost, path: apiTokenPath, bearer: service, once: true,
		body: map[string]string{"dataAppName": dataApp, "name": name},
	})
}

// RotateAPIToken asks for a new key in place of key in the newer of the two
// documented contracts ({docs}/rotate-api-key): authorised by the key itself, which
// stays valid for grace, in whole seconds. Zero ends it at once.
//
// The request is not idempotent and is sent once, as [Client.RotateServiceToken] is.
// The list may show what a lost answer did not.
func (c *Client) RotateAPIToken(ctx context.Context, key Secret, grace time.Duration) (Secret, error) {
	return c.rotateAPIToken(ctx, key, grace, make(map[string]any))
}

// RotateAPITokenByService is [Client.RotateAPIToken] in the older contract:
// authorised by the service token, with the key in the body.
func (c *Client) RotateAPITokenByService(
	ctx context.Context,
	service, key Secret,
	grace time.Duration,
) (Secret, error) {
	return c.rotateAPIToken(ctx, service, grace, map[string]any{"key": key.Reveal()})
}

func (c *Client) rotateAPIToken(
	ctx context.Context, bearer Secret, grace time.Duration, body map[string]any,
) (Secret, error) {
	r := request{op: "rotate API token", method: http.MethodPost, path: rotateAPITokenPath, bearer: bearer, once: true}
	if grace < 0 || grace%time.Second != 0 {
		return Secret{}, c.failure(r, Error{Class: ClassInvalid, err: errors.New("the grace period must be whole seconds")})
	}
	body["expireAt"] = int64(grace / time.Second) // a duration in spite of its name
	r.body = body
	return c.key(ctx, r)
}

// key is fetch for an answer that shows a new key.
func (c *Client) key(ctx context.Context, r request) (Secret, error) {
	var key string
	err := c.fetch(ctx, r, func(answer jsonobject.Object) bool {
		key, _ = answer.Text("key")
		return IsUUID(key)
	})
	if err != nil {
		return Secret{}, err
	}
	return NewSecret(key), nil
}

// ProbeAPIToken proves that the instance accepts key, by reading a page of the data
// app's embeds ({docs}/list-embed), whose answer holds no secrets. Nil means
// accepted. [Rejected] tells a definite refusal from every other failure, which says
// nothing about the key: the code INVALID_DATA_APP_API_KEY is one too, which comes
// with 400 on one page and with 401 on another.
//
// An instance may accept a service token here as well: only the app's list says that
// a key is the app's.
func (c *Client) ProbeAPIToken(ctx context.Context, key Secret) error {
	r := request{
		op: "probe API token", method: http.MethodGet, path: embedsPath, bearer: key,
		query: url.Values{"isPagination": {"true"}, "pageNumber": {"1"}},
	}
	err := c.fetch(ctx, r, hasList)
	if e, ok := errors.AsType[*Error](err); ok && e.Code == "INVALID_DATA_APP_API_KEY" {
		e.Class, e.rejected, e.unknown = ClassAuth, true, false
	}
	return err
}
