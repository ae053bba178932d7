package audit_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"databrain-rotation/pkg/audit"
	"databrain-rotation/pkg/audit/finding"
	"databrain-rotation/pkg/audit/report"
	"databrain-rotation/pkg/standin"
	"databrain-rotation/pkg/standin/databraintest"
	"databrain-rotation/pkg/standin/securityhubtest"
	"databrain-rotation/pkg/transport"
)

// withHub has the audit import into the lab's Security Hub.
func (l *lab) withHub() *lab {
	return l.importBy(transport.Bounded(l.hub.Client(), 5*time.Second)) // as the functions have it
}

// aged are n data apps with one stale token each, whose severity no test outlives.
func aged(n int) []databraintest.DataApp {
	all := make([]databraintest.DataApp, n)
	for i := range all {
		all[i] = app(fmt.Sprintf("App %03d", i), 100+i%50)
	}
	return all
}

func (l *lab) importBy(client aws.HTTPClient) *lab {
	l.t.Helper()
	hub, err := audit.NewHubClient(aws.Config{Region: "us-east-1", Credentials: sdkKeys(), HTTPClient: client}, time.Now)
	if err != nil {
		l.t.Fatal(err)
	}
	l.auditor.Hub = hub
	return l
}

// record is what Security Hub shows of a finding.
type record struct{ State, Compliance, Severity, Title, Suppressed, Workflow string }

// records are the findings in Security Hub, by id.
func (l *lab) records() map[string]record {
	all := map[string]record{}
	for id, f := range l.hub.Findings() {
		all[id] = record{
			member(f, "RecordState"), member(f, "Compliance", "Status"), member(f, "Severity", "Label"), member(f, "Title"),
			member(f, "ProductFields", "databrain-token-audit/suppressed"), member(f, "Workflow", "Status"),
		}
	}
	return all
}

// member is a text in a finding; "" if it is not there.
func member(f map[string]any, path ...string) string {
	for _, name := range path[:len(path)-1] {
		f, _ = f[name].(map[string]any)
	}
	text, _ := f[path[len(path)-1]].(string)
	return text
}

// expected is what Security Hub has to show after the events of a run.
func (l *lab) expected() map[string]record {
	l.t.Helper()
	all := map[string]record{}
	for _, kind := range []string{report.FindingObserved, report.FindingResolved} {
		for _, d := range l.details(kind) {
			r := record{
				State: "ACTIVE", Severity: strings.ToUpper(string(d.Finding.Severity)), Title: d.Finding.Title, Workflow: "NEW",
				Compliance: map[finding.Compliance]string{
					finding.Fail: "FAILED", finding.Warning: "WARNING", finding.Pass: "PASSED",
				}[d.Finding.Compliance],
			}
			if kind == report.FindingResolved {
				r.State = "ARCHIVED"
			}
			if d.Finding.State == finding.Suppressed {
				r.Suppressed = "true"
			}
			all[d.Finding.ID] = r
		}
	}
	return all
}

func (l *lab) checkHub() {
	l.t.Helper()
	if diff := cmp.Diff(l.expected(), l.records()); diff != "" {
		l.t.Errorf("Security Hub (-want +got):\n%s", diff)
	}
}

