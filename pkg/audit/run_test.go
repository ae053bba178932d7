package audit_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"databrain-rotation/pkg/audit"
	"databrain-rotation/pkg/audit/finding"
	"databrain-rotation/pkg/audit/report"
	"databrain-rotation/pkg/standin"
	"databrain-rotation/pkg/standin/databraintest"
)

func TestHealthyRunAsksForEachListOnceAndForTheEndOfTheFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, databraintest.Config{DataApps: apps(25)})
		s := l.mustRun()
		if got := len(l.db.Calls()); got != 28 || s.Requests != 28 || s.Retries != 0 {
			t.Errorf("the instance saw %d requests, the summary says %d with %d retries; want 28", got, s.Requests, s.Retries)
		}
		want := report.Counts{
			DataApps: 25, Covered: 25, Tokens: 50, Findings: 26, New: 26, Stale: 25,
			BySeverity: report.BySeverity{Medium: 25, High: 1},
		}
		if diff := cmp.Diff(want, s.Counts); diff != "" {
			t.Error(diff)
		}
		if s.OldestAgeDays != 124 || s.Status != report.Complete || len(s.Worst) != 26 || s.Notes != nil {
			t.Errorf("summary: %+v", s)
		}
		if want := "s3://bucket/audit/2000-01-01/run-1/report.html"; s.Report != want {
			t.Errorf("report %q, want %q", s.Report, want)
		}
		summary, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		for _, empty := range []string{`"0001-`, `:""`, ":null"} {
			if strings.Contains(string(summary), empty) {
				t.Errorf("the summary holds %s, which says nothing: %s", empty, summary)
			}
		}
		l.checkCompleted(s)
	})
}

func TestDryRunLeavesNoTrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, databraintest.Config{DataApps: apps(3)})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		s, err := l.auditor.Run(ctx, audit.Request{RunID: "dry", DryRun: true, Start: time.Now()})
		if err != nil || s.Counts.Findings != 4 || s.Report != "" {
			t.Errorf("err %v, summary %+v", err, s)
		}
		if l.bus.Count("") != 0 || len(l.s3.Objects()) != 0 || l.metrics.Len() != 0 {
			t.Errorf("%d events, %d objects, metrics %q", l.bus.Count(""), len(l.s3.Objects()), l.metrics.String())
		}
	})
}

func TestFailedRunStillTells(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		damage func(*lab)
		class  finding.GapClass
		do     string // what the error tells the operator to do
	}{
		{"the secret is not there", func(l *lab) { l.auditor.Secret.ID = "other" }, finding.GapAuth,
			"Correct DATABRAIN_SERVICE_TOKEN_SECRET_ID"},
		{"the secret holds no token yet", func(l *lab) { l.putValue(`{"token":""}`) }, finding.GapAuth,
			"Store the token in use"},
		{"the secret has two tokens", func(l *lab) { l.putValue(`{"token":"a","token":"b"}`) }, finding.GapAuth,
			"Store the token in use"},
		{"the token is not a string", func(l *lab) { l.putValue(`{"token":7}`) }, finding.GapAuth,
			"Store the token in use"},
		{"the secret is not JSON", func(l *lab) { l.putValue("some words") }, finding.GapAuth,
			"Store the token in use"},
		{"the secret is scheduled for deletion", func(l *lab) {
			l.secrets.Inject(standin.Fault{Operation: "GetSecretValue", Times: -1,
				Do: standin.Error("InvalidRequestException")})
		}, finding.GapAuth, "restore it"},
		{"the token is refused", func(l *lab) { l.db.SetToken("11111111-2222-4333-8444-555555555555") },
			finding.GapAuth, "put AWSCURRENT on it"},
		{"the policy is not there", func(l *lab) { l.storedPolicy() }, finding.GapSettings, "Put the policy there"},
		{"the role may not read the secret", func(l *lab) {
			l.secrets.Inject(standin.Fault{Operation: "GetSecretValue", Times: -1, Do: standin.Error("AccessDeniedException")})
		}, finding.GapAuth, "role may read the secret"},
		{"Secrets Manager does not answer", func(l *lab) {
			l.secrets.Inject(standin.Fault{Times: -1, Do: standin.Hang()})
		}, finding.GapAuth, "reaches Secrets Manager"},
		{"the role may not read the policy", func(l *lab) {
			l.storedPolicy()
			l.s3.Inject(standin.Fault{Target: labBucket + "/policy.json", Times: -1, Do: standin.Error("AccessDenied")})
		}, finding.GapSettings, "role may read it"},
		{"the policy is faulty", func(l *lab) {
			l.storedPolicy()
			l.s3.Put(labBucket, "policy.json",
				[]byte(`{"maxAge":1}`))
		}, finding.GapSettings, "Correct the policy"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLab(t, databraintest.Config{DataApps: apps(3)})
				l.mustRun()
				l.bus.ClearEntries()
				l.metrics.Reset()
				c.damage(l)
				s, err := l.run()
				if e := asError[*audit.RunFailed](t, err); !strings.Contains(e.Do, c.do) || !strings.HasSuffix(err.Error(), e.Do) {
					t.Errorf("%v\nshould say: %s", err, c.do)
				}
				if strings.Contains(err.Error(), "rotate") { // which would end a token in use that nobody has stored
					t.Errorf("advises a rotation: %v", err)
				}
				if told := strings.Join(s.Notes, " "); !strings.Contains(told, finding.Plain(err.Error())) ||
					strings.Contains(l.log.String(), c.do) {
					t.Errorf("the failure belongs into the notes, and into the log by the runtime alone: %q\n%s", s.Notes,
						l.log.String())
				}
				if s.Status != report.Failed || s.Counts.Resolved != 0 || len(s.Notes) == 0 {
					t.Errorf("summary: %+v", s)
				}
				if gaps := l.gaps(); len(gaps) != 1 || gaps[0].DataApp != nil || gaps[0].Gap.Class != c.class {
					t.Errorf("gaps: %+v", gaps)
				}
				if checks(l.details(report.FindingObserved))[finding.DataAppsUnlistable] != 1 {
					t.Error("no finding that the apps could not be listed")
				}
				if got := l.metric("Completed"); got != 0 {
					t.Errorf("the metric Completed is %v", got)
				}
				l.checkBlind(true)
				l.checkCompleted(s)
			})
		})
	}
}

