package report

import (
	"cmp"
	"fmt"
	"strings"
	"unicode/utf8"

	"databrain-rotation/pkg/audit/finding"
)

// findingRow is a finding in a table of the page.
type findingRow struct {
	Severity         finding.Severity
	State            finding.State
	Name             name   // of the token, nil without one
	Title            string // what is wrong, if there is no name
	Fingerprint      string
	Note             string // what is wrong, beside a name
	Exception        name   // that the finding is about or that suppresses it
	Rule             name   // that the finding is about
	DataApp          name
	Age, Over        string
	FirstDay, LastOn string
	Since            []string
	Secret           string // that holds the token
	Loose            bool   // the token is stale, and no secret holds it
	Rotate           string // the next step with a token: a heading of the list of steps below
	Next             string // the next step with anything else
}

func findingRows(r *Report, findings []finding.Finding, limit int) (rows []findingRow) {
	known := r.Summary.Managed != nil && r.Summary.Managed.Complete
	for i := range findings[:min(len(findings), limit)] {
		f := &findings[i]
		row := rowOf(f)
		row.Loose = known && f.Check == finding.TokenAge && f.State != finding.Resolved && f.ManagedBy == nil
		rows = append(rows, row)
	}
	return rows
}

func rowOf(f *finding.Finding) findingRow {
	prose := f.Prose()
	row := findingRow{
		Severity: f.Severity, State: f.State, DataApp: nameOf(finding.ShownName(f.DataApp)),
		FirstDay: finding.Day(f.FirstSeen), LastOn: finding.Day(f.LastSeen), Since: since(f),
	}
	if f.RaisedFrom != "" {
		row.Since = append(row.Since, string(f.RaisedFrom)+" before")
	}
	if f.Exception != nil {
		row.Exception = nameOf(f.Exception.ID)
	}
	if f.State != finding.Suppressed && f.State != finding.Resolved {
		row.Next = prose.Remedy
	}
	if f.ManagedBy != nil {
		row.Secret = f.ManagedBy.Secret
	}
	if f.Token == nil {
		row.Title = prose.Title
		if f.Check == finding.RuleUnused {
			row.Rule = nameOf(f.Rule)
		}
		return row
	}
	row.Name, row.Fingerprint = nameOf(cmp.Or(f.Token.Name, finding.NoName)), f.Token.Fingerprint
	switch f.Check {
	case finding.TokenAge:
		row.Age = plural(f.Token.AgeDays, "day")
		row.Over = fmt.Sprintf("limit %s", thousands(f.MaxAgeDays))
		row.rotate("Rotate it")
	case finding.TokenAgeApproaching:
		row.Age = plural(f.Token.AgeDays, "day")
		row.Over = fmt.Sprintf("%s left, limit %s", thousands(f.MaxAgeDays-f.Token.AgeDays), thousands(f.MaxAgeDays))
		row.rotate("Rotate it until " + finding.Day(f.Token.CreatedAt.Add(finding.WholeDays(f.MaxAgeDays))))
	default:
		row.Age, row.Note = "unknown", prose.Title
		if f.ManagedBy != nil && !f.Token.CreatedAt.IsZero() && f.Check != finding.TokenDateFuture {
			row.Age = plural(f.Token.AgeDays, "day")
		}
	}
	return row
}

// rotate puts a link to the steps in place of the same remedy in each row. What to do
// about a token that a secret holds differs from row to row.
func (row *findingRow) rotate(text string) {
	if row.Next != "" && row.Secret == "" {
		row.Next, row.Rotate = "", text
	}
}

// since says since when f is so. A token that was stale before the first audit saw it
// has been stale for longer than it has been known.
func since(f *finding.Finding) []string {
	known := finding.Day(f.FirstSeen)
	if f.Token != nil && !f.Token.StaleSince.IsZero() {
		stale := finding.Day(f.Token.StaleSince)
		if f.State == finding.New || stale == known {
			return []string{"stale since " + stale}
		}
		return []string{"stale since " + stale, "known since " + known}
	}
	if f.State == finding.Ongoing || f.State == finding.Reopened {
		return []string{"since " + known}
	}
	return nil
}

// gapRow is a part of the instance that was not read.
type gapRow struct {
	DataApp name // nil for the list of the apps
	Class   finding.GapClass
	Why, Do string
}