// TestImports goes through the life of findings: new, unchanged, refreshed, resolved and
// reopened.
func TestImports(t *testing.T) {
	large(t)
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		all := aged(130)
		l := newLab(t, databraintest.Config{DataApps: all}).withHub()
		s := l.mustRun()
		l.checkHub()
		if n := l.hub.Count(""); n != 2 || s.Counts.Findings <= 100 {
			t.Errorf("%d calls for %d findings", n, s.Counts.Findings)
		}
		before := l.hub.Findings()
		time.Sleep(time.Hour)
		l.mustRun()
		if n := l.hub.Count(""); n != 2 {
			t.Errorf("%d calls after a run that changed nothing", n)
		}
		time.Sleep(24 * time.Hour)
		l.mustRun()
		l.checkHub()
		for id, f := range l.hub.Findings() {
			if member(f, "CreatedAt") != member(before[id], "CreatedAt") ||
				member(f, "UpdatedAt") <= member(before[id], "UpdatedAt") {
				t.Errorf("a day later: created %v, updated %v; before %v, %v", f["CreatedAt"], f["UpdatedAt"],
					before[id]["CreatedAt"], before[id]["UpdatedAt"])
			}
		}
		calls := l.hub.Count("")
		gone := all[7]
		l.db.SetDataApps(slices.Delete(slices.Clone(all), 7, 8))
		time.Sleep(time.Minute)
		l.mustRun()
		id := l.details(report.FindingResolved)[0].Finding.ID
		want := record{"ARCHIVED", "PASSED", "MEDIUM", "API token is older than its limit", "", "NEW"}
		if got := l.records()[id]; got != want || l.hub.Count("") != calls+1 {
			t.Errorf("resolved: %+v after %d calls", got, l.hub.Count("")-calls)
		}
		time.Sleep(24 * time.Hour)
		calls = l.hub.Count("")
		l.mustRun()
		if n := l.hub.Count(""); n != calls+2 || l.records()[id] != want {
			t.Errorf("a day after: %d calls, %+v", n-calls, l.records()[id])
		}
		l.db.SetDataApps(append(slices.Delete(slices.Clone(all), 7, 8), gone))
		time.Sleep(time.Minute)
		l.mustRun()
		want.State, want.Compliance = "ACTIVE", "FAILED"
		if got := l.records()[id]; got != want {
			t.Errorf("reopened: %+v", got)
		}
	})
}

// TestAnImportLeavesToPeopleWhatIsTheirs: an exception marks a finding, and takes the mark
// away, and neither touches what people have set.
func TestAnImportLeavesToPeopleWhatIsTheirs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, databraintest.Config{DataApps: []databraintest.DataApp{app("ETL", 100)}}).withHub()
		l.mustRun()
		observed := l.details(report.FindingObserved)
		id := observed[slices.IndexFunc(observed, func(d report.Detail) bool { return d.Token != nil })].Finding.ID
		people := securityhubtest.Finding{
			"Workflow": map[string]any{"Status": "NOTIFIED"}, "Note": map[string]any{"Text": "known"},
			"UserDefinedFields": map[string]any{"ticket": "A-1"}, "Severity": map[string]any{"Label": "LOW"},
			"VerificationState": "TRUE_POSITIVE", "Types": []any{"TTPs"},
		}
		l.hub.Update(id, people)
		const exception = `{"exceptions":[` +
			`{"id":"e","dataApp":"ETL","reason":"vendor","owner":"data","expiresAt":"2100-01-01"}]}`
		for _, policy := range []string{exception, `{}`} {
			time.Sleep(time.Minute)
			l.policy(policy)
			l.mustRun()
			f := l.hub.Findings()[id]
			marked := member(f, "ProductFields", "databrain-token-audit/exception")
			if (marked == "e") != (policy == exception) || member(f, "Compliance", "Status") != "FAILED" {
				t.Errorf("with %s: marked %q, %v", policy, marked, f["Compliance"])
			}
			for name, value := range people {
				if diff := cmp.Diff(value, f[name]); diff != "" {
					t.Errorf("%s was changed:\n%s", name, diff)
				}
			}
		}
	})
}

