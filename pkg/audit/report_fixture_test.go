package audit_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"databrain-rotation/pkg/audit"
)

// runAt is the instant of every run in these tests.
var runAt = time.Date(2026, time.March, 12, 6, 0, 4, 123456789, time.UTC)

var (
	appNames = []string{
		"Customer Portal Analytics", "Billing Insights", "ETL", "Partner Dashboard EMEA", "Warehouse KPIs", "Growth Experiments", "Support Console",
		"Fleet Telemetry", "Sales Forecast", "Investor Reporting", "Onboarding Funnel", "Compliance Evidence", "Marketing Attribution", "Mobile App Embeds",
	}
	tokenNames = []string{
		"Production API Key", "Staging Environment", "nightly", "ci-smoke-test", "Grafana panel", "looker migration", "embed-frontend", "vendor handover",
		"backup key", "data-science notebook", "zapier", "customer demo",
	}
)

// fixture builds a report as a run leaves it: ordered, and with counts that fit.
type fixture struct {
	r    *audit.Report
	rand *rand.Rand
}

func newFixture() *fixture {
	expires := audit.Exception{ID: "legacy-etl", DataApp: "ETL", Token: "nightly", Reason: "vendor cannot rotate before Q2", Owner: "data-platform", ExpiresAt: "2026-03-21"}
	lapsed := audit.Exception{ID: "demo-keys", Token: "customer demo*", Reason: "trade fair in February", Owner: "sales-engineering", ExpiresAt: "2026-02-28"}
	unused := audit.Exception{ID: "old-portal", DataApp: "Portal v1", Reason: "to be switched off", Owner: "platform", ExpiresAt: "2026-12-31"}
	r := &audit.Report{
		EmittedAt: runAt.Add(41 * time.Second),
		Policy: audit.Policy{
			MaxAgeDays: 90, DueWithinDays: 14,
			Severities: []audit.Tier{{AfterDays: 90, Severity: audit.Medium}, {AfterDays: 180, Severity: audit.High}, {AfterDays: 365, Severity: audit.Critical}},
			Rules:      []audit.Rule{{ID: "customers", DataApp: "Customer *", MaxAgeDays: 30}},
			Exceptions: []audit.Exception{expires, lapsed, unused},
		},
		Exceptions: []audit.ExceptionStatus{
			{Exception: expires, DaysLeft: 9, Matched: 1, Covered: 1}, {Exception: lapsed, Lapsed: true, Matched: 2, Covered: 2}, {Exception: unused, DaysLeft: 294},
		},
		Posture: audit.Posture{Read: true, Rotation: true, RotatedAt: runAt.AddDate(0, 0, -12), AgeDays: 12},
		Summary: audit.Summary{
			Schema: audit.SummarySchema, RunID: "7b5f1e0a-6c1d-4f0e-9a53-0d6f6f6a2b11", Status: audit.Complete,
			StartedAt: runAt, FinishedAt: runAt.Add(42 * time.Second), DurationMs: 42_318, Instance: "https://databrain.example.com", Requests: 48,
		},
	}
	for i, from := range []int{0, 30, 60, 90, 180, 365, 730} {
		r.Ages = append(r.Ages, audit.AgeBin{From: from})
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
	bin := slices.IndexFunc(f.r.Ages, func(b audit.AgeBin) bool { return age < b.To || b.To == 0 })
	f.r.Ages[bin].Tokens++
	if age < limit-14 {
		return
	}
	created := runAt.AddDate(0, 0, -age).Add(-7 * time.Hour)
	found := audit.Finding{
		Check: audit.TokenAgeApproaching, Severity: audit.Informational, State: audit.Ongoing, DataApp: app, Rule: rule, MaxAgeDays: limit,
		Token: &audit.Token{Fingerprint: fingerprint(fmt.Sprint(app, name, f.r.Summary.Counts.Tokens)), Name: name, CreatedAt: created, AgeDays: age},
	}
	if age >= limit {
		f.r.Ages[bin].Stale++
		f.r.Summary.Counts.Stale++
		found.Check, found.Severity = audit.TokenAge, severityAt(age)
		found.Token.StaleSince = created.AddDate(0, 0, limit)
	}
	if found.Severity == audit.Critical {
		found.RaisedFrom = audit.High
	}
	if age < limit+8 {
		found.State = audit.New
	}
	f.add(found)
}

func severityAt(age int) audit.Severity {
	switch {
	case age >= 365:
		return audit.Critical
	case age >= 180:
		return audit.High
	}
	return audit.Medium
}

func (f *fixture) add(found audit.Finding) {
	sum := sha256.Sum256(fmt.Append(nil, found.Check, found.DataApp, found.Token, len(f.r.Findings), len(f.r.Resolved)))
	found.ID = "dbt1-" + hex.EncodeToString(sum[:16])
	found.FirstSeen, found.LastSeen = runAt.AddDate(0, 0, -3), runAt
	if found.State == audit.New {
		found.FirstSeen = runAt
	}
	if found.State == audit.Resolved {
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
func (f *fixture) gap(app string, class audit.GapClass, status, attempts int) {
	g := audit.NewGap(app, class)
	g.DataApp, g.Status, g.Attempts = app, status, attempts
	f.r.Gaps = append(f.r.Gaps, g)
	check := audit.DataAppUnlistable
	if app == "" {
		check = audit.DataAppsUnlistable
	}
	f.add(audit.Finding{Check: check, Severity: audit.High, State: audit.New, DataApp: app, Gap: &g})
	f.r.Summary.Status = audit.Partial
}

// report settles order and counts.
func (f *fixture) report(apps int) *audit.Report {
	slices.SortStableFunc(f.r.Findings, func(a, b audit.Finding) int { return audit.WorstFirst(&a, &b) })
	c := &f.r.Summary.Counts
	c.DataApps, c.Gaps, c.Covered = apps, len(f.r.Gaps), apps-len(f.r.Gaps)
	c.Findings, c.Resolved = len(f.r.Findings), len(f.r.Resolved)
	for i := range f.r.Findings {
		switch f.r.Findings[i].State {
		case audit.New:
			c.New++
		case audit.Ongoing:
			c.Ongoing++
		case audit.Reopened:
			c.Reopened++
		case audit.Suppressed:
			c.Suppressed++
		}
	}
	return f.r
}

// sampleReport is a middling instance with a finding of every kind, in every
// state.
func sampleReport() *audit.Report {
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
	f.r.Findings[2].State = audit.Reopened
	f.gap("Chargebacks", audit.GapForbidden, 403, 1)
	f.gap("Route Planning", audit.GapServer, 502, 4)
	f.gap("Zendesk Sync", audit.GapTimeout, 0, 4)
	exception := func(i int) *audit.Exception { return &f.r.Policy.Exceptions[i] }
	f.r.Summary.Counts.Tokens += 3
	f.r.Undated = 2
	f.r.Summary.Counts.Stale++
	f.r.Ages[4].Tokens++
	f.r.Ages[4].Stale++
	f.add(audit.Finding{
		Check: audit.TokenAge, Severity: audit.High, State: audit.Suppressed, DataApp: "ETL", Rule: "default", MaxAgeDays: 90, Exception: exception(0),
		Token: &audit.Token{Fingerprint: fingerprint("etl"), Name: "nightly", CreatedAt: runAt.AddDate(0, 0, -310), AgeDays: 310, StaleSince: runAt.AddDate(0, 0, -220)},
	})
	f.add(audit.Finding{
		Check: audit.TokenDateInvalid, Severity: audit.Medium, State: audit.Ongoing, DataApp: "Warehouse KPIs", Rule: "default", MaxAgeDays: 90,
		Token: &audit.Token{Fingerprint: fingerprint("undated"), Name: "imported"},
	})
	f.add(audit.Finding{
		Check: audit.TokenDateFuture, Severity: audit.Medium, State: audit.New, DataApp: "Fleet Telemetry", Rule: "default", MaxAgeDays: 90,
		Token: &audit.Token{Fingerprint: fingerprint("future"), Name: "edge gateway", CreatedAt: runAt.AddDate(0, 2, 0)},
	})
	f.add(audit.Finding{Check: audit.ExceptionExpired, Severity: audit.Low, State: audit.New, Exception: exception(1)})
	f.add(audit.Finding{Check: audit.ExceptionUnused, Severity: audit.Low, State: audit.Ongoing, Exception: exception(2)})
	f.add(audit.Finding{
		Check: audit.ServiceTokenRotationStuck, Severity: audit.High, State: audit.New, Since: runAt.AddDate(0, 0, -2),
	})
	f.r.Posture.PendingSince = runAt.AddDate(0, 0, -2)
	for i, name := range []string{"zapier", "backup key"} {
		created := runAt.AddDate(0, 0, -200*(i+1))
		f.add(audit.Finding{
			Check: audit.TokenAge, Severity: severityAt(200 * (i + 1)), State: audit.Resolved, DataApp: "Sales Forecast", Rule: "default", MaxAgeDays: 90,
			Token: &audit.Token{Fingerprint: fingerprint(name), Name: name, CreatedAt: created, AgeDays: 200 * (i + 1), StaleSince: created.AddDate(0, 0, 90)},
		})
	}
	f.add(audit.Finding{
		Check: audit.TokenAgeApproaching, Severity: audit.Informational, State: audit.Resolved, Superseded: audit.TokenAge, DataApp: "Sales Forecast",
		Rule: "default", MaxAgeDays: 90, Token: &audit.Token{Fingerprint: fingerprint("superseded"), Name: "aged", CreatedAt: runAt.AddDate(0, 0, -91), AgeDays: 90},
	})
	f.add(audit.Finding{Check: audit.ExceptionUnused, Severity: audit.Low, State: audit.Resolved, Superseded: audit.ExceptionExpired, Exception: exception(1)})
	return f.report(len(appNames) + 3)
}

// hostileNames try to leave the place that they are written to.
func hostileNames() []string {
	long := ""
	for len([]rune(long)) < 256 {
		long += "W"
	}
	return []string{
		`<script>alert(1)</script>`, `</script></style></title><h1>owned`, `"><img src=x onerror=alert(1)>`, `' onmouseover='alert(1)`, `{{.Style}}{{`,
		`=HYPERLINK("https://evil.example","x")`, `+1+1`, `-2+3`, `@SUM(A1)`, ` =1+1`, `"=1+1"`, "'=1+1", "'plain", "＝1+1", "\t=1", "\r=1", "\n=1",
		"two\nlines", "a,b;c\td", `back\slash`, "\u202egnp.exe", "\u2066isolate", "😀🧨🇩🇪", "שלום عالم", "javascript:alert(1)", "null", "", " ", "=",
		"a;=cmd", "a; =cmd", `a;"=cmd`, "a;'=cmd", "a,b;\t+1", "a\t=cmd", "a\n=cmd", ";;@x;-1", "a;b", "a;",
		"-->", "]]>", "&lt;b&gt;&amp;", "\u2028\u2029", "\x00\x07", "\xff\xfe", long, "🧨" + long, `<<<<<<<<` + long,
	}
}

// hostileReport has hostile names wherever a name from outside may stand, as if
// nothing had cleaned them.
func hostileReport() *audit.Report {
	f := newFixture()
	f.r.Exceptions, f.r.Policy.Exceptions = nil, nil
	for i, name := range hostileNames() {
		f.token(name, name, 60+i*9)
		e := audit.Exception{ID: "e" + name, DataApp: name, Token: name, Reason: name, Owner: name, ExpiresAt: name}
		f.r.Policy.Exceptions = append(f.r.Policy.Exceptions, e)
		f.r.Exceptions = append(f.r.Exceptions, audit.ExceptionStatus{Exception: e, Lapsed: true})
		f.add(audit.Finding{Check: audit.ExceptionExpired, Severity: audit.Low, State: audit.New, Exception: &e})
		f.gap(name, audit.GapDecode, 200, 1)
	}
	f.r.Policy.Rules = append(f.r.Policy.Rules, audit.Rule{ID: `</script><b>`, MaxAgeDays: 1})
	f.r.Summary.Notes = []string{`note <b>bold</b>`}
	return f.report(2 * len(hostileNames()))
}

// largeReport has n stale tokens, three to a data app.
func largeReport(n int) *audit.Report {
	f := newFixture()
	for i := range n {
		f.token(fmt.Sprintf("%s %04d", appNames[i%len(appNames)], i/3), tokenNames[i%len(tokenNames)], 91+i%900)
	}
	return f.report(max(n/3, 1))
}

// emptyReport is an instance without data apps.
func emptyReport() *audit.Report {
	f := newFixture()
	f.r.Exceptions, f.r.Policy.Exceptions, f.r.Policy.Rules = nil, nil, nil
	return f.report(0)
}

// failedReport is a run that could not even list the data apps.
func failedReport() *audit.Report {
	f := newFixture()
	f.gap("", audit.GapAuth, 401, 3)
	f.r.Summary.Status = audit.Failed
	f.r.Summary.Notes = []string{"The service token was not accepted, nor was the one that AWSPENDING holds."}
	f.r.Posture = audit.Posture{}
	r := f.report(0)
	r.Summary.Counts.Covered, r.Summary.Counts.Gaps = 0, 1
	return r
}

// reports are all of them, by name.
func reports() map[string]*audit.Report {
	return map[string]*audit.Report{
		"sample": sampleReport(), "hostile": hostileReport(), "large": largeReport(600), "empty": emptyReport(), "failed": failedReport(),
	}
}
