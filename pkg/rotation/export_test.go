package rotation

import (
	"context"
	"errors"
	"log/slog"

	"databrain-rotation/pkg/tokensecret"
)

// UnknownActions gives each switch over an action a value that no planner returns,
// in a step that can reach nothing: a write would panic. It returns what came of it.
func UnknownActions() map[string]error {
	s := &serviceToken{step: &step{Rotator: &Rotator{}, log: slog.New(slog.DiscardHandler), left: nothingWritten}}
	s.kind = s
	ctx, cause := context.Background(), errors.New("cause")
	k := &apiToken{step: s.step}
	plan := APITokenPlan{Action: "made up"}
	return map[string]error{
		"guard":     s.admit("made up"),
		"create":    s.createAs(ctx, "made up", tokensecret.Empty(), cause),
		"rotated":   s.notRotated(ctx, "made up", tokensecret.Empty(), cause),
		"set":       s.setAs(ctx, "made up", &inquiry{serviceToken: s}),
		"preflight": s.preflightAs(ctx, "made up", "made up", cause),
		"finish":    s.finishAs(ctx, "made up", cause),

		"key create":    k.createAs(ctx, plan, tokensecret.Empty(), APITokenState{}),
		"key made":      k.madeAs(ctx, "made up", "rotate", made{cause: cause}, tokensecret.Empty(), APITokenState{}),
		"key preflight": k.feasible(plan, tokensecret.Empty()),
	}
}
