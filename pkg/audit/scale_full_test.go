//go:build !race

package audit_test

// The sizes of [TestMemory], [TestWritersStream] and [TestDuplicatesAndLargeApps];
// scripts/proof.sh runs them.
const (
	scaleApps     = 10_000
	scaleFindings = 10_000
	scaleTokens   = 10_000
)
