package audit_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"databrain-rotation/pkg/audit/finding"
	"databrain-rotation/pkg/standin"
	"databrain-rotation/pkg/standin/databraintest"
)

// TestAnInstanceThatIsLargerThanARun: a run has the time to read about ten of 50 apps.
// Over some runs each is read, a gap says when its app was last read, and the summary
// says how many never were and how old the oldest reading is.
func TestAnInstanceThatIsLargerThanARun(t *testing.T) {
	large(t)
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		all := apps(50)
		l := newLab(t, databraintest.Config{DataApps: all})
		l.auditor.Concurrency, l.auditor.RequestsPerMinute = 1, 60_000
		l.timeout = 40 * time.Second // of which half is for the reading
		l.db.Inject(standin.Fault{Target: tokensPath, Do: standin.Delay(1900 * time.Millisecond), Times: -1})
		read := map[string]time.Time{} // by app: the start of the run that last read it
		const runs = 6
		for run := range runs {
			start := time.Now()
			s := l.mustRun()
			l.checkRecall(s, all)
			unread := map[string]bool{}
			for _, g := range l.gaps() {
				unread[g.DataApp.Name] = true
				if g.Gap.Class != finding.GapDeadline || !g.Gap.ReadAt.Equal(read[g.DataApp.Name].Truncate(time.Second)) {
					t.Errorf("run %d: the gap of %s is %+v, last read at %v", run, g.DataApp.Name, g.Gap, read[g.DataApp.Name])
				}
			}
			for _, a := range all {
				if !unread[a.Name] {
					read[a.Name] = start.UTC()
				}
			}
			if s.Counts.Covered < 9 || s.Counts.Covered > 11 || s.NeverRead != len(all)-len(read) {
				t.Errorf("run %d: %d covered, %d never read; want about 10 and %d", run, s.Counts.Covered, s.NeverRead,
					len(all)-len(read))
			}
			if want := oldest(read); !s.OldestReadingAt.Truncate(time.Second).Equal(want.Truncate(time.Second)) {
				t.Errorf("run %d: the oldest reading is of %v, want %v", run, s.OldestReadingAt, want)
			}
			time.Sleep(24*time.Hour - time.Since(start))
		}
		if len(read) != len(all) || time.Since(oldest(read)) > 7*24*time.Hour {
			t.Errorf("%d of %d apps were read in %d runs, the oldest at %v", len(read), len(all), runs, oldest(read))
		}
	})
}

// TestAnAppThatIsNewIsReadFirst, before those whose reading is only old.
func TestAnAppThatIsNewIsReadFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		all := apps(5)
		l := newLab(t, databraintest.Config{DataApps: all})
		l.auditor.Concurrency = 1
		l.mustRun()
		l.db.SetDataApps(append(all, app("Zebra", 100)))
		before := len(l.db.Calls())
		l.mustRun()
		for _, call := range l.db.Calls()[before:] {
			if call.Target != tokensPath {
				continue
			}
			if call.Query != "dataAppName=Zebra" && !strings.Contains(call.Query, "dataAppName=Zebra&") {
				t.Errorf("what is read first is %s", call.Query)
			}
			break
		}
	})
}

func oldest(read map[string]time.Time) (at time.Time) {
	for _, t := range read {
		if at.IsZero() || t.Before(at) {
			at = t
		}
	}
	return at
}
