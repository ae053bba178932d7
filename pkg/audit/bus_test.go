package audit_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"databrain-rotation/pkg/audit"
	"databrain-rotation/pkg/audit/finding"
	"databrain-rotation/pkg/audit/report"
	"databrain-rotation/pkg/standin"
	"databrain-rotation/pkg/standin/databraintest"
)

// TestBatches: whatever the sizes of the entries, they come out once each and in
// order, in batches that keep to the limits and could not have been larger.
func TestBatches(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sizes := rapid.SliceOfN(rapid.OneOf(
			rapid.IntRange(0, 3000),
			rapid.IntRange(0, 60_000),
			rapid.IntRange(report.MaxBatchBytes-100, report.MaxBatchBytes+100),
		), 0, 60).Draw(t, "sizes")
		entries := make([]types.PutEventsRequestEntry, len(sizes))
		for i, n := range sizes {
			entries[i] = types.PutEventsRequestEntry{
				Source:     aws.String("s"),
				DetailType: aws.String(fmt.Sprint(i)),
				Detail:     aws.String(strings.Repeat("x", n)),
			}
		}
		next, room := 0, -1
		for batch := range audit.Batched(slices.Values(entries)) {
			size := 0
			for _, e := range batch {
				if *e.DetailType != fmt.Sprint(next) {
					t.Fatalf("entry %s where %d is due", *e.DetailType, next)
				}
				size += audit.EntrySize(e)
				next++
			}
			if len(batch) == 0 || len(batch) > audit.MaxBatchEntries || size > report.MaxBatchBytes && len(batch) > 1 {
				t.Fatalf("a batch of %d entries and %d bytes", len(batch), size)
			}
			if first := audit.EntrySize(batch[0]); room >= first {
				t.Fatalf("an entry of %d bytes went into a new batch although there was room for %d", first, room)
			}
			room = report.MaxBatchBytes - size
			if len(batch) == audit.MaxBatchEntries {
				room = -1
			}
		}
		if next != len(entries) {
			t.Fatalf("%d of %d entries came out", next, len(entries))
		}
	})
}

func TestOnlyEntriesThatFailedAreSentAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := apps(45)
		l := newLab(t, databraintest.Config{DataApps: all})
		l.bus.InjectPart(entryFault(3, 4))
		l.bus.InjectPart(entryFault(33, 1))
		s := l.mustRun()
		if s.EmitFailures != 0 || l.bus.Accepted() != s.Counts.Findings+1 {
			t.Errorf("%d emission failures, %d events for %d findings", s.EmitFailures, l.bus.Accepted(), s.Counts.Findings)
		}
		ids := map[string]bool{}
		for _, d := range l.details(report.FindingObserved) {
			if ids[d.Metadata.EventID] {
				t.Errorf("event %s was taken twice", d.Metadata.EventID)
			}
			ids[d.Metadata.EventID] = true
		}
		l.checkRecall(s, all)
	})
}

