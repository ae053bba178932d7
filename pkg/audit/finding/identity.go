package finding

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
)

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
