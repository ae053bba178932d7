//go:build race

package audit_test

// scaleApps is the size of [TestMemory] under the race detector, which is
// many times as slow.
const scaleApps = 200