func TestEventsThatStayFailedAreAnError(t *testing.T) {
	large(t)
	t.Parallel()
	for _, c := range []struct {
		name   string
		damage func(*lab)
		lost   int
		cause  string // that the error names
	}{
		{"one entry", func(l *lab) { l.bus.InjectPart(entryFault(1, -1, report.CoverageGap)) }, 1,
			"events: EventBridge did not take an entry: ThrottlingException"},
		{"every entry", func(l *lab) { l.bus.InjectPart(entryFault(1, -1)) }, 63,
			"events: EventBridge did not take an entry: ThrottlingException"},
		{"every call", func(l *lab) {
			l.bus.Inject(standin.Fault{Times: -1, Do: standin.Error("AccessDeniedException")})
		}, 63, "events: AccessDeniedException"},
		{"no answer", func(l *lab) { l.bus.Inject(standin.Fault{Times: -1, Do: standin.Hang()}) }, 63,
			"events: no answer in time"},
		{"the last event", func(l *lab) { l.bus.InjectPart(entryFault(1, -1, report.AuditCompleted)) }, 1,
			"the last event: EventBridge did not take an entry: ThrottlingException"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLab(t, databraintest.Config{DataApps: apps(60)})
				l.db.Inject(
					standin.Fault{
						Target: tokensPath,
						When:   forApp("App 007"),
						Times:  -1,
						Do:     databraintest.Error(403, "FORBIDDEN", "x"),
					},
				)
				c.damage(l)
				start := time.Now()
				s, err := l.run()
				if !strings.Contains(err.Error(), c.cause) {
					t.Errorf("%v; it should name the first cause: %s", err, c.cause)
				}
				if e := asError[*audit.EmissionFailed](t, err); c.lost != e.Failures || s.EmitFailures != e.Failures {
					t.Errorf("%d failures by the error, %d by the summary", e.Failures, s.EmitFailures)
				}
				if took := time.Since(start); took > l.timeout-time.Second {
					t.Errorf("took %v of the %v of the invocation, too long for its metrics and its answer", took, l.timeout)
				}
				if got := l.metric("EmitFailures"); got != float64(s.EmitFailures) {
					t.Errorf("the metric says %v failures", got)
				}
				if stored, _ := l.s3.Object(labBucket, "audit/state.json"); !strings.Contains(
					string(stored.Body),
					`"findings":[]`,
				) {
					t.Error("the state was stored although events were lost")
				}
				if !strings.Contains(l.log.String(), "not written") {
					t.Error("the log does not say so")
				}
				// The next run makes up for it: everything is new still.
				l.bus.ClearFaults()
				if s := l.mustRun(); s.Counts.New != s.Counts.Findings || s.Counts.New == 0 {
					t.Errorf("the next run: %+v", s.Counts)
				}
			})
		})
	}
}

// TestLastEventComesLast: even when calls are slow and entries fail, the event
// that ends the run is not taken before all others were.
func TestLastEventComesLast(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, databraintest.Config{DataApps: apps(200)})
		for i := range 20 {
			l.bus.Inject(standin.Fault{Skip: i, Do: standin.Delay(time.Duration(20-i) * time.Second)})
		}
		l.bus.InjectPart(entryFault(7, 3))
		s := l.mustRun()
		l.checkCompleted(s)
		if peak := l.bus.PeakInFlight(); peak < 2 || peak > 10 {
			t.Errorf("%d calls at a time, want some and at most 10", peak)
		}
	})
}