// checkBlind checks that the metrics which a run that read nothing does not know are
// left out, or else are there.
func (l *lab) checkBlind(blind bool) {
	l.t.Helper()
	for _, name := range []string{"Tokens", "StaleTokens", "OldestTokenAgeDays"} {
		if _, there := l.metricLine()[name]; there == blind {
			l.t.Errorf("the metric %s is there: %t", name, there)
		}
	}
	if _, there := l.metricLine()["CoverageGaps"]; !there {
		l.t.Error("no CoverageGaps")
	}
}

func TestMetricsOfARunThatReadNothing(t *testing.T) {
	refused := databraintest.Error(403, "FORBIDDEN", "x")
	for name, c := range map[string]struct {
		apps  []databraintest.DataApp
		fault standin.Fault
		blind bool
	}{
		"no app can be read": {apps(2), standin.Fault{Target: tokensPath, Times: -1, Do: refused}, true},
		"some can":           {apps(2), standin.Fault{Target: tokensPath, Do: refused}, false},
		"some can, without token": {[]databraintest.DataApp{app("A"), app("B")}, standin.Fault{Target: tokensPath,
			Do: refused}, false},
		"there is no app": {[]databraintest.DataApp{}, standin.Fault{Target: tokensPath, Do: refused}, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLab(t, databraintest.Config{DataApps: c.apps})
				l.db.Inject(c.fault)
				l.mustRun()
				l.checkBlind(c.blind)
				page, _ := l.s3.Object(labBucket, "audit/latest/report.html")
				if says := strings.Contains(text(string(page.Body)), "Nothing is known of the API tokens"); says != c.blind {
					t.Errorf("the page says that nothing is known: %t", says)
				}
			})
		})
	}
}

func (l *lab) putValue(value string) {
	l.t.Helper()
	if _, err := l.secrets.ManualPut(labSecret, value); err != nil {
		l.t.Fatal(err)
	}
}

func (l *lab) storedPolicy() {
	l.auditor.Policy = func(ctx context.Context) (finding.Policy, error) {
		return audit.ReadPolicy(ctx, l.auditor.Store.Client, labBucket, "policy.json")
	}
}

// metricLine is the metric line of the last run.
func (l *lab) metricLine() map[string]any {
	l.t.Helper()
	lines := strings.Split(strings.TrimSpace(l.metrics.String()), "\n")
	return decode[map[string]any](l.t, lines[len(lines)-1])
}

// metric is the value of one metric of the last run.
func (l *lab) metric(name string) float64 {
	l.t.Helper()
	value, ok := l.metricLine()[name].(float64)
	if !ok {
		l.t.Errorf("the metric line has no %s", name)
	}
	return value
}

func TestMetrics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, databraintest.Config{DataApps: apps(5)})
		l.db.Inject(
			standin.Fault{
				Target: tokensPath,
				When:   forApp("App 001"),
				Times:  -1,
				Do:     databraintest.Error(403, "FORBIDDEN", "x"),
			},
		)
		l.db.Inject(
			standin.Fault{Target: tokensPath, When: forApp("App 002"), Times: 1, Do: databraintest.TooManyRequests("1")},
		)
		s := l.mustRun()
		for name, want := range map[string]int{
			"Completed": 1, "DataApps": 5, "DataAppsCovered": 4, "CoverageGaps": 1, "Tokens": 8, "StaleTokens": 4,
			"OldestTokenAgeDays": 104,
			"Findings":           6, "EmitFailures": 0, "Requests": 9, "Throttled": 1, "DurationMs": int(s.DurationMs),
		} {
			if got := l.metric(name); got != float64(want) {
				t.Errorf("%s is %v, want %d", name, got, want)
			}
		}
		if n := strings.Count(l.metrics.String(), "\n"); n != 1 {
			t.Errorf("%d metric lines, want one", n)
		}
	})
}

