//go:build race

package report_test

// scaleFindings is smaller under the race detector, which is many times as slow.
const scaleFindings = 3_000
