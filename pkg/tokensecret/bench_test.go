package tokensecret_test

import (
	"strings"
	"testing"
)

// BenchmarkWith reads and rewrites a secret with the token behind 4 KB of other
// members.
func BenchmarkWith(b *testing.B) {
	const token = "11111111-1111-4111-8111-111111111111"
	value := `{"certificate":"` + strings.Repeat("x", 4<<10) + `","quota":1.50e3,"token":"` + token + `"}`
	b.SetBytes(int64(len(value)))
	b.ReportAllocs()
	for b.Loop() {
		if old, _, err := replaceToken(value, newUUID); err != nil || old != token {
			b.Fatal(old, err)
		}
	}
}
