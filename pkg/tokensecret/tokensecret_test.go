package tokensecret_test

import (
	"encoding/base64"
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
		{
			"order, spaces and number formatting",
			"{ \"z\": 1.50e3,\n\t\"token\" : \"a\" , \"a\":[1, {\"token\":\"inner\"}] }\n",
			"a",
			"{ \"z\": 1.50e3,\n\t\"token\" : \"" + newUUID + "\" , \"a\":[1, {\"token\":\"inner\"}] }\n",
		},
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
		{"empty token, other members", `{"a":1, "token":"", "b":[2] }`, "", `{"a":1, "token":"` + newUUID + `", "b":[2] }`},
		{"white space around it", "\r\n\t {\"token\":\"a\"} \n", "a", "\r\n\t {\"token\":\"" + newUUID + "\"} \n"},
		{"an empty object in white space", " { } ", "", " {\"token\":\"" + newUUID + "\" } "},
		{"bare UUID", oldUUID, oldUUID, newUUID},
		{
			"bare UUID in upper case",
			strings.ToUpper("abcdefab-1111-4111-8111-111111111111"),
			"ABCDEFAB-1111-4111-8111-111111111111",
			newUUID,
		},
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
		{"empty", "", "empty text"},
		{"white space alone", " \n", "empty text"},
		{"array", `["` + canary + `"]`, "is a JSON array"},
		{"number", `12`, "neither a JSON object"},
		{"null", `null`, "neither a JSON object"},
		{"a byte order mark", "\ufeff{\"token\":\"" + canary + "\"}", "byte order mark"},
		{"a byte order mark before a UUID", "\ufeff" + oldUUID, "byte order mark"},
		{"a byte order mark, decoded wrongly", "ï»¿{\"token\":\"" + canary + "\"}", "byte order mark"},
		{"JSON in a JSON string", `"{\"token\":\"` + canary + `\"}"`, "encoded twice"},
		{"a UUID in a JSON string", `"` + oldUUID + `"`, "quotation marks or braces"},
		{"a UUID in single quotes", `'` + oldUUID + `'`, "quotation marks or braces"},
		{"a UUID in braces", "{" + oldUUID + "}", "quotation marks or braces"},
		{"a UUID and a line end", oldUUID + "\n", "white space or a line break"},
		{"a UUID with a space before it", " " + oldUUID, "white space or a line break"},
		{"quotes stripped", `{token:` + canary + `}`, "no quotation marks"},
		{"quotes stripped, with spaces", `{ host: x, token: ` + canary + ` }`, "no quotation marks"},
		{"quotes escaped", `{\"token\":\"` + canary + `\"}`, "backslashes"},
		{"single quotes", `{'token':'` + canary + `'}`, "single quotation marks"},
		{"truncated", `{"token":"` + canary, "not a sound JSON object: reading it fails after 21 bytes"},
		{"a comma too many", `{"token":"a",}`, "after 14 bytes"},
		{"two documents", `{"token":"a"}{"token":"` + canary + `"}`, "not a sound JSON object"},
		{"text after it", `{"token":"a"} ` + canary, "not a sound JSON object"},
		{
			"other members alone",
			`{"serviceToken":"` + canary + `","baseUrl":"x"}`,
			"(serviceToken, baseUrl), one of which may hold a live token",
		},
		{"another case", `{"Token":"` + canary + `"}`, "(Token)"},
		{"one level down", `{"databrain":{"token":"` + canary + `"}}`, "(databrain)"},
		{"a list of tokens", `{"tokens":["` + canary + `"]}`, "(tokens)"},
		{
			"a credential for a name",
			`{"` + canary + `-` + canary + `-` + canary + `":1,"11111111-1111":2}`,
			"is not shown, one whose name is not shown",
		},
		{"many members", `{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1,"h":1,"i":1,"j":1}`, "g, h, 2 more"},
		{"empty beside a twin", `{"token":"","Token":"` + oldUUID + `"}`, "beside the member Token"},
		{"empty beside the guide's name", `{"serviceToken":"` + oldUUID + `","token":""}`, "beside the member serviceToken"},
		{"empty above a twin", `{"token":"","db":{"a":[{"token":"` + oldUUID + `"}]}}`, "beside the member db"},
		{"empty beside a list", `{"tokens":["x","` + oldUUID + `"],"token":""}`, "beside the member tokens"},
		{"UTF-16", "ÿþ{\x00\"\x00t\x00", "zero bytes"},
		{"a no-break space before it", "\u00a0{\"token\":\"" + canary + "\"}", "white space that JSON does not allow"},
		{"Base64", base64.StdEncoding.EncodeToString([]byte(`{"token":"` + canary + `"}`)), "is Base64"},
		{"token twice", `{"token":"a","token":"` + canary + `"}`, `"token" twice`},
		{"token twice, one escaped", `{"token":"a","\u0074oken":"` + canary + `"}`, `"token" twice`},
		{"token null", `{"token":null}`, "not a string"},
		{"token a number", `{"token":1}`, "not a string"},
		{"token an object", `{"token":{"v":"` + canary + `"}}`, "not a string"},
		{"token with NUL", `{"token":"` + canary + `\u0000"}`, "white space or characters outside ASCII"},
		{"token with a line end", `{"token":"` + canary + `\n"}`, "white space"},
		{"token with a header in it", `{"token":"a\r\nX-Evil: ` + canary + `"}`, "white space"},
		{"token not ASCII", `{"token":"é` + canary + `"}`, "outside ASCII"},
		{"deep", strings.Repeat(`{"a":`, 20000), "not a sound JSON object"},
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
	for says, binary := range map[string][]byte{"is binary (SecretBinary)": []byte("hunter2"),
		"neither text nor binary": nil} {
		if _, err := tokensecret.Parse(nil, binary); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v does not say %q", err, says)
		}
	}
}

func TestEmptyTakesAToken(t *testing.T) {
	empty := tokensecret.Empty()
	if got, want := empty.With(databrain.NewSecret(newUUID)), `{"token":"`+newUUID+`"}`; !empty.Token().Empty() ||
		got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
