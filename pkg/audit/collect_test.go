package audit_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"databrain-rotation/pkg/audit"
	"databrain-rotation/pkg/audit/finding"
	"databrain-rotation/pkg/audit/report"
	"databrain-rotation/pkg/standin"
	"databrain-rotation/pkg/standin/databraintest"
)

func TestRateAndRequestsInFlightStayBelowTheirCeilings(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		perMinute, concurrency, apps int
		latency                      time.Duration
	}{
		{200, 4, 300, 100 * time.Millisecond},
		{200, 4, 60, 4 * time.Second},
		{60, 2, 100, 50 * time.Millisecond},
		{7, 4, 30, 0},
		{3000, 16, 400, time.Second},
	} {
		t.Run(fmt.Sprintf("%d per minute, %d at a time", c.perMinute, c.concurrency), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				all := apps(c.apps)
				l := newLab(t, databraintest.Config{DataApps: all})
				l.auditor.RequestsPerMinute, l.auditor.Concurrency = c.perMinute, c.concurrency
				l.db.Inject(standin.Fault{Do: standin.Delay(c.latency), Times: -1})
				start := time.Now()
				s := l.mustRun()
				l.checkRecall(s, all)
				took := time.Since(start)
				if got := l.db.PeakRate(time.Minute); got > c.perMinute {
					t.Errorf("%d requests within a minute, the ceiling is %d", got, c.perMinute)
				}
				if got := l.db.PeakRate(time.Second); got > 10+c.perMinute/60+1 {
					t.Errorf("a burst of %d requests", got)
				}
				if got := l.db.PeakInFlight(); got > c.concurrency {
					t.Errorf("%d requests in flight, the ceiling is %d", got, c.concurrency)
				}
				n := time.Duration(c.apps + 1)
				best := max(n*c.latency/time.Duration(c.concurrency), n*time.Minute/time.Duration(c.perMinute))
				if limit := best*11/10 + 2*c.latency; took > limit {
					t.Errorf("took %v, the best is %v", took, best)
				}
			})
		})
	}
}

func TestThrottlingPausesAllRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := apps(40)
		l := newLab(t, databraintest.Config{DataApps: all})
		l.db.Inject(standin.Fault{Target: tokensPath, Skip: 20, Times: 1, Do: databraintest.TooManyRequests("40")})
		s := l.mustRun()
		l.checkGaps(s, map[string]finding.GapClass{})
		if s.Throttled != 1 || s.Retries != 1 {
			t.Errorf("throttled %d, retries %d; want one of each", s.Throttled, s.Retries)
		}
		requests := l.db.Calls()
		struck := slices.IndexFunc(requests, func(r standin.Call) bool { return r.Struck })
		for _, r := range requests[struck+1:] {
			if wait := r.Time.Sub(requests[struck].Time); wait > 0 && wait < 40*time.Second {
				t.Errorf("a request came %v after the instance had asked for 40s", wait)
			}
		}
	})
}

// TestInstanceLimit: an instance that others use too throttles the audit, which
// outlasts the window.
func TestInstanceLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		all := apps(120)
		l := newLab(t, databraintest.Config{DataApps: all, Switches: databraintest.Switches{RateLimit: 50}})
		s := l.mustRun()
		l.checkGaps(s, map[string]finding.GapClass{})
		l.checkRecall(s, all)
		if s.Throttled == 0 {
			t.Error("the limit did not strike")
		}
	})
}

// TestLimitThatOthersUsedUp: the run begins when the instance's window has just been
// used up, and the instance does not say when it ends. Chance must not decide
// whether the attempts outlast it, so there are many runs.
func TestLimitThatOthersUsedUp(t *testing.T) {
	t.Parallel()
	for range 20 / share {
		synctest.Test(t, func(t *testing.T) {
			l := newLab(t, databraintest.Config{DataApps: apps(2), Switches: databraintest.Switches{RateLimit: 20}})
			for range 20 {
				resp, err := l.db.Client().Get(labInstance + appsPath)
				if err != nil {
					t.Fatal(err)
				}
				resp.Body.Close()
			}
			if s := l.mustRun(); s.Throttled == 0 {
				t.Error("the limit did not strike")
			}
		})
	}
}

// TestThePauseOfTheLastAttempt: what the instance asks for holds for all requests,
// also when the one that was told so is given up.
func TestThePauseOfTheLastAttempt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, databraintest.Config{DataApps: apps(10)})
		l.auditor.Concurrency = 1
		l.db.Inject(
			standin.Fault{Target: tokensPath, When: forApp("App 003"), Times: -1, Do: databraintest.TooManyRequests("110")},
		)
		l.checkGaps(l.mustRun(), map[string]finding.GapClass{"App 003": finding.GapRateLimited})
		requests := l.db.Calls()
		for i, r := range requests[:len(requests)-1] {
			if wait := requests[i+1].Time.Sub(r.Time); r.Struck && wait < 110*time.Second {
				t.Errorf("request %d came %v after the instance had asked for 110s", i+1, wait)
			}
		}
	})
}

