package report_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"databrain-rotation/pkg/audit/finding"
	"databrain-rotation/pkg/audit/report"
)

// runAt is the instant of every run in these tests.
var runAt = time.Date(2026, time.March, 12, 6, 0, 4, 123456789, time.UTC)

var (
	appNames = []string{
		"Customer Portal Analytics", "Billing Insights", "ETL", "Partner Dashboard EMEA", "Warehouse KPIs",
		"Growth Experiments", "Support Console",
		"Fleet Telemetry", "Sales Forecast", "Investor Reporting", "Onboarding Funnel", "Compliance Evidence",
		"Marketing Attribution", "Mobile App Embeds",
	}
	tokenNames = []string{
		"Production API Key", "Staging Environment", "nightly", "ci-smoke-test", "Grafana panel", "looker migration",
		"embed-frontend", "vendor handover",
		"backup key", "data-science notebook", "zapier", "customer demo",
	}
)

// fixture builds a report as a run leaves it: ordered, and with counts that fit.
type fixture struct {
	r    *report.Report
	rand *rand.Rand
}

func newFixture() *fixture {
	expires := finding.Exception{
		ID:        "legacy-etl",
		DataApp:   "ETL",
		Token:     "nightly",
		Reason:    "vendor cannot rotate before Q2",
		Owner:     "data-platform",
		ExpiresAt: "2026-03-21",
	}
	lapsed := finding.Exception{
		ID:        "demo-keys",
		Token:     "customer demo*",
		Reason:    "trade fair in February",
		Owner:     "sales-engineering",
		ExpiresAt: "2026-02-28",
	}
	unused := finding.Exception{
		ID:        "old-portal",
		DataApp:   "Portal v1",
		Reason:    "to be switched off",
		Owner:     "platform",
		ExpiresAt: "2026-12-31",
	}
	r := &report.Report{
		EmittedAt: runAt.Add(41 * time.Second),
		Dashboard: "https://console.aws.amazon.com/cloudwatch/home?region=us-east-1#dashboards:name=tokens-databrain-tokens",
		Version:   "1.4.2",
		Policy: finding.Policy{
			MaxAgeDays: 90, DueWithinDays: 14,
			Severities: []finding.Tier{
				{AfterDays: 90, Severity: finding.Medium},
				{AfterDays: 180, Severity: finding.High},
				{AfterDays: 365, Severity: finding.Critical},
			},
			Rules:      []finding.Rule{{ID: "customers", DataApp: "Customer *", MaxAgeDays: 30}},
			Exceptions: []finding.Exception{expires, lapsed, unused},
		},
		Exceptions: []finding.ExceptionStatus{
			{
				Exception: expires,
				DaysLeft:  9,
				Matched:   1,
				Covered:   1,
			}, {Exception: lapsed, Lapsed: true, Matched: 2, Covered: 2}, {Exception: unused, DaysLeft: 294},
		},
		Posture: finding.Posture{Read: true, Rotation: true, RotatedAt: runAt.AddDate(0, 0, -12), AgeDays: 12},
		Summary: report.Summary{
			Schema: report.SummarySchema, RunID: "7b5f1e0a-6c1d-4f0e-9a53-0d6f6f6a2b11", Status: report.Complete,
			StartedAt: runAt, FinishedAt: runAt.Add(42 * time.Second), DurationMs: 42_318,
			Instance: "https://databrain.example.com", Requests: 48,
		},
	}
	for i, from := range []int{0, 30, 60, 90, 180, 365, 730} {
		r.Ages = append(r.Ages, finding.AgeBin{From: from})
		if i > 0 {
			r.Ages[i-1].To = from
		}
	}
	return &fixture{r, rand.New(rand.NewPCG(1, 2))}
}

// fingerprint is what the audit keeps of a key.
func fingerprint(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:8])
}

