package main

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strconv"
	"time"

	"github.com/google/uuid"

	"databrain-rotation/pkg/standin"
	"databrain-rotation/pkg/standin/databraintest"
	"databrain-rotation/pkg/standin/labtest"
	"databrain-rotation/pkg/standin/runtimetest"
)

// latency is how long the instance takes for an answer while growth is measured.
const latency = 50 * time.Millisecond

// estate is an instance and how the audit may read it.
type estate struct {
	apps, tokens, stale int // the last two of each data app
	concurrency         int
	perMinute           int
	latency             time.Duration
}

// audited is what an audit of an estate took.
type audited struct {
	estate
	wall     time.Duration
	requests int // to Databrain
	findings int
	peak     int64 // bytes of memory
	disk     int64 // bytes of temporary files
}

// floor is the time below which no audit of the estate can be: N·L/C or N/R.
func (e estate) floor() time.Duration {
	n := time.Duration(e.apps)
	return max(n*e.latency/time.Duration(e.concurrency), n*time.Minute/time.Duration(e.perMinute))
}

func (a audited) ratio() float64 { return float64(a.wall) / float64(a.floor()) }

// growth is one size, bound by the instance's latency and by the limit of its rate.
type growth struct{ byLatency, byRate audited }

func measureGrowth(ctx context.Context, built builds, largest int) ([]growth, error) {
	var all []growth
	for apps := 10; apps <= largest; apps *= 10 {
		note("audits of %d data apps, with answers after %v", apps, latency)
		e := estate{apps: apps, tokens: 9, concurrency: 16, perMinute: 60_000, latency: latency}
		byLatency, err := measureAudit(ctx, built, e)
		if err != nil {
			return nil, err
		}
		e.concurrency, e.perMinute = 64, 30_000
		byRate, err := measureAudit(ctx, built, e)
		if err != nil {
			return nil, err
		}
		all = append(all, growth{byLatency, byRate})
	}
	return all, nil
}

// measureMemory audits estates that differ in the number of tokens and have the
// same findings, and then the largest one, 3 % of whose tokens are stale.
func measureMemory(ctx context.Context, built builds, largest int) ([]audited, error) {
	var all []audited
	for _, e := range []estate{
		{apps: largest / 10, tokens: 10, stale: 3}, {apps: largest / 10, tokens: 100, stale: 3},
		{apps: largest / 10, tokens: 1000, stale: 3}, {apps: largest, tokens: 100, stale: 3},
	} {
		note("memory of audits of %d data apps with %d tokens each", e.apps, e.tokens)
		e.concurrency, e.perMinute = 4, 60_000
		a, err := measureTwice(ctx, built, e)
		if err != nil {
			return nil, err
		}
		all = append(all, a)
	}
	return all, nil
}

// measureAudit audits an estate that was never audited before.
func measureAudit(ctx context.Context, built builds, e estate) (audited, error) {
	lab, err := e.build()
	if err != nil {
		return audited{}, err
	}
	defer lab.Close()
	return auditOnce(ctx, built, e, lab, lab.Audit())
}

// measureTwice is measureAudit with a second run after it, which compares with the
// state of the first and needs more memory for that. The peaks are those of both.
func measureTwice(ctx context.Context, built builds, e estate) (audited, error) {
	lab, err := e.build()
	if err != nil {
		return audited{}, err
	}
	defer lab.Close()
	first, err := auditOnce(ctx, built, e, lab, lab.Audit())
	if err != nil {
		return audited{}, err
	}
	second, err := auditOnce(ctx, built, e, lab, lab.Audit())
	second.peak, second.disk = max(first.peak, second.peak), max(first.disk, second.disk)
	return second, err
}

// build makes the instance, with the AWS account around it.
func (e estate) build() (*labtest.Lab, error) {
	lab, err := labtest.Start(labtest.Config{Databrain: databraintest.Config{DataApps: e.dataApps()}})
	if err == nil && e.latency > 0 {
		lab.Databrain.Inject(standin.Fault{Do: standin.Delay(e.latency), Times: -1})
	}
	return lab, err
}

// auditOnce runs the audit in an environment of its own, which env leads to the lab.
func auditOnce(ctx context.Context, built builds, e estate, lab *labtest.Lab, env map[string]string) (audited, error) {
	env["AUDIT_CONCURRENCY"] = strconv.Itoa(e.concurrency)
	env["AUDIT_REQUESTS_PER_MINUTE"] = strconv.Itoa(e.perMinute)
	temporary, err := watch(filepath.Join(built.dir, "temporary"))
	if err != nil {
		return audited{}, err
	}
	defer temporary.end()
	env["TMPDIR"] = temporary.dir
	config := runtimetest.Config{Path: built.path(audit), Env: env, Timeout: 15 * time.Minute}
	function, err := runtimetest.Start(ctx, config)
	if err != nil {
		return audited{}, err
	}
	defer function.Close()
	before := len(lab.Databrain.Calls())
	result, err := function.Invoke(ctx, []byte(`{}`), runtimetest.Options{})
	if err != nil {
		return audited{}, err
	}
	if result.Err != nil {
		return audited{}, fmt.Errorf("audit of %d data apps: %w", e.apps, result.Err)
	}
	a := audited{
		estate: e, wall: result.Duration, peak: result.PeakRSS, disk: temporary.end(),
		requests: len(lab.Databrain.Calls()) - before,
	}
	return a, a.check(result.Payload)
}

// check reads the summary: a figure of an audit that missed something is none.
func (a *audited) check(payload []byte) error {
	var summary struct {
		Status string
		Counts struct{ Covered, Tokens, Stale, Findings int }
	}
	if err := json.Unmarshal(payload, &summary); err != nil {
		return err
	}
	a.findings = summary.Counts.Findings
	c := summary.Counts
	if summary.Status != "complete" || c.Covered != a.apps || c.Tokens != a.apps*a.tokens || c.Stale != a.apps*a.stale {
		return fmt.Errorf("the audit of %d data apps is wrong: %s", a.apps, payload)
	}
	return nil
}

func (e estate) dataApps() []databraintest.DataApp {
	now := time.Now()
	return databraintest.Many(e.apps, e.tokens, now.AddDate(-2, 0, 0), func(app, token int) databraintest.APIToken {
		age := 10
		if token < e.stale {
			age = 100 + app%300
		}
		var key uuid.UUID
		for i, n := range []int{app >> 8, app, token >> 8, token} {
			key[i] = byte(n)
		}
		return databraintest.APIToken{
			Key: key.String(), Name: "token " + strconv.Itoa(token), CreatedAt: now.AddDate(0, 0, -age),
		}
	})
}
