// Package leaktest finds credentials in what a program puts out, in whatever form they
// got there.
package leaktest

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
)

// A form is found by its first bytes, because a text may cut off the rest; prefix is how
// many of them the search looks up. No form may be shorter.
const (
	prefix = 8
	enough = 16
)

// Search looks for the same credentials in many texts. Make it with [For].
type Search struct {
	forms  map[string][]leak // by their first bytes
	begins [1 << 16]bool     // by their first two, because a map is slow for each place of a text
}

type leak struct{ form, text, secret string }

// For returns the search for credentials, each of at least 12 bytes; shorter ones stand
// in too many texts by chance. Empty ones are left out.
func For(secrets ...string) *Search {
	s := &Search{forms: make(map[string][]leak)}
	for _, secret := range secrets {
		if secret == "" {
			continue
		}
		for form, text := range forms(secret) {
			text = strings.ToLower(text)
			text = text[:min(len(text), enough)]
			at := text[:prefix]
			s.forms[at] = append(s.forms[at], leak{form, text, secret})
			s.begins[int(at[0])<<8|int(at[1])] = true
		}
	}
	return s
}

// Find returns a credential that is in text, and in which form; "" if none is. Case does
// not matter. The time depends on the text alone, however many credentials there are.
func (s *Search) Find(text string) (secret, form string) {
	text = strings.ToLower(text)
	for i := range max(0, len(text)-prefix+1) {
		if !s.begins[int(text[i])<<8|int(text[i+1])] {
			continue
		}
		for _, l := range s.forms[text[i:i+prefix]] {
			if strings.HasPrefix(text[i:], l.text) {
				return l.secret, l.form
			}
		}
	}
	return "", ""
}

// forms are the ways in which a credential may be written. Base64 has three, by what
// stands before it; the characters that depend on its neighbours are left out.
func forms(secret string) map[string]string {
	quoted, _ := json.Marshal(secret) // a string always has a form
	forms := map[string]string{
		"plain":          secret,
		"without dashes": strings.ReplaceAll(secret, "-", ""),
		"query":          url.QueryEscape(secret),
		"path":           url.PathEscape(secret),
		"JSON":           strings.Trim(string(quoted), `"`),
		"Go":             strings.Trim(fmt.Sprintf("%+q", secret), `"`),
		"Go bytes":       strings.Trim(fmt.Sprint([]byte(secret)), "[]"),
		"hex":            hex.EncodeToString([]byte(secret)),
		"spaced hex":     fmt.Sprintf("% x", secret),
	}
	for shift := range 3 {
		shifted := []byte(strings.Repeat("x", shift) + secret)
		from, to := (shift*8+5)/6, len(shifted)*8/6
		forms[fmt.Sprint("Base64 +", shift)] = base64.StdEncoding.EncodeToString(shifted)[from:to]
		forms[fmt.Sprint("Base64 URL +", shift)] = base64.URLEncoding.EncodeToString(shifted)[from:to]
	}
	return forms
}