func TestEventsOfTheLongestNames(t *testing.T) {
	large(t)
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for name, part := range map[string]string{"quotes": `"\`, "four bytes": "\U0001F511",
			"HTML and controls": "<&>\x01\u2028\u2029"} {
			var all []databraintest.DataApp
			for i := range 52 {
				a := app(fmt.Sprintf("%02d", i)+strings.Repeat(part, 300), 100+i)
				a.Tokens[0].Name = strings.Repeat(part, 300)
				all = append(all, a)
			}
			l := newLab(t, databraintest.Config{DataApps: all})
			s := l.mustRun()
			l.checkCompleted(s)
			if !s.WorstTruncated || len(s.Worst) > 50 || len(s.Worst) < 20 {
				t.Errorf("%s: %d worst findings", name, len(s.Worst))
			}
			for _, d := range l.details(report.FindingObserved) {
				if d.Token != nil &&
					(len([]rune(d.DataApp.Name)) != 256 || strings.ContainsAny(d.DataApp.Name+d.Token.Name, "\x01\u2028\u2029")) {
					t.Errorf("%s: data app %q", name, d.DataApp.Name)
				}
			}
		}
	})
}

// TestTheLastEventFits: it is the sign of life, and goes out whatever the notes hold.
func TestTheLastEventFits(t *testing.T) {
	large(t)
	for name, cause := range map[string]string{"letters": "x", "controls": "\x01", "cut in a character": "x€"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLab(t, databraintest.Config{DataApps: apps(2)})
				l.auditor.Policy = func(context.Context) (finding.Policy, error) {
					return finding.Policy{}, errors.New(strings.Repeat(cause, 400<<10))
				}
				s, err := l.run()
				asError[*audit.RunFailed](t, err)
				l.checkCompleted(s)
				if s.EmitFailures != 0 {
					t.Errorf("%d emission failures", s.EmitFailures)
				}
			})
		})
	}
}

// TestAPolicyOfFaults: the size that is read of a policy in S3 may hold many faults.
// They are found in time, and told in a size that every reader of errors takes.
func TestAPolicyOfFaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, databraintest.Config{DataApps: apps(2)})
		l.storedPolicy()
		rules := strings.Repeat(`{},`, 20_000) + `{}`
		l.s3.Put(labBucket, "policy.json", []byte(`{"rules":[`+rules+`]}`))
		s, err := l.run()
		if text := asError[*audit.RunFailed](t, err).Error(); len(text) > 4<<10 ||
			!strings.Contains(text, "; and 39952 more") {
			t.Errorf("%d bytes: %.100s", len(text), text)
		}
		l.checkCompleted(s)
	})
}

// TestWireForm pins the detail of each kind of event, member by member.
func TestWireForm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t,
			databraintest.Config{DataApps: []databraintest.DataApp{app("Customer Portal Analytics", 120), app("Broken")}})
		l.db.Inject(
			standin.Fault{Target: tokensPath, When: forApp("Broken"), Times: -1, Do: databraintest.Error(403, "FORBIDDEN", "x")},
		)
		l.mustRun()
		members := map[string][]string{}
		for _, e := range l.bus.Entries() {
			if e.Source != "databrain.token-audit" || e.Bus != "default" {
				t.Errorf("source %q on bus %q", e.Source, e.Bus)
			}
			var paths []string
			paths = memberPaths(decode[map[string]any](t, e.Detail), "", paths)
			slices.Sort(paths)
			key := e.DetailType
			if d := decode[report.Detail](t, e.Detail); d.Finding.Check != "" {
				key += " " + string(d.Finding.Check)
			}
			members[key] = paths
		}
		finding := []string{
			"finding.check",
			"finding.compliance",
			"finding.description",
			"finding.firstSeenAt",
			"finding.id",
			"finding.lastSeenAt",
			"finding.severity",
			"finding.state",
			"finding.title",
		}
		common := []string{"instance.url", "metadata.emittedAt", "metadata.eventId", "metadata.runId", "metadata.schema"}
		remedy := []string{"remediation.text", "remediation.url", "message.as", "message.text", "message.todo"}
		join := func(parts ...[]string) []string { all := slices.Concat(parts...); slices.Sort(all); return all }
		for key, want := range map[string][]string{
			"Databrain Token Finding Observed token-age": join(finding, common, remedy, []string{"dataApp.name",
				"token.fingerprint", "token.name",
				"token.createdAt", "token.ageDays", "token.staleSince", "policy.rule", "policy.maxAgeDays"}),
			"Databrain Token Finding Observed data-app-unlistable": join(finding, common, remedy,
				[]string{"dataApp.name"}),
			"Databrain Token Finding Observed service-token-rotation-off": join(finding, common, remedy),
			"Databrain Audit Coverage Gap": join(common, []string{"dataApp.name",
				"gap.class", "gap.status", "gap.attempts"}),
		} {
			if diff := cmp.Diff(want, members[key]); diff != "" {
				t.Errorf("%s: %s", key, diff)
			}
		}
		if len(members) != 5 || members["Databrain Audit Completed"] == nil {
			t.Errorf("events: %v", members)
		}
	})
}

// memberPaths adds the paths of all leaves of v.
func memberPaths(v any, at string, paths []string) []string {
	object, ok := v.(map[string]any)
	if !ok {
		return append(paths, strings.TrimPrefix(at, "."))
	}
	for name, member := range object {
		paths = memberPaths(member, at+"."+name, paths)
	}
	return paths
}
