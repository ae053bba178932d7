package audit_test

import (
	"bytes"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"databrain-rotation/pkg/audit"
	"databrain-rotation/pkg/audit/finding"
	"databrain-rotation/pkg/audit/report"
	"databrain-rotation/pkg/standin"
	"databrain-rotation/pkg/standin/databraintest"
	"databrain-rotation/pkg/standin/s3test"
)

// entryFault makes entries fail, all of them or those of a detail type.
func entryFault(nth, times int, detailType ...string) standin.PartFault {
	return standin.PartFault{Skip: nth - 1, Times: times, Of: strings.Join(detailType, "")}
}

// eventIDs are those of the findings among the events, by finding and state.
func (l *lab) eventIDs() map[string]string {
	ids := map[string]string{}
	for _, kind := range []string{report.FindingObserved, report.FindingResolved} {
		for _, d := range l.details(kind) {
			ids[d.Finding.ID+" "+string(d.Finding.State)] = d.Metadata.EventID
		}
	}
	return ids
}

// TestCrashBeforeTheState: a run that sent its events and died before it stored
// its state, and the one that repeats it, send the same events under the same ids.
func TestCrashBeforeTheState(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		all := apps(6)
		l := newLab(t, databraintest.Config{DataApps: all})
		l.mustRun()
		l.db.SetDataApps(append(all[1:], app("Another", 99)))
		l.s3.Inject(standin.Fault{Operation: "PutObject", Target: labState, Times: -1, Do: standin.Cut()})
		l.bus.ClearEntries()
		if _, err := l.run(); err == nil {
			t.Fatal("the state could not be stored, and there is no error")
		}
		crashed := l.eventIDs()
		l.s3.ClearFaults()
		time.Sleep(time.Hour)
		s := l.mustRun()
		if diff := cmp.Diff(crashed, l.eventIDs()); diff != "" {
			t.Errorf("the repeated run sends other events: %s", diff)
		}
		if s.Counts.New != 1 || s.Counts.Resolved != 1 || s.Counts.Ongoing != 6 {
			t.Errorf("counts: %+v", s.Counts)
		}
		before := l.eventIDs()
		if s := l.mustRun(); s.Counts.New != 0 || s.Counts.Resolved != 0 {
			t.Errorf("the run after that: %+v", s.Counts)
		}
		for key, id := range l.eventIDs() {
			if before[key] == id {
				t.Errorf("%s is sent under the id of the last run", key)
			}
		}
	})
}

func TestTheStateIsStoredAfterTheLastEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, databraintest.Config{DataApps: apps(3)})
		l.bus.Inject(standin.Fault{Times: -1, Do: standin.Delay(3 * time.Second)})
		l.s3.Inject(standin.Fault{Times: -1, Do: standin.Delay(time.Second)})
		l.mustRun()
		events, calls := l.bus.Calls(), l.s3.Calls()
		last := calls[len(calls)-1]
		if last.Operation != "PutObject" || last.Target != labState ||
			last.Time.Before(events[len(events)-1].Time.Add(3*time.Second)) {
			t.Errorf("the last call of S3 is %s of %s", last.Operation, last.Target)
		}
	})
}

func TestTwoRunsAtTheSameTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		all := apps(6)
		l := newLab(t, databraintest.Config{DataApps: all})
		l.mustRun()
		l.db.SetDataApps(append(all[1:], app("Another", 99)))
		l.bus.ClearEntries()
		// Neither stores its state before both have read the last one.
		l.s3.Inject(standin.Fault{Operation: "PutObject", Target: labState, Times: -1, Do: standin.Delay(10 * time.Second)})
		summaries := make([]report.Summary, 2)
		errs := make([]error, 2)
		var runs sync.WaitGroup
		for i := range summaries {
			other := *l.auditor
			other.Metrics = &bytes.Buffer{}
			runs.Go(func() {
				summaries[i], errs[i] = other.Run(t.Context(), audit.Request{RunID: string(rune('a' + i)), Start: time.Now()})
			})
		}
		runs.Wait()
		if errs[0] != nil || errs[1] != nil {
			t.Fatal(errs)
		}
		seen := map[string]string{}
		for _, kind := range []string{report.FindingObserved, report.FindingResolved} {
			for _, d := range l.details(kind) {
				if other, twice := seen[d.Finding.ID]; twice && other != d.Metadata.EventID {
					t.Errorf("two events with different ids for %s", d.Finding.ID)
				}
				seen[d.Finding.ID] = d.Metadata.EventID
			}
		}
		notes := strings.Join(slices.Concat(summaries[0].Notes, summaries[1].Notes), "\n")
		if strings.Count(notes, "another run stored its state") != 1 {
			t.Errorf("notes: %q; want one run to give way", notes)
		}
		if s := l.mustRun(); s.Counts.New != 0 || s.Counts.Resolved != 0 || s.Counts.Ongoing != 7 {
			t.Errorf("the run after them: %+v", s.Counts)
		}
	})
}

