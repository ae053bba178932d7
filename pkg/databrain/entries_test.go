package databrain_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"databrain-rotation/pkg/databrain"
)

// TestBadEntries: an entry that cannot be told from others is said to be one, and hides
// none of its neighbours.
func TestBadEntries(t *testing.T) {
	for name, tt := range map[string]struct{ app, token string }{
		"null":           {`null`, `null`},
		"text":           {`"a"`, `"a"`},
		"number":         {`1`, `1`},
		"array":          {`[{"name":"a"}]`, `[{"key":"a"}]`},
		"empty":          {`{}`, `{}`},
		"without":        {`{"type":"embedded"}`, `{"name":"a"}`},
		"null in it":     {`{"name":null}`, `{"key":null}`},
		"empty text":     {`{"name":""}`, `{"key":""}`},
		"number in it":   {`{"name":7}`, `{"key":7}`},
		"object in it":   {`{"name":{"a":"b"}}`, `{"key":["a"]}`},
		"upper case":     {`{"Name":"a"}`, `{"Key":"a"}`},
		"twice":          {`{"name":"a","name":"b"}`, `{"key":"a","key":"b"}`},
		"twice the same": {`{"name":"a","name":"a"}`, `{"key":"a","key":"a"}`},
		"twice by force": {`{"name":"a","\u006eame":"b"}`, `{"key":"a","\u006bey":"b"}`},
		"masked":         {`{}`, `{"key":"********"}`},
		"masked in part": {`{}`, `{"key":"550e8400-****-****-****-446655440000"}`},
		"bullets":        {`{}`, `{"key":"•••••"}`},
		"white space":    {`{}`, `{"key":" a"}`},
	} {
		good := `{"name":"good","key":"good"}`
		client := says(t, `{"data":[`+good+`,`+tt.app+`,`+good+`]}`)
		apps, err := collect(client.DataApps(t.Context(), serviceToken(), databrain.Whole))
		if !errors.Is(err, databrain.ErrEntry) || len(apps) != 2 {
			t.Errorf("%s: app: %d apps, %v", name, len(apps), err)
		}
		client = says(t, `{"data":[`+good+`,`+tt.token+`,`+good+`]}`)
		for _, page := range []int{databrain.Whole, 1} {
			tokens, err := collect(client.APITokens(t.Context(), serviceToken(), "a", page))
			if !errors.Is(err, databrain.ErrEntry) || len(tokens) != 2 {
				t.Errorf("%s: token: %d tokens, %v", name, len(tokens), err)
			}
		}
	}
}

// TestListsThatBreakOff: what is no JSON ends the list.
func TestListsThatBreakOff(t *testing.T) {
	want := outcome{Class: databrain.ClassDecode, Unknown: true, Status: 200}
	for _, entry := range []string{`{"name":"a"`, `{name:'a'}`, `{"name":"a"} {"name":"b"}`} {
		apps, err := collect(
			says(t, `{"data":[{"name":"good"},`+entry+`]}`).DataApps(t.Context(), serviceToken(), databrain.Whole),
		)
		if diff := cmp.Diff(want, outcomeOf(t, err)); diff != "" || len(apps) == 0 {
			t.Errorf("%s: %d apps, %v\n%s", entry, len(apps), err, diff)
		}
	}
}

// TestKeysOfABearer: every character of a bearer token may be in a key, and none beside.
func TestKeysOfABearer(t *testing.T) {
	const allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~+/="
	for c := byte('!'); c <= '~'; c++ {
		key, err := json.Marshal(string(c))
		if err != nil {
			t.Fatal(err)
		}
		tokens, err := collect(says(t, `{"data":[{"key":`+string(key)+`}]}`).
			APITokens(t.Context(), serviceToken(), "a", databrain.Whole))
		if got, want := len(tokens) == 1 && err == nil, strings.IndexByte(allowed, c) >= 0; got != want {
			t.Errorf("%q: %t, %v", c, got, err)
		}
	}
}

