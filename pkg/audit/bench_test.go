package audit_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"databrain-rotation/pkg/audit"
	"databrain-rotation/pkg/audit/report"
)

// BenchmarkBatched cuts 10,000 entries into calls.
func BenchmarkBatched(b *testing.B) {
	entry := types.PutEventsRequestEntry{
		Source:     aws.String(report.EventSource),
		DetailType: aws.String(report.FindingObserved), Detail: aws.String(strings.Repeat("x", 2000)),
	}
	entries := slices.Repeat([]types.PutEventsRequestEntry{entry}, 10_000)
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		for batch := range audit.Batched(slices.Values(entries)) {
			n += len(batch)
		}
		if n != len(entries) {
			b.Fatal(n)
		}
	}
}
