package report_test

import (
	"html"
	"regexp"
	"strings"
	"testing"

	"databrain-rotation/pkg/audit/finding"
	"databrain-rotation/pkg/audit/report"
)

// TestBlanksAreSeen: blanks that HTML swallows or that no reader sees are marked, and
// the text of the name stays what it is, for those who copy it.
func TestBlanksAreSeen(t *testing.T) {
	cell := regexp.MustCompile(`<td role="cell" class="name"><bdi>(.*?)</bdi>`)
	for name, blanks := range map[string]int{
		"plain": 0, "two words": 0, " x": 1, "x ": 1, " x ": 2, "a  b": 1, "a\u00a0b": 1, "a\u3000": 1, "a\u3164b": 1,
		"a b c": 0, "  a  b  ": 3,
		"\U0001F469\u200d\U0001F4BB": 0, "\u2764\ufe0f": 0, "می\u200cخواهم": 0, "e\u0301": 0,
	} {
		f := newFixture()
		f.token("App", name, 400)
		page := render(t, f.report(1))
		m := cell.FindStringSubmatch(page[strings.Index(page, `id="findings"`):])
		if m == nil {
			t.Fatalf("%q: no row", name)
		}
		if got := strings.Count(m[1], `class="blank"`); got != blanks {
			t.Errorf("%q has %d marked blanks, want %d: %s", name, got, blanks, m[1])
		}
		if text := html.UnescapeString(tags.ReplaceAllString(m[1], "")); text != name {
			t.Errorf("%q is shown as %q", name, text)
		}
	}
}

// TestNamesAreShownWhole: what stands on the page can be copied into the policy.
func TestNamesAreShownWhole(t *testing.T) {
	long := strings.Repeat("Wide name ", 25)
	f := newFixture()
	f.token(long+"app", long+"token", 400)
	page := text(render(t, f.report(1)))
	for _, name := range []string{long + "app", long + "token"} {
		if !strings.Contains(page, name) {
			t.Errorf("the page does not hold %q", name)
		}
	}
}

// TestPageLinksToWhatIsThere: the other forms of the report are a click away.
func TestPageLinksToWhatIsThere(t *testing.T) {
	page := render(t, largeReport(600))
	for _, name := range report.Beside() {
		if !strings.Contains(page, `<a href="`+name+`">`+name+`</a>`) {
			t.Errorf("no link to %s", name)
		}
	}
	if !strings.Contains(page, "100 more findings, left out here to keep the page readable: see findings.csv.") {
		t.Error("the page does not say where the other findings are")
	}
}

// TestNextStepStandsInTheRow: what is suppressed or gone needs none.
func TestNextStepStandsInTheRow(t *testing.T) {
	for check, want := range map[finding.Check]string{
		finding.TokenAge: "Next: Rotate it", finding.TokenAgeApproaching: "Next: Rotate it until 2026-",
		finding.TokenDateInvalid: "Next: Find out on the instance",
	} {
		for state, next := range map[finding.State]bool{finding.New: true, finding.Ongoing: true,
			finding.Suppressed: false, finding.Resolved: false} {
			f := newFixture()
			f.add(finding.Finding{
				Check: check, Severity: finding.Medium, State: state, DataApp: "App", MaxAgeDays: 90,
				Token: &finding.Token{Fingerprint: "0", Name: "t", CreatedAt: runAt.AddDate(0, 0, -80)},
			})
			if page := text(render(t, f.report(1))); strings.Contains(page, want) != next {
				t.Errorf("%s, %s: %q is there: %v, want %v", check, state, want, !next, next)
			}
		}
	}
}

// TestChartNamesTheLimitThatDecides: the line is not where tokens become stale if rules
// have other limits.
func TestChartNamesTheLimitThatDecides(t *testing.T) {
	rule := func(days int) finding.Rule { return finding.Rule{ID: "r", MaxAgeDays: days} }
	for name, c := range map[string]struct {
		rules []finding.Rule
		want  []string
	}{
		"none":     {nil, []string{">stale after 90 days<"}},
		"the same": {[]finding.Rule{rule(90)}, []string{">stale after 90 days<"}},
		"lower":    {[]finding.Rule{rule(30)}, []string{">default limit 90 days<", "a rule sets 30 days"}},
		"two": {[]finding.Rule{rule(365), rule(30), rule(30), rule(90)}, []string{">default limit 90 days<",
			"a rule sets 30 or 365 days"}},
		"many": {[]finding.Rule{rule(1), rule(2), rule(3), rule(4), rule(5), rule(6)},
			[]string{"a rule sets 1 to 6 days"}},
		"a later one": {[]finding.Rule{rule(365)}, []string{"A higher limit keeps 1 behind the line from being stale"}},
	} {
		f := newFixture()
		f.r.Policy.Rules = c.rules
		f.r.Ages[3].Tokens++ // of 90 days or more
		f.token("App", "t", 10)
		page := render(t, f.report(1))
		for _, want := range c.want {
			if !strings.Contains(page, want) {
				t.Errorf("%s: the page does not say %q", name, want)
			}
		}
	}
}

// TestExceptionsForNothingAreCounted, as far as the run knows them to match nothing.
func TestExceptionsForNothingAreCounted(t *testing.T) {
	for _, known := range []bool{true, false} {
		r := newFixture().report(1)
		if known {
			r.Findings = append(r.Findings, finding.Finding{
				ID: "dbt1-unused", Check: finding.ExceptionUnused, Severity: finding.Low, State: finding.New,
				FirstSeen: runAt, LastSeen: runAt, Exception: &r.Exceptions[2].Exception,
			})
		}
		if got := strings.Contains(render(t, r), "1 of 3 exceptions matches nothing."); got != known {
			t.Errorf("told %v, want %v", got, known)
		}
	}
	f := newFixture()
	f.r.Exceptions[1].Exception.ExpiresAt = "31.12.2026"
	if page := text(render(t, f.report(1))); !strings.Contains(page, "no readable end to 31.12.2026") {
		t.Error("an end that is no date is shown as something else")
	}
}

// TestRulesForNothingAreCounted: the page says how many, and which.
func TestRulesForNothingAreCounted(t *testing.T) {
	f := newFixture()
	if page := text(render(t, f.report(1))); strings.Contains(page, "Rules that decide for no token") {
		t.Error("the page speaks of rules for nothing, and there are none")
	}
	f.r.Policy.Rules = append(f.r.Policy.Rules, finding.Rule{ID: "custmers", MaxAgeDays: 30})
	f.add(
		finding.Finding{
			Check:      finding.RuleUnused,
			Severity:   finding.Low,
			State:      finding.New,
			Rule:       "custmers",
			MaxAgeDays: 30,
		},
	)
	page := text(render(t, f.report(1)))
	for _, want := range []string{"Rules that decide for no token 1 of 2", "rule custmers Next: Correct the patterns"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
}
