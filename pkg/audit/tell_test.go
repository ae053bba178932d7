package audit_test

import (
	"fmt"
	"slices"
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

// neglected is an instance with n tokens that are critical.
func neglected(n int) []databraintest.DataApp {
	ages := make([]int, n)
	for i := range ages {
		ages[i] = 400 + i
	}
	return []databraintest.DataApp{app("Neglected", ages...)}
}

// completed is the detail of the event that ended the run.
func (l *lab) completed() report.CompletedDetail {
	l.t.Helper()
	for _, e := range l.bus.Entries() {
		if e.DetailType == report.AuditCompleted {
			return decode[report.CompletedDetail](l.t, e.Detail)
		}
	}
	l.t.Fatal("no event ended the run")
	return report.CompletedDetail{}
}

// messages counts what the two rules of the stack send of a run: for critical findings
// alone, as they do by default, or for all. It fails if one that people should hear of is
// neither sent nor counted.
func (l *lab) messages(critical bool) (n int) {
	l.t.Helper()
	counted := 0
	for _, d := range l.details(report.FindingObserved) {
		if critical && d.Finding.Severity != finding.Critical {
			continue
		}
		switch {
		case d.Message == nil:
		case d.Message.As == finding.Single:
			n++
		default:
			counted++
		}
	}
	rest := l.completed().Message
	told := 0
	if rest != nil {
		told = rest.Counted
		if critical {
			told = rest.Critical
		}
	}
	if counted != told {
		l.t.Errorf("%d findings are marked as counted, and the message counts %d", counted, told)
	}
	if told > 0 {
		n++
	}
	return n
}

// TestTheFirstRunOverANeglectedInstance: 300 critical tokens were 300 messages.
func TestTheFirstRunOverANeglectedInstance(t *testing.T) {
	large(t)
	t.Parallel()
	for name, c := range map[string]struct {
		most   int
		memory bool
		want   []int // messages of each run
		all    []int // of a stack that sends all findings
	}{
		"default":           {10, true, []int{11, 0}, []int{11, 0}},
		"without a bucket":  {10, false, []int{11, 11}, []int{11, 11}},
		"one message alone": {0, true, []int{1, 0}, []int{1, 0}},
		// The rotation of the lab's service token is off, which is a finding below critical.
		"just enough for all":      {301, true, []int{300, 0}, []int{301, 0}},
		"enough for what is worst": {300, true, []int{300, 0}, []int{301, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLab(t, databraintest.Config{DataApps: neglected(300)})
				l.auditor.MessagesPerRun = c.most
				if !c.memory {
					l.auditor.Store = nil
				}
				var critical, all []int
				for range c.want {
					s := l.mustRun()
					if events := len(l.details(report.FindingObserved)); s.Counts.BySeverity.Critical != 300 || events != 301 {
						t.Errorf("%d critical findings, %d events", s.Counts.BySeverity.Critical, events)
					}
					critical, all = append(critical, l.messages(true)), append(all, l.messages(false))
					time.Sleep(time.Hour)
				}
				if diff := cmp.Diff([][]int{c.want, c.all}, [][]int{critical, all}); diff != "" {
					t.Errorf("messages of critical findings, and of all (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// TestTheMessageSaysWhereAllFindingsAre reads the message about the rest in each case.
func TestTheMessageSaysWhereAllFindingsAre(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		prepare func(*lab)
		says    []string
	}{
		"a report": {
			func(*lab) {}, []string{"13 findings to tell of on https://databrain.example.com. The 10 worst",
				"the other 3 are counted here: 2 critical, 1 high.",
				"All findings are in s3://bucket/audit/2000-01-01/run-1/report.html"},
		},
		"a dashboard": {
			func(l *lab) { l.auditor.Dashboard = "https://console.example/#dashboards:name=x" },
			[]string{"/report.html and the dashboard links to the latest report: https://console.example/#dashboards:name=x"},
		},
		"no bucket": {
			func(l *lab) { l.auditor.Store = nil },
			[]string{"AuditBucketName", "each run tells of all findings again", "AuditDryRunCommand"},
		},
		"a report that was not stored": {
			func(l *lab) {
				l.s3.Inject(standin.Fault{Operation: "PutObject", Times: -1, Do: standin.Reply(403, "application/xml", "<Error/>")})
			},
			[]string{"could not be stored", "AuditDryRunCommand"},
		},
		"none by itself": {
			func(l *lab) { l.auditor.MessagesPerRun = 0 }, []string{"parameter AuditMessagesPerRun) is 0: 12 critical, 1 high."},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLab(t, databraintest.Config{DataApps: neglected(12)})
				c.prepare(l)
				l.run() //nolint:errcheck // one case fails, and the event is there all the same
				rest := l.completed().Message
				if rest == nil {
					t.Fatal("there is no message about the rest")
				}
				for _, words := range c.says {
					if !strings.Contains(rest.Text, words) {
						t.Errorf("%q is not in %q", words, rest.Text)
					}
				}
			})
		})
	}
}

// TestARepeatedRunMarksTheSameFindings: whatever event was lost, the next run tells of
// the same findings again, with the same ids.
func TestARepeatedRunMarksTheSameFindings(t *testing.T) {
	large(t)
	t.Parallel()
	for _, lost := range []string{report.CoverageGap, report.AuditCompleted} {
		t.Run(lost, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLab(t, databraintest.Config{DataApps: append(neglected(30), app("Forbidden"))})
				l.db.Inject(
					standin.Fault{Target: tokensPath, When: forApp("Forbidden"), Times: -1,
						Do: databraintest.Error(403, "FORBIDDEN", "x")},
				)
				l.bus.InjectPart(standin.PartFault{Of: lost, Times: -1})
				_, err := l.run()
				asError[*audit.EmissionFailed](t, err)
				marks := func() (marks []string) {
					for _, d := range l.details(report.FindingObserved) {
						if d.Message != nil {
							marks = append(marks, fmt.Sprint(d.Metadata.EventID, " ", d.Message.As))
						}
					}
					slices.Sort(marks)
					return slices.Compact(marks)
				}
				l.bus.ClearFaults()
				first := marks()
				time.Sleep(time.Hour)
				l.mustRun()
				again := marks()
				if n := l.messages(true); n != 11 || len(again) != 32 || !slices.Equal(first, again) {
					t.Errorf("%d messages; marks (-first +again):\n%s", n, cmp.Diff(first, again))
				}
			})
		})
	}
}

