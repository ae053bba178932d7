package audit_test

import (
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"strings"
	"testing"

	"databrain-rotation/pkg/standin/databraintest"
)

// guard adds the keys of all to what no output may hold.
func (l *lab) guard(all []databraintest.DataApp) {
	for _, a := range all {
		for _, k := range a.Tokens {
			if k.Key != "" {
				l.keys = append(l.keys, k.Key)
			}
		}
	}
}

// checkCanaries searches everything that the runs of the lab put out for a
// credential in any of its forms.
func (l *lab) checkCanaries() {
	l.t.Helper()
	outputs := append(l.outputs, l.log.String(), l.metrics.String())
	for _, o := range l.s3.Objects() {
		outputs = append(outputs, string(o.Body), o.Key)
	}
	for _, r := range l.db.Calls() {
		outputs = append(outputs, r.Target, r.Query)
	}
	if len(l.keys) == 0 {
		l.t.Error("no canary to look for")
	}
	text := strings.ToLower(strings.Join(outputs, "\n"))
	if found := find(text, l.keys); found != "" {
		l.t.Errorf("an output holds the credential %q", found)
	}
}

// find returns one of keys that is in text, which is in lower case, in any of its
// forms; "" if none is. It goes through text once, however many keys there are.
func find(text string, keys []string) string {
	const window = 16
	whose := make(map[string]string)
	var begins [1 << 16]bool // by the first two bytes: a map is slow for each place of a long text
	for _, key := range keys {
		for _, form := range forms(key) {
			form = strings.ToLower(form)[:window]
			whose[form], begins[int(form[0])<<8|int(form[1])] = key, true
		}
	}
	for i := range max(0, len(text)-window+1) {
		if !begins[int(text[i])<<8|int(text[i+1])] {
			continue
		}
		if key, ok := whose[text[i:i+window]]; ok {
			return key
		}
	}
	return ""
}

// forms are the ways in which a credential could get into an output: as it is,
// without its dashes, URL-encoded, in hex, and in base64 at any of the three
// alignments, less the characters that its neighbours decide.
func forms(key string) []string {
	forms := []string{
		key,
		strings.ReplaceAll(key, "-", ""),
		url.QueryEscape(key),
		url.PathEscape(key),
		hex.EncodeToString([]byte(key)),
	}
	for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for shift := range 3 {
			encoded := encoding.EncodeToString([]byte(strings.Repeat("x", shift) + key))
			forms = append(forms, encoded[(shift*8+5)/6:len(encoded)-1])
		}
	}
	return forms
}

func TestFormsFindWhatIsHidden(t *testing.T) {
	const key = "550e8400-e29b+41d4/a716=446655440000"
	for name, hidden := range map[string]string{
		"plain":          "key=" + key + ";",
		"URL":            "https://x.example/?key=" + url.QueryEscape(key),
		"hex":            "00" + hex.EncodeToString([]byte(key)),
		"base64":         base64.StdEncoding.EncodeToString([]byte(key)),
		"base64 shifted": base64.StdEncoding.EncodeToString([]byte("user:" + key + "@")),
		"base64 URL":     base64.URLEncoding.EncodeToString([]byte("u:" + key)),
	} {
		t.Run(name, func(t *testing.T) {
			if find(strings.ToLower(hidden), []string{"11111111-2222-4333-8444-555555555555", key}) != key {
				t.Errorf("not found in %q", hidden)
			}
		})
	}
	if found := find("550e8400 and nothing else", []string{key}); found != "" {
		t.Errorf("found %q where it is not", found)
	}
}
