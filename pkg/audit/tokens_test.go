package audit_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"databrain-rotation/pkg/audit/finding"
	"databrain-rotation/pkg/audit/report"
	"databrain-rotation/pkg/standin"
	"databrain-rotation/pkg/standin/databraintest"
)

// rawToken is a list entry with the given JSON for its creation time; "" leaves it
// out.
func rawToken(n int, createdAt string) databraintest.APIToken {
	key := fmt.Sprintf("00000000-0000-4000-8000-%012d", n)
	raw := fmt.Sprintf(`{"key":%q,"name":"t"}`, key)
	if createdAt != "" {
		raw = fmt.Sprintf(`{"key":%q,"name":"t","createdAt":%s}`, key, createdAt)
	}
	return databraintest.APIToken{Key: key, Raw: raw}
}

// TestCreationTimes: the bubble's clock begins at 2000-01-01T00:00:00Z.
func TestCreationTimes(t *testing.T) {
	const none = finding.Check("none")
	cases := []struct {
		createdAt string
		want      finding.Check
	}{
		{
			``,
			finding.TokenDateInvalid,
		}, {`null`, finding.TokenDateInvalid}, {`1705314600`, finding.TokenDateInvalid}, {`1705314600000`,
			finding.TokenDateInvalid},
		{
			`""`,
			finding.TokenDateInvalid,
		}, {`"yesterday"`, finding.TokenDateInvalid}, {`true`, finding.TokenDateInvalid}, {`{}`,
			finding.TokenDateInvalid}, {`[]`, finding.TokenDateInvalid},
		{
			`"1999-01-15"`,
			finding.TokenDateInvalid,
		}, {`"1999-01-15 10:30:00"`, finding.TokenDateInvalid}, {`"1999-01-15T10:30:00"`, finding.TokenDateInvalid},
		{
			`"1999-02-29T10:30:00Z"`,
			finding.TokenDateInvalid,
		}, {`"1999-01-15T24:00:00Z"`, finding.TokenDateInvalid}, {`"0000-01-01T00:00:00Z"`, finding.TokenDateInvalid},
		{`"9999-12-31T23:59:59-23:59"`, finding.TokenDateInvalid}, // in UTC, the year 10000
		{
			`"1999-01-15T10:30:00Z"`,
			finding.TokenAge,
		}, {`"1999-01-15T10:30:00.123456Z"`, finding.TokenAge}, {`"1999-01-15T10:30:00+05:30"`, finding.TokenAge},
		{
			`"0001-01-01T00:00:01Z"`,
			finding.TokenDateInvalid,
		}, {`"1970-01-01T00:00:00Z"`, finding.TokenDateInvalid}, {`"1970-01-01T01:00:00+01:00"`, finding.TokenDateInvalid},
		{`"1980-01-01T00:00:00Z"`, finding.TokenDateInvalid}, {`"1980-01-03T00:00:00Z"`, finding.TokenAge},
		{`"1999-10-03T00:00:00Z"`, finding.TokenAgeApproaching}, // 90 days to the second
		{`"1999-10-02T23:59:59.999999999Z"`, finding.TokenAge},
		{`"1999-10-03T05:29:59+05:30"`, finding.TokenAge},
		{
			`"1999-12-31T00:00:00Z"`,
			none,
		}, {`"2000-01-01T00:05:00Z"`, none}, {`"2000-01-01T00:05:01Z"`, finding.TokenDateFuture},
		{`"2099-01-01T00:00:00Z"`, finding.TokenDateFuture},
	}
	synctest.Test(t, func(t *testing.T) {
		var all []databraintest.DataApp
		for i, c := range cases {
			all = append(all,
				databraintest.DataApp{Name: fmt.Sprint(i), Tokens: []databraintest.APIToken{rawToken(i, c.createdAt)}})
		}
		l := newLab(t, databraintest.Config{DataApps: all})
		s := l.mustRun()
		l.checkGaps(s, map[string]finding.GapClass{})
		got := map[string]finding.Check{}
		for _, d := range l.details(report.FindingObserved) {
			if d.Token == nil {
				continue
			}
			got[d.DataApp.Name] = d.Finding.Check
			dated := d.Finding.Check != finding.TokenDateInvalid
			if (d.Token.CreatedAt != nil) != dated ||
				(d.Token.AgeDays != nil) != (dated && d.Finding.Check != finding.TokenDateFuture) ||
				(d.Token.StaleSince != nil) != (d.Finding.Check == finding.TokenAge) {
				t.Errorf("%s: members that do not apply, or are missing: %+v", d.DataApp.Name, d.Token)
			}
		}
		for i, c := range cases {
			check := got[fmt.Sprint(i)]
			if check == "" {
				check = none
			}
			if check != c.want {
				t.Errorf("createdAt %s gives %s, want %s", c.createdAt, check, c.want)
			}
		}
	})
}

