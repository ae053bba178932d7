package main

import (
	"context"
	"testing"

	"databrain-rotation/pkg/standin/databraintest"
	"databrain-rotation/pkg/standin/labtest"
	"databrain-rotation/pkg/standin/runtimetest"
	"databrain-rotation/pkg/standin/secretsmanagertest"
)

// TestConnections rotates several times in one environment: the requests of all
// rotations share one connection to Databrain, and three to Secrets Manager, which gets
// three at the same time. The grace strategy needs one more in each rotation, since
// what is sent on a connection that was kept may be sent twice.
func TestConnections(t *testing.T) {
	const rotations = 3
	for strategy, want := range map[string]int{"replace": 1, "grace": 1 + rotations} {
		t.Run(strategy, func(t *testing.T) {
			l := lab(t, labtest.Config{Databrain: databraintest.Config{ServiceToken: "11111111-1111-4111-8111-111111111111"}})
			env := l.Rotate()
			env["ROTATION_STRATEGY"] = strategy
			f := start(t, env)
			l.Secrets.SetRotationFunction(labtest.RotationARN, func(ctx context.Context, event []byte) error {
				result, err := f.Invoke(ctx, event, runtimetest.Options{})
				if err == nil && result.Err != nil {
					err = result.Err
				}
				return err
			})
			for range rotations {
				if _, err := l.Secrets.Rotate(t.Context(), labtest.TokenSecret,
					secretsmanagertest.RotateOptions{Attempts: 1}); err != nil {
					t.Fatal(err)
				}
			}
			if got := l.Databrain.NewConnections(); got != want {
				t.Errorf("%d connections to Databrain, want %d", got, want)
			}
			if got := l.Secrets.NewConnections(); got > 3 {
				t.Errorf("%d connections to Secrets Manager, want 3 at the most", got)
			}
		})
	}
}
