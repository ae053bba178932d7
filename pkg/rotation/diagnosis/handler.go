package diagnosis

import (
	"context"
	"encoding/json"
	"log/slog"

	"databrain-rotation/pkg/bootstrap"
	"databrain-rotation/pkg/rotation"
)

// Handler returns the handler of a rotation function: an event of Secrets Manager is a
// step of a rotation, and a request for a diagnosis is answered. It logs the failure of
// a step before it returns the error to Lambda.
func Handler(rotator *rotation.Rotator, d *Diagnoser, log *slog.Logger) bootstrap.Handler {
	return func(ctx context.Context, payload json.RawMessage) (any, error) {
		if request, ok := ParseRequest(payload); ok {
			report := d.Diagnose(ctx, request)
			log.InfoContext(ctx, "diagnosis", slog.String("verdict", string(report.Verdict)),
				slog.String("summary", report.Summary))
			return report, nil
		}
		event, err := rotation.ParseEvent(payload)
		if err == nil {
			err = rotator.Handle(ctx, event)
		}
		if err != nil {
			bootstrap.LogFailure(ctx, log.With(event.Attrs()...), "step failed", err)
		}
		return nil, err
	}
}