// TestNoFindingIsLostInSecurityHub: whatever fails in some runs, after a run in which
// nothing fails Security Hub shows what the audit knows, and no finding that it has shown
// before is left open.
func TestNoFindingIsLostInSecurityHub(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		seed := rapid.SliceOfN(rapid.IntRange(0, 11), 4, 14).Draw(rt, "steps")
		synctest.Test(t, func(t *testing.T) {
			all := aged(4)
			for i := range all {
				all[i].Tokens = append(all[i].Tokens, app(fmt.Sprint("due ", i), 70+i*3).Tokens...)
			}
			l := newLab(t, databraintest.Config{DataApps: all}).withHub()
			l.run()
			ever := maps.Collect(maps.All(l.records()))
			step := func(n int) {
				switch n {
				case 0:
					l.hub.InjectPart(standin.PartFault{Skip: n, Times: 9})
				case 1:
					l.hub.InjectPart(standin.PartFault{Skip: 3, Times: -1, Code: "InvalidInput"})
				case 2:
					l.hub.Inject(standin.Fault{Times: -1, Do: standin.Error("LimitExceededException")})
				case 3:
					l.hub.Inject(standin.Fault{Times: 20, Do: standin.CutBody()}) // imported, and the answer is lost
				case 4:
					l.hub.Inject(standin.Fault{Times: -1, Do: standin.Hang()})
				case 5:
					l.hub.Switch(false)
				case 6, 7:
					all = all[:max(1, len(all)-1)]
				case 8:
					all = append(slices.Clone(all), app(fmt.Sprint("App ", len(all), time.Now()), 95, 80))
					l.guard(all[len(all)-1:])
				case 9:
					l.policy(`{"maxAgeDays":60}`)
				case 10:
					l.policy(`{"exceptions":[{"id":"e","dataApp":"App*","reason":"r","owner":"o","expiresAt":"2100-01-01"}]}`)
				case 11:
					l.policy(`{}`)
				}
				l.db.SetDataApps(all)
			}
			for i, n := range seed {
				step(n)
				time.Sleep(time.Duration(1+i%3) * 7 * time.Hour)
				l.bus.ClearEntries()
				s, err := l.run()
				if s.Status != report.Complete || (err != nil) != (s.EmitFailures > 0) {
					t.Fatalf("%s: %v", s.Status, err)
				}
				maps.Copy(ever, l.records())
				if i%2 == 0 {
					l.hub.ClearFaults()
					l.hub.Switch(true)
				}
			}
			l.hub.ClearFaults()
			l.hub.Switch(true)
			time.Sleep(time.Minute)
			l.mustRun()
			want, got := l.expected(), l.records()
			for id, w := range want {
				if _, known := got[id]; w.State == "ARCHIVED" && !known {
					continue // Security Hub never heard of it
				}
				if diff := cmp.Diff(w, got[id]); diff != "" {
					t.Errorf("%s (-want +got):\n%s", id, diff)
				}
			}
			for id := range ever {
				if _, observed := want[id]; !observed && got[id].State != "ARCHIVED" {
					t.Errorf("%s is gone, and %+v in Security Hub", id, got[id])
				}
			}
		})
	})
}

// unknownHost is a region without Security Hub.
type unknownHost struct{}

func (unknownHost) Do(r *http.Request) (*http.Response, error) {
	return nil, &net.DNSError{Err: "no such host", Name: r.URL.Host, IsNotFound: true}
}