// TestDigest reads what a rule mails of each kind of run.
func TestDigest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, databraintest.Config{DataApps: []databraintest.DataApp{app("Old", 500, 400), app("Young", 10)}})
		digest := func(want map[string]string) {
			t.Helper()
			l.mustRun()
			got := l.completed().Digest
			for member, text := range map[string]string{
				"title": got.Title, "counts": got.Counts, "changes": got.Changes, "report": got.Report,
				"worst": strings.Join(got.Worst, "|"), "notes": got.Notes,
			} {
				if !strings.Contains(text, want[member]) {
					t.Errorf("%s: %q is not in %q", member, want[member], text)
				}
			}
			if len(got.Worst) > 5 {
				t.Errorf("%d of the worst", len(got.Worst))
			}
			time.Sleep(24 * time.Hour)
		}
		digest(map[string]string{
			"title": "2 of 3 API tokens are stale", "counts": "3 findings: 2 critical, 1 high.",
			"changes": "This is the first run.", "worst": "critical: API token “token 0” (fingerprint",
			"report": "All findings are in s3://bucket/audit/2000-01-01/run-1/report.html",
		})
		l.db.SetDataApps([]databraintest.DataApp{app("Old", 400), app("Young", 100, 100, 100, 100)})
		digest(map[string]string{"changes": "4 new, 0 reopened, 0 with a higher severity, 1 resolved."})
		l.db.Inject(standin.Fault{Target: tokensPath, When: forApp("Young"), Times: -1,
			Do: databraintest.Error(403, "FORBIDDEN", "x")})
		digest(map[string]string{"counts": "Partial. 1 of 2 data apps could not be read.", "title": "that could be read"})
		l.db.ClearFaults()
		l.db.Inject(standin.Fault{Target: appsPath, Times: -1, Do: databraintest.Error(401, "AUTHENTICATION_ERROR", "no")})
		l.bus.ClearEntries()
		_, err := l.run()
		asError[*audit.RunFailed](t, err)
		if got := l.completed().Digest; !strings.Contains(got.Title, "The audit failed") || got.Notes == "" {
			t.Errorf("%+v", got)
		}
		l.db.ClearFaults()
		l.s3.Remove(labBucket, "audit/state.json")
		digest(map[string]string{"changes": "lost or could not be read", "notes": "the state of the last run is gone"})
		l.auditor.Store = nil
		digest(map[string]string{"changes": "Nothing is known of earlier runs", "report": "AuditBucketName"})
	})
}