func TestNames(t *testing.T) {
	large(t)
	synctest.Test(t, func(t *testing.T) {
		hostile := []string{
			"=cmd|' /C calc'!A1",
			"+1",
			"@SUM(A1)",
			"<script>alert(1)</script>",
			"a\x00b\x1b[2Jc",
			"line\nbreak",
			"\u202egnp.exe",
			strings.Repeat("n", 5000),
			"name?&=%2F/#",
			"\"quoted\"",
			"ünïcödé 🔑",
		}
		var all []databraintest.DataApp
		for _, name := range hostile {
			a := app(name, 100, 101)
			a.Tokens[0].Name, a.Tokens[1].Name = name, name // equal names are two tokens
			all = append(all, a)
		}
		l := newLab(t, databraintest.Config{DataApps: all})
		s := l.mustRun()
		l.checkRecall(s, all)
		if s.Counts.Stale != 2*len(hostile) {
			t.Errorf("%d stale tokens, want %d", s.Counts.Stale, 2*len(hostile))
		}
		for _, d := range l.details(report.FindingObserved) {
			for _, text := range []string{d.Finding.Title, d.Finding.Description} {
				if strings.ContainsAny(text, "\x00\x1b\n\u202e") {
					t.Errorf("%q", text)
				}
			}
		}
		if s := l.mustRun(); s.Counts.New+s.Counts.Resolved+s.Counts.Reopened != 0 {
			t.Errorf("the second run takes them for others: %+v", s.Counts)
		}
	})
}

func TestDuplicatesAndLargeApps(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		large := databraintest.DataApp{Name: "Large"}
		for i := range scaleTokens {
			age := 1
			if i%100 == 0 {
				age = 200
			}
			large.Tokens = append(large.Tokens, databraintest.APIToken{
				Key: fmt.Sprintf("00000000-0000-4000-8000-%012d", i), Name: "t", CreatedAt: time.Now().Add(-days(age)),
			})
		}
		twice := app("Twice", 100)
		twice.Tokens = append(twice.Tokens, twice.Tokens[0])
		all := []databraintest.DataApp{large, twice, twice}
		l := newLab(t, databraintest.Config{DataApps: all})
		s := l.mustRun()
		l.checkRecall(s, all)
		if s.Counts.Tokens != scaleTokens+1 || s.Counts.Stale != scaleTokens/100+1 || s.Counts.DataApps != 2 ||
			s.Requests != 13 {
			t.Errorf("%+v, %d requests", s.Counts, s.Requests)
		}
	})
}

