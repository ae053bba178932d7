package finding

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxName is how many characters of a name from outside are kept.
const maxName = 256

// findingID is the identity of a finding: the same in every run as long as the
// thing that it is about exists, whatever it is called or however old it gets.
func findingID(check Check, instance, subject string) string {
	return "dbt1-" + Digest("1", string(check), instance, subject)
}

// Digest returns 32 hex digits of the SHA-256 over parts, each with its length before
// it, so that no two lists of parts give the same bytes.
func Digest(parts ...string) string {
	h := sha256.New()
	for _, part := range parts {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part)))) //nolint:errcheck // a hash does not fail
		h.Write([]byte(part))                                          //nolint:errcheck // likewise
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// CleanName makes a name from outside safe to show: valid UTF-8 without control
// and format characters or line separators, which can hide or reorder text, and
// at most 256 characters.
func CleanName(name string) string {
	kept := 0
	return strings.Map(func(r rune) rune {
		if kept == maxName || r == utf8.RuneError || unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) {
			return -1
		}
		kept++
		return r
	}, name)
}

// ShownName is [CleanName] for the name of something that has one: where nothing of
// it can be seen, it says so. An empty name would mean that there is no such thing.
func ShownName(name string) string {
	clean := CleanName(name)
	if name != "" && !strings.ContainsFunc(clean, Visible) {
		return "(blank)"
	}
	return clean
}

func Visible(r rune) bool {
	return r != '\u2800' && !unicode.IsSpace(r) && !unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

// quoted writes a name in prose.
func quoted(name string) string { return fmt.Sprintf("%q", name) }
