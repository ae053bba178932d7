package report

import (
	"fmt"
	"strings"

	"databrain-rotation/pkg/audit/finding"
)

// Lengths of what a chat shows, in characters. A section of a message in Slack holds
// 3,000 (https://docs.slack.dev/reference/block-kit/blocks/section-block).
const (
	maxChatText   = 1500
	maxDigestLine = 300
)

// MessageDetail says how people are told of a finding. A rule selects by it.
type MessageDetail struct {
	As   finding.Notice `json:"as"`
	Text string         `json:"text,omitempty"` // for a chat: see [finding.Chat]
	Todo string         `json:"todo,omitempty"` // likewise
}

// message returns how people are told of the finding at index i of r.Findings, whose
// detail is d; nil if they are not.
func (r *Report) message(i int, d *Detail) *MessageDetail {
	notice := r.Telling.Of(i, &r.Findings[i])
	switch notice {
	case finding.Untold:
		return nil
	case finding.Counted:
		return &MessageDetail{As: notice}
	}
	f := &d.Finding
	text := fmt.Sprintf("Severity %s, %s, first seen %s, on %s. %s",
		f.Severity, f.State, finding.Day(f.FirstSeenAt), d.Instance.URL, f.Description)
	todo := strings.TrimSpace(d.Remediation.Text + " " + d.Remediation.URL)
	return &MessageDetail{notice, finding.Chat(text, maxChatText), finding.Chat(todo, maxChatText)}
}

// RestDetail tells of the findings that have no message of their own.
type RestDetail struct {
	Counted  int    `json:"counted"`            // findings
	Critical int    `json:"critical,omitempty"` // of them
	Title    string `json:"title"`
	Text     string `json:"text"`
}

// rest returns what the one message says of all findings that have none of their own;
// nil if there is no such finding.
func (r *Report) rest() *RestDetail {
	t := &r.Telling
	if t.Counted == 0 {
		return nil
	}
	var counts BySeverity
	for severity, n := range t.Counts {
		*counts.of(severity) = n
	}
	d := &RestDetail{Counted: t.Counted, Critical: counts.Critical, Title: plural(t.Counted, "finding")}
	if t.Single > 0 {
		d.Title = plural(t.Counted, "more finding")
	}
	if counts.Critical > 0 {
		d.Title += ", " + thousands(counts.Critical) + " of them critical"
	}
	how := "None has a message of its own, because AUDIT_MESSAGES_PER_RUN (parameter AuditMessagesPerRun) is 0"
	if t.Single > 0 {
		how = fmt.Sprintf("The %s worst have a message each, and the other %s are counted here",
			thousands(t.Single), thousands(t.Counted))
	}
	text := fmt.Sprintf("This run has %s to tell of on %s. %s: %s. ",
		plural(t.Single+t.Counted, "finding"), r.Summary.Instance, how, counts.String())
	d.Text = finding.Chat(text, maxChatText) + r.whereAllAre()
	return d
}

// whereAllAre says where all findings of the run are. Addresses stay as they are.
func (r *Report) whereAllAre() string {
	switch {
	case r.Summary.Report != "" && r.Dashboard != "":
		return finding.Plain(fmt.Sprintf("All findings are in %s and the dashboard links to the latest report: %s",
			r.Summary.Report, r.Dashboard))
	case r.Summary.Report != "":
		return "All findings are in " + finding.Plain(r.Summary.Report)
	case r.Memory == finding.NoMemory:
		return "There is neither a report nor a memory of earlier runs, because " +
			"AUDIT_BUCKET (parameter AuditBucketName) names no bucket, so that each run tells of all findings again. " +
			"The output AuditDryRunCommand of the stack shows the 50 worst."
	}
	return "The report could not be stored, and the log of the function says why. The output AuditDryRunCommand of the " +
		"stack shows the 50 worst."
}

// Digest is a run in a few lines, each without a line break and fit for a mail and a chat.
type Digest struct {
	Title   string   `json:"title"`
	Counts  string   `json:"counts"`  // what was read and found
	Changes string   `json:"changes"` // since the last run
	Worst   []string `json:"worst"`   // at most five findings
	Notes   string   `json:"notes"`   // what a reader of the numbers must know, such as why the run failed
	Report  string   `json:"report"`  // where it is
}

// maxDigestWorst is how many findings a digest names.
const maxDigestWorst = 5

func (r *Report) digest() Digest {
	c := &r.Summary.Counts
	status := statusOf(r)
	line := func(text string) string { return finding.Chat(text, maxDigestLine) }
	d := Digest{
		Title: line(headline(&r.Summary)), Changes: line(r.changes()), Worst: []string{},
		Notes: finding.Chat(strings.Join(r.Summary.Notes, " "), maxChatText), Report: r.whereAllAre(),
	}
	found := findingsLine(&r.Summary)
	if c.Findings > 0 {
		found = fmt.Sprintf("%s: %s.", plural(c.Findings, "finding"), c.BySeverity.String())
	}
	if c.Suppressed > 0 {
		found += fmt.Sprintf(" An exception suppresses %s of them.", thousands(c.Suppressed))
	}
	d.Counts = line(status.Word + " " + status.Text + " " + found)
	for i := range r.Findings {
		f := &r.Findings[i]
		if len(d.Worst) == maxDigestWorst || f.State == finding.Suppressed { // what is suppressed stands last
			break
		}
		d.Worst = append(d.Worst, line(string(f.Severity)+": "+f.Prose().Description))
	}
	return d
}

// changes says what is otherwise than in the last run.
func (r *Report) changes() string {
	c := &r.Summary.Counts
	switch {
	case r.Memory == finding.NoMemory:
		return "Nothing is known of earlier runs, because no bucket is set."
	case r.Memory == finding.FirstRun && r.Summary.StateLost == "":
		return "This is the first run."
	case r.Memory != finding.Remembered:
		return "What the last run knew is lost or could not be read."
	}
	raised := 0
	for i := range r.Findings {
		if r.Findings[i].RaisedFrom != "" {
			raised++
		}
	}
	return fmt.Sprintf("Since the last run: %s new, %s reopened, %s with a higher severity, %s resolved.",
		thousands(c.New), thousands(c.Reopened), thousands(raised), thousands(c.Resolved))
}

// String lists what b counts, the worst first.
func (b *BySeverity) String() string {
	var all []string
	for _, count := range b.mix() {
		all = append(all, count.String())
	}
	return strings.Join(all, ", ")
}
