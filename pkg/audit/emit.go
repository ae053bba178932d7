package audit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"slices"
	"time"

	"databrain-rotation/pkg/audit/report"
	"databrain-rotation/pkg/emf"
)

const metricNamespace = "Databrain/TokenAudit"

// emit sends and stores the outcome, the state last. If a run crashes before the state
// is stored, its repetition starts from the same earlier state and sends the same events
// with the same ids, so that nothing is lost.
func (r *run) emit(ctx context.Context) {
	r.report.EmittedAt = r.Now()
	if r.Bus != nil {
		r.send(ctx, "events", r.report.Events())
	}
	if r.Store != nil {
		r.storeReports(ctx)
	}
	if r.Hub != nil {
		r.importFindings(ctx)
	}
	r.finish()
	if r.Bus != nil {
		r.send(ctx, "the last event", slices.Values([]report.Event{r.report.Completed()}))
	}
	if r.Store != nil {
		r.storeState(ctx)
	}
	r.writeMetrics(ctx)
}

func (r *run) send(ctx context.Context, what string, events iter.Seq[report.Event]) {
	ctx, cancel := r.before(ctx, afterStage)
	defer cancel()
	lost, err := r.Bus.send(ctx, events)
	r.lostEvents += lost
	r.failed(ctx, what, lost, err)
}

// failed counts what could not be written, logs it, and keeps the first cause for the
// error of the run.
func (r *run) failed(ctx context.Context, what string, failures int, err error) {
	if failures == 0 {
		return
	}
	r.report.Summary.EmitFailures += failures
	if r.firstFailure == "" {
		r.firstFailure = what + ": " + awsCause(err)
		if hub, ok := errors.AsType[*hubFailure](err); ok {
			r.firstRemedy = hub.Do
		}
	}
	r.Log.ErrorContext(ctx, "not written",
		slog.String("what", what), slog.Int("failures", failures), slog.Any("error", err))
}

// storeReports stores each form of the report twice: under the date of the run, and as
// the latest.
func (r *run) storeReports(ctx context.Context) {
	ctx, cancel := r.before(ctx, afterStage)
	defer cancel()
	folder := fmt.Sprintf("%s/%s/", r.request.Start.UTC().Format(time.DateOnly), r.request.RunID)
	r.report.Summary.Report = fmt.Sprintf("s3://%s/%s%s", r.Store.Bucket, r.Store.Prefix, folder+report.PageName)
	for _, file := range report.Files() { // one after the other: each fills a part of the disk
		write := func(w io.Writer) error { return file.Write(w, r.report) }
		err := r.Store.upload(ctx, file.ContentType, write, folder+file.Name, "latest/"+file.Name)
		if err == nil {
			continue
		}
		if file.Name == report.PageName {
			r.report.Summary.Report = ""
		}
		r.failed(ctx, "s3://"+r.Store.Bucket+"/"+r.Store.Prefix+folder+file.Name, 1, err)
	}
}

// storeState stores the state for the next run. If events were lost it does not, because
// the next run has to start from the same state to send them again.
func (r *run) storeState(ctx context.Context) {
	switch {
	case r.memory.version.keep:
		return
	case r.lostEvents > 0:
		r.note("the state was not stored, so that the next run repeats the events that were not taken")
		return
	}
	ctx, cancel := r.before(ctx, afterStage)
	defer cancel()
	_, err := r.Store.save(ctx, r.next, r.memory.version)
	switch {
	case errors.Is(err, errStateTaken):
		r.note("another run stored its state while this one ran; that one holds")
	case err != nil:
		r.failed(ctx, "s3://"+r.Store.Bucket+"/"+r.Store.stateKey(), 1, err)
	}
}

// writeMetrics leaves out what a blind run does not know: its zeros would draw the
// instance as clean.
func (r *run) writeMetrics(ctx context.Context) {
	s := &r.report.Summary
	completed := 1
	if s.Status == report.Failed {
		completed = 0
	}
	lost := 0
	if s.StateLost != "" {
		lost = 1
	}
	count := func(name string, n int) emf.Metric { return emf.Metric{Name: name, Unit: "Count", Value: float64(n)} }
	metrics := []emf.Metric{
		count("Completed", completed), count("DataApps", s.Counts.DataApps), count("DataAppsCovered", s.Counts.Covered),
		count("CoverageGaps", s.Counts.Gaps), count("Findings", s.Counts.Findings), count("EmitFailures", s.EmitFailures),
		count("StateLost", lost), count("Requests", s.Requests), count("Throttled", s.Throttled),
		{Name: "DurationMs", Unit: "Milliseconds", Value: float64(s.DurationMs)},
	}
	if !s.Blind() {
		metrics = append(metrics, count("Tokens", s.Counts.Tokens), count("StaleTokens", s.Counts.Stale),
			emf.Metric{Name: "OldestTokenAgeDays", Unit: "None", Value: float64(s.OldestAgeDays)})
		if m := s.Managed; m != nil && m.Complete {
			metrics = append(metrics, count("ManagedTokens", m.Tokens))
		}
	}
	err := emf.Write(r.Metrics, r.Now(), metricNamespace,
		[][]string{{}, {"Instance"}}, map[string]string{"Instance": r.Instance}, metrics...)
	if err != nil {
		r.Log.ErrorContext(ctx, "the metric line could not be written", slog.Any("error", err))
	}
}