// TestALostAnswerIsNoOtherRun: the SDK sends the state again after its answer was
// lost, and then it is there already.
func TestALostAnswerIsNoOtherRun(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		faults []standin.Fault
		fails  bool
	}{
		"the first state": {faults: []standin.Fault{{Operation: "PutObject", Target: labState, AfterEffect: true,
			Do: standin.Cut()}}},
		"the next state": {faults: []standin.Fault{{Operation: "PutObject", Target: labState, Skip: 1,
			AfterEffect: true, Do: standin.Cut()}}},
		"the first state, and then the call fails": {faults: []standin.Fault{
			{Operation: "PutObject", Target: labState, AfterEffect: true, Do: standin.Cut()},
			{Operation: "PutObject", Target: labState, Skip: 1, Times: 2, Do: standin.Error("")},
		}},
		"and it cannot be read back": {fails: true, faults: []standin.Fault{
			{Operation: "PutObject", Target: labState, AfterEffect: true, Do: standin.Cut()},
			{Operation: "GetObject", Target: labState, Skip: 1, Times: -1, Do: standin.Error("")},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLab(t, databraintest.Config{DataApps: apps(2)})
				for _, f := range c.faults {
					l.s3.Inject(f)
				}
				for run := range 2 {
					s, err := l.run()
					if isNew := s.Counts.New > 0; isNew != (run == 0) {
						t.Errorf("run %d: %+v", run+1, s.Counts)
					}
					if (err != nil) != c.fails || len(s.Notes) > 0 && !c.fails {
						t.Errorf("error %v, notes %q", err, s.Notes)
					}
					if strings.Contains(strings.Join(s.Notes, " "), "another run") {
						t.Errorf("notes %q", s.Notes)
					}
					if c.fails {
						return
					}
				}
			})
		})
	}
}

func TestAStateThatCanNotBeRead(t *testing.T) {
	t.Parallel()
	put := func(text string) func(*lab) {
		return func(l *lab) { l.s3.Put(labBucket, "audit/state.json", []byte(text)) }
	}
	for _, c := range sample([]struct {
		name     string
		damage   func(*lab)
		note     string
		replaced bool // by this run's
	}{
		{"corrupt", put(`{"schema":"databrain.token-audit.state/1","findings":[`), "corrupt", true},
		{"empty", put(``), "corrupt", true},
		{"of another schema", put(`{"schema":"databrain.token-audit.state/9"}`), "schema of another release", false},
		{"followed by something", put(`{"schema":"databrain.token-audit.state/1","instance":"` + labInstance +
			`"}{}`), "corrupt", true},
		{"of another type", put(`{"schema":"databrain.token-audit.state/1","findings":{"a":1}}`), "corrupt", true},
		{"of a token that is missing", put(stateOf(`"check":"token-age","severity":"high"`)), "corrupt", true},
		{"of an exception that is missing", put(stateOf(`"check":"exception-unused","severity":"low"`)), "corrupt", true},
		{"of an unknown severity", put(stateOf(`"check":"data-apps-unlistable","severity":"dire"`)), "corrupt", true},
		{"of a year that JSON cannot hold", put(stateOf(`"check":"data-apps-unlistable","severity":"high",` +
			`"firstSeenAt":"9999-12-31T23:59:59-23:59"`)), "corrupt", true},
		{"of null", put(stateOf(`"check":null`)), "corrupt", true},
		{"of another instance", put(`{"schema":"databrain.token-audit.state/1",` +
			`"instance":"https://other.example.com"}`), "another instance", false},
		{"forbidden", func(l *lab) {
			l.s3.Inject(standin.Fault{Operation: "GetObject", Times: -1, Do: standin.Error("AccessDenied")})
		}, "AccessDenied", false},
		{"failing", func(l *lab) {
			l.s3.Inject(standin.Fault{Operation: "GetObject", Times: -1, Do: standin.Error("")})
		}, "could not be read", false},
		{"without an answer", func(l *lab) {
			l.s3.Inject(standin.Fault{Operation: "GetObject", Times: -1, Do: standin.Hang()})
		}, "no answer in time", false},
		{"cut in the middle", func(l *lab) {
			l.s3.Inject(standin.Fault{Operation: "GetObject", Times: -1, Do: standin.CutBody()})
		}, "could not be read", false},
	}) {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				all := apps(5)
				l := newLab(t, databraintest.Config{DataApps: all})
				l.mustRun()
				l.db.SetDataApps(all[1:])
				c.damage(l)
				damaged, _ := l.s3.Object(labBucket, "audit/state.json")
				s := l.mustRun()
				if s.Counts.Ongoing != 5 || s.Counts.New != 0 || s.Counts.Resolved != 0 {
					t.Errorf("counts: %+v; want everything ongoing", s.Counts)
				}
				if len(s.Notes) != 1 || !strings.Contains(s.Notes[0], c.note) {
					t.Errorf("notes %q, want one that says %q", s.Notes, c.note)
				}
				mayDelete := c.note == "schema of another release" || c.note == "another instance"
				if mayDelete != strings.Contains(strings.Join(s.Notes, " "), "delete s3://") {
					t.Errorf("an obstacle that may pass is no reason to delete the state: %q", s.Notes)
				}
				stored, _ := l.s3.Object(labBucket, "audit/state.json")
				if replaced := stored.ETag != damaged.ETag; replaced != c.replaced {
					t.Errorf("the state was replaced: %t, want %t", replaced, c.replaced)
				}
				l.s3.ClearFaults()
				want := 0
				if !c.replaced && strings.Contains(string(stored.Body), "run-1") { // what it knew is still there
					want = 1
				}
				if s := l.mustRun(); s.Counts.Resolved != want || s.Counts.Ongoing != 5 {
					t.Errorf("the next run: %+v, want %d resolved", s.Counts, want)
				}
			})
		})
	}
}

