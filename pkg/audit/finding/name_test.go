package finding_test

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"

	"databrain-rotation/pkg/audit/finding"
	"databrain-rotation/pkg/databrain"
)

func TestCleanName(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		clean := finding.CleanName(string(rapid.SliceOfN(rapid.Byte(), 0, 1200).Draw(t, "name")))
		if !utf8.ValidString(clean) || utf8.RuneCountInString(clean) > 256 || clean != finding.CleanName(clean) {
			t.Fatalf("%q", clean)
		}
		for _, r := range clean {
			if unicode.IsControl(r) || r == '\u2028' || r == '\u202e' || r == utf8.RuneError {
				t.Fatalf("%q holds %U", clean, r)
			}
		}
	})
	for name, want := range map[string]string{
		"plain Name-1_ü=€":            "plain Name-1_ü=€",
		"a\x00b\r\nc\x1b[31md\u0085e": "abc[31mde",
		"\u202eevil\u2066\u200b":      "evil",
		"bad\xffutf8":                 "badutf8",
		strings.Repeat("ü", 300):      strings.Repeat("ü", 256),
		"=HYPERLINK(\"x\")":           "=HYPERLINK(\"x\")",
		"\U0001F469\u200d\U0001F4BB \u2764\ufe0f\u200d\U0001F525": "\U0001F469\u200d\U0001F4BB \u2764\ufe0f\u200d\U0001F525",
		"می\u200cخواهم":                      "می\u200cخواهم",
		"\u200dab\u200c\u200dc\u200d":        "ab\u200dc",
		"a\u200d\u202e\u200db \u200cc":       "a\u200db c",
		strings.Repeat("ü", 255) + "\u200dü": strings.Repeat("ü", 255),
		"line\u2028paragraph\u2029end":       "lineparagraphend",
	} {
		if got := finding.CleanName(name); got != want {
			t.Errorf("CleanName(%q) = %q, want %q", name, got, want)
		}
	}
}

// TestPatternsMatchWhatIsRead: a name is matched as the instance spells it and as it
// stands in a report.
func TestPatternsMatchWhatIsRead(t *testing.T) {
	long := strings.Repeat("W", 300)
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"prod", "prod\u202e", true},
		{"prod\u202e", "prod\u202e", true},
		{"prod", "prod\u200d", true},
		{"می\u200cخواهم", "می\u200cخواهم", true},
		{"\U0001F469\u200d\U0001F4BB", "\U0001F469\u200d\U0001F4BB", true},
		{"twolines", "two\nlines", true},
		{"two*lines", "two\nlines", true},
		{strings.Repeat("W", 256), long, true},
		{strings.Repeat("W", 255), long, false},
		{finding.BlankName, "\u3000", true},
		{finding.NoName, "", true},
		{finding.NoName, "x", false},
		{"prod", "prod ", false},
		{"Prod", "prod\u202e", false},
	} {
		for member, text := range map[string]string{
			"token": `{"rules":[{"id":"r","token":` + quote(t, c.pattern) + `,"maxAgeDays":1}]}`,
			"dataApp": `{"exceptions":[{"id":"r","reason":"r","owner":"o","expiresAt":"2999-01-01","dataApp":` + quote(t,
				c.pattern) + `}]}`,
		} {
			if member == "dataApp" && c.name == "" {
				continue // a data app has a name
			}
			token := databrain.APIToken{Fingerprint: "f", Name: c.name, CreatedAt: evalAt.AddDate(-2, 0, 0)}
			found := evaluate(t, text, c.name, token).Findings
			got := found[0].Rule == "r" || found[0].State == finding.Suppressed
			if got != c.want {
				t.Errorf("pattern %q of %s matches %q: %v, want %v", c.pattern, member, c.name, got, c.want)
			}
		}
	}
}

// hostileNames try to end the string that they are written into, or to become part of
// the syntax around it.
func hostileNames() []string {
	return []string{
		`"`, `\`, `\"`, `a"b\c`, `\u0022`, `","x":"`, "line\nend", "\t\r\x00\x7f\u0085", "\xff\"", "<title>",
		"${AWS::Region}", "\u202e\u2066",
		"\u2028\u2029", "", " ", "e" + strings.Repeat("\u0301", 60), strings.Repeat(`"`, 300),
	}
}

