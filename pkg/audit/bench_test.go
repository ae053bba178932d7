package audit_test

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"databrain-rotation/pkg/audit"
	"databrain-rotation/pkg/databrain"
)

// BenchmarkEvaluate judges 100 data apps with 100 tokens each, 3 % of them stale,
// by a policy with a rule and an exception.
func BenchmarkEvaluate(b *testing.B) {
	policy := audit.DefaultPolicy()
	policy.Rules = []audit.Rule{{ID: "customers", DataApp: "Customer *", MaxAgeDays: 30}}
	policy.Exceptions = []audit.Exception{{ID: "etl", DataApp: "ETL*", Token: "nightly", Reason: "r", Owner: "o", ExpiresAt: "2027-01-01"}}
	var tokens []databrain.APIToken
	for i := range 100 {
		age := 10
		if i < 3 {
			age = 200
		}
		tokens = append(tokens, databrain.APIToken{
			Fingerprint: fmt.Sprintf("%016x", i), Name: fmt.Sprintf("token %d", i), CreatedAt: runAt.AddDate(0, 0, -age),
		})
	}
	b.ReportAllocs()
	for b.Loop() {
		e := audit.NewEvaluation(policy, labInstance, runAt)
		for app := range 100 {
			a := e.App(fmt.Sprintf("Data App %d", app))
			for _, t := range tokens {
				a.Token(t)
			}
			a.Commit()
		}
		if got := e.Finish(audit.Coverage{Complete: true}).Tokens; got != 100*100 {
			b.Fatal(got)
		}
	}
}

// BenchmarkBatched cuts 10,000 entries into calls.
func BenchmarkBatched(b *testing.B) {
	entry := types.PutEventsRequestEntry{
		Source: aws.String(audit.EventSource), DetailType: aws.String(audit.FindingObserved), Detail: aws.String(strings.Repeat("x", 2000)),
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

// BenchmarkWrite writes each form of the report on 3,000 findings.
func BenchmarkWrite(b *testing.B) {
	report := largeReport(3000)
	for name, write := range map[string]func(io.Writer, *audit.Report) error{
		"html": audit.WriteHTML, "json": audit.WriteJSON, "csv": audit.WriteCSV, "ocsf": audit.WriteOCSF,
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := write(io.Discard, report); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkTransition compares 3,000 findings with the state of the last run.
func BenchmarkTransition(b *testing.B) {
	findings := largeReport(3000).Findings
	coverage := audit.Coverage{Complete: true}
	_, state := audit.Transition(audit.Memory{Kind: audit.FirstRun}, slices.Clone(findings), coverage, labInstance, runAt)
	b.ReportAllocs()
	for b.Loop() {
		memory := audit.Memory{Kind: audit.Remembered, Snapshot: state}
		if resolved, _ := audit.Transition(memory, findings, coverage, labInstance, runAt.Add(24*time.Hour)); len(resolved) != 0 {
			b.Fatal(len(resolved))
		}
	}
}