// token adds an API token of the given age, and the finding that it makes.
func (f *fixture) token(app, name string, age int) {
	f.r.Summary.Counts.Tokens++
	f.r.Summary.OldestAgeDays = max(f.r.Summary.OldestAgeDays, age)
	limit, rule := 90, "default"
	if app == "Customer Portal Analytics" {
		limit, rule = 30, "customers"
	}
	bin := slices.IndexFunc(f.r.Ages, func(b finding.AgeBin) bool { return age < b.To || b.To == 0 })
	f.r.Ages[bin].Tokens++
	if age < limit-14 {
		return
	}
	created := runAt.AddDate(0, 0, -age).Add(-7 * time.Hour)
	found := finding.Finding{
		Check: finding.TokenAgeApproaching, Severity: finding.Informational, State: finding.Ongoing, DataApp: app,
		Rule: rule, MaxAgeDays: limit,
		Token: &finding.Token{
			Fingerprint: fingerprint(fmt.Sprint(app, name, f.r.Summary.Counts.Tokens)),
			Name:        name,
			CreatedAt:   created,
			AgeDays:     age,
		},
	}
	if age >= limit {
		f.r.Ages[bin].Stale++
		f.r.Summary.Counts.Stale++
		found.Check, found.Severity = finding.TokenAge, severityAt(age)
		found.Token.StaleSince = created.AddDate(0, 0, limit)
	}
	if found.Severity == finding.Critical {
		found.RaisedFrom = finding.High
	}
	if age < limit+8 {
		found.State = finding.New
	}
	f.add(found)
}

func severityAt(age int) finding.Severity {
	switch {
	case age >= 365:
		return finding.Critical
	case age >= 180:
		return finding.High
	}
	return finding.Medium
}

func (f *fixture) add(found finding.Finding) {
	sum := sha256.Sum256(fmt.Append(nil, found.Check, found.DataApp, found.Token, len(f.r.Findings), len(f.r.Resolved)))
	found.ID = "dbt1-" + hex.EncodeToString(sum[:16])
	found.FirstSeen, found.LastSeen = runAt.AddDate(0, 0, -3), runAt
	if found.State == finding.New {
		found.FirstSeen = runAt
	}
	if found.State == finding.Resolved {
		found.LastSeen = runAt.AddDate(0, 0, -1)
		if found.Superseded != "" {
			f.r.Superseded = append(f.r.Superseded, found)
			return
		}
		f.r.Resolved = append(f.r.Resolved, found)
		return
	}
	f.r.Findings = append(f.r.Findings, found)
}

// gap adds a data app that could not be read.
func (f *fixture) gap(app string, class finding.GapClass, status, attempts int) {
	g := finding.Gap{DataApp: app, Class: class, Status: status, Attempts: attempts}
	f.r.Gaps = append(f.r.Gaps, g)
	check := finding.DataAppUnlistable
	if app == "" {
		check = finding.DataAppsUnlistable
	}
	f.add(finding.Finding{Check: check, Severity: finding.High, State: finding.New, DataApp: app, Gap: &g})
	f.r.Summary.Status = report.Partial
}

// report settles order and counts.
func (f *fixture) report(apps int) *report.Report {
	slices.SortStableFunc(f.r.Findings, func(a, b finding.Finding) int { return finding.WorstFirst(&a, &b) })
	c := &f.r.Summary.Counts
	c.DataApps, c.Gaps, c.Covered = apps, len(f.r.Gaps), apps-len(f.r.Gaps)
	c.Findings, c.Resolved = len(f.r.Findings), len(f.r.Resolved)
	for i := range f.r.Findings {
		switch f.r.Findings[i].State {
		case finding.New:
			c.New++
		case finding.Ongoing:
			c.Ongoing++
		case finding.Reopened:
			c.Reopened++
		case finding.Suppressed:
			c.Suppressed++
		}
	}
	return f.r
}

