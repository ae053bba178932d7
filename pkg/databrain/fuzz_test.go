package databrain_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"regexp"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"databrain-rotation/pkg/databrain"
)

// canned answers every request with the same bytes, which may come one by one.
type canned struct {
	status     int
	retryAfter string
	body       []byte
	slow       bool
}

func (a canned) RoundTrip(r *http.Request) (*http.Response, error) {
	var body io.Reader = bytes.NewReader(a.body)
	if a.slow {
		body = iotest.OneByteReader(body)
	}
	return &http.Response{
		StatusCode: a.status, Header: http.Header{"Retry-After": {a.retryAfter}}, Body: io.NopCloser(body), Request: r,
	}, nil
}

var errorText = regexp.MustCompile(`^[a-z_]+(, status \d+)?(, code [A-Z][A-Z_]{0,47})?` +
	`(: (the answer is not what the API documents \(truncated, too large, HTML or a redirect\?\)|` +
	`an entry of the list lacks its name or key|a redirect.*, which is not followed))?` +
	` \(https://databrain\.test, [A-Za-z ]+\)$`)

// sound checks what holds for every failure, whatever was answered.
func sound(t *testing.T, a canned, err error) {
	t.Helper()
	if err == nil {
		if a.status/100 != 2 || !json.Valid(a.body) {
			t.Errorf("status %d, %q passed", a.status, a.body)
		}
		return
	}
	got := outcomeOf(t, err)
	if got.Status != a.status || got.RetryAfter < 0 || got.RetryAfter > 24*time.Hour {
		t.Errorf("%+v", got)
	}
	if got.Rejected {
		var answer struct{ Error struct{ Code any } }
		if got.Unknown || got.Class != databrain.ClassAuth && got.Status != http.StatusUnauthorized ||
			json.Unmarshal(a.body, &answer) != nil ||
			answer.Error.Code == nil {
			t.Errorf("%+v rejects the token because of %q", got, a.body)
		}
	}
	if !got.Unknown && (a.status == http.StatusOK || a.status >= 500) && got.Code == "" {
		t.Errorf("%+v is certain without a code: %q", got, a.body)
	}
	if !errorText.MatchString(err.Error()) {
		t.Errorf("unexpected text: %q", err)
	}
}

func seeds(f *testing.F) {
	for _, o := range operations() {
		f.Add(200, "", []byte(o.right()))
		f.Add(200, "", []byte(o.answer(`"`+o.member+`":null`)))
	}
	for _, body := range []string{
		"", "null", "{}", "[]", `{"data":[]}x`, `{"data":[],"data":[]}`, `{"key":"a","key":"b"}`, `{"Data":[]}`,
		`{"data":[1,]}`, `{"data":[{}{}]}`,
		`{"data":[{"name":"a","key":"b","createdAt":"2024-01-15T10:30:00Z"},` +
			`{"name":"c","key":"d","createdAt":1e999}],"error":null}`,
		`{"data":null,"error":{"code":"AUTHENTICATION_ERROR"}}`,
		`{"error":{"code":"Invalid credentials","message":"Invalid credentials"}}`,
		`{"error":{"code":"INVALID REQUEST BODY","message":"\"token\" is required","status":400}}`,
		`{"error":"boom"}`, `<html>502</html>`,
		"{\"data\":[{\"name\":\"\xff\",\"key\":\"\\ud800\"}]}", "\ufeff{}", `{"data":[[[[[[[[]]]]]]]]}`, `{"a" "b"}`,
		`{"a":1 "b":2}`, `{,}`, `{"data":[,]}`,
	} {
		for _, status := range []int{200, 400, 401, 500} {
			f.Add(status, "7", []byte(body))
		}
	}
	f.Add(429, "Wed, 21 Oct 2065 07:28:00 GMT", []byte("Too many requests"))
	f.Add(503, "99999999999999999999999", []byte{})
	f.Add(302, "-1", []byte("moved"))
}

func status(n int) int { return 200 + int(uint(n-200)%400) }

// FuzzObject gives any answer to the operations that read it as a whole.
func FuzzObject(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, code int, retryAfter string, body []byte) {
		a := canned{status: status(code), retryAfter: retryAfter, body: body}
		c := inProcess(t, a, databrain.Options{})
		jwt := databrain.NewSecret("jwt")
		var answer struct {
			Key  string
			Data json.RawMessage
		}
		json.Unmarshal(body, &answer) // the same by another way, as far as it goes
		sound(t, a, c.Probe(t.Context(), serviceToken()))
		err := c.SaveServiceToken(t.Context(), jwt, databrain.NewSecret(freshToken))
		if sound(t, a, err); err == nil && answer.Key != freshToken {
			t.Errorf("saved according to %q", body)
		}
		key, err := c.RotateServiceToken(t.Context(), serviceToken(), time.Hour)
		if sound(t, a, err); (err == nil) == key.Empty() || err == nil && key.Reveal() != answer.Key {
			t.Errorf("rotated to %q according to %q, %v", key.Reveal(), body, err)
		}
		got, err := c.SignIn(t.Context(), admin())
		if sound(t, a, err); (err == nil) == got.Empty() {
			t.Errorf("signed in with %q according to %q, %v", got.Reveal(), body, err)
		}
	})
}

// FuzzList gives any answer to the operations that read it entry by entry, whole
// and byte by byte, and compares with a decoder that reads it at once.
func FuzzList(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, code int, retryAfter string, body []byte) {
		a := canned{status: status(code), retryAfter: retryAfter, body: body}
		slow := a
		slow.slow = true
		apps, err := collect(inProcess(t, a, databrain.Options{}).DataApps(t.Context(), serviceToken(), databrain.Whole))
		sound(t, a, ended(err))
		again, errSlow := collect(
			inProcess(t, slow, databrain.Options{}).DataApps(t.Context(), serviceToken(), databrain.Whole),
		)
		if diff := cmp.Diff(apps, again) + cmp.Diff(outcomeOf(t, ended(err)), outcomeOf(t, ended(errSlow))); diff != "" {
			t.Errorf("%q byte by byte: %s", body, diff)
		}
		tokens, err := collect(
			inProcess(t, a, databrain.Options{}).APITokens(t.Context(), serviceToken(), exampleApp, databrain.Whole),
		)
		sound(t, a, ended(err))
		if err != nil {
			return
		}
		want, errWhole := whole(body)
		if diff := cmp.Diff(want, fingerprints(tokens)); diff != "" || errWhole != nil {
			t.Errorf("%q: %v\n%s", body, errWhole, diff)
		}
	})
}

// ended is the error that ended a list; an odd entry ends none.
func ended(err error) error {
	if errors.Is(err, databrain.ErrEntry) {
		return nil
	}
	return err
}

func fingerprints(tokens []databrain.APIToken) (all []string) {
	for _, token := range tokens {
		all = append(all, token.Fingerprint)
	}
	return all
}

// whole is the fingerprints of a list, decoded into maps, which match names
// exactly.
func whole(body []byte) (all []string, err error) {
	var answer map[string]json.RawMessage
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, err
	}
	var entries []map[string]json.RawMessage
	if err := json.Unmarshal(answer["data"], &entries); err != nil {
		return nil, err
	}
	for _, entry := range entries {
		var key string
		if err := json.Unmarshal(entry["key"], &key); err != nil || key == "" {
			return nil, errors.New("no key")
		}
		sum := sha256.Sum256([]byte(key))
		all = append(all, hex.EncodeToString(sum[:8]))
	}
	return all, nil
}
