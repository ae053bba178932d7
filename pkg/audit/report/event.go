package report

import (
	"bytes"
	"encoding/json"
	"iter"
	"strings"

	"databrain-rotation/pkg/audit/finding"
)

// EventSource is the source of all events.
const EventSource = "databrain.token-audit"

// The detail types of the events.
const (
	FindingObserved = "Databrain Token Finding Observed"
	FindingResolved = "Databrain Token Finding Resolved"
	CoverageGap     = "Databrain Audit Coverage Gap"
	AuditCompleted  = "Databrain Audit Completed" // always the last of a run
)

// MaxBatchBytes is what one call of PutEvents may hold ("PutEvents", Amazon
// EventBridge API reference): 256 KiB, less a reserve for what is not counted there.
const MaxBatchBytes = 240 << 10

// Event is one event before it is written.
type Event struct {
	DetailType string
	Detail     any
}

// Events are those of a run, but for the one that ends it.
func (r *Report) Events() iter.Seq[Event] {
	return func(yield func(Event) bool) {
		observed := 0
		for d := range r.details() {
			kind := FindingObserved
			if d.Finding.State == finding.Resolved {
				kind = FindingResolved
			} else {
				d.Message = r.message(observed, &d)
				observed++
			}
			if !yield(Event{kind, d}) {
				return
			}
		}
		for i := range r.Gaps {
			if !yield(Event{CoverageGap, r.GapDetail(&r.Gaps[i])}) {
				return
			}
		}
	}
}

// maxNotes is how many bytes of notes an event holds: even with six for each of them,
// as a control character needs in JSON, they leave room for the rest.
const maxNotes = 16 << 10

// Completed is the event that ends a run, and the sign of life that alarms wait for:
// it must fit in one call. Its notes are cut, then its list of the worst findings.
func (r *Report) Completed() Event {
	notes := cutNotes(r.Summary.Notes)
	for {
		d := r.CompletedDetail()
		d.Summary.Notes = notes
		encoded, err := EncodeDetail(d)
		n := len(r.Summary.Worst)
		if err != nil || n == 0 || len(encoded) <= MaxBatchBytes-1024 {
			return Event{AuditCompleted, d}
		}
		r.Summary.Worst, r.Summary.WorstTruncated = r.Summary.Worst[:n/2], true
	}
}

// cutNotes returns what fits of notes.
func cutNotes(notes []string) []string {
	var kept []string
	room := maxNotes
	for _, note := range notes {
		if len(note) > room {
			return append(kept, strings.ToValidUTF8(note[:room], "")+"…")
		}
		kept, room = append(kept, note), room-len(note)
	}
	return kept
}

// EncodeDetail encodes without the escapes for HTML, which would make a name of
// the longest kind six times as long.
func EncodeDetail(detail any) (string, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(detail)
	return string(bytes.TrimSuffix(b.Bytes(), []byte("\n"))), err
}
