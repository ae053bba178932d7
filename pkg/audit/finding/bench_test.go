package finding_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"databrain-rotation/pkg/audit/finding"
	"databrain-rotation/pkg/databrain"
)

// BenchmarkEvaluate judges 100 data apps with 100 tokens each, 3 % of them stale,
// by a policy with a rule and an exception.
func BenchmarkEvaluate(b *testing.B) {
	policy := finding.DefaultPolicy()
	policy.Rules = []finding.Rule{{ID: "customers", DataApp: "Customer *", MaxAgeDays: 30}}
	policy.Exceptions = []finding.Exception{
		{ID: "etl", DataApp: "ETL*", Token: "nightly", Reason: "r", Owner: "o", ExpiresAt: "2027-01-01"},
	}
	var tokens []databrain.APIToken
	for i := range 100 {
		age := 10
		if i < 3 {
			age = 200
		}
		tokens = append(tokens, databrain.APIToken{
			Fingerprint: fmt.Sprintf("%016x", i), Name: fmt.Sprintf("token %d", i), CreatedAt: evalAt.AddDate(0, 0, -age),
		})
	}
	b.ReportAllocs()
	for b.Loop() {
		e := finding.NewEvaluation(policy, labInstance, evalAt)
		for app := range 100 {
			a := e.App(fmt.Sprintf("Data App %d", app))
			for _, t := range tokens {
				a.Token(t)
			}
			a.Commit()
		}
		if got := e.Finish(finding.Coverage{Complete: true}).Tokens; got != 100*100 {
			b.Fatal(got)
		}
	}
}

// BenchmarkTransition compares 3,000 findings with the state of the last run.
func BenchmarkTransition(b *testing.B) {
	var tokens []databrain.APIToken
	for i := range 3000 {
		tokens = append(
			tokens,
			databrain.APIToken{
				Fingerprint: fmt.Sprintf("%016x", i),
				Name:        fmt.Sprintf("token %d", i),
				CreatedAt:   evalAt.Add(-days(200)),
			},
		)
	}
	findings := evaluate(b, `{}`, "A", tokens...).Findings
	coverage := finding.Coverage{Complete: true}
	_, state := finding.Transition(finding.Memory{Kind: finding.FirstRun}, slices.Clone(findings), coverage, labInstance,
		evalAt)
	b.ReportAllocs()
	for b.Loop() {
		memory := finding.Memory{Kind: finding.Remembered, Snapshot: state}
		if resolved, _ := finding.Transition(memory, findings, coverage, labInstance, evalAt.Add(24*time.Hour)); len(
			resolved,
		) != 0 {
			b.Fatal(len(resolved))
		}
	}
}
