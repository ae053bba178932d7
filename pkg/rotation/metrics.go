package rotation

import (
	"context"
	"log/slog"

	"databrain-rotation/pkg/emf"
)

const metricNamespace = "Databrain/TokenRotation"

// report writes the metrics of the step. The error itself is for the caller to log.
func (s *step) report(ctx context.Context, failure error) {
	outcome := "StepSucceeded"
	if failure != nil {
		outcome = "StepFailed"
	}
	metrics := []emf.Metric{{Name: outcome, Unit: "Count", Value: 1}}
	if s.tookOver && failure == nil {
		metrics = append(metrics, emf.Metric{Name: "Healed", Unit: "Count", Value: 1})
	}
	if s.orphanPossible {
		metrics = append(metrics, emf.Metric{Name: "OrphanPossible", Unit: "Count", Value: 1})
	}
	step := s.event.Step
	if !knownStep(step) {
		step = "unknown" // the event's text must not become a dimension
	}
	err := emf.Write(s.metrics, s.now(), metricNamespace,
		[][]string{{}, {"Instance"}, {"Instance", "Step"}},
		map[string]string{"Instance": s.instance, "Step": step}, metrics...)
	if err != nil {
		s.log.ErrorContext(ctx, "the metric line could not be written", slog.Any("error", err))
	}
	s.log.InfoContext(
		ctx,
		"step ended",
		slog.Bool("succeeded", failure == nil),
		slog.Int64("tookMs", s.now().Sub(s.began).Milliseconds()),
	)
}
