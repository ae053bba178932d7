package report

import (
	"bufio"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"strconv"
	"strings"
	"time"

	"databrain-rotation/pkg/audit/finding"
)

// How much of a large instance the page shows. All of it is in the other files.
const (
	pageFindings = 500
	pageGaps     = 200
	pageResolved = 50
	pageApps     = 10
	pageRule     = 96 // characters of the id of a rule
)

//go:embed report.html.tmpl
var pageHTML string

//go:embed report.css
var pageCSS string

// page is what the template shows, in words and numbers that are ready to print.
type page struct {
	Style           template.CSS
	StyleHash       string // for the Content-Security-Policy: no other style runs, and no script at all
	Instance        string
	Day, When, Took string
	RunID, Requests string
	Headline        string
	Status          pageStatus
	Numbers         []pageNumber
	Chart           *chart
	Apps            []appRow
	AppsMore        string
	Findings        []findingRow
	FindingsLine    string
	FindingsMore    string
	Resolved        []findingRow
	ResolvedMore    string
	Gaps            []gapRow
	CoverageLine    string
	GapsMore        string
	Exceptions      []exceptionRow
	Service, Policy []fact
	Undated         int
	ExceptionsLine  string
	Files           []string // beside the page, with all findings
	Dashboard       string   // address; "" if it is not known
}

type pageStatus struct {
	Class      Status
	Good       bool // complete, and no token is stale
	Word, Text string
	Notes      []string
}

type pageNumber struct {
	Class, Label, Value, Note string
	Mix                       []severityCount
}

type severityCount struct {
	Severity finding.Severity
	Count    int
}

func (s severityCount) String() string { return thousands(s.Count) + " " + string(s.Severity) }

type fact struct {
	Name, Value string
	Class       string // of a badge around Value; "" for plain text
}

// WriteHTML writes r as one page that needs nothing else: no script, no font, no
// picture and no style from elsewhere, which its Content-Security-Policy enforces
// too. It reads in light and dark, on a phone and on paper. The page is bounded
// (the worst 500 findings) and says how much it leaves out.
func WriteHTML(w io.Writer, r *Report) error {
	// Parsed here and not in a variable: a cold start would pay for it in every
	// environment, and a run writes one page.
	parsed, err := template.New("report").Parse(pageHTML)
	if err != nil {
		return fmt.Errorf("read the template of the HTML report: %w", err)
	}
	buffered := bufio.NewWriter(w)
	if err := parsed.Execute(buffered, newPage(r)); err != nil {
		return fmt.Errorf("write the HTML report: %w", err)
	}
	if err := buffered.Flush(); err != nil {
		return fmt.Errorf("write the HTML report: %w", err)
	}
	return nil
}

func newPage(r *Report) page {
	hash := sha256.Sum256([]byte(pageCSS))
	s := &r.Summary
	p := page{
		Style:     template.CSS(pageCSS), //nolint:gosec // embedded, not from outside
		StyleHash: base64.StdEncoding.EncodeToString(hash[:]),
		Instance:  s.Instance, Day: s.StartedAt.UTC().Format("2 January 2006"),
		When:  s.StartedAt.UTC().Format("Monday, 2 January 2006, 15:04 UTC"),
		Took:  took(time.Duration(s.DurationMs) * time.Millisecond),
		RunID: s.RunID, Headline: headline(s), Status: statusOf(r), Numbers: numbers(r),
		Chart: newChart(r), Undated: r.Undated, Service: serviceFacts(r), Policy: policyFacts(r),
		Requests: fmt.Sprintf("%s to Databrain, %s repeated, %s answered with a rate limit.",
			plural(s.Requests, "request"), thousands(s.Retries), thousands(s.Throttled)),
		CoverageLine: coverageLine(r), FindingsLine: findingsLine(s),
	}
	p.Findings = findingRows(r, r.Findings, pageFindings)
	p.FindingsMore = leftOut(len(r.Findings)-pageFindings, "finding")
	p.Resolved = findingRows(r, r.Resolved, pageResolved)
	p.ResolvedMore = leftOut(len(r.Resolved)-pageResolved, "resolved finding")
	var apps int
	p.Apps, apps = appRows(r.Findings)
	p.AppsMore = leftOut(apps-len(p.Apps), "data app")
	p.Gaps, p.GapsMore = gapRows(r.Gaps), leftOut(len(r.Gaps)-pageGaps, "gap")
	p.Exceptions, p.ExceptionsLine, p.Files = exceptionRows(r), exceptionsLine(r), Beside()
	p.Dashboard = r.Dashboard
	return p
}