// sampleReport is a middling instance with a finding of every kind, in every
// state.
func sampleReport() *report.Report {
	f := newFixture()
	for _, app := range appNames {
		for range 5 + f.rand.IntN(14) {
			age := int(f.rand.ExpFloat64() * 58)
			if f.rand.IntN(9) == 0 {
				age += 120 + f.rand.IntN(500)
			}
			f.token(app, tokenNames[f.rand.IntN(len(tokenNames))], age)
		}
	}
	f.token("Investor Reporting", "board deck", 1204)
	f.r.Findings[2].State = finding.Reopened
	f.gap("Chargebacks", finding.GapForbidden, 403, 1)
	f.gap("Route Planning", finding.GapServer, 502, 4)
	f.gap("Zendesk Sync", finding.GapTimeout, 0, 4)
	exception := func(i int) *finding.Exception { return &f.r.Policy.Exceptions[i] }
	f.r.Summary.Counts.Tokens += 3
	f.r.Undated = 2
	f.r.Summary.Counts.Stale++
	f.r.Ages[4].Tokens++
	f.r.Ages[4].Stale++
	f.add(finding.Finding{
		Check: finding.TokenAge, Severity: finding.High, State: finding.Suppressed, DataApp: "ETL", Rule: "default",
		MaxAgeDays: 90, Exception: exception(0),
		Token: &finding.Token{
			Fingerprint: fingerprint("etl"),
			Name:        "nightly",
			CreatedAt:   runAt.AddDate(0, 0, -310),
			AgeDays:     310,
			StaleSince:  runAt.AddDate(0, 0, -220),
		},
	})
	f.add(finding.Finding{
		Check: finding.TokenDateInvalid, Severity: finding.Medium, State: finding.Ongoing, DataApp: "Warehouse KPIs",
		Rule: "default", MaxAgeDays: 90,
		Token: &finding.Token{Fingerprint: fingerprint("undated"), Name: "imported"},
	})
	f.add(finding.Finding{
		Check: finding.TokenDateFuture, Severity: finding.Medium, State: finding.New, DataApp: "Fleet Telemetry",
		Rule: "default", MaxAgeDays: 90,
		Token: &finding.Token{Fingerprint: fingerprint("future"), Name: "edge gateway", CreatedAt: runAt.AddDate(0, 2, 0)},
	})
	f.add(
		finding.Finding{Check: finding.ExceptionExpired, Severity: finding.Low, State: finding.New, Exception: exception(1)},
	)
	f.add(
		finding.Finding{
			Check:     finding.ExceptionUnused,
			Severity:  finding.Low,
			State:     finding.Ongoing,
			Exception: exception(2),
		},
	)
	f.add(finding.Finding{
		Check: finding.ServiceTokenRotationStuck, Severity: finding.High, State: finding.New, Since: runAt.AddDate(0, 0, -2),
	})
	f.r.Posture.PendingSince = runAt.AddDate(0, 0, -2)
	f.add(finding.Finding{
		Check: finding.APITokenUnlisted, Severity: finding.High, State: finding.New, DataApp: "Growth Experiments",
		Token: &finding.Token{Fingerprint: fingerprint("gone"), Name: "zapier"},
		ManagedBy: &finding.ManagedBy{
			Secret:       "databrain/api-token/zapier",
			Rotation:     true,
			NextRotation: runAt.Add(time.Hour).Truncate(time.Second),
		},
	})
	f.add(finding.Finding{
		Check: finding.APITokenManagedTwice, Severity: finding.Medium, State: finding.Ongoing, DataApp: "Fleet Telemetry",
		ManagedBy: &finding.ManagedBy{Secret: "databrain/api-token/twin", Also: []string{"databrain/api-token/first"}},
	})
	f.add(finding.Finding{
		Check: finding.APITokenRotationOff, Severity: finding.High, State: finding.New,
		ManagedBy: &finding.ManagedBy{Secret: "databrain/api-token/off"},
	})
	for i, name := range []string{"zapier", "backup key"} {
		created := runAt.AddDate(0, 0, -200*(i+1))
		f.add(finding.Finding{
			Check: finding.TokenAge, Severity: severityAt(200 * (i + 1)), State: finding.Resolved,
			DataApp: "Sales Forecast", Rule: "default", MaxAgeDays: 90,
			Token: &finding.Token{
				Fingerprint: fingerprint(name),
				Name:        name,
				CreatedAt:   created,
				AgeDays:     200 * (i + 1),
				StaleSince:  created.AddDate(0, 0, 90),
			},
		})
	}
	f.add(finding.Finding{
		Check: finding.TokenAgeApproaching, Severity: finding.Informational, State: finding.Resolved,
		Superseded: finding.TokenAge, DataApp: "Sales Forecast",
		Rule: "default", MaxAgeDays: 90, Token: &finding.Token{Fingerprint: fingerprint("superseded"), Name: "aged",
			CreatedAt: runAt.AddDate(0, 0, -91), AgeDays: 90},
	})
	f.add(
		finding.Finding{
			Check:      finding.ExceptionUnused,
			Severity:   finding.Low,
			State:      finding.Resolved,
			Superseded: finding.ExceptionExpired,
			Exception:  exception(1),
		},
	)
	return f.report(len(appNames) + 3)
}

