//go:build race

package audit_test

import "flag"

// The same under the race detector, which is many times as slow.
const (
	scaleApps   = 50
	scaleTokens = 1_000
)

var _ = flag.Set("rapid.checks", "1") // -rapid.checks has the last word

// share of the cases of a table is enough for the race detector where the cases differ
// in their data alone: one in so many. Make test runs all of them without it.
const share = 8
