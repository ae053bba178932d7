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

// appRow sums the findings of one data app up.
type appRow struct {
	Name   name
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
// ranking would only repeat the list of findings. Total is how many there are.
func appRows(findings []finding.Finding) (rows []appRow, total int) {
	apps, found := tallyApps(findings)
	if len(apps) < 2 || found < pageApps {
		return nil, 0
	}
	slices.SortFunc(apps, worseApp)
	for _, a := range apps[:min(len(apps), pageApps)] {
		row := appRow{Name: nameOf(finding.ShownName(a.name)), Count: a.count, Mix: a.findings.mix()}
		if a.oldest >= 0 {
			row.Oldest = plural(a.oldest, "day")
		}
		rows = append(rows, row)
	}
	return rows, len(apps)
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

// serviceFacts is the posture of the secret that the audit signs in with, each
// fact in the colour of the finding on it, if there is one.
func serviceFacts(r *Report) []fact {
	if !r.Posture.Read {
		return []fact{
			{Name: "Rotation", Value: "not known: Secrets Manager was not asked or did not answer", Class: "medium"},
		}
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
	previous := map[finding.Answer]string{
		finding.NoAnswer: "not asked, or without an answer", finding.Accepted: "still works",
		finding.Refused: "no longer works",
	}[r.Previous.Answer]
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
	beforeClass := class(finding.ServiceTokenPreviousAlive)
	if r.Previous.Answer == finding.NoAnswer {
		beforeClass = ""
	}
	return []fact{
		{"Rotation", rotation, class(finding.ServiceTokenRotationOff)},
		{"Last rotated", rotated, class(finding.ServiceTokenAge)},
		{"A rotation under way", pending, class(finding.ServiceTokenRotationStuck)},
		{"The token before", previous, beforeClass},
	}
}

func policyFacts(r *Report) []fact {
	p := &r.Policy
	var tiers, rules []string
	for _, t := range p.Severities {
		tiers = append(tiers, fmt.Sprintf("%s from %s", t.Severity, plural(t.AfterDays, "day")))
	}
	for _, rule := range p.Rules[:min(len(p.Rules), 20)] {
		rules = append(rules, fmt.Sprintf("%s: %s", shorten(rule.ID), plural(rule.MaxAgeDays, "day")))
	}
	if n := len(p.Rules) - len(rules); n > 0 {
		rules = append(rules, fmt.Sprintf("and %d more", n))
	}
	facts := []fact{
		{Name: "A token is stale after", Value: plural(p.MaxAgeDays, "day")},
		{Name: "Announced ahead of that by", Value: plural(p.DueWithinDays, "day")},
		{Name: "Severity", Value: strings.Join(tiers, ", ")},
		{Name: "Rules with another age", Value: cmp.Or(strings.Join(rules, "; "), "none")},
	}
	unused := 0
	for i := range r.Findings {
		if r.Findings[i].Check == finding.RuleUnused {
			unused++
		}
	}
	if unused > 0 {
		facts = append(facts, fact{
			Name: "Rules that decide for no token", Value: thousands(unused) + " of " + thousands(len(p.Rules)),
			Class: string(finding.Low),
		})
	}
	return facts
}

// leftOut says where the rest of a list is.
type leftOut struct{ beside []string }

func (l leftOut) say(n int, noun string) string {
	if n <= 0 {
		return ""
	}
	text := plural(n, "more "+noun) + ", left out here to keep the page readable"
	if len(l.beside) == 0 {
		return text + "."
	}
	return text + ": see findings.csv."
}

// shorten bounds the id of a rule.
func shorten(id string) string {
	if utf8.RuneCountInString(id) <= pageRule {
		return id
	}
	return string([]rune(id)[:pageRule-1]) + "…"
}