func TestRotationHalfWay(t *testing.T) {
	t.Parallel()
	const next = "11111111-2222-4333-8444-555555555555"
	for _, c := range []struct {
		name   string
		rotate func(*lab)
		status report.Status
	}{
		{"AWSCURRENT has moved", func(l *lab) { l.db.SetToken(next); l.putSecret(next) }, report.Complete},
		{"AWSPENDING holds it", func(l *lab) { l.db.SetToken(next); l.putPending(next) }, report.Complete},
		{"the secret does not know it", func(l *lab) { l.db.SetToken(next) }, report.Partial},
		{"a pending token that is not live, and one refusal", func(l *lab) { l.putPending(next) }, report.Complete},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				all := apps(30)
				l := newLab(t, databraintest.Config{DataApps: all})
				l.keys = append(l.keys, next)
				l.mustRun()
				before := l.secrets.Count("GetSecretValue")
				l.db.Inject(standin.Fault{Target: tokensPath, Skip: 12, Do: databraintest.Error(400, "AUTHENTICATION_ERROR", "x"),
					When: once(func() { c.rotate(l) }, 12)})
				s := l.mustRun()
				if s.Status != c.status {
					t.Errorf("status %s, want %s: %+v", s.Status, c.status, s.Counts)
				}
				l.checkRecall(s, all)
				if got := l.secrets.Count("GetSecretValue") - before; got > 4 {
					t.Errorf("the secret was read %d times", got)
				}
				if c.status == report.Complete {
					return
				}
				// A few failures in a row end it: no request for each of the rest.
				if refused := s.Requests - 3 - s.Counts.Covered; refused > 3+l.auditor.Concurrency {
					t.Errorf("%d requests were made with a token that is refused", refused)
				}
				for _, g := range l.gaps() {
					if g.Gap.Class != finding.GapAuth {
						t.Errorf("gap of class %s, want auth", g.Gap.Class)
					}
				}
			})
		})
	}
}

// TestRefusalAfterARotation: once the new token has worked, a refusal costs its own
// request alone. What was tried before it is not tried again: it may be the token
// that the rotation has replaced.
func TestRefusalAfterARotation(t *testing.T) {
	t.Parallel()
	const next = "11111111-2222-4333-8444-555555555555"
	synctest.Test(t, func(t *testing.T) {
		all := apps(30)
		l := newLab(t, databraintest.Config{DataApps: all})
		l.mustRun()
		l.db.Inject(
			standin.Fault{
				Target: tokensPath,
				Do:     standin.Delay(0),
				When:   once(func() { l.db.SetToken(next); l.putSecret(next) }, 5),
			},
		)
		l.db.Inject(
			standin.Fault{
				Target: tokensPath,
				When:   forApp("App 020"),
				Do:     databraintest.Error(401, "AUTHENTICATION_ERROR", "x"),
			},
		)
		s := l.mustRun()
		l.checkGaps(s, map[string]finding.GapClass{"App 020": finding.GapAuth})
		l.checkRecall(s, all)
	})
}

// once runs do at the call after skip others, and matches every request.
func once(do func(), skip int) func(*http.Request) bool {
	calls := make(chan int, 1)
	calls <- 0
	return func(*http.Request) bool {
		n := <-calls
		if n == skip {
			do()
		}
		calls <- n + 1
		return true
	}
}

func TestAppDeletedDuringTheRunIsNoGap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := apps(10)
		l := newLab(t, databraintest.Config{DataApps: all})
		l.mustRun()
		rest := slices.Delete(slices.Clone(all), 7, 8)
		l.db.Inject(
			standin.Fault{Target: tokensPath, Times: 1, Do: standin.Delay(0), When: once(func() { l.db.SetDataApps(rest) }, 0)},
		)
		s := l.mustRun()
		l.checkGaps(s, map[string]finding.GapClass{})
		if s.Counts.DataApps != 9 || len(s.Notes) != 1 || !strings.Contains(s.Notes[0], "App 007") {
			t.Errorf("%d data apps, notes %q", s.Counts.DataApps, s.Notes)
		}
		if s.Counts.Resolved != 0 {
			t.Error("resolved before a complete list shows that the app is gone")
		}
		if s := l.mustRun(); s.Counts.Resolved != 1 || len(s.Notes) != 0 {
			t.Errorf("the next run resolved %d, notes %q; want 1 and none", s.Counts.Resolved, s.Notes)
		}
	})
}

