package tokensecret_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"databrain-rotation/pkg/databrain"
	"databrain-rotation/pkg/tokensecret"
)

const (
	oldUUID = "11111111-1111-4111-8111-111111111111"
	newUUID = "22222222-2222-4222-8222-222222222222"
)

// replaceToken reads a value and returns its token and the text with another one.
func replaceToken(text, token string) (old, replaced string, err error) {
	v, err := tokensecret.Parse(&text, nil)
	if err != nil {
		return "", "", err
	}
	return v.Token().Reveal(), v.With(databrain.NewSecret(token)), nil
}

func TestWithChangesTheTokenAlone(t *testing.T) {
	tests := []struct{ name, value, token, want string }{
		{"alone", `{"token":"` + oldUUID + `"}`, oldUUID, `{"token":"` + newUUID + `"}`},
		{"order, spaces and number formatting", "{ \"z\": 1.50e3,\n\t\"token\" : \"a\" , \"a\":[1, {\"token\":\"inner\"}] }\n", "a",
			"{ \"z\": 1.50e3,\n\t\"token\" : \"" + newUUID + "\" , \"a\":[1, {\"token\":\"inner\"}] }\n"},
		{"number beyond float64", `{"n":123456789012345678901234567890e999,"token":"a"}`, "a",
			`{"n":123456789012345678901234567890e999,"token":"` + newUUID + `"}`},
		{"escapes in other members", `{"u":"\u0000\u00e9\ud83d\ude00<>&","token":"a"}`, "a",
			`{"u":"\u0000\u00e9\ud83d\ude00<>&","token":"` + newUUID + `"}`},
		{"escaped name", `{"\u0074oken":"a"}`, "a", `{"\u0074oken":"` + newUUID + `"}`},
		{"other names with the same letters", `{"Token":"x","TOKEN":"y","token":"a"}`, "a",
			`{"Token":"x","TOKEN":"y","token":"` + newUUID + `"}`},
		{"opaque token", `{"token":"dbn_live_abc123"}`, "dbn_live_abc123", `{"token":"` + newUUID + `"}`},
		{"empty token", `{"token":""}`, "", `{"token":"` + newUUID + `"}`},
		{"no token, no member", `{ }`, "", `{"token":"` + newUUID + `" }`},
		{"no token, other members", `{"a":1, "b":[2] }`, "", `{"a":1, "b":[2],"token":"` + newUUID + `" }`},
		{"bare UUID", oldUUID, oldUUID, newUUID},
		{"bare UUID in upper case", strings.ToUpper("abcdefab-1111-4111-8111-111111111111"), "ABCDEFAB-1111-4111-8111-111111111111", newUUID},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			token, got, err := replaceToken(tt.value, newUUID)
			if err != nil {
				t.Fatal(err)
			}
			if token != tt.token {
				t.Errorf("token %q, want %q", token, tt.token)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	const canary = "canary-4be1"
	tests := []struct{ name, value, says string }{
		{"text", canary, "neither a JSON object nor a bare UUID"},
		{"empty", "", "neither a JSON object nor a bare UUID"},
		{"array", `["` + canary + `"]`, "neither a JSON object"},
		{"number", `12`, "neither a JSON object"},
		{"null", `null`, "neither a JSON object"},
		{"JSON string", `"` + oldUUID + `"`, "neither a JSON object"},
		{"truncated", `{"token":"` + canary, "neither a JSON object"},
		{"two documents", `{"token":"a"}{"token":"` + canary + `"}`, "neither a JSON object"},
		{"text after it", `{"token":"a"} ` + canary, "neither a JSON object"},
		{"UUID with braces", "{" + oldUUID + "}", "neither a JSON object"},
		{"UUID and a line end", oldUUID + "\n", "neither a JSON object"},
		{"token twice", `{"token":"a","token":"` + canary + `"}`, `"token" twice`},
		{"token twice, one escaped", `{"token":"a","\u0074oken":"` + canary + `"}`, `"token" twice`},
		{"token null", `{"token":null}`, "not a string"},
		{"token a number", `{"token":1}`, "not a string"},
		{"token an object", `{"token":{"v":"` + canary + `"}}`, "not a string"},
		{"token with NUL", `{"token":"` + canary + `\u0000"}`, "white space or characters outside ASCII"},
		{"token with a line end", `{"token":"` + canary + `\n"}`, "white space"},
		{"token with a header in it", `{"token":"a\r\nX-Evil: ` + canary + `"}`, "white space"},
		{"token not ASCII", `{"token":"é` + canary + `"}`, "outside ASCII"},
		{"deep", strings.Repeat(`{"a":`, 20000), "neither a JSON object"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := replaceToken(tt.value, newUUID)
			if err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Fatalf("%v does not say %q", err, tt.says)
			}
			if strings.Contains(err.Error(), canary) {
				t.Errorf("%v shows the value", err)
			}
		})
	}
}

// FuzzWith checks that only the token changes: what encoding/json sees of the
// other members stays, and so do the bytes around the token.
func FuzzWith(f *testing.F) {
	for _, seed := range []string{
		`{"token":"a"}`, `{}`, `{"a":1e999,"token":"","b":[{}]}`, oldUUID, `{"\u0074oken":"x"}`, "{\"a\":\"\\u0000\"\n}",
		`{"token":"a","token":"b"}`, `[]`, `{"a":1}`, ` {"token" : "q" } `, `{"a":"\ud800"}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		old, replaced, err := replaceToken(value, newUUID)
		if err != nil {
			return
		}
		if again, back, err := replaceToken(replaced, old); err != nil || again != newUUID {
			t.Fatalf("the new value %q has token %q, %v", replaced, again, err)
		} else if old != "" && !strings.Contains(value, `\`) && back != value {
			t.Fatalf("there and back: %q, was %q", back, value)
		}
		before, after := map[string]json.RawMessage{}, map[string]json.RawMessage{}
		if json.Unmarshal([]byte(value), &before) != nil {
			return // a bare UUID
		}
		if err := json.Unmarshal([]byte(replaced), &after); err != nil {
			t.Fatalf("%q is not JSON: %v", replaced, err)
		}
		delete(before, "token")
		delete(after, "token")
		if diff := cmp.Diff(before, after); diff != "" {
			t.Fatalf("other members changed in %q -> %q: %s", value, replaced, diff)
		}
	})
}

func TestParseRefusesBinary(t *testing.T) {
	if _, err := tokensecret.Parse(nil, []byte("hunter2")); err == nil || !strings.Contains(err.Error(), "is binary (SecretBinary)") {
		t.Errorf("got %v", err)
	}
}

func TestEmptyTakesAToken(t *testing.T) {
	empty := tokensecret.Empty()
	if got, want := empty.With(databrain.NewSecret(newUUID)), `{"token":"`+newUUID+`"}`; !empty.Token().Empty() || got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