// TestWhatFailsInSecurityHub: the run is complete, its other outcome is all there, one
// error says what happened and what to do, and the next run imports what is missing.
func TestWhatFailsInSecurityHub(t *testing.T) {
	large(t)
	t.Parallel()
	const arn = "arn:aws:securityhub:us-east-1:123456789012:product/123456789012/default"
	call := func(do standin.Action) func(*lab) {
		return func(l *lab) { l.hub.Inject(standin.Fault{Times: -1, Do: do}) }
	}
	answer := func(body string) standin.Action { return standin.Reply(200, "application/json", body) }
	notHub := []string{"what answers is not Security Hub", "region us-east-1 has Security Hub"}
	for name, c := range map[string]struct {
		fail  func(*lab)
		lost  int // of 31
		calls int // at most
		says  []string
	}{
		"switched off": {func(l *lab) { l.hub.Switch(false) }, 31, 1,
			[]string{"Security Hub: InvalidAccess: ", "switched off in account 123456789012, region us-east-1",
				"enable-security-hub --region us-east-1", "AuditSecurityHub to false"}},
		"not subscribed": {call(standin.Error("InvalidAccessException")), 31, 1,
			[]string{"InvalidAccessException", "switched off in account 123456789012", "enable-security-hub"}},
		"denied": {call(standin.Error("AccessDeniedException")), 31, 1,
			[]string{"AccessDeniedException", "securityhub:BatchImportFindings on " + arn, "AuditSecurityHub"}},
		"throttled": {call(standin.Error("LimitExceededException")), 31, 12, []string{"LimitExceededException", "throttles"}},
		"too many requests": {call(standin.Error("TooManyRequestsException")), 31, 12,
			[]string{"TooManyRequestsException", "throttles"}},
		"internal":        {call(standin.Error("")), 31, 12, []string{"InternalException", "The call failed"}},
		"no answer":       {call(standin.Hang()), 31, 12, []string{"no answer", "com.amazonaws.us-east-1.securityhub"}},
		"cut":             {call(standin.Cut()), 31, 12, []string{"no answer"}},
		"a login page":    {call(standin.LoginPage()), 31, 12, []string{"what answers is not Security Hub"}},
		"a proxy":         {call(standin.BadGateway()), 31, 12, []string{"502"}},
		"a count of none": {call(answer(`{"FailedCount":0,"SuccessCount":0,"FailedFindings":[]}`)), 31, 12, notHub},
		"a count of more": {call(answer(`{"FailedCount":0,"SuccessCount":32,"FailedFindings":[]}`)), 31, 12, notHub},
		"another refused": {call(answer(`{"FailedCount":1,"SuccessCount":30,"FailedFindings":[{"Id":"x"}]}`)), 31, 12,
			notHub},
		"a firewall": {call(standin.Reply(403, "text/html", "<h1>no</h1>")), 31, 1, []string{"403", "role"}},
		"no region": {func(l *lab) { l.importBy(unknownHost{}) }, 31, 0,
			[]string{"the name securityhub.us-east-1.amazonaws.com could not be looked up",
				"region us-east-1 has Security Hub"}},
		"one finding": {func(l *lab) {
			l.hub.InjectPart(standin.PartFault{Skip: 4, Code: "InvalidInput", Message: "too \"long\""})
			l.hub.InjectPart(standin.PartFault{Skip: 31, Times: -1, Code: "InvalidInput", Message: "no"})
		}, 1, 6, []string{"finding dbt1-", "was refused: InvalidInput: no", "1 events, reports, imports"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLab(t, databraintest.Config{DataApps: aged(30)}).withHub()
				client := l.auditor.Hub
				c.fail(l)
				start := time.Now()
				s, err := l.run()
				failed := asError[*audit.EmissionFailed](t, err)
				if s.Status != report.Complete || s.EmitFailures != c.lost || failed.Failures != c.lost {
					t.Errorf("%s, %d failures by the summary and %d by the error", s.Status, s.EmitFailures, failed.Failures)
				}
				for _, word := range c.says {
					if !strings.Contains(err.Error(), word) {
						t.Errorf("the error lacks %q: %v", word, err)
					}
				}
				if n := strings.Count(l.log.String(), `"msg":"not written"`); n != 1 {
					t.Errorf("%d lines of the log tell of it", n)
				}
				if n := l.hub.Count(""); n > c.calls {
					t.Errorf("%d calls", n)
				}
				if took := time.Since(start); took > 3*time.Minute {
					t.Errorf("took %v", took)
				}
				l.checkCompleted(s)
				if got := l.metric("EmitFailures"); got != float64(c.lost) {
					t.Errorf("the metric says %v failures", got)
				}
				l.hub.ClearFaults()
				l.hub.Switch(true)
				l.auditor.Hub = client
				time.Sleep(time.Minute)
				if s := l.mustRun(); s.Counts.New != 0 || s.Counts.Ongoing != 31 {
					t.Errorf("the state was not stored: %+v", s.Counts)
				}
				l.checkHub()
			})
		})
	}
}