// headline is the whole report in one line.
func headline(s *Summary) string {
	c := &s.Counts
	switch {
	case s.Blind() && s.Status == Failed:
		return "The audit failed: nothing is known of the API tokens"
	case s.Blind():
		return "Nothing is known of the API tokens: no data app could be read"
	case c.Stale > 0 && s.Status == Complete:
		return fmt.Sprintf("%s of %s %s stale", thousands(c.Stale), plural(c.Tokens, "API token"), isAre(c.Stale))
	case c.Stale > 0:
		return fmt.Sprintf("%s of the %s that could be read %s stale", thousands(c.Stale), plural(c.Tokens, "API token"),
			isAre(c.Stale))
	case s.Status == Complete:
		return "No API token is stale"
	}
	return fmt.Sprintf("No stale API token among the %s that could be read", thousands(c.Tokens))
}

func statusOf(r *Report) pageStatus {
	c := &r.Summary.Counts
	st := pageStatus{
		Class: r.Summary.Status,
		Good:  r.Summary.Status == Complete && c.Stale == 0 && !r.Emptied && c.DataApps > 0,
		Notes: r.Summary.Notes,
	}
	switch {
	case st.Class == Complete && c.DataApps == 0:
		st.Word, st.Text = "Complete.", "The instance has no data apps."
	case st.Class == Complete:
		st.Word, st.Text = "Complete.", fmt.Sprintf("The API tokens of all %s were read.", plural(c.DataApps, "data app"))
	case st.Class == Partial && listGap(r.Gaps):
		st.Word, st.Text = "Partial.", "The list of the data apps could not be read in full: there may be data apps "+
			"and API tokens that nothing is known of."
	case st.Class == Partial:
		st.Word, st.Text = "Partial.", fmt.Sprintf("%s of %s could not be read. The tokens there are unknown, not clean.",
			thousands(c.Gaps), plural(c.DataApps, "data app"))
	default:
		st.Word, st.Text = "Failed.", "The run did not get through. What follows is what it saw before, not a result."
	}
	return st
}

func listGap(gaps []finding.Gap) bool { return len(gaps) > 0 && gaps[0].DataApp == "" }

func numbers(r *Report) []pageNumber {
	c := &r.Summary.Counts
	gaps := pageNumber{Label: "Coverage gaps", Value: thousands(c.Gaps), Note: "everything was read"}
	if c.Gaps > 0 {
		gaps.Class, gaps.Note = "warn", "not read, so not known"
	}
	fresh := pageNumber{Label: "New findings", Value: thousands(c.New), Note: thousands(c.Ongoing) + " ongoing"}
	if c.Reopened > 0 {
		fresh.Note += ", " + thousands(c.Reopened) + " reopened"
	}
	covered := pageNumber{Label: "Data apps covered", Value: thousands(c.Covered) + " of " + thousands(c.DataApps)}
	if listGap(r.Gaps) {
		covered.Value, covered.Note = thousands(c.Covered), "the list of them is not complete"
	}
	all := []pageNumber{
		staleNumber(r), oldestNumber(r), covered, gaps, fresh,
		{Label: "Resolved", Value: thousands(c.Resolved), Note: "gone since the run before"},
		{Label: "Suppressed", Value: thousands(c.Suppressed), Note: "under an exception"},
	}
	if r.Summary.Managed != nil {
		all = append(all, managedNumber(&r.Summary))
	}
	return all
}

