package main

import (
	"encoding/json"
	"fmt"

	"databrain-rotation/pkg/standin/databraintest"
)

// sameFindings wants an audit of the example instance to have found its three
// tokens stale, and its answer, its events and its report to agree.
func sameFindings(answer []byte, observed, completed int, report []byte) error {
	var summary struct {
		Status string
		Counts struct{ Tokens, Findings int }
	}
	if err := json.Unmarshal(answer, &summary); err != nil {
		return fmt.Errorf("the summary: %w", err)
	}
	var reported []struct{ Finding struct{ Check string } }
	if err := json.Unmarshal(report, &reported); err != nil {
		return fmt.Errorf("latest/findings.json: %w", err)
	}
	stale := 0
	for _, r := range reported {
		if r.Finding.Check == "token-age" {
			stale++
		}
	}
	found := summary.Counts.Findings
	switch {
	case summary.Status != "complete":
		return fmt.Errorf("status %q, want complete", summary.Status)
	case summary.Counts.Tokens != staleExamples() || stale != staleExamples():
		return fmt.Errorf("%d tokens, %d of them stale; the example instance has %d, all stale", summary.Counts.Tokens,
			stale, staleExamples())
	case observed != found || len(reported) != found:
		return fmt.Errorf("%d findings, %d events, %d in the report", found, observed, len(reported))
	case completed != 1:
		return fmt.Errorf("%d events that the audit completed, want 1", completed)
	}
	return nil
}

// staleExamples is how many tokens of the example instance are older than any policy.
func staleExamples() (n int) {
	for _, app := range databraintest.ExampleDataApps() {
		n += len(app.Tokens)
	}
	return n
}
