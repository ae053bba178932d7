package databrain

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
)

const redacted = "[redacted]"

// Secret is a credential: a password, a JWT, a service token. Its value is
// reached through a pointer that no formatter follows, so that neither fmt with
// any verb, encoding/json nor log/slog prints it, even from within another
// struct's unexported field.
//
// The zero Secret holds the empty string.
type Secret struct{ value *string }

// NewSecret wraps value.
func NewSecret(value string) Secret { return Secret{&value} }

// Reveal returns the value. Call it only where the value goes on the wire or
// into Secrets Manager.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// Empty reports whether s holds the empty string.
func (s Secret) Empty() bool { return s.Reveal() == "" }

// Equal reports whether both hold the same value.
func (s Secret) Equal(t Secret) bool { return s.Reveal() == t.Reveal() }

// Fingerprint returns the first 16 hex digits of the value's SHA-256, by which a key
// can be told from others without being shown; "" for the empty string.
func (s Secret) Fingerprint() string {
	if s.Empty() {
		return ""
	}
	sum := sha256.Sum256([]byte(s.Reveal()))
	return hex.EncodeToString(sum[:8])
}

// Format implements [fmt.Formatter] for every verb.
func (Secret) Format(f fmt.State, _ rune) { fmt.Fprint(f, redacted) }

// String implements [fmt.Stringer].
func (Secret) String() string { return redacted }

// MarshalText implements [encoding.TextMarshaler], which encoding/json uses too.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue implements [slog.LogValuer].
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }
