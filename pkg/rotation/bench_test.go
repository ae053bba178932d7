package rotation_test

import (
	"strings"
	"testing"

	"databrain-rotation/pkg/rotation"
)

// BenchmarkReplaceToken reads and rewrites a secret with the token behind 4 KB of
// other members.
func BenchmarkReplaceToken(b *testing.B) {
	const token = "11111111-1111-4111-8111-111111111111"
	value := `{"certificate":"` + strings.Repeat("x", 4<<10) + `","quota":1.50e3,"token":"` + token + `"}`
	b.SetBytes(int64(len(value)))
	b.ReportAllocs()
	for b.Loop() {
		if old, _, err := rotation.ReplaceToken(value, "22222222-2222-4222-8222-222222222222"); err != nil || old != token {
			b.Fatal(old, err)
		}
	}
}
