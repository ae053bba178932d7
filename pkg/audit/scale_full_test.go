//go:build !race

package audit_test

// The sizes of [TestMemory] and [TestDuplicatesAndLargeApps]; scripts/proof.sh
// runs them.
const (
	scaleApps   = 10_000
	scaleTokens = 10_000
)

const share = 1
