package audit_test

import (
	"fmt"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"databrain-rotation/pkg/audit"
	"databrain-rotation/pkg/audit/finding"
	"databrain-rotation/pkg/audit/report"
	"databrain-rotation/pkg/standin"
	"databrain-rotation/pkg/standin/databraintest"
)

// TestAStateThatDoesNotFit: findings that the state has no room for are counted, warned
// of, and neither resolved nor new afterwards.
func TestAStateThatDoesNotFit(t *testing.T) {
	large(t)
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, databraintest.Config{DataApps: apps(60)})
		room := []int64{30_000, 30_000, 1 << 20, 1 << 20}
		for run, bytes := range room {
			l.auditor.Store.StateBytes = bytes
			l.log.Reset()
			s := l.mustRun()
			full := strings.Contains(strings.Join(s.Notes, "\n"), "the memory between runs is full")
			if want := bytes == room[0]; full != want || strings.Contains(l.log.String(), "openDropped") != want {
				t.Errorf("run %d: the notes are %q, the log %s", run, s.Notes, l.log.String())
			}
			if lost := s.StateLost; (lost == "incomplete") != (run == 1 || run == 2) {
				t.Errorf("run %d: the state is %q", run, lost)
			}
			if wantNew := run == 0; (s.Counts.New > 0) != wantNew || s.Counts.Resolved != 0 {
				t.Errorf("run %d: %+v", run, s.Counts)
			}
			time.Sleep(time.Minute)
		}
	})
}

// TestAnInstanceThatDoesNotFit: a run has the memory for about 30 of 60 apps. The others
// are gaps that say so, no token resolves, and over some runs each app is read.
func TestAnInstanceThatDoesNotFit(t *testing.T) {
	large(t)
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		all := apps(60)
		l := newLab(t, databraintest.Config{DataApps: all})
		l.auditor.RunBytes = 58_000
		read := map[string]bool{}
		for range 5 {
			s := l.mustRun()
			l.checkRecall(s, all)
			unread := map[string]bool{}
			for _, g := range l.gaps() {
				unread[g.DataApp.Name] = true
				if g.Gap.Class != finding.GapMemory {
					t.Errorf("the gap of %s is %+v", g.DataApp.Name, g.Gap)
				}
			}
			if s.Status != report.Partial || s.Counts.Covered < 10 || s.Counts.Covered > 40 {
				t.Errorf("%s: %+v", s.Status, s.Counts)
			}
			for _, a := range all {
				read[a.Name] = read[a.Name] || !unread[a.Name]
			}
			time.Sleep(24 * time.Hour)
		}
		for name, ever := range read {
			if !ever {
				t.Errorf("%s was never read", name)
			}
		}
	})
}

// TestAHugeAppHidesNoOther: the app whose tokens take more than half of the memory is a
// gap at every run, and the others are read beside it.
func TestAHugeAppHidesNoOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		all := apps(20)
		huge := &all[7]
		huge.Generate = func(yield func(databraintest.APIToken) bool) {
			for i := 0; yield(databraintest.APIToken{Key: fmt.Sprint("huge-", i), Name: "n", CreatedAt: time.Now()}); i++ {
				if i == 3000 {
					return
				}
			}
		}
		l := newLab(t, databraintest.Config{DataApps: all})
		l.auditor.RunBytes = 1 << 20
		for range 2 {
			s := l.mustRun()
			gaps := l.gaps()
			if len(gaps) != 1 || gaps[0].DataApp.Name != huge.Name || gaps[0].Gap.Class != finding.GapMemory ||
				gaps[0].Gap.Attempts != 1 || s.Counts.Covered != len(all)-1 || s.Counts.Resolved != 0 {
				t.Errorf("%d gaps, %+v", len(gaps), s.Counts)
			}
			time.Sleep(24 * time.Hour)
		}
	})
}

// TestRoomIsGivenBack: what an attempt that failed has read, and pages that were looked
// at, take no room from what follows.
func TestRoomIsGivenBack(t *testing.T) {
	large(t)
	t.Parallel()
	for name, c := range map[string]struct {
		tokens, age int
		bytes       int64
		switches    databraintest.Switches
		cut         bool
	}{
		"a list that is cut once": {tokens: 40, age: 100, bytes: 40_000, cut: true},
		"a list of pages alone": {
			tokens: 1500, age: 1, bytes: 2_200_000, switches: databraintest.Switches{IgnoreWhole: true},
		},
		"a list that fits at once": {tokens: 40, age: 100, bytes: 40_000},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				all := []databraintest.DataApp{{Name: "App"}}
				for i := range c.tokens {
					all[0].Tokens = append(all[0].Tokens, databraintest.APIToken{
						Key: fmt.Sprintf("%08d-0000-4000-8000-000000000000", i), Name: "n",
						CreatedAt: time.Now().AddDate(0, 0, -c.age),
					})
				}
				l := newLab(t, databraintest.Config{DataApps: all, Switches: c.switches})
				l.auditor.RunBytes, l.auditor.RequestsPerMinute = c.bytes, 60_000
				if c.cut {
					l.db.Inject(standin.Fault{Target: tokensPath, Do: standin.CutBody()})
				}
				if s := l.mustRun(); s.Status != report.Complete || s.Counts.Tokens != c.tokens {
					t.Errorf("%s: %+v, %+v", s.Status, s.Counts, l.gaps())
				}
			})
		})
	}
}

// TestADiskThatIsTooSmall: reports that do not fit are emission failures, and what fits
// is stored. The limit is that of the process, so no other test may run meanwhile.
func TestADiskThatIsTooSmall(t *testing.T) {
	large(t)
	signal.Ignore(syscall.SIGXFSZ)
	defer signal.Reset(syscall.SIGXFSZ)
	l := newLab(t, databraintest.Config{DataApps: apps(100)})
	l.auditor.RequestsPerMinute = 60_000
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	small := before
	small.Cur = 100_000
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &small); err != nil {
		t.Fatal(err)
	}
	s, err := l.run()
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	failed := asError[*audit.EmissionFailed](t, err)
	if !strings.Contains(failed.Error(), "does not fit on the disk") ||
		!strings.Contains(failed.Error(), "EphemeralStorage") {
		t.Errorf("the error is %v", failed)
	}
	_, stored := l.s3.Object(labBucket, "audit/latest/findings.csv")
	if s.EmitFailures == 0 || s.EmitFailures > 3 || !stored {
		t.Errorf("%d failures; the smallest report is stored: %t", s.EmitFailures, stored)
	}
	l.checkCompleted(s)
	if s := l.mustRun(); s.Counts.New != 0 {
		t.Errorf("the state was not stored: %+v", s.Counts)
	}
}