// TestProseIsPlain: whatever the names, no text of a finding needs an escape in JSON,
// because EventBridge inserts them without.
func TestProseIsPlain(t *testing.T) {
	for _, name := range hostileNames() {
		for _, check := range finding.Checks() {
			for _, superseded := range []finding.Check{"", finding.TokenAge} {
				p := (&finding.Finding{
					Check: check, DataApp: name, Rule: name, LastSeen: evalAt, Superseded: superseded,
					Token:     &finding.Token{Fingerprint: "f", Name: name},
					Exception: &finding.Exception{ID: name, Reason: name, Owner: name, ExpiresAt: name},
					Gap:       &finding.Gap{DataApp: name, Class: finding.GapServer, Attempts: 1},
					ManagedBy: &finding.ManagedBy{Secret: name, Also: []string{name, name}},
				}).Prose()
				for _, text := range []string{p.Title, p.Description, p.Remedy, p.URL} {
					if at := strings.IndexFunc(text, func(r rune) bool {
						return r == '"' || r == '\\' ||
							unicode.IsControl(r)
					}); at >= 0 {
						t.Errorf("%s, name %q: %q needs an escape at %d", check, name, text, at)
					}
				}
			}
		}
	}
}

func TestPlain(t *testing.T) {
	for text, want := range map[string]string{
		`the member "token" is given twice ("x")`: "the member “token” is given twice (“x”)",
		`"C:\dir"` + "\n\x00":                     "“C:＼dir”  ", "\xff": "\uFFFD", "déjà ‘vu’ “x”": "déjà ‘vu’ “x”",
	} {
		if got := finding.Plain(text); got != want {
			t.Errorf("Plain(%q) = %q, want %q", text, got, want)
		}
	}
}

// TestTitlesAreStable: consumers group by title, so nothing that changes while a
// finding lives may stand in it.
func TestTitlesAreStable(t *testing.T) {
	titles := make(map[string]finding.Check)
	for _, check := range finding.Checks() {
		var first string
		for i := range 6 {
			f := finding.Finding{
				Check: check, State: []finding.State{finding.New, finding.Ongoing, finding.Resolved}[i%3],
				LastSeen:  evalAt.AddDate(0, 0, i),
				FirstSeen: evalAt.AddDate(0, 0, -i), MaxAgeDays: 10 + i,
				Rule: strings.Repeat("r", i+1), DataApp: strings.Repeat("a", i+1),
				Severity: finding.Severities()[i%5], Since: evalAt.AddDate(0, 0, -100*i),
				Token: &finding.Token{Name: strings.Repeat("t", i), AgeDays: i, CreatedAt: evalAt.AddDate(0, 0, -i)},
				Exception: &finding.Exception{
					ID:        strings.Repeat("e", i+1),
					ExpiresAt: evalAt.AddDate(0, 0, i).Format("2006-01-02"),
				},
				Gap:       &finding.Gap{Class: finding.GapServer, Attempts: i, Status: 500 + i},
				ManagedBy: &finding.ManagedBy{Secret: "s", Rotation: i%2 == 0, Also: make([]string, i)},
			}
			if i%3 == 2 {
				f.Superseded = finding.TokenAge
			}
			title := f.Prose().Title
			if first == "" {
				first = title
			}
			if title != first {
				t.Errorf("%s: the title %q became %q", check, first, title)
			}
		}
		if other, taken := titles[first]; taken {
			t.Errorf("%s and %s have the title %q", check, other, first)
		}
		titles[first] = check
	}
}

func TestUnreadableEndHasAProseOfItsOwn(t *testing.T) {
	for end, want := range map[string]string{
		"2026-01-31": "has expired", "31.12.2026": "has no readable end", "2027-02-30": "has no readable end",
		"":         "has no readable end",
		"2027-3-1": "has no readable end", "2027-03-31T00:00:00Z": "has no readable end",
	} {
		p := (&finding.Finding{Check: finding.ExceptionExpired, Exception: &finding.Exception{ID: "e", Reason: "r",
			Owner: "o", ExpiresAt: end}}).Prose()
		if !strings.Contains(p.Title, want) {
			t.Errorf("end %q: title %q, want %q", end, p.Title, want)
		}
		if unreadable := strings.Contains(p.Remedy, "year, month and day"); unreadable == (want == "has expired") {
			t.Errorf("end %q: remedy %q", end, p.Remedy)
		}
	}
}

