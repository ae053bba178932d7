//go:build race

package audit_test

// The same under the race detector, which is many times as slow.
const (
	scaleApps   = 200
	scaleTokens = 1_000
)