// managedNumber is the share of API tokens that a secret holds.
func managedNumber(s *Summary) pageNumber {
	m := s.Managed
	n := pageNumber{Label: "Held by a secret", Value: thousands(m.Tokens) + " of " + thousands(s.Counts.Tokens)}
	switch {
	case s.Blind():
		n.Value, n.Note = "?", "not known: nothing was read"
	case !m.Complete:
		n.Class, n.Note = "warn", "not every secret could be read"
	case s.Counts.Stale > 0:
		n.Note = fmt.Sprintf("%s of %s %s not", thousands(m.StaleWithout), plural(s.Counts.Stale, "stale token"),
			isAre(m.StaleWithout))
	}
	return n
}

func staleNumber(r *Report) pageNumber {
	c := &r.Summary.Counts
	n := pageNumber{
		Class: "lead",
		Label: "Stale API tokens",
		Value: thousands(c.Stale),
		Note:  "of " + thousands(c.Tokens) + " that were read",
	}
	if r.Summary.Blind() {
		n.Value, n.Note = "?", "not known: nothing was read"
		return n
	}
	if c.Tokens > 0 && c.Stale > 0 {
		n.Note += fmt.Sprintf(" (%.1f %%)", 100*float64(c.Stale)/float64(c.Tokens))
	}
	var bySeverity BySeverity
	suppressed := 0
	for i := range r.Findings {
		switch f := &r.Findings[i]; {
		case f.Check != finding.TokenAge:
		case f.State == finding.Suppressed:
			suppressed++
		default:
			*bySeverity.of(f.Severity)++
		}
	}
	n.Mix = bySeverity.mix()
	if suppressed > 0 {
		n.Note += ", " + thousands(suppressed) + " of them under an exception"
	}
	return n
}

func oldestNumber(r *Report) pageNumber {
	n := pageNumber{Label: "Oldest API token", Value: "none"}
	switch {
	case r.Summary.Counts.Tokens > r.Undated:
		n.Value, n.Note = plural(r.Summary.OldestAgeDays, "day"), years(r.Summary.OldestAgeDays)
	case r.Summary.Blind():
		n.Value = "not known"
	}
	return n
}

func findingsLine(s *Summary) string {
	switch {
	case s.Blind() && s.Counts.Findings == 0:
		return "Nothing was read, so nothing could be found."
	case s.Counts.Findings == 0 && s.Status != Complete:
		return "Nothing was found in what could be read."
	case s.Counts.Findings == 0:
		return "Nothing was found."
	case s.Counts.Suppressed > 0:
		return "The worst first, then the oldest. What an exception suppresses stands last."
	}
	return "The worst first, then the oldest."
}

func coverageLine(r *Report) string {
	c := &r.Summary.Counts
	switch {
	case r.Summary.Blind():
		return "No data app was read, so nothing counts as clean."
	case c.Gaps > 0:
		return fmt.Sprintf(
			"%s of %s read. What follows was not: nothing in it counts as clean, and nothing in it was resolved.",
			thousands(c.Covered),
			plural(c.DataApps, "data app"),
		)
	case c.DataApps == 0:
		return "The instance has no data apps."
	case c.Covered < c.DataApps:
		return fmt.Sprintf("%s of %s read.", thousands(c.Covered), plural(c.DataApps, "data app"))
	}
	return "Every data app was read."
}

func took(d time.Duration) string {
	switch {
	case d < time.Second:
		return "less than a second"
	case d < time.Minute:
		return plural(int(d/time.Second), "second")
	}
	return fmt.Sprintf("%d min %d s", d/time.Minute, d%time.Minute/time.Second)
}

func years(days int) string {
	if days < 365 {
		return ""
	}
	return fmt.Sprintf("%.1f years", float64(days)/365.25)
}

func isAre(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

func plural(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return thousands(n) + " " + noun
}

// thousands writes n with a comma between groups of three digits.
func thousands(n int) string {
	digits := strconv.Itoa(n)
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	return b.String()
}
