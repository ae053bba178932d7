package databrain

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"iter"
	"maps"
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

	// PageSize is the fixed length of a page of any list ({docs}/list-data-apps).
	PageSize = 10
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

var errEntry = errors.New("an entry of the list lacks its name or key")

// DataApps reads all data apps in one answer ({docs}/list-data-apps), yielding
// them as they arrive. An error is the last thing yielded: what came before it is
// then not the whole list.
func (c *Client) DataApps(ctx context.Context, token Secret) iter.Seq2[DataApp, error] {
	return entries(ctx, c, dataAppsRequest(token), decodeDataApp)
}

// DataAppPages reads the data apps in pages from page first on, 1 being the
// first. A page with fewer than [PageSize] entries is the last. The sequence ends
// with the first error.
//
// The order of the list is not documented: over a changing set, pages may skip or
// repeat entries, and a server that ignores paging returns everything each time.
func (c *Client) DataAppPages(ctx context.Context, token Secret, first int) iter.Seq2[[]DataApp, error] {
	return pages(ctx, c, dataAppsRequest(token), first, decodeDataApp)
}

// APITokens reads the tokens of the data app called name in one answer
// ({docs}/list-api-tokens), as [Client.DataApps] does. The answer holds the keys
// in full; they are reduced to fingerprints as they are decoded.
func (c *Client) APITokens(ctx context.Context, token Secret, name string) iter.Seq2[APIToken, error] {
	return entries(ctx, c, apiTokensRequest(token, name), decodeAPIToken)
}

// APITokenPages reads the tokens in pages, as [Client.DataAppPages] does.
func (c *Client) APITokenPages(ctx context.Context, token Secret, name string, first int) iter.Seq2[[]APIToken, error] {
	return pages(ctx, c, apiTokensRequest(token, name), first, decodeAPIToken)
}

func dataAppsRequest(token Secret) request {
	return request{op: "list data apps", method: http.MethodGet, path: dataAppPath, query: url.Values{}, bearer: token}
}

func apiTokensRequest(token Secret, name string) request {
	return request{
		op: "list API tokens", method: http.MethodGet, path: apiTokenPath, bearer: token,
		query: url.Values{"dataAppName": {name}},
	}
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
			entry, err := decode(raw)
			if err == nil && !yield(entry, nil) {
				err = errStopped
			}
			return err
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

func pages[T any](
	ctx context.Context,
	c *Client,
	r request,
	first int,
	decode func(json.RawMessage) (T, error),
) iter.Seq2[[]T, error] {
	return func(yield func([]T, error) bool) {
		for number := first; ; number++ {
			r := r
			r.query = maps.Clone(r.query) // the sequence may be in use elsewhere
			r.query.Set("isPagination", "true")
			r.query.Set("pageNumber", strconv.Itoa(number))
			var page []T
			for entry, err := range entries(ctx, c, r, decode) {
				if err != nil {
					yield(nil, err)
					return
				}
				page = append(page, entry)
			}
			if !yield(page, nil) || len(page) < PageSize {
				return
			}
		}
	}
}

func decodeDataApp(raw json.RawMessage) (DataApp, error) {
	app, err := jsonobject.Parse(raw)
	name, _ := app.Text("name")
	if err != nil || name == "" {
		return DataApp{}, errEntry
	}
	return DataApp{name}, nil
}

func decodeAPIToken(raw json.RawMessage) (APIToken, error) {
	token, err := jsonobject.Parse(raw)
	key, _ := token.Text("key")
	if err != nil || key == "" {
		return APIToken{}, errEntry
	}
	sum := sha256.Sum256([]byte(key))
	name, _ := token.Text("name")
	return APIToken{Fingerprint: hex.EncodeToString(sum[:8]), Name: name, CreatedAt: created(token)}, nil
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
