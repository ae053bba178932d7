package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"databrain-rotation/pkg/audit/finding"
)

// findingRow is a finding in a table of the page.
type findingRow struct {
	Severity         finding.Severity
	State            finding.State
	Name, Title      string // of the token, or else what is wrong
	Fingerprint      string
	Note             string
	DataApp          string
	Age, Over        string
	FirstDay, LastOn string
	Since            string
}

func findingRows(findings []finding.Finding, limit int, noun string) (rows []findingRow, more string) {
	for i := range findings[:min(len(findings), limit)] {
		rows = append(rows, rowOf(&findings[i]))
	}
	return rows, remainder(len(findings)-len(rows), noun)
}

func rowOf(f *finding.Finding) findingRow {
	row := findingRow{
		Severity: f.Severity, State: f.State, DataApp: cut(finding.ShownName(f.DataApp)),
		FirstDay: finding.Day(f.FirstSeen), LastOn: finding.Day(f.LastSeen),
	}
	if f.State == finding.Ongoing || f.State == finding.Reopened {
		row.Since = "since " + row.FirstDay
	}
	if f.RaisedFrom != "" {
		row.Since += ", " + string(f.RaisedFrom) + " before"
	}
	title := f.Prose().Title
	if f.Token == nil {
		row.Title = title
		if f.Exception != nil {
			row.Note = cut(f.Exception.ID)
		}
		return row
	}
	row.Name, row.Fingerprint = cut(cmp.Or(f.Token.Name, "(no name)")), f.Token.Fingerprint
	switch f.Check {
	case finding.TokenAge:
		row.Age = plural(f.Token.AgeDays, "day")
		row.Over = fmt.Sprintf("limit %s", thousands(f.MaxAgeDays))
	case finding.TokenAgeApproaching:
		row.Age = plural(f.Token.AgeDays, "day")
		row.Over = fmt.Sprintf("%s left, limit %s", thousands(f.MaxAgeDays-f.Token.AgeDays), thousands(f.MaxAgeDays))
	default:
		row.Age, row.Note = "unknown", title
	}
	if f.Exception != nil {
		row.Note = "exception " + cut(f.Exception.ID)
	}
	return row
}

// appRow sums the findings of one data app up.
type appRow struct {
	Name   string
	Count  int
	Mix    []severityCount
	Oldest string
}

// mix lists what b counts, the worst first.
func (b *BySeverity) mix() []severityCount {
	var out []severityCount
	for _, severity := range slices.Backward(finding.Severities()) {
		if n := *b.of(severity); n > 0 {
			out = append(out, severityCount{severity, n})
		}
	}
	return out
}

// appTally is what was found in one data app.
type appTally struct {
	name     string
	findings BySeverity
	count    int
	oldest   int // age in days of the oldest token that was found, -1 without one
}

// worseApp orders by the number of findings of the worst severity, then of the
// next one, and then by age and name.
func worseApp(a, b *appTally) int {
	for _, severity := range slices.Backward(finding.Severities()) {
		if c := cmp.Compare(*b.findings.of(severity), *a.findings.of(severity)); c != 0 {
			return c
		}
	}
	return cmp.Or(cmp.Compare(b.oldest, a.oldest), cmp.Compare(a.name, b.name))
}

// appRows ranks the data apps by what is wrong in them. It returns none where a
// ranking would only repeat the list of findings.
func appRows(findings []finding.Finding) (rows []appRow, more string) {
	apps, total := tallyApps(findings)
	if len(apps) < 2 || total < pageApps {
		return nil, ""
	}
	slices.SortFunc(apps, worseApp)
	for _, a := range apps[:min(len(apps), pageApps)] {
		row := appRow{Name: cut(finding.ShownName(a.name)), Count: a.count, Mix: a.findings.mix()}
		if a.oldest >= 0 {
			row.Oldest = plural(a.oldest, "day")
		}
		rows = append(rows, row)
	}
	return rows, remainder(len(apps)-len(rows), "data app")
}

func tallyApps(findings []finding.Finding) (apps []*appTally, total int) {
	byName := map[string]*appTally{}
	for i := range findings {
		f := &findings[i]
		if f.DataApp == "" || f.State == finding.Suppressed {
			continue
		}
		a := byName[f.DataApp]
		if a == nil {
			a = &appTally{name: f.DataApp, oldest: -1}
			byName[f.DataApp] = a
			apps = append(apps, a)
		}
		*a.findings.of(f.Severity)++
		a.count++
		total++
		if f.Check == finding.TokenAge || f.Check == finding.TokenAgeApproaching {
			a.oldest = max(a.oldest, f.Token.AgeDays)
		}
	}
	return apps, total
}