// TestASlowSecurityHubCostsNothingElse: with little time left, the last event and the state
// are there all the same.
func TestASlowSecurityHubCostsNothingElse(t *testing.T) {
	large(t)
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, databraintest.Config{DataApps: aged(150)}).withHub()
		l.auditor.RequestsPerMinute, l.timeout = 60_000, 45*time.Second
		l.hub.Inject(standin.Fault{Times: -1, Do: standin.SlowBody(4 * time.Second)})
		start := time.Now()
		s, err := l.run()
		asError[*audit.EmissionFailed](t, err)
		l.checkCompleted(s)
		if took := time.Since(start); took > l.timeout-10*time.Second {
			t.Errorf("took %v of %v", took, l.timeout)
		}
		_, stored := l.s3.Object(labBucket, "audit/latest/report.html")
		l.hub.ClearFaults()
		if s := l.mustRun(); s.Counts.New != 0 || !stored {
			t.Errorf("%+v, report %t", s.Counts, stored)
		}
		l.checkHub()
	})
}

// TestWhatIsUnknownComesFirst: a Security Hub that is too slow for all findings gets those
// first that it does not have, and then refreshes them in turn.
func TestWhatIsUnknownComesFirst(t *testing.T) {
	large(t)
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, databraintest.Config{DataApps: aged(450)}).withHub()
		l.auditor.RequestsPerMinute, l.timeout = 60_000, 31*time.Second // of which half is for the import
		l.hub.Inject(standin.Fault{Times: -1, Do: standin.Delay(4 * time.Second)})
		for day, want := range []int{300, 451} {
			s, err := l.run()
			if n := len(l.records()); n < want || s.EmitFailures == 0 || err == nil {
				t.Errorf("day %d: %d findings are in Security Hub, %d failures", day, n, s.EmitFailures)
			}
			time.Sleep(24 * time.Hour)
		}
		for range 2 {
			l.run()
			time.Sleep(24 * time.Hour)
		}
		for id, f := range l.hub.Findings() {
			at, err := time.Parse(time.RFC3339, member(f, "UpdatedAt"))
			if err != nil || time.Since(at) > 3*24*time.Hour {
				t.Errorf("%s was refreshed at %v", id, at)
			}
		}
	})
}

// TestOneOddFindingKeepsBackNoOther: a call that is refused for one of its findings is made
// again in parts.
func TestOneOddFindingKeepsBackNoOther(t *testing.T) {
	large(t)
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, databraintest.Config{DataApps: aged(150)}).withHub()
		l.hub.Inject(standin.Fault{Times: -1, Do: standin.Error("InvalidInputException"), When: func(r *http.Request) bool {
			body, _ := io.ReadAll(r.Body)
			return bytes.Contains(body, []byte("App 033"))
		}})
		s, err := l.run()
		if s.EmitFailures != 1 || !strings.Contains(err.Error(), "InvalidInputException") || len(l.records()) != 150 {
			t.Errorf("%d failures, %d imported: %v", s.EmitFailures, len(l.records()), err)
		}
	})
}

// TestCallsKeepToTheirLimits: a hundred findings and six megabytes a call, ten calls a second.
func TestCallsKeepToTheirLimits(t *testing.T) {
	large(t)
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var all []databraintest.DataApp
		for i := range 12 {
			a := app(fmt.Sprint(i, strings.Repeat("語", 240)))
			for n := range 100 {
				a.Tokens = append(a.Tokens, databraintest.APIToken{
					Key: fmt.Sprintf("key-%d-%d-and-some-more", i, n), Name: fmt.Sprint(n, strings.Repeat("語", 250)),
					CreatedAt: time.Now().AddDate(-1, 0, 0),
				})
			}
			all = append(all, a)
		}
		l := newLab(t, databraintest.Config{DataApps: all}).withHub()
		l.auditor.RequestsPerMinute = 60_000
		s := l.mustRun()
		if n := len(l.records()); n != s.Counts.Findings || n != 1201 {
			t.Errorf("%d of %d findings", n, s.Counts.Findings)
		}
		if rate := l.hub.PeakRate(time.Second); rate > 10 || l.hub.Count("") < 12 {
			t.Errorf("%d calls in a second, %d in all", rate, l.hub.Count(""))
		}
	})
}