// TestListGapLeadsToTheList: the page is the one of the endpoint that failed.
func TestListGapLeadsToTheList(t *testing.T) {
	for _, class := range []finding.GapClass{
		finding.GapAuth, finding.GapForbidden, finding.GapRateLimited, finding.GapServer, finding.GapTimeout,
		finding.GapDecode, finding.GapDeadline,
		finding.GapNetwork,
	} {
		p := (&finding.Finding{Check: finding.DataAppsUnlistable, Gap: &finding.Gap{Class: class, Attempts: 4}}).Prose()
		if !strings.HasSuffix(p.URL, "/list-data-apps") {
			t.Errorf("%s: the remedy of the list's gap links to %s", class, p.URL)
		}
		if strings.Contains(p.Remedy, "what answers in place of the API") != (class == finding.GapDecode) {
			t.Errorf("%s: %s", class, p.Remedy)
		}
	}
	p := (&finding.Finding{Check: finding.DataAppUnlistable, DataApp: "a", Gap: &finding.Gap{DataApp: "a",
		Class: finding.GapDecode}}).Prose()
	if !strings.HasSuffix(p.URL, "/list-api-tokens") {
		t.Errorf("the remedy of an app's gap links to %s", p.URL)
	}
}

// TestWhatMadeWaySaysForWhat: a finding that a worse one replaces names that one's check.
func TestWhatMadeWaySaysForWhat(t *testing.T) {
	for check, worse := range map[finding.Check]finding.Check{
		finding.TokenAgeApproaching: finding.TokenAge,
		finding.ExceptionExpiring:   finding.ExceptionExpired,
		finding.ExceptionUnused:     finding.ExceptionExpired,
	} {
		f := finding.Finding{
			Check: check, Token: &finding.Token{CreatedAt: evalAt, StaleSince: evalAt},
			Exception: &finding.Exception{ID: "e", Reason: "r", Owner: "o", ExpiresAt: "2030-01-01"},
		}
		says := func() bool {
			return strings.Contains(f.Prose().Description, "a finding of the check "+string(f.Superseded)+" takes the place")
		}
		before := says()
		f.Superseded = worse
		if before || !says() {
			t.Errorf("%s: %s", check, f.Prose().Description)
		}
	}
}

// TestWhatAnUnusedExceptionNames: tokens, or the findings of a check.
func TestWhatAnUnusedExceptionNames(t *testing.T) {
	for check, want := range map[finding.Check]string{
		"":                              "matches no API token",
		finding.ServiceTokenRotationOff: "there is no finding of the check service-token-rotation-off",
	} {
		f := finding.Finding{Check: finding.ExceptionUnused, Exception: &finding.Exception{ID: "e", Check: check}}
		if p := f.Prose(); !strings.Contains(p.Description, want) {
			t.Errorf("%q: %s", check, p.Description)
		}
	}
}

// TestOneIsNoPlural: whatever is counted in a text may be counted once.
func TestOneIsNoPlural(t *testing.T) {
	plural := regexp.MustCompile(`\b1 [a-z]+s\b`)
	for _, check := range finding.Checks() {
		for _, status := range []int{0, 502} {
			p := (&finding.Finding{
				Check: check, State: finding.New, MaxAgeDays: 1, Token: &finding.Token{AgeDays: 1, CreatedAt: evalAt},
				FirstSeen: evalAt, LastSeen: evalAt, Exception: &finding.Exception{}, DataApp: "a",
				Gap:       &finding.Gap{Class: finding.GapServer, Attempts: 1, Status: status},
				ManagedBy: &finding.ManagedBy{Secret: "s", Also: []string{"o"}},
			}).Prose()
			if bad := plural.FindString(p.Title + " " + p.Description + " " + p.Remedy); bad != "" {
				t.Errorf("%s: %q in %q", check, bad, p)
			}
		}
	}
}

func quote(t *testing.T, s string) string {
	t.Helper()
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestChat(t *testing.T) {
	for text, want := range map[string]string{
		"Customer Portal, nightly_etl":  "Customer Portal, nightly_etl",
		"<!channel> @here":              "‹!channel› ＠here",
		"@\u200bhere \u2066<@U1>\u2069": "＠here ‹＠U1›",
		"&lt;!here&gt;":                 "＆lt;!here＆gt;",
		"[x](https://evil.example)":     "［x］(https://evil.example)",
		"*b* ~s~ `c`":                   "＊b＊ ～s～ ｀c｀",
		"say \"a\\b\"\n":                "say “a＼b” ",
		"می\u200cخواهم":                 "می\u200cخواهم",
		strings.Repeat("é", 30):         strings.Repeat("é", 30),
		strings.Repeat("é", 31):         strings.Repeat("é", 30) + "…",
	} {
		if got := finding.Chat(text, 30); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}
