//go:build !race

package report_test

// scaleFindings is the size of [TestWritersStream]; scripts/proof.sh runs it.
const scaleFindings = 10_000
