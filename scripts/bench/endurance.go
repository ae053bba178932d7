package main

import (
	"context"
	"fmt"

	"databrain-rotation/pkg/standin/runtimetest"
)

// endurance is the memory of one environment that does its work again and again.
type endurance struct {
	name        string
	early, runs int   // rotations or audits
	after       int64 // bytes of peak memory after the early ones
	end         int64 // the same after all
}

// measureEndurance audits and rotates, each in an environment that lasts. The peak of
// a heap that keeps its size still rises a little with the number of collections.
func measureEndurance(ctx context.Context, built builds) ([]endurance, error) {
	all := []endurance{{name: rotate, early: 150, runs: 1500}, {name: audit, early: 50, runs: 100}}
	for i := range all {
		note("memory of %d runs of %s in one environment", all[i].runs, all[i].name)
		if err := all[i].measure(ctx, built); err != nil {
			return nil, fmt.Errorf("%d runs of %s: %w", all[i].runs, all[i].name, err)
		}
	}
	return all, nil
}

func (e *endurance) measure(ctx context.Context, built builds) error {
	lab, err := estate{apps: 20, tokens: 10, stale: 3}.build()
	if err != nil {
		return err
	}
	defer lab.Close()
	b := &bench{builds: built, lab: lab}
	config := b.config(e.name)
	config.Env["AUDIT_REQUESTS_PER_MINUTE"] = "60000" // read by the audit alone
	function, err := runtimetest.Start(ctx, config)
	if err != nil {
		return err
	}
	defer function.Close()
	w := &worker{bench: b, function: function}
	for run := range e.runs {
		if err := w.work(ctx, e.name); err != nil {
			return err
		}
		if run == e.early-1 {
			e.after = w.seen.peak
		}
	}
	e.end = w.seen.peak
	return nil
}