// TestOddEntries: what is not needed may be anything.
func TestOddEntries(t *testing.T) {
	const fingerprint = "ca978112ca1bbdca" // of "a"
	for raw, want := range map[string]databrain.APIToken{
		`{"key":"a"}`:                               {},
		`{"key":"a","name":null}`:                   {},
		`{"key":"a","name":7}`:                      {},
		`{"key":"a","name":1e999}`:                  {},
		`{"key":"a","name":{"first":"b"}}`:          {},
		`{"key":"a","name":"b"}`:                    {Name: "b"},
		`{"key":"a","Name":"c","name":"b"}`:         {Name: "b"},
		`{"KEY":"z","key":"a"}`:                     {},
		`{"key":"\u0061"}`:                          {},
		`{"key":"a","description":null}`:            {},
		`{"key":"a","id":123456789012345678901}`:    {},
		`{"key":"a","n":-1e-999,"createdAt":1e999}`: {},
		`{"key":"a","deep":{"a":[1,{"b":null}]}}`:   {},
		`{"key":"a","name":"\ud800"}`:               {Name: "\ufffd"},
		"{\"key\":\"a\",\"name\":\"\xff\"}":         {Name: "\ufffd"},
		`{"key":"a","name":"\u0000\u001b[31m"}`:     {Name: "\x00\x1b[31m"},
	} {
		want.Fingerprint = fingerprint
		tokens, err := collect(says(t, `{"data":[`+raw+`]}`).APITokens(t.Context(), serviceToken(), "a", databrain.Whole))
		if diff := cmp.Diff([]databrain.APIToken{want}, tokens); diff != "" || err != nil {
			t.Errorf("%s: %v\n%s", raw, err, diff)
		}
	}
	apps, err := collect(
		says(
			t,
			`{"data":[{"name":"a","embedCount":1e999,"embeds":null,"type":7,"updatedAt":null}]}`,
		).DataApps(t.Context(), serviceToken(), databrain.Whole),
	)
	if diff := cmp.Diff([]databrain.DataApp{{Name: "a"}}, apps); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
}

// TestCreatedAt: only a date that is a date counts.
func TestCreatedAt(t *testing.T) {
	day := time.Date(2024, time.January, 15, 10, 30, 0, 0, time.UTC)
	for raw, want := range map[string]time.Time{
		`"2024-01-15T10:30:00Z"`:                      day,
		`"2024-01-15T10:30:00.000Z"`:                  day,
		`"2024-01-15T16:00:00+05:30"`:                 day,
		`"2024-01-14T22:30:00-12:00"`:                 day,
		`"2024-01-15T10:30:00-00:00"`:                 day,
		`"2024-01-15T10:30:00.123456789Z"`:            day.Add(123456789),
		`"2024-01-15T10:30:00.1234567891234Z"`:        day.Add(123456789),
		`"2024-01-15T10\u003a30:00Z"`:                 day,
		`"2024-02-29T00:00:00Z"`:                      time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC),
		`"9999-12-31T23:59:59Z"`:                      time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC),
		`"0001-01-01T00:00:01Z"`:                      time.Date(1, 1, 1, 0, 0, 1, 0, time.UTC),
		`"0001-01-01T00:00:00Z"`:                      {},
		`"9999-12-31T23:59:59-01:00"`:                 {},
		`"0001-01-01T00:00:00+01:00"`:                 {},
		`"0000-01-01T00:00:00Z"`:                      {},
		`"-001-01-01T00:00:00Z"`:                      {},
		`"10000-01-01T00:00:00Z"`:                     {},
		`"2023-02-29T00:00:00Z"`:                      {},
		`"2024-13-01T00:00:00Z"`:                      {},
		`"2024-01-15T24:00:00Z"`:                      {},
		`"2024-01-15T10:30:00"`:                       {},
		`"2024-01-15 10:30:00Z"`:                      {},
		`"2024-01-15"`:                                {},
		`"2024-1-15T10:30:00Z"`:                       {},
		`"2024-01-15T10:30:00,5Z"`:                    {},
		`"2024-01-15T1:30:00Z"`:                       {},
		`"2024-01-15T10:30:00+25:00"`:                 {},
		`" 2024-01-15T10:30:00Z"`:                     {},
		`"2024-01-15T10:30:00Z\n"`:                    {},
		`"Mon Jan 15 2024 10:30:00 GMT+0000"`:         {},
		`"Mon, 15 Jan 2024 10:30:00 GMT"`:             {},
		`"1705314600"`:                                {},
		`"Invalid date"`:                              {},
		`""`:                                          {},
		`1705314600`:                                  {},
		`1705314600000`:                               {},
		`1e999`:                                       {},
		`-1`:                                          {},
		`null`:                                        {},
		`true`:                                        {},
		`{"$date":"2024-01-15T10:30:00Z"}`:            {},
		`["2024-01-15T10:30:00Z"]`:                    {},
		`{}`:                                          {},
		`"2024-01-15T10:30:00Z","other":"2024-01-01"`: day,
	} {
		tokens, err := collect(
			says(t, `{"data":[{"key":"a","createdAt":`+raw+`}]}`).APITokens(t.Context(), serviceToken(), "a", databrain.Whole),
		)
		if err != nil || len(tokens) != 1 {
			t.Errorf("%s: %d tokens, %v", raw, len(tokens), err)
			continue
		}
		if got := tokens[0].CreatedAt; !got.Equal(want) || got.IsZero() != want.IsZero() || got.Location() != time.UTC {
			t.Errorf("%s: %v, want %v", raw, got, want)
		}
	}
}