// gapRow is a part of the instance that was not read.
type gapRow struct {
	DataApp string // "" for the list of the apps
	Class   finding.GapClass
	Why, Do string
}

func gapRows(gaps []finding.Gap) (rows []gapRow, more string) {
	for i := range gaps[:min(len(gaps), pageGaps)] {
		g := &gaps[i]
		do, _ := g.Remedy()
		rows = append(rows, gapRow{DataApp: cut(finding.ShownName(g.DataApp)), Class: g.Class, Why: whyGap(g), Do: do})
	}
	return rows, remainder(len(gaps)-len(rows), "gap")
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
	ID, Reason, Owner, Expires string
	Scope                      []fact
	Covers                     string
	Class, Left                string
}

func exceptionRows(r *Report) []exceptionRow {
	var rows []exceptionRow
	for _, s := range r.Exceptions {
		e := s.Exception
		row := exceptionRow{
			ID: cut(e.ID), Reason: e.Reason, Owner: cut(e.Owner), Expires: cut(e.ExpiresAt),
			Covers: plural(s.Covered, "finding"), Class: "good", Left: plural(s.DaysLeft, "day") + " left",
		}
		for _, part := range []fact{{Name: "data app", Value: e.DataApp}, {Name: "token", Value: e.Token}, {Name: "fingerprint", Value: e.Fingerprint}} {
			if part.Value != "" {
				row.Scope = append(row.Scope, fact{Name: part.Name, Value: cut(part.Value)})
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

// serviceFacts is the posture of the secret that the audit signs in with, each
// fact in the colour of the finding on it, if there is one.
func serviceFacts(r *Report) []fact {
	if !r.Posture.Read {
		return []fact{{Name: "Rotation", Value: "not known: Secrets Manager could not be asked", Class: "medium"}}
	}
	class := func(c finding.Check) string {
		for i := range r.Findings {
			if r.Findings[i].Check == c {
				return string(r.Findings[i].Severity)
			}
		}
		return "good"
	}
	p := &r.Posture
	rotation, rotated, pending := "off", "not known", "nothing pending"
	if p.Rotation {
		rotation = "on"
	}
	if !p.RotatedAt.IsZero() {
		rotated = fmt.Sprintf("%s, %s ago", finding.Day(p.RotatedAt), plural(p.AgeDays, "day"))
	}
	if !p.PendingSince.IsZero() {
		pending = "begun " + p.PendingSince.UTC().Format("2006-01-02 15:04 UTC") + " and not finished"
	}
	return []fact{
		{"Rotation", rotation, class(finding.ServiceTokenRotationOff)},
		{"Last rotated", rotated, class(finding.ServiceTokenAge)},
		{"A rotation under way", pending, class(finding.ServiceTokenRotationStuck)},
	}
}

func policyFacts(p *finding.Policy) []fact {
	var tiers, rules []string
	for _, t := range p.Severities {
		tiers = append(tiers, fmt.Sprintf("%s from %s", t.Severity, plural(t.AfterDays, "day")))
	}
	for _, rule := range p.Rules[:min(len(p.Rules), 20)] {
		rules = append(rules, fmt.Sprintf("%s: %s", cut(rule.ID), plural(rule.MaxAgeDays, "day")))
	}
	if n := len(p.Rules) - len(rules); n > 0 {
		rules = append(rules, fmt.Sprintf("and %d more", n))
	}
	return []fact{
		{Name: "A token is stale after", Value: plural(p.MaxAgeDays, "day")},
		{Name: "Announced ahead of that by", Value: plural(p.DueWithinDays, "day")},
		{Name: "Severity", Value: strings.Join(tiers, ", ")},
		{Name: "Rules with another age", Value: cmp.Or(strings.Join(rules, "; "), "none")},
	}
}

func remainder(n int, noun string) string {
	if n <= 0 {
		return ""
	}
	return plural(n, "more "+noun) + ", left out here to keep the page readable: see findings.csv."
}

// cut shortens a name for the page, so that hostile ones cannot bloat it, and
// shows one that would be invisible.
func cut(name string) string {
	if name != "" && !strings.ContainsFunc(name, finding.Visible) {
		return "(blank)"
	}
	if utf8.RuneCountInString(name) <= pageName {
		return name
	}
	return string([]rune(name)[:pageName-1]) + "…"
}
