package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"databrain-rotation/pkg/audit/collect"
	"databrain-rotation/pkg/audit/finding"
	"databrain-rotation/pkg/audit/report"
	"databrain-rotation/pkg/databrain"
)

// requestTime bounds one request, as in the function.
const requestTime = 30 * time.Second

// observe reads the instance and fills in the report, whether it fails or not. It
// returns the state for the next run.
func (o *options) observe(
	ctx context.Context, r *report.Report, token databrain.Secret, progress *progress,
) (finding.Snapshot, error) {
	start, s := time.Now(), &r.Summary
	s.StartedAt = report.Instant(start)
	r.Note("the rotation of the service token was not judged, because this audit does not ask AWS")
	evaluation := finding.NewEvaluation(o.policy, s.Instance, start)
	evaluation.Expect(o.memory)
	coverage, stats, failure := collect.Run(ctx, collect.Options{
		Databrain: databrain.New(o.instance, databrain.Options{
			Timeout: requestTime, Now: time.Now, UserAgent: "databrain-audit/" + version,
		}),
		Evaluation: evaluation, Apps: o.memory.Apps, Token: token, ReadToken: noOther,
		RequestsPerMinute: o.requestsPerMinute, Concurrency: o.concurrency, Now: time.Now,
		Progress: progress.show, Paused: progress.pause,
	})
	next := r.Compile(o.memory, evaluation, coverage, o.policy, start)
	next.RunID = s.RunID
	s.Requests, s.Retries, s.Throttled = stats.Requests, stats.Retries, stats.Throttled
	if failure != nil {
		failure = listFailed(failure, &coverage.Gaps[0])
		s.Status = report.Failed
		r.Note(failure.Error())
	}
	end := time.Now()
	s.FinishedAt, s.DurationMs = report.Instant(end), end.Sub(start).Milliseconds()
	r.EmittedAt = end
	return next, failure
}

// noOther says that there is no token but the given one.
func noOther(context.Context, string) (databrain.Secret, error) {
	return databrain.Secret{}, errors.New("there is no other token")
}

// listFailed is the error of an audit that could not list the data apps. It says what
// to do from here, where no secret holds the token.
func listFailed(err error, gap *finding.Gap) error {
	do, _ := gap.Remedy()
	if gap.Class == finding.GapAuth {
		do = "Check that this is the service token of this instance and not an API token of a data app."
	}
	return fmt.Errorf("the data apps could not be listed: %s. Nothing was changed in Databrain, "+
		"and what was not read does not count as clean. %s", strings.TrimSuffix(err.Error(), "."), do)
}