// TestInvisibleNames: an app whose name shows nothing is an app all the same, in each
// thing that a run writes, and so is a token.
func TestInvisibleNames(t *testing.T) {
	large(t)
	for _, name := range []string{"\u200b", "\u202e\x00", " ", "\u3164\ufe0f", "\u2800"} {
		synctest.Test(t, func(t *testing.T) {
			seen, unread := app(name+name, 100), app(name)
			seen.Tokens[0].Name = name
			l := newLab(t, databraintest.Config{DataApps: []databraintest.DataApp{seen, unread}})
			l.db.Inject(
				standin.Fault{Target: tokensPath, When: forApp(name), Times: -1, Do: databraintest.Error(403, "FORBIDDEN", "x")},
			)
			s := l.mustRun()
			l.checkGaps(s, map[string]finding.GapClass{"(blank)": finding.GapForbidden})
			shown := map[finding.Check]string{}
			for _, d := range l.details(report.FindingObserved) {
				if d.DataApp != nil {
					shown[d.Finding.Check] = d.DataApp.Name
				}
				if d.Token != nil {
					shown["token"] = d.Token.Name
				}
			}
			want := map[finding.Check]string{
				finding.TokenAge:          "(blank)",
				finding.DataAppUnlistable: "(blank)",
				"token":                   "(blank)",
			}
			if diff := cmp.Diff(want, shown); diff != "" {
				t.Errorf("%q: %s", name, diff)
			}
			page, _ := l.s3.Object(labBucket, "audit/latest/report.html")
			if got := text(string(page.Body)); !strings.Contains(got, "1 of 2 data apps could not be read") ||
				!strings.Contains(got, "(blank) The service token may not read this") {
				t.Errorf("%q: the page says %s", name, got)
			}
		})
	}
}

// TestATokenInTwoApps is one finding, and one stale token, in two lists.
func TestATokenInTwoApps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second := app("A", 100), app("B")
		second.Tokens = first.Tokens
		l := newLab(t, databraintest.Config{DataApps: []databraintest.DataApp{first, second}})
		s := l.mustRun()
		if n := checks(l.details(report.FindingObserved))[finding.TokenAge]; n != 1 || s.Counts.Stale != 1 ||
			s.Counts.Tokens != 2 {
			t.Errorf("%d findings, %+v", n, s.Counts)
		}
	})
}

// FuzzCreatedAt: whatever JSON stands for a creation time, the token is counted
// once, and either has an age or a finding that says it has none.
func FuzzCreatedAt(f *testing.F) {
	for _, seed := range []string{
		`"1999-01-15T10:30:00Z"`, `"1999-01-15T10:30:00.5+05:30"`, `null`, `17`, `""`, `"0000-01-01T00:00:00Z"`,
		`"9999-12-31T23:59:59-23:59"`,
		`"2000-01-01t00:00:00z"`, `"1999-12-31T23:59:60Z"`, `"1999-01-15T10:30:00,5Z"`, `{"a":[]}`, `1e999`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, createdAt string) {
		if !json.Valid([]byte(createdAt)) || len(createdAt) > 1<<16 {
			t.Skip("not a JSON value of the size that an entry may have")
		}
		synctest.Test(t, func(t *testing.T) {
			l := newLab(
				t,
				databraintest.Config{
					DataApps: []databraintest.DataApp{{Name: "A", Tokens: []databraintest.APIToken{rawToken(0, createdAt)}}},
				},
			)
			s := l.mustRun()
			if s.Counts.Tokens != 1 || s.Counts.Gaps != 0 || s.Counts.Stale > 1 {
				t.Errorf("createdAt %s: %+v", createdAt, s.Counts)
			}
		})
	})
}

// FuzzRetryAfter: whatever an instance answers for Retry-After, the run goes on,
// and not later than the instance's window is long.
func FuzzRetryAfter(f *testing.F) {
	for _, seed := range []string{"", "0", "7", "-7", "1.5", "99999999999999999999", "soon",
		"Sat, 01 Jan 2000 00:01:00 GMT", "Fri, 31 Dec 1999 23:59:00 GMT", "Sat, 01 Jan 2050 00:00:00 GMT", "\x00", " 5 "} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		synctest.Test(t, func(t *testing.T) {
			l := newLab(t, databraintest.Config{DataApps: apps(2)})
			l.db.Inject(standin.Fault{Target: tokensPath, Do: databraintest.TooManyRequests(value)})
			start := time.Now()
			s := l.mustRun()
			if took := time.Since(start); s.Counts.Gaps != 0 || s.Retries != 1 || took > 2*time.Minute+10*time.Second {
				t.Errorf("Retry-After %q: %d gaps, %d retries, took %v", value, s.Counts.Gaps, s.Retries, took)
			}
		})
	})
}