// TestAppsThatAreNotFound: only a second list tells an app that was deleted from one
// that is there and cannot be read, and shows what one was renamed to.
func TestAppsThatAreNotFound(t *testing.T) {
	large(t)
	t.Parallel()
	notFound := databraintest.Error(400, "DATA_APP_NOT_FOUND", "x")
	gap := map[string]finding.GapClass{"App 003": finding.GapDecode}
	for _, c := range []struct {
		name     string
		during   func(*lab, []databraintest.DataApp) // when the first tokens are asked for
		refused  bool                                // the second list
		gaps     map[string]finding.GapClass
		apps     int
		requests int
	}{
		{"still listed", func(l *lab, _ []databraintest.DataApp) {
			l.db.Inject(standin.Fault{Target: tokensPath, When: forApp("App 003"), Times: -1, Do: notFound})
		}, false, gap, 10, 16},
		{"deleted", func(l *lab, all []databraintest.DataApp) {
			l.db.SetDataApps(slices.Delete(all, 3, 4))
		}, false, nil, 9, 16},
		{"deleted, and nothing shows it", func(l *lab, all []databraintest.DataApp) {
			l.db.SetDataApps(slices.Delete(all, 3, 4))
		}, true, gap, 10, 14},
		{"renamed", func(l *lab, all []databraintest.DataApp) {
			all[3].Name = "Renamed"
			l.db.SetDataApps(all)
		}, false, nil, 10, 17},
		{"renamed, and not found then either", func(l *lab, all []databraintest.DataApp) {
			all[3].Name = "Renamed"
			l.db.SetDataApps(all)
			l.db.Inject(standin.Fault{Target: tokensPath, When: forApp("Renamed"), Times: -1, Do: notFound})
		}, false, map[string]finding.GapClass{"Renamed": finding.GapDecode}, 10, 17},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				all := apps(10)
				l := newLab(t, databraintest.Config{DataApps: all})
				l.auditor.Concurrency = 1 // so that no other list is asked for before the change is made
				l.mustRun()
				l.db.Inject(
					standin.Fault{Target: tokensPath, Do: standin.Delay(0), When: once(func() { c.during(l, slices.Clone(all)) }, 0)},
				)
				if c.refused {
					l.db.Inject(standin.Fault{Target: appsPath, Skip: 3, Do: databraintest.Error(403, "FORBIDDEN", "x")})
				}
				s := l.mustRun()
				if c.gaps == nil {
					c.gaps = map[string]finding.GapClass{}
				}
				l.checkGaps(s, c.gaps)
				if s.Counts.DataApps != c.apps || s.Requests != c.requests || s.Counts.Resolved != 0 {
					t.Errorf("%+v, %d requests; want %d apps and %d requests", s.Counts, s.Requests, c.apps, c.requests)
				}
				if c.name == "renamed" && (s.Counts.Ongoing != 11 || s.Counts.Tokens != 20) {
					t.Errorf("what the renamed app holds was not seen: %+v", s.Counts)
				}
			})
		})
	}
}

func TestPages(t *testing.T) {
	t.Parallel()
	ages := make([]int, 35)
	for i := range ages {
		ages[i] = 91 + i
	}
	for _, c := range sample([]struct {
		name     string
		switches databraintest.Switches
		also     *standin.Fault
		gap      bool
	}{
		{"agree", databraintest.Switches{}, nil, false},
		{"in another order", databraintest.Switches{Order: databraintest.Shuffled, Seed: 3}, nil, false},
		{"drift", databraintest.Switches{Order: databraintest.Reshuffled, Seed: 3}, nil, true},
		{"of 5", databraintest.Switches{PageSize: 5}, nil, false},
		{"of 9", databraintest.Switches{PageSize: 9}, nil, false},
		{"of 20", databraintest.Switches{PageSize: 20}, nil, false},
		{"paging is ignored", databraintest.Switches{IgnorePagination: true}, nil, false},
		{"a page breaks once", databraintest.Switches{}, &standin.Fault{Skip: 1, Times: 1, Do: standin.BadGateway()}, false},
		{"a page breaks for good", databraintest.Switches{}, &standin.Fault{Skip: 2, Times: -1,
			Do: standin.BadGateway()}, true},
		{"the second pass breaks for good", databraintest.Switches{}, &standin.Fault{Skip: 5, Times: -1,
			Do: standin.BadGateway()}, true},
	}) {
		paged := func(r *http.Request) bool { return !whole(r) }
		t.Run("of tokens/"+c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				all := []databraintest.DataApp{app("Large", ages...), app("Small", 95)}
				l := newLab(t, databraintest.Config{DataApps: all, Switches: c.switches})
				l.mustRun()
				l.db.Inject(standin.Fault{Target: tokensPath, Times: -1, Do: standin.TruncateBody(),
					When: func(r *http.Request) bool { return whole(r) && forApp("Large")(r) }})
				if c.also != nil {
					f := *c.also
					f.Target, f.When = tokensPath, paged
					l.db.Inject(f)
				}
				s := l.mustRun()
				l.checkRecall(s, all)
				want := map[string]finding.GapClass{}
				if c.gap {
					want["Large"] = finding.GapDecode
					if c.also != nil {
						want["Large"] = finding.GapServer
					}
				}
				l.checkGaps(s, want)
				if c.gap == (s.Counts.Tokens == 36 && s.Counts.Covered == 2) {
					t.Errorf("counts: %+v", s.Counts)
				}
			})
		})
		t.Run("of apps/"+c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				all := apps(35)
				l := newLab(t, databraintest.Config{DataApps: all, Switches: c.switches})
				l.mustRun()
				l.db.Inject(standin.Fault{Target: appsPath, Times: -1, Do: standin.TruncateBody(), When: whole})
				if c.also != nil {
					f := *c.also
					f.Target, f.When = appsPath, paged
					l.db.Inject(f)
				}
				l.bus.ClearEntries()
				s, err := l.run()
				l.checkRecall(s, all)
				if s.Counts.Resolved > 1 {
					t.Errorf("%d findings resolved", s.Counts.Resolved)
				}
				switch {
				case !c.gap && (err != nil || s.Status != report.Complete || s.Counts.Covered != 35):
					t.Errorf("err %v, status %s, %+v", err, s.Status, s.Counts)
				case c.gap && c.also == nil && (err != nil || s.Status != report.Partial):
					t.Errorf("an incomplete list: err %v, status %s", err, s.Status)
				case c.gap && c.also != nil:
					asError[*audit.RunFailed](t, err)
				}
			})
		})
	}
}

