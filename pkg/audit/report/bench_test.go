package report_test

import (
	"io"
	"testing"

	"databrain-rotation/pkg/audit/report"
)

// BenchmarkWrite writes each form of the report on 3,000 findings.
func BenchmarkWrite(b *testing.B) {
	r := largeReport(3000)
	for name, write := range map[string]func(io.Writer, *report.Report) error{
		"html": report.WriteHTML, "json": report.WriteJSON, "csv": report.WriteCSV, "ocsf": report.WriteOCSF,
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := write(io.Discard, r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
