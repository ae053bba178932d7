package audit_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"databrain-rotation/pkg/audit/report"
	"databrain-rotation/pkg/standin/databraintest"
)

// release draws what an instance does with lists.
func release(t *rapid.T, run int) databraintest.Switches {
	of := func(name string, values ...int) int {
		return rapid.SampledFrom(values).Draw(t, fmt.Sprintf("%s of run %d", name, run))
	}
	mask := rapid.SampledFrom([]string{"", "", "", "********", "%", "xxxxxxxx", "****-%"}).
		Draw(t, fmt.Sprintf("mask of run %d", run))
	return databraintest.Switches{
		IgnoreWhole: of("paging by default", 0, 1) == 1, PageSize: of("page size", 0, 0, 1, 3, 5, 7, 9, 20, 25, 50),
		Cap: of("cap", 0, 0, 5, 10, 15, 20, 25, 37, 50, 100), LeaveOut: of("left out", 0, 0, 0, 2, 3, 7, 11),
		Repeat: of("repeat", 0, 0, 0, 1) == 1, MaskKeys: mask,
		Order: databraintest.Order(of("order", 0, 1, 2)), Seed: uint64(run),
	}
}

// TestNoPagingResolvesAnything runs audits of an instance that changes what it does with
// lists from run to run, while its apps and tokens stay: no finding on a token is ever
// resolved, and a run that calls itself complete has seen each of them.
func TestNoPagingResolvesAnything(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		var counts []int
		for range rapid.IntRange(1, 12).Draw(rt, "apps") {
			counts = append(counts, rapid.SampledFrom([]int{1, 1, 1, 2, 3, 9, 10, 11, 20, 25}).Draw(rt, "tokens"))
		}
		releases := []databraintest.Switches{{}}
		for run := range rapid.IntRange(1, 4).Draw(rt, "releases") {
			releases = append(releases, release(rt, run+1))
		}
		var fault string
		synctest.Test(t, func(t *testing.T) { fault = wrongWith(t, counts, releases) })
		if fault != "" {
			rt.Fatal(fault)
		}
	})
}

// wrongWith runs one audit for each release, of apps with so many tokens each, and says
// what is wrong with them.
func wrongWith(t *testing.T, counts []int, releases []databraintest.Switches) string {
	var all []databraintest.DataApp
	total := 0
	for i, count := range counts {
		ages := make([]int, count)
		for j := range ages {
			ages[j] = 100 + j
		}
		all = append(all, app(fmt.Sprintf("App %02d", i), ages...))
		total += count
	}
	l := newLab(t, databraintest.Config{DataApps: all})
	l.auditor.RequestsPerMinute = 60_000
	for run, switches := range releases {
		l.db.SetSwitches(switches)
		s := l.mustRun()
		for _, d := range l.details(report.FindingResolved) {
			if d.Token != nil && d.Finding.Superseded == "" && tokenExists(all, d.Token.Fingerprint) {
				return fmt.Sprintf("run %d resolves %s of %s: %+v", run, d.Finding.Check, d.DataApp.Name, switches)
			}
		}
		if s.Status == report.Complete && s.Counts.Tokens < total {
			return fmt.Sprintf("run %d is complete with %d of %d tokens: %+v", run, s.Counts.Tokens, total, switches)
		}
		time.Sleep(time.Hour)
	}
	l.db.SetSwitches(databraintest.Switches{})
	if s := l.mustRun(); s.Status != report.Complete || s.Counts.Stale != total || s.Counts.New != 0 {
		return fmt.Sprintf("an honest run at the end: %s, %+v, want %d stale and none of them new", s.Status, s.Counts, total)
	}
	return ""
}

func tokenExists(all []databraintest.DataApp, shown string) bool {
	for _, a := range all {
		for _, k := range a.Tokens {
			if fingerprint(k.Key) == shown {
				return true
			}
		}
	}
	return false
}