// stateOf is a state with one record, of the given members.
func stateOf(members string) string {
	return `{"schema":"databrain.token-audit.state/1","runId":"r","instance":"` + labInstance +
		`","findings":[{"id":"x",` + members + `}]}`
}

func TestNoPermissionToListIsNoFirstRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, databraintest.Config{DataApps: apps(2)})
		forbidding := s3test.New(s3test.Config{NoListBucket: true})
		defer forbidding.Close()
		client := *l.auditor
		client.Store = &audit.Store{Client: newS3(forbidding), Bucket: labBucket, Prefix: "audit/"}
		l.auditor = &client
		if s := l.mustRun(); s.Counts.New != 0 || s.Counts.Ongoing != 3 || len(s.Notes) != 1 {
			t.Errorf("counts %+v, notes %q", s.Counts, s.Notes)
		}
	})
}

// TestAForbiddenStateThatIsNotThere: S3 may answer 403 for a state that does not
// exist yet, although it lets the prefix be listed. Then this is the first run.
func TestAForbiddenStateThatIsNotThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, databraintest.Config{DataApps: apps(2)})
		l.s3.Inject(standin.Fault{Operation: "GetObject", Do: standin.Error("AccessDenied")})
		if s := l.mustRun(); s.Counts.New != 3 || s.Counts.Ongoing != 0 || len(s.Notes) != 0 {
			t.Errorf("the first run: counts %+v, notes %q", s.Counts, s.Notes)
		}
		if s := l.mustRun(); s.Counts.New != 0 || s.Counts.Ongoing != 3 {
			t.Errorf("the second run: counts %+v", s.Counts)
		}
	})
}

// TestAStoreThatHangs: the run ends in time, with its last event and its metrics.
func TestAStoreThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, databraintest.Config{DataApps: apps(2)})
		l.s3.Inject(standin.Fault{Times: -1, Do: standin.Hang()})
		start := time.Now()
		s, err := l.run()
		asError[*audit.EmissionFailed](t, err)
		if took := time.Since(start); took > l.timeout-time.Second {
			t.Errorf("took %v of %v", took, l.timeout)
		}
		if got := l.metric("EmitFailures"); got != 4 || s.EmitFailures != 4 {
			t.Errorf("%v emission failures by the metric, %d by the summary, want one for each report", got, s.EmitFailures)
		}
		l.checkCompleted(s)
	})
}

func TestReportsThatCanNotBeStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, databraintest.Config{DataApps: apps(2)})
		l.s3.Inject(
			standin.Fault{
				Operation: "PutObject",
				Target:    labBucket + "/audit/latest/report.html",
				Times:     -1,
				Do:        standin.Error("AccessDenied"),
			},
		)
		s, err := l.run()
		asError[*audit.EmissionFailed](t, err)
		if s.EmitFailures != 1 || s.Report != "" {
			t.Errorf("%d failures, report %q", s.EmitFailures, s.Report)
		}
		l.checkCompleted(s)
		l.s3.ClearFaults()
		if s := l.mustRun(); s.Counts.New != 0 {
			t.Errorf("the state was not stored: %+v", s.Counts)
		}
	})
}

