package audit_test

import (
	"maps"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"databrain-rotation/pkg/audit"
	"databrain-rotation/pkg/audit/finding"
	"databrain-rotation/pkg/audit/report"
	"databrain-rotation/pkg/standin"
	"databrain-rotation/pkg/standin/databraintest"
)

const (
	appsPath   = "/api/v2/data-app"
	tokensPath = "/api/v2/data-app/api-tokens"
)

// faultCase is one way in which lists break.
type faultCase struct {
	name string
	do   standin.Action
	// gap is the class of the gap when every request is struck. One struck request
	// alone leaves no gap, unless the failure is not worth a second request.
	gap   finding.GapClass
	final bool // not worth a second request
}

func faultCases(now time.Time) []faultCase {
	answer := func(body string) standin.Action { return standin.Reply(200, "application/json", body) }
	throttled := func(name, retryAfter string) faultCase {
		return faultCase{"429, Retry-After " + name, databraintest.TooManyRequests(retryAfter), finding.GapRateLimited, false}
	}
	return []faultCase{
		throttled("absent", ""), throttled("in seconds", "7"), throttled("of zero", "0"), throttled("negative", "-30"),
		throttled("huge", "99999999999999999999"), throttled("garbage", "soon"), throttled("a day", "86400"),
		throttled("as a date", now.Add(9*time.Second).UTC().Format(http.TimeFormat)),
		throttled("as a date in the past", now.Add(-time.Hour).UTC().Format(http.TimeFormat)),
		{"500", databraintest.Error(500, "INTERNAL_SERVER_ERROR", "INTERNAL_SERVER_ERROR"), finding.GapServer, false},
		{"500 for good", databraintest.Error(500, "SELFHOSTED_APP_ERROR", "x"), finding.GapServer, true},
		{"502 in HTML", standin.BadGateway(), finding.GapServer, false},
		{"no connection", standin.Cut(), finding.GapNetwork, false},
		{"reset in the body", standin.CutBody(), finding.GapNetwork, false},
		{"truncated JSON", standin.TruncateBody(), finding.GapDecode, false},
		{"login page", standin.LoginPage(), finding.GapDecode, false},
		{"slow body", standin.SlowBody(20 * time.Second), finding.GapTimeout, false},
		{"no answer", standin.Hang(), finding.GapTimeout, false},
		{
			"endless entry",
			standin.Endless(`{"data":["`, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"),
			finding.GapDecode,
			false,
		},
		{"403", databraintest.Error(403, "FORBIDDEN", "no"), finding.GapForbidden, true},
		{"403 in HTML", standin.Reply(403, "text/html", "<h1>Forbidden</h1>"), finding.GapForbidden, true},
		{"401", databraintest.Error(401, "AUTHENTICATION_ERROR", "no"), finding.GapAuth, true},
		{"400 for the token", databraintest.Error(400, "AUTHENTICATION_ERROR", "no"), finding.GapAuth, true},
		{"400", databraintest.Error(400, "INVALID_REQUEST_BODY", "no"), finding.GapDecode, true},
		{"no data", answer(`{}`), finding.GapDecode, false},
		{"null data", answer(`{"data":null}`), finding.GapDecode, false},
		{"data is an object", answer(`{"data":{}}`), finding.GapDecode, false},
		{"data twice", answer(`{"data":[],"data":[]}`), finding.GapDecode, false},
		{"error in a 200", answer(`{"data":[],"error":{"code":"X","message":"y"}}`), finding.GapDecode, false},
		{"entry without a key or name", answer(`{"data":[{}]}`), finding.GapDecode, false},
		{"null entry", answer(`{"data":[null]}`), finding.GapDecode, false},
		{"empty body", answer(``), finding.GapDecode, false},
		{"redirect", standin.Reply(302, "text/html", ""), finding.GapDecode, false},
		{"204", standin.Reply(204, "", ""), finding.GapDecode, false},
	}
}

// TestFaultsOfOneApp strikes the list of one app after a healthy run, once and then
// always. Whatever happens, each stale token is found or its app is a gap, and
// nothing that is still there is resolved.
func TestFaultsOfOneApp(t *testing.T) {
	t.Parallel()
	for _, c := range sample(faultCases(time.Time{})) {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				all := apps(8)
				l := newLab(t, databraintest.Config{DataApps: all})
				l.mustRun()
				for _, times := range []int{1, -1} {
					c := faultCases(time.Now())[slices.IndexFunc(faultCases(time.Time{}),
						func(o faultCase) bool { return o.name == c.name })]
					l.db.ClearFaults()
					l.db.Inject(standin.Fault{Target: tokensPath, Do: c.do, When: forApp("App 003"), Times: times})
					requests, struck := len(l.db.Calls()), l.db.Struck()
					s := l.mustRun()

					want := map[string]finding.GapClass{}
					if times < 0 || c.final {
						want["App 003"] = c.gap
					}
					l.checkGaps(s, want)
					l.checkRecall(s, all)
					if l.db.Struck() == struck {
						t.Error("the fault did not strike")
					}
					if got := len(l.db.Calls()) - requests; s.Requests != got {
						t.Errorf("the summary says %d requests, the instance saw %d", s.Requests, got)
					}
				}
			})
		})
	}
}

