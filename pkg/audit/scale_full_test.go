//go:build !race

package audit_test

// scaleApps is the size of [TestMemory].
const scaleApps = 10_000
