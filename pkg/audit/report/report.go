package report

import (
	"time"

	"databrain-rotation/pkg/audit/finding"
)

// Instant is t as the outputs write it: in UTC and whole seconds, because jq reads no
// fraction of a second (fromdate: https://jqlang.org/manual/#dates).
func Instant(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }

// Report is everything that a report of one run needs. It is not changed once it
// is handed to a writer.
type Report struct {
	Summary    Summary
	Findings   []finding.Finding // observed in this run, by WorstFirst
	Resolved   []finding.Finding // gone since the last run, by WorstFirst
	Superseded []finding.Finding // resolved too, but only to make way for worse ones among Findings
	Gaps       []finding.Gap     // the app list first, then by name
	Exceptions []finding.ExceptionStatus
	Ages       []finding.AgeBin   // every token that was read and has a usable date
	Memory     finding.MemoryKind // of earlier runs
	Telling    finding.Telling    // of which of Findings people are told
	Emptied    bool               // every app or every token of the last run is gone at once
	Undated    int                // tokens that were read and have none
	Policy     finding.Policy     // as applied, with inherited fields filled in
	Posture    finding.Posture
	Previous   finding.Previous
	EmittedAt  time.Time
	Dashboard  string // its address; "" if it is not known
	Version    string // of the program that made it

	// MessagesPerRun is how many findings have a message of their own.
	MessagesPerRun int

	// EventBase is what the ids of events derive from besides their subject: a repeated run
	// sends the same ids.
	EventBase string
}
