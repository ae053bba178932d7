package report

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"databrain-rotation/pkg/audit/finding"
)

// Compile fills in r with what a run that began at start saw of the instance, judged by
// the policy and compared with the memory of earlier runs. It returns the state to leave
// for the next run.
func (r *Report) Compile(
	m finding.Memory, e *finding.Evaluation, c finding.Coverage, policy finding.Policy, start time.Time,
) finding.Snapshot {
	result := e.Finish(c)
	gone, next := finding.Transition(m, result.Findings, c, r.Summary.Instance, start)
	for _, f := range gone {
		if f.Superseded != "" {
			r.Superseded = append(r.Superseded, f)
		}
	}
	r.Resolved = slices.DeleteFunc(gone, func(f finding.Finding) bool { return f.Superseded != "" })
	r.Findings = finding.Sorted(result.Findings) // suppression and states may have changed the order
	r.Memory, r.Telling = m.Kind, finding.Tell(r.Findings, m.Kind, r.MessagesPerRun)
	r.Gaps, r.Posture, r.Previous, r.Policy = c.Gaps, c.Posture, c.Previous, policy
	r.Exceptions, r.Ages, r.Undated = result.Exceptions, result.Ages, result.Undated
	r.summarize(&c, &result)
	r.noteDeleted(&c)
	r.noteReadings(&c, next)
	return next
}

// Note adds to the notes of the summary, which rules may put into mails.
func (r *Report) Note(text string) {
	if text != "" {
		r.Summary.Notes = append(r.Summary.Notes, finding.Plain(text))
	}
}

// noteDeleted tells of apps that were gone when their tokens were asked for. An app
// that was renamed was read under its new name.
func (r *Report) noteDeleted(c *finding.Coverage) {
	var names []string
	for name, how := range c.Apps {
		if how == finding.Deleted && len(names) < 5 {
			names = append(names, "“"+finding.ShownName(name)+"”")
		}
	}
	if n := c.Count(finding.Deleted); n > 0 {
		r.Note(fmt.Sprintf("%d data apps were deleted or renamed during the run, among them %s",
			n, strings.Join(names, ", ")))
	}
}

// noteReadings tells of apps that were not read for long, and of an instance of which
// nothing is left.
func (r *Report) noteReadings(c *finding.Coverage, next finding.Snapshot) {
	s := &r.Summary
	for name := range c.Apps {
		switch at := next.Apps[name].ReadAt; {
		case c.Apps[name] == finding.Deleted:
		case at.IsZero():
			s.NeverRead++
		case s.OldestReadingAt.IsZero() || at.Before(s.OldestReadingAt):
			s.OldestReadingAt = at
		}
	}
	if next.Emptied {
		r.Emptied = true
		r.Note("every data app or every API token of the last run is gone at once, as far as was read: nothing of " +
			"them is resolved before the next run sees the same. Check that the service token belongs to the right organisation")
	}
}
