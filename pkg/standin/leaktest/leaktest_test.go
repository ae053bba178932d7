package leaktest_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"databrain-rotation/pkg/standin/leaktest"
)

var secrets = []string{
	"550e8400-e29b-41d4-a716-446655440000", `Pa55/+"<word>&?`, "c4n4ry-P@ss w0rd+%/", "eyJc4n4ry.eyJqd3Q.c4n4rySignature",
}

// TestEveryFormIsFound: what an encoder makes of a text with the credential in it.
func TestEveryFormIsFound(t *testing.T) {
	search := leaktest.For(append(secrets, "")...)
	for _, secret := range secrets {
		for _, before := range []string{"", "x", "user:", "Basic ops:"} {
			for _, after := range []string{"", "!", " and more"} {
				text := before + secret + after
				quoted, err := json.Marshal(text)
				if err != nil {
					t.Fatal(err)
				}
				for name, encoded := range map[string]string{
					"plain": text, "upper case": strings.ToUpper(text), "without dashes": strings.ReplaceAll(text, "-", ""),
					"query": url.QueryEscape(text), "path": url.PathEscape(text),
					"hex": hex.EncodeToString([]byte(text)), "spaced hex": fmt.Sprintf("% X", text),
					"JSON": string(quoted), "Go": fmt.Sprintf("%q", text), "Go bytes": fmt.Sprint([]byte(text)),
					"Base64":             base64.StdEncoding.EncodeToString([]byte(text)),
					"Base64 URL":         base64.URLEncoding.EncodeToString([]byte(text)),
					"Base64, no padding": base64.RawStdEncoding.EncodeToString([]byte(text)),
				} {
					if found, _ := search.Find("before " + encoded + " after"); found != secret {
						t.Errorf("%s: %q is not found in %q, but %q", name, secret, encoded, found)
					}
				}
			}
		}
	}
}

// TestAPartIsEnough: a text may cut off the rest of a credential.
func TestAPartIsEnough(t *testing.T) {
	search := leaktest.For(secrets...)
	for _, text := range []string{"550e8400-e29b-41d4-a716-44665544000", "key=550e8400-e29b-41…"} {
		if secret, _ := search.Find(text); secret != secrets[0] {
			t.Errorf("nothing is found in %q", text)
		}
	}
}

func TestWhatIsNotThereIsNotFound(t *testing.T) {
	search := leaktest.For(secrets...)
	for _, text := range []string{
		"", "x", "550e8400", "550e8400-e29b-4", "databrain: sign in as admin: login, status 400",
		strings.Repeat("550e8400-", 1000),
	} {
		if secret, form := search.Find(text); secret != "" {
			t.Errorf("%q is found in %q as %s", secret, text, form)
		}
	}
}