func TestWithoutSinks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, databraintest.Config{DataApps: apps(2)})
		l.auditor.Bus, l.auditor.Store = nil, nil
		for range 2 {
			if s := l.mustRun(); s.Counts.Ongoing != 3 || s.Report != "" {
				t.Errorf("%+v", s)
			}
		}
		if l.metric("Completed") != 1 {
			t.Error("no metric")
		}
	})
}

// TestStateHoldsWhatWasLastObserved: the event of a finding that is resolved says
// what it was about.
func TestStateHoldsWhatWasLastObserved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := []databraintest.DataApp{app("A\x07pp", 400)}
		l := newLab(t, databraintest.Config{DataApps: all})
		l.mustRun()
		observed := l.details(report.FindingObserved)
		l.db.SetDataApps(nil)
		for range 2 { // that everything is gone is believed at the second sight
			time.Sleep(24 * time.Hour)
			l.mustRun()
		}
		resolved := l.details(report.FindingResolved)
		if len(resolved) != 1 {
			t.Fatalf("%d resolved", len(resolved))
		}
		before := observed[slices.IndexFunc(observed,
			func(d report.Detail) bool { return d.Finding.Check == finding.TokenAge })]
		got := resolved[0]
		if got.Finding.State != finding.Resolved || got.Finding.Compliance != finding.Pass || got.Remediation != nil ||
			got.Finding.Severity != finding.Critical {
			t.Errorf("%+v", got.Finding)
		}
		before.Metadata, before.Finding.State, before.Finding.Compliance, before.Remediation = got.Metadata,
			finding.Resolved, finding.Pass, nil
		before.Message = nil
		if diff := cmp.Diff(before, got); diff != "" {
			t.Error(diff)
		}
		o, _ := l.s3.Object(labBucket, "audit/state.json")
		if s, err := finding.ReadSnapshot(bytes.NewReader(o.Body), 0); err != nil || s.RunID != "run-3" ||
			s.Instance != labInstance {
			t.Errorf("state: %v, %+v", err, s)
		}
	})
}

// TestLossesAreToldApart: each is named in the summary, counted and warned of.
func TestLossesAreToldApart(t *testing.T) {
	for name, c := range map[string]struct {
		damage func(*lab)
		lost   string
	}{
		"nothing":             {func(*lab) {}, ""},
		"deleted":             {func(l *lab) { l.s3.Remove(labBucket, "audit/state.json") }, "lost"},
		"damaged":             {func(l *lab) { l.s3.Put(labBucket, "audit/state.json", []byte("{")) }, "damaged"},
		"of another instance": {func(l *lab) { l.auditor.Instance += "/other" }, "foreign"},
		"of another secret": {func(l *lab) {
			o, _ := l.s3.Object(labBucket, "audit/state.json")
			l.s3.Put(labBucket, "audit/state.json", bytes.Replace(o.Body, []byte("service-token"), []byte("other-token"), 1))
		}, "foreign"},
		"no right to read it": {func(l *lab) {
			l.s3.Inject(standin.Fault{Operation: "GetObject", Times: -1, Do: standin.Error("AccessDenied")})
		}, "unreadable"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLab(t, databraintest.Config{DataApps: apps(2)})
				l.mustRun()
				first := l.details(report.FindingObserved)
				c.damage(l)
				l.log.Reset()
				l.metrics.Reset()
				s := l.mustRun()
				want := 0.0
				if c.lost != "" {
					want = 1
				}
				if s.StateLost != c.lost || l.metric("StateLost") != want || s.Counts.Resolved != 0 {
					t.Errorf("the state is %q, want %q; the metric says %v; %+v", s.StateLost, c.lost, l.metric("StateLost"), s.Counts)
				}
				if warned := strings.Contains(l.log.String(), `"level":"WARN"`); warned != (c.lost != "") {
					t.Errorf("warned: %t\n%s", warned, l.log.String())
				}
				if c.lost != "lost" {
					return
				}
				ids := map[string]bool{}
				for _, d := range first {
					ids[d.Metadata.EventID] = true
				}
				for _, d := range l.details(report.FindingObserved) {
					if ids[d.Metadata.EventID] || d.Finding.State != finding.New {
						t.Errorf("%s is %s and has the event id of the run before the loss", d.Finding.Check, d.Finding.State)
					}
				}
			})
		})
	}
}
