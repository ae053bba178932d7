//go:build !race

package audit_test

import "flag"

// The sizes of [TestMemory] and [TestDuplicatesAndLargeApps]; scripts/proof.sh
// runs them.
const (
	scaleApps   = 10_000
	scaleTokens = 10_000
)

// One check is many audits. Those of scripts/proof.sh are the large sample.
var _ = flag.Set("rapid.checks", "20") // of 100; -rapid.checks has the last word

const share = 1
