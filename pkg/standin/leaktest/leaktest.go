// Package leaktest finds credentials in what a program puts out, in whatever form they
// got there.
package leaktest

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
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
		for _, l := range forms(secret) {
			l.text = strings.ToLower(l.text[:min(len(l.text), enough)])
			others := s.forms[l.text[:prefix]]
			if slices.ContainsFunc(others, func(other leak) bool { return other.text == l.text }) {
				continue // a UUID is the same in many forms
			}
			s.forms[l.text[:prefix]] = append(others, l)
			s.begins[int(l.text[0])<<8|int(l.text[1])] = true
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
func forms(secret string) []leak {
	quoted, _ := json.Marshal(secret) // a string always has a form
	forms := []leak{
		{"plain", secret, secret},
		{"without dashes", strings.ReplaceAll(secret, "-", ""), secret},
		{"query", url.QueryEscape(secret), secret},
		{"path", url.PathEscape(secret), secret},
		{"JSON", strings.Trim(string(quoted), `"`), secret},
		{"Go", strings.Trim(strconv.QuoteToASCII(secret), `"`), secret},
		{"Go bytes", strings.Trim(fmt.Sprint([]byte(secret)), "[]"), secret},
		{"hex", hex.EncodeToString([]byte(secret)), secret},
		{"spaced hex", fmt.Sprintf("% x", secret), secret},
	}
	for shift := range 3 {
		shifted := []byte("xxx"[:shift] + secret)
		from, to := (shift*8+5)/6, len(shifted)*8/6
		forms = append(forms,
			leak{"Base64", base64.StdEncoding.EncodeToString(shifted)[from:to], secret},
			leak{"Base64 URL", base64.URLEncoding.EncodeToString(shifted)[from:to], secret})
	}
	return forms
}