// TestWhatACutListShowed: when an answer is cut and the pages cannot be had either,
// the app is a gap, and what the answer held still counts.
func TestWhatACutListShowed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		all := []databraintest.DataApp{app("Large", 100, 101, 102, 103, 104, 105, 106, 107), app("Small", 95)}
		l := newLab(t, databraintest.Config{DataApps: all})
		l.db.Inject(standin.Fault{Target: tokensPath, Times: -1, Do: standin.TruncateBody(),
			When: func(r *http.Request) bool { return whole(r) && forApp("Large")(r) }})
		l.db.Inject(standin.Fault{Target: tokensPath, Times: -1, Do: standin.BadGateway(),
			When: func(r *http.Request) bool { return !whole(r) }})
		s := l.mustRun()
		l.checkGaps(s, map[string]finding.GapClass{"Large": finding.GapServer})
		if s.Counts.Stale < 4 || s.Counts.Stale != checks(l.details(report.FindingObserved))[finding.TokenAge] {
			t.Errorf("%+v", s.Counts)
		}
	})
}

// TestDeadline: an instance too slow for the time there is leaves gaps, and a run
// that ends well before its invocation does.
func TestDeadline(t *testing.T) {
	t.Parallel()
	for timeout, n := range map[time.Duration]int{15 * time.Minute: 300, time.Minute: 60, 10 * time.Second: 60} {
		t.Run(timeout.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				all := apps(n)
				l := newLab(t, databraintest.Config{DataApps: all})
				l.timeout = timeout
				l.db.Inject(standin.Fault{Target: tokensPath, Do: standin.Delay(min(15*time.Second, timeout/10)), Times: -1})
				start := time.Now()
				s := l.mustRun()
				stop := timeout - min(20*time.Second, timeout/2)
				if took := time.Since(start); took > stop+time.Second || took < stop-15*time.Second {
					t.Errorf("took %v of %v, want %v", took, timeout, stop)
				}
				l.checkRecall(s, all)
				classes := map[finding.GapClass]int{}
				for _, g := range l.gaps() {
					classes[g.Gap.Class]++
				}
				if len(classes) != 1 || classes[finding.GapDeadline] != n-s.Counts.Covered || s.Counts.Covered == 0 {
					t.Errorf("%d apps covered, gaps: %v", s.Counts.Covered, classes)
				}
				time.Sleep(time.Minute) // requests that were given up reach the instance all the same
			})
		})
	}
}

// TestRetryBudget: an instance that fails everything is not asked four times for
// each of its apps.
func TestRetryBudget(t *testing.T) {
	large(t)
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		all := apps(500)
		l := newLab(t, databraintest.Config{DataApps: all})
		l.db.Inject(standin.Fault{Target: tokensPath, Do: standin.BadGateway(), Times: -1})
		s := l.mustRun()
		if s.Counts.Gaps != 500 || s.Retries > 100+500/5 {
			t.Errorf("%d gaps and %d retries", s.Counts.Gaps, s.Retries)
		}
	})
}