// TestFaultsOfTheAppList strikes the list of the apps: always, and the run fails,
// but says so in every way that it has.
func TestFaultsOfTheAppList(t *testing.T) {
	t.Parallel()
	for _, c := range sample(faultCases(time.Time{})) {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				all := apps(8)
				l := newLab(t, databraintest.Config{DataApps: all})
				l.mustRun()
				l.bus.ClearEntries()
				l.db.Inject(standin.Fault{Target: appsPath, Do: c.do, Times: -1})
				s, err := l.run()
				asError[*audit.RunFailed](t, err)
				if s.Status != report.Failed || s.Counts.Gaps == 0 || s.Counts.Resolved != 0 {
					t.Errorf("summary: %+v", s)
				}
				gaps := l.gaps()
				if len(gaps) == 0 || gaps[0].DataApp != nil || gaps[0].Gap.Class != c.gap {
					t.Errorf("gaps: %+v, want one without an app and of class %s", gaps, c.gap)
				}
				if checks(l.details(report.FindingObserved))[finding.DataAppsUnlistable] != 1 {
					t.Error("no finding that the apps could not be listed")
				}
				l.checkCompleted(s)

				l.db.ClearFaults()
				if s := l.mustRun(); s.Counts.New != 0 || s.Counts.Reopened != 0 || s.Counts.Resolved != 1 {
					t.Errorf("after the fault: %+v; want the list's own finding resolved and nothing forgotten", s.Counts)
				}
			})
		})
	}
}

// forApp matches requests for the tokens of an app.
func forApp(name string) func(*http.Request) bool {
	return func(r *http.Request) bool { return r.URL.Query().Get("dataAppName") == name }
}

func whole(r *http.Request) bool { return r.URL.Query().Get("isPagination") == "false" }

func checks(details []report.Detail) map[finding.Check]int {
	n := make(map[finding.Check]int)
	for _, d := range details {
		n[d.Finding.Check]++
	}
	return n
}

// checkGaps compares the gaps with those expected, by app, in events, findings,
// and counts.
func (l *lab) checkGaps(s report.Summary, want map[string]finding.GapClass) {
	l.t.Helper()
	got := map[string]finding.GapClass{}
	for _, g := range l.gaps() {
		name := ""
		if g.DataApp != nil {
			name = g.DataApp.Name
		}
		got[name] = g.Gap.Class
	}
	if !maps.Equal(got, want) {
		l.t.Errorf("gaps are %v, want %v", got, want)
	}
	findings := checks(l.details(report.FindingObserved))
	if n := findings[finding.DataAppUnlistable] + findings[finding.DataAppsUnlistable]; n != len(got) ||
		s.Counts.Gaps != n {
		l.t.Errorf("%d gaps, %d findings of gaps, the summary counts %d", len(got), n, s.Counts.Gaps)
	}
	status := report.Complete
	if len(want) > 0 {
		status = report.Partial
	}
	if s.Status != status || s.Counts.Covered+len(want) != s.Counts.DataApps {
		l.t.Errorf("status %s with %d apps, %d covered, %d gaps", s.Status, s.Counts.DataApps, s.Counts.Covered,
			s.Counts.Gaps)
	}
}

// checkRecall holds the events of the last run against what the instance holds:
// each stale token is a finding, or its app is a gap; and no finding of a token
// that is still there was resolved.
func (l *lab) checkRecall(s report.Summary, all []databraintest.DataApp) {
	l.t.Helper()
	unread := map[string]bool{}
	for _, g := range l.gaps() {
		if g.DataApp == nil {
			unread = nil
			break
		}
		unread[g.DataApp.Name] = true
	}
	found := map[string]bool{}
	for _, d := range l.details(report.FindingObserved) {
		if d.Finding.Check == finding.TokenAge {
			found[d.Token.Fingerprint] = true
		}
	}
	stale := staleTokens(all)
	for token, app := range stale {
		if !found[token] && unread != nil && !unread[app] {
			l.t.Errorf("the stale token %s of %q is neither a finding nor in a gap", token, app)
		}
	}
	for _, d := range l.details(report.FindingResolved) {
		if d.Token != nil && stale[d.Token.Fingerprint] != "" {
			l.t.Errorf("resolved, but there: %+v", d)
		}
	}
	l.checkCompleted(s)
}

// checkCompleted checks that the run ended with one event that says what the
// summary says.
func (l *lab) checkCompleted(s report.Summary) {
	l.t.Helper()
	entries := l.bus.Entries()
	if len(entries) == 0 || entries[len(entries)-1].DetailType != report.AuditCompleted {
		l.t.Fatal("the last event is not the one that ends the run")
	}
	for _, e := range entries[:len(entries)-1] {
		if e.DetailType == report.AuditCompleted {
			l.t.Error("the event that ends the run came twice")
		}
	}
	got := decode[report.CompletedDetail](l.t, entries[len(entries)-1].Detail).Summary
	if got.Counts != s.Counts || got.Status != s.Status || got.RunID != s.RunID {
		l.t.Errorf("the last event says %+v, the summary %+v", got, s)
	}
}
