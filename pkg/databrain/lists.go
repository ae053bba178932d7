package databrain

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"databrain-rotation/pkg/jsonobject"
)

const (
	dataAppPath  = "/api/v2/data-app"
	apiTokenPath = "/api/v2/data-app/api-tokens"
)

// DataApp is one data app. Its name is its identity: the API shows no other.
type DataApp struct{ Name string }

// APIToken is one API token of a data app, without its key.
type APIToken struct {
	// Fingerprint is the first 16 hex digits of the key's SHA-256.
	Fingerprint string
	Name        string
	// CreatedAt is in UTC, and zero if the instance gave anything but an RFC 3339
	// time of the years 1 to 9999.
	CreatedAt time.Time
}

// ErrEntry stands for an entry of a list that lacks its name or key, or has a key that
// is none. A list that yields it goes on.
var ErrEntry = errors.New("an entry of the list lacks its name or key")

// Whole asks for a list without pages. Any other number is that of a page, from 1.
const Whole = 0

// DataApps reads one page of the data apps, or with [Whole] all of them in one answer
// ({docs}/list-data-apps), and yields them as they arrive. [ErrEntry] stands for an
// entry that cannot be told from others; any other error is the last that is yielded,
// and what came before it is then not the whole list.
//
// The order of the list is not documented: over a changing set, pages may skip or
// repeat entries. Releases differ in what they do without isPagination, so the request
// says it in words; an instance may ignore that too.
func (c *Client) DataApps(ctx context.Context, token Secret, page int) iter.Seq2[DataApp, error] {
	return entries(ctx, c, request{
		op: "list data apps", method: http.MethodGet, path: dataAppPath, query: paging(page), bearer: token,
	}, decodeDataApp)
}

// APITokens reads one page of the API tokens of the data app called name, or with
// [Whole] all of them ({docs}/list-api-tokens), as [Client.DataApps] does. The answer
// holds the keys in full; they are reduced to fingerprints as they are decoded.
func (c *Client) APITokens(ctx context.Context, token Secret, name string, page int) iter.Seq2[APIToken, error] {
	return entries(ctx, c, apiTokensRequest(token, name, page), decodeAPIToken)
}

func apiTokensRequest(token Secret, name string, page int) request {
	query := paging(page)
	query.Set("dataAppName", name)
	return request{op: "list API tokens", method: http.MethodGet, path: apiTokenPath, query: query, bearer: token}
}

// paging returns the query for one page of a list. Both values are strings.
func paging(page int) url.Values {
	if page == Whole {
		return url.Values{"isPagination": {"false"}}
	}
	return url.Values{"isPagination": {"true"}, "pageNumber": {strconv.Itoa(page)}}
}

func entries[T any](
	ctx context.Context,
	c *Client,
	r request,
	decode func(json.RawMessage) (T, error),
) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		resp, err := c.do(ctx, r)
		if err != nil {
			yield(none, err)
			return
		}
		defer resp.Body.Close()
		answer, err := list(resp.Body, func(raw json.RawMessage) error {
			if !yield(decode(raw)) {
				return errStopped
			}
			return nil
		})
		switch {
		case err == errStopped:
			return
		case err != nil:
			err = c.broken(r, resp.StatusCode, err)
		default:
			err = c.reported(r, resp.StatusCode, answer)
		}
		if err == nil && !hasList(answer) {
			err = c.broken(r, resp.StatusCode, errUnreadable)
		}
		if err != nil {
			yield(none, err)
		}
	}
}

var errStopped = errors.New("the caller stopped")

func decodeDataApp(raw json.RawMessage) (DataApp, error) {
	app, err := jsonobject.Parse(raw)
	name, _ := app.Text("name")
	if err != nil || name == "" {
		return DataApp{}, ErrEntry
	}
	return DataApp{name}, nil
}

func decodeAPIToken(raw json.RawMessage) (APIToken, error) {
	token, err := jsonobject.Parse(raw)
	key, _ := token.Text("key")
	if err != nil || !isKey(key) {
		return APIToken{}, ErrEntry
	}
	name, _ := token.Text("name")
	return APIToken{Fingerprint: NewSecret(key).Fingerprint(), Name: name, CreatedAt: created(token)}, nil
}

// isKey reports whether text can be a bearer token (RFC 6750, section 2.1). Asterisks
// and bullets cannot: an instance that masks its keys would give one key to all tokens.
func isKey(text string) bool {
	const marks = "-._~+/="
	return text != "" && !strings.ContainsFunc(text, func(c rune) bool {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		return !letter && !strings.ContainsRune(marks, c)
	})
}

// created reads the member createdAt. The bounds of the year are those within
// which a time can be written as RFC 3339 again.
func created(token jsonobject.Object) time.Time {
	text, _ := token.Text("createdAt")
	t, err := time.Parse(time.RFC3339, text)
	if err != nil || text[13] != ':' || strings.Contains(text, ",") { // which Parse lets pass
		return time.Time{}
	}
	if t = t.UTC(); t.Year() < 1 || t.Year() > 9999 {
		return time.Time{}
	}
	return t
}