// TestATokenThatGoesOverItsLimit: its announcement is closed, and nothing about that
// reads like good news.
func TestATokenThatGoesOverItsLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, databraintest.Config{DataApps: []databraintest.DataApp{app("A", 85)}})
		l.mustRun()
		time.Sleep(days(10))
		s := l.mustRun()
		if s.Counts.Resolved != 0 || s.Counts.New != 1 || s.Counts.Stale != 1 {
			t.Errorf("%+v", s.Counts)
		}
		closed := l.details(report.FindingResolved)
		if len(closed) != 1 || closed[0].Finding.Superseded != finding.TokenAge ||
			closed[0].Finding.Compliance == finding.Pass ||
			closed[0].Finding.Title != "API token is near its age limit" ||
			!strings.Contains(closed[0].Finding.Description, "token-age takes the place") {
			t.Errorf("%+v", closed)
		}
		page, _ := l.s3.Object(labBucket, "audit/latest/report.html")
		if got := text(string(page.Body)); strings.Contains(got, "Resolved since") || !strings.Contains(got, "Resolved 0") {
			t.Errorf("the page shows something as resolved: %s", got)
		}
		if s := l.mustRun(); s.Counts.New+s.Counts.Resolved != 0 || len(l.details(report.FindingResolved)) != 0 {
			t.Errorf("the next run: %+v", s.Counts)
		}
	})
}

func TestPolicyInS3IsReadAtEveryRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, databraintest.Config{DataApps: []databraintest.DataApp{app("A", 50)}})
		l.storedPolicy()
		for limit, stale := range map[int]int{40: 1, 60: 0} {
			l.s3.Put(labBucket, "policy.json", fmt.Appendf(nil, `{"maxAgeDays":%d}`, limit))
			if s := l.mustRun(); s.Counts.Stale != stale {
				t.Errorf("limit %d: %d stale tokens, want %d", limit, s.Counts.Stale, stale)
			}
		}
	})
}

// TestExceptionsInARun: what an exception covers is counted and sent as
// suppressed, and comes back with a finding of the exception once that lapses.
func TestExceptionsInARun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, databraintest.Config{DataApps: []databraintest.DataApp{app("ETL", 100), app("Other", 100)}})
		l.policy(
			`{"exceptions":[{"id":"legacy-etl","dataApp":"ETL","reason":"vendor",` +
				`"owner":"data-platform","expiresAt":"2000-01-02"}]}`,
		)
		want := report.ExceptionDetail{ID: "legacy-etl", Reason: "vendor", Owner: "data-platform", ExpiresAt: "2000-01-02"}
		exceptions := func() map[finding.Check]finding.State {
			with := map[finding.Check]finding.State{}
			for _, d := range l.details(report.FindingObserved) {
				if d.Exception == nil {
					continue
				}
				with[d.Finding.Check] = d.Finding.State
				if diff := cmp.Diff(want, *d.Exception); diff != "" {
					t.Error(diff)
				}
			}
			return with
		}
		s := l.mustRun()
		if s.Counts.Suppressed != 1 || s.Counts.New != 3 || s.Counts.Findings != 4 || s.Counts.Stale != 2 {
			t.Errorf("%+v", s.Counts)
		}
		if diff := cmp.Diff(map[finding.Check]finding.State{finding.TokenAge: finding.Suppressed,
			finding.ExceptionExpiring: finding.New}, exceptions()); diff != "" {
			t.Error(diff)
		}
		time.Sleep(48 * time.Hour)
		s = l.mustRun()
		if s.Counts.Suppressed != 0 || s.Counts.Reopened != 1 || s.Counts.New != 1 || s.Counts.Ongoing != 2 {
			t.Errorf("after it has lapsed: %+v", s.Counts)
		}
		if diff := cmp.Diff(map[finding.Check]finding.State{finding.ExceptionExpired: finding.New},
			exceptions()); diff != "" {
			t.Error(diff)
		}
	})
}

// TestTheLogNamesGaps: the first ten parts that could not be read, each with its class,
// and the number of the others.
func TestTheLogNamesGaps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, databraintest.Config{DataApps: apps(14)})
		l.db.Inject(standin.Fault{
			Target: tokensPath, Times: -1,
			When: func(r *http.Request) bool { return r.URL.Query().Get("dataAppName") < "App 012" },
			Do:   databraintest.Error(403, "FORBIDDEN", "x"),
		})
		l.mustRun()
		warned := map[string]int{}
		for line := range strings.Lines(l.log.String()) {
			entry := decode[map[string]any](t, line)
			if entry["level"] == "WARN" {
				warned[fmt.Sprint(entry["msg"])]++
				if entry["msg"] == "coverage gap" &&
					(entry["class"] != "forbidden" || entry["status"] != 403.0 || entry["attempts"] != 1.0) {
					t.Errorf("the line says %s", line)
				}
			}
		}
		want := map[string]int{"coverage gap": 10, "further coverage gaps are in the report": 1}
		if diff := cmp.Diff(want, warned); diff != "" {
			t.Error(diff)
		}
	})
}