// TestWithoutMemoryEachRunImportsAll, and a dry run nothing.
func TestWithoutMemoryEachRunImportsAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, databraintest.Config{DataApps: aged(3)}).withHub()
		l.auditor.Store = nil
		var updated string
		for range 3 {
			time.Sleep(time.Second)
			l.mustRun()
			l.checkHub()
			for _, f := range l.hub.Findings() {
				if at := member(f, "UpdatedAt"); at < updated {
					t.Errorf("updated at %s, after %s", at, updated)
				}
			}
		}
		if n := l.hub.Count(""); n != 3 {
			t.Errorf("%d calls in three runs", n)
		}
		_, err := l.auditor.Run(t.Context(),
			audit.Request{RunID: "dry", DryRun: true, Start: time.Now(), FunctionARN: labFunction})
		if n := l.hub.Count(""); n != 3 || err != nil {
			t.Errorf("%d calls after a dry run: %v", n, err)
		}
	})
}

// TestAStateOfAnEarlierRelease has no imports: everything is imported once.
func TestAStateOfAnEarlierRelease(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		all := aged(5)
		l := newLab(t, databraintest.Config{DataApps: all})
		l.mustRun()
		stored, _ := l.s3.Object(labBucket, "audit/state.json")
		if bytes.Contains(stored.Body, []byte(`"import"`)) {
			t.Error("a state without Security Hub knows imports")
		}
		l.withHub()
		l.db.SetDataApps(all[1:])
		time.Sleep(time.Minute)
		l.mustRun()
		if n := len(l.records()); n != 5 { // what was resolved was never there
			t.Errorf("%d findings are in Security Hub", n)
		}
		stored, _ = l.s3.Object(labBucket, "audit/state.json")
		var state struct {
			Findings []struct{ Import *finding.Import }
		}
		if err := json.Unmarshal(stored.Body, &state); err != nil || len(state.Findings) != 6 {
			t.Fatalf("%d findings, %v", len(state.Findings), err)
		}
	})
}

// TestWhatSecurityHubNeverHeardOf is not archived there, unless the state has no room to tell.
func TestWhatSecurityHubNeverHeardOf(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		room     int64
		archived int
	}{"with room": {0, 0}, "without room": {3200, 2}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLab(t, databraintest.Config{DataApps: []databraintest.DataApp{app("A", 80, 100), app("B", 101)}})
				l.mustRun()
				l.db.SetDataApps([]databraintest.DataApp{app("A"), app("B", 101, 102, 103, 104, 105)})
				l.withHub().auditor.Store.StateBytes = c.room
				time.Sleep(time.Minute)
				s := l.mustRun()
				archived := 0
				for _, r := range l.records() {
					if r.State == "ARCHIVED" {
						archived++
					}
				}
				if archived != c.archived || s.Counts.Resolved != 2 || s.StateLost != "" {
					t.Errorf("%d are archived, want %d; %+v, the state is %q", archived, c.archived, s.Counts, s.StateLost)
				}
			})
		})
	}
}

// TestAnUnknownFunction has no account to import into.
func TestAnUnknownFunction(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, databraintest.Config{DataApps: aged(3)}).withHub()
		s, err := l.auditor.Run(t.Context(), audit.Request{RunID: "r", Start: time.Now()})
		if s.EmitFailures != 4 || !strings.Contains(fmt.Sprint(err), "the ARN of this function is not known") {
			t.Errorf("%d failures: %v", s.EmitFailures, err)
		}
	})
}