func gapRows(gaps []finding.Gap) (rows []gapRow) {
	for i := range gaps[:min(len(gaps), pageGaps)] {
		g := &gaps[i]
		do, _ := g.Remedy()
		rows = append(rows, gapRow{DataApp: nameOf(finding.ShownName(g.DataApp)), Class: g.Class, Why: whyGap(g), Do: do})
	}
	return rows
}

func whyGap(g *finding.Gap) string {
	words := map[finding.GapClass]string{
		finding.GapAuth:        "the service token was not accepted",
		finding.GapForbidden:   "the service token may not read this",
		finding.GapRateLimited: "the rate limit did not clear",
		finding.GapServer:      "Databrain answered with an error",
		finding.GapTimeout:     "no answer in time",
		finding.GapDecode:      "the answer was not a complete list",
		finding.GapDeadline:    "the time of the run was up",
		finding.GapMemory:      "the memory of the run was full",
		finding.GapNetwork:     "the connection failed",
		finding.GapSettings:    "the policy of the audit could not be read",
	}
	why := cmp.Or(words[g.Class], "the reason is not known")
	why = strings.ToUpper(why[:1]) + why[1:]
	if g.Status != 0 {
		why += fmt.Sprintf(" (HTTP status %d)", g.Status)
	}
	if g.Attempts > 0 {
		why += ", after " + plural(g.Attempts, "request")
	}
	return why
}

// exceptionRow is an exception of the policy and how long it holds.
type exceptionRow struct {
	ID, Reason, Owner, Expires name
	Scope                      []scope
	Covers                     string
	Class, Left                string
}

// scope is one of the patterns of an exception.
type scope struct {
	Of      string
	Pattern name
}

// exceptionsLine says what exceptions are for, and how many of them are for nothing.
func exceptionsLine(r *Report) string {
	line := "Findings that the policy accepts for a time. They stay counted, and come back when the exception ends."
	unused := 0
	for i := range r.Findings {
		if r.Findings[i].Check == finding.ExceptionUnused {
			unused++
		}
	}
	if unused == 0 {
		return line
	}
	return line + fmt.Sprintf(" %s of %s %s nothing.", thousands(unused), plural(len(r.Exceptions), "exception"),
		matchMatches(unused))
}

func matchMatches(n int) string {
	if n == 1 {
		return "matches"
	}
	return "match"
}

func exceptionRows(r *Report) []exceptionRow {
	var rows []exceptionRow
	for _, s := range r.Exceptions {
		e := s.Exception
		row := exceptionRow{
			ID: nameOf(e.ID), Reason: nameOf(e.Reason), Owner: nameOf(e.Owner), Expires: nameOf(e.ExpiresAt),
			Covers: plural(s.Covered, "finding"), Class: "good", Left: plural(s.DaysLeft, "day") + " left",
		}
		for _, part := range [][2]string{{"data app", e.DataApp}, {"token", e.Token}, {"fingerprint", e.Fingerprint},
			{"check", string(e.Check)}} {
			if part[1] != "" {
				row.Scope = append(row.Scope, scope{part[0], nameOf(part[1])})
			}
		}
		switch {
		case s.Lapsed && s.Covered > 0:
			row.Covers += ", counted again"
		case s.Covered == 0 && r.Summary.Status != Complete:
			row.Covers = "nothing that could be read"
		case s.Covered == 0:
			row.Covers = "nothing"
		}
		switch {
		case s.Lapsed && e.End().IsZero():
			row.Class, row.Left = "high", "no readable end"
		case s.Lapsed:
			row.Class, row.Left = "high", "expired"
		case s.DaysLeft == 0:
			row.Class, row.Left = "medium", "last day"
		case s.DaysLeft <= 14:
			row.Class = "medium"
		}
		rows = append(rows, row)
	}
	return rows
}

// leftOut says where the other n entries of a list are; "" if there is none.
func leftOut(n int, noun string) string {
	if n <= 0 {
		return ""
	}
	return plural(n, "more "+noun) + ", left out here to keep the page readable: see findings.csv."
}

// shorten bounds the id of a rule.
func shorten(id string) string {
	if utf8.RuneCountInString(id) <= pageRule {
		return id
	}
	return string([]rune(id)[:pageRule-1]) + "…"
}
