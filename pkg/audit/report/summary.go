package report

import (
	"time"

	"databrain-rotation/pkg/audit/finding"
)

// SummarySchema names the form of [Summary].
const SummarySchema = "databrain.token-audit.summary/1"

// Status is the outcome of a run.
type Status string

// The outcomes.
const (
	Complete Status = "complete" // everything was read
	Partial  Status = "partial"  // there are coverage gaps
	Failed   Status = "failed"   // the run itself failed; see Summary.Notes
)

// Summary is what a run returns, and what the event that ends it carries.
type Summary struct {
	Schema         string    `json:"schema"`
	RunID          string    `json:"runId"`
	Status         Status    `json:"status"`
	StartedAt      time.Time `json:"startedAt"`
	FinishedAt     time.Time `json:"finishedAt"`
	Instance       string    `json:"instance"`
	Counts         Counts    `json:"counts"`
	OldestAgeDays  int       `json:"oldestAgeDays"`  // of the API tokens that were read
	Requests       int       `json:"requests"`       // sent to Databrain, retries included
	Retries        int       `json:"retries"`        // requests that repeated one that failed
	Throttled      int       `json:"throttled"`      // answers with status 429
	EmitFailures   int       `json:"emitFailures"`   // events, reports and states that could not be written
	DurationMs     int64     `json:"durationMs"`     // from the start of the run to FinishedAt
	Worst          []Detail  `json:"worst"`          // the first findings by WorstFirst, without prose but their title
	WorstTruncated bool      `json:"worstTruncated"` // there are more findings than Worst holds
	Report         string    `json:"report,omitempty"`

	// StateLost says why the run does not know all that the last one knew: lost, damaged,
	// foreign, unreadable or incomplete; "" if it does.
	StateLost string `json:"stateLost,omitempty"`

	// OldestReadingAt is when the listed data app was read that is longest unread;
	// NeverRead of them never were, as far as known.
	OldestReadingAt time.Time `json:"oldestReadingAt,omitzero"`
	NeverRead       int       `json:"neverRead,omitempty"`

	// Managed is nil if the audit was not told where managed API tokens are.
	Managed *ManagedSummary `json:"managed,omitempty"`

	// Notes say in plain words what a reader of the numbers must know: apps
	// deleted during the run, a state that could not be read, why a run failed.
	Notes []string `json:"notes,omitempty"`
}

// ManagedSummary says how far Secrets Manager looks after the API tokens.
type ManagedSummary struct {
	Secrets      int  `json:"secrets"`      // that hold API tokens
	Complete     bool `json:"complete"`     // all of them were read; else the rest are lower or upper bounds
	Tokens       int  `json:"tokens"`       // of Counts.Tokens, those that a secret holds
	StaleWithout int  `json:"staleWithout"` // of Counts.Stale, those that no secret holds
}

// Counts are the numbers of a run. New, Ongoing, Reopened and Suppressed add up
// to Findings, and so do the members of BySeverity.
type Counts struct {
	DataApps   int        `json:"dataApps"` // that exist; Covered of them were read
	Covered    int        `json:"covered"`
	Gaps       int        `json:"gaps"`
	Tokens     int        `json:"tokens"`   // entries of the lists that were read; see [finding.Result]
	Findings   int        `json:"findings"` // observed in this run, suppressed ones included
	New        int        `json:"new"`
	Ongoing    int        `json:"ongoing"`
	Reopened   int        `json:"reopened"`
	Resolved   int        `json:"resolved"`
	Suppressed int        `json:"suppressed"`
	Stale      int        `json:"stale"` // tokens older than their limit, suppressed ones included
	BySeverity BySeverity `json:"bySeverity"`
}

// BySeverity counts findings.
type BySeverity struct {
	Informational int `json:"informational"`
	Low           int `json:"low"`
	Medium        int `json:"medium"`
	High          int `json:"high"`
	Critical      int `json:"critical"`
}

// of returns the count of severity s.
func (b *BySeverity) of(s finding.Severity) *int {
	switch s {
	case finding.Low:
		return &b.Low
	case finding.Medium:
		return &b.Medium
	case finding.High:
		return &b.High
	case finding.Critical:
		return &b.Critical
	}
	return &b.Informational
}

// maxWorst is how many findings a summary lists.
const maxWorst = 50

// Blind reports whether the run saw no API token although there may be some: its
// zeros are not numbers then.
func (s *Summary) Blind() bool {
	return s.Counts.Gaps > 0 && s.Counts.Covered == 0 && s.Counts.Tokens == 0
}

// summarize fills in what the findings and the coverage say.
func (r *Report) summarize(c *finding.Coverage, result *finding.Result) {
	s := &r.Summary
	s.Counts = Counts{
		DataApps: len(c.Apps) - c.Count(finding.Deleted), Covered: c.Count(finding.Read), Gaps: len(c.Gaps),
		Tokens: result.Tokens, Stale: result.Stale, Findings: len(r.Findings), Resolved: len(r.Resolved),
	}
	s.OldestAgeDays = result.OldestAgeDays
	if m := &c.Managed; m.Asked {
		s.Managed = &ManagedSummary{
			Secrets: len(m.Secrets), Complete: m.Known(), Tokens: result.Managed, StaleWithout: result.Unmanaged,
		}
	}
	s.Worst = []Detail{}
	for i := range r.Findings {
		f := &r.Findings[i]
		*s.Counts.BySeverity.of(f.Severity)++
		switch f.State {
		case finding.New:
			s.Counts.New++
		case finding.Reopened:
			s.Counts.Reopened++
		case finding.Suppressed:
			s.Counts.Suppressed++
		default:
			s.Counts.Ongoing++
		}
		if i < maxWorst {
			s.Worst = append(s.Worst, brief(f, f.Prose().Title))
		}
	}
	s.WorstTruncated = len(r.Findings) > maxWorst
	s.Status = Complete
	if s.Counts.Gaps > 0 {
		s.Status = Partial
	}
}
