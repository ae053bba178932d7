//go:build !race

package audit_test

// The sizes of [TestMemory] and [TestWritersStream]; scripts/proof.sh runs them.
const (
	scaleApps     = 10_000
	scaleFindings = 10_000
)