// hostileNames try to leave the place that they are written to.
func hostileNames() []string {
	long := ""
	for len([]rune(long)) < 256 {
		long += "W"
	}
	return []string{
		`<script>alert(1)</script>`, `</script></style></title><h1>owned`, `"><img src=x onerror=alert(1)>`,
		`' onmouseover='alert(1)`, `{{.Style}}{{`,
		`=HYPERLINK("https://evil.example","x")`, `+1+1`, `-2+3`, `@SUM(A1)`, ` =1+1`, `"=1+1"`, "'=1+1", "'plain",
		"＝1+1", "\t=1", "\r=1", "\n=1",
		"two\nlines", "a,b;c\td", `back\slash`, "\u202egnp.exe", "\u2066isolate", "😀🧨🇩🇪", "שלום عالم",
		"javascript:alert(1)", "null", "", " ", "=",
		"a;=cmd", "a; =cmd", `a;"=cmd`, "a;'=cmd", "a,b;\t+1", "a\t=cmd", "a\n=cmd", ";;@x;-1", "a;b", "a;",
		"Z" + strings.Repeat("\u0351\u0316", 40) + "algo",
		"  ends  in  blanks  ", "no\u00a0break", "filler\u3164", "👩\u200d💻 team", "می\u200cخواهم",
		"9209015257121e95", "3-4", "TRUE",
		"-->", "]]>", "&lt;b&gt;&amp;", "\u2028\u2029", "\x00\x07", "\xff\xfe", long, "🧨" + long, `<<<<<<<<` + long,
	}
}

// hostileReport has hostile names wherever a name from outside may stand, as if
// nothing had cleaned them.
func hostileReport() *report.Report {
	f := newFixture()
	f.r.Exceptions, f.r.Policy.Exceptions = nil, nil
	for i, name := range hostileNames() {
		f.token(name, name, 60+i*9)
		e := finding.Exception{ID: "e" + name, DataApp: name, Token: name, Reason: name, Owner: name, ExpiresAt: name}
		f.r.Policy.Exceptions = append(f.r.Policy.Exceptions, e)
		f.r.Exceptions = append(f.r.Exceptions, finding.ExceptionStatus{Exception: e, Lapsed: true})
		f.add(finding.Finding{Check: finding.ExceptionExpired, Severity: finding.Low, State: finding.New, Exception: &e})
		f.gap(name, finding.GapDecode, 200, 1)
	}
	f.r.Policy.Rules = append(f.r.Policy.Rules, finding.Rule{ID: `</script><b>`, MaxAgeDays: 1})
	f.r.Summary.Notes = []string{`note <b>bold</b>`}
	return f.report(2 * len(hostileNames()))
}

// largeReport has n stale tokens, three to a data app.
func largeReport(n int) *report.Report {
	f := newFixture()
	for i := range n {
		f.token(fmt.Sprintf("%s %04d", appNames[i%len(appNames)], i/3), tokenNames[i%len(tokenNames)], 91+i%900)
	}
	return f.report(max(n/3, 1))
}

// emptyReport is an instance without data apps.
func emptyReport() *report.Report {
	f := newFixture()
	f.r.Exceptions, f.r.Policy.Exceptions, f.r.Policy.Rules = nil, nil, nil
	return f.report(0)
}

// failedReport is a run that could not even list the data apps.
func failedReport() *report.Report {
	f := newFixture()
	f.gap("", finding.GapAuth, 401, 3)
	f.r.Summary.Status = report.Failed
	f.r.Summary.Notes = []string{"The service token was not accepted, nor was the one that AWSPENDING holds."}
	f.r.Posture = finding.Posture{}
	r := f.report(0)
	r.Summary.Counts.Covered, r.Summary.Counts.Gaps = 0, 1
	return r
}

// reports are all of them, by name.
func reports() map[string]*report.Report {
	return map[string]*report.Report{
		"sample": sampleReport(), "hostile": hostileReport(), "large": largeReport(600), "empty": emptyReport(),
		"failed": failedReport(),
	}
}
