package main

import (
	"io"
	"log/slog"
	"testing"
	"time"

	"databrain-rotation/pkg/bootstrap"
	"databrain-rotation/pkg/databrain/databraintest"
	"databrain-rotation/pkg/labtest"
)

// TestConnections audits several times in one environment. Every connection serves
// many requests. There may be a few more than requests at a time: net/http begins a
// new one when none is free, and takes one that becomes free meanwhile.
func TestConnections(t *testing.T) {
	const apps, runs = 50, 3
	old := time.Now().AddDate(-1, 0, 0)
	lab, err := labtest.Start(labtest.Config{Databrain: databraintest.Config{
		DataApps: databraintest.Many(apps, 2, old, func(app, token int) databraintest.APIToken {
			return databraintest.APIToken{Key: string(rune('a' + token)), Name: "token", CreatedAt: old}
		}),
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer lab.Close()
	env := lab.Audit()
	env["AUDIT_REQUESTS_PER_MINUTE"] = "60000"
	for name, value := range env {
		t.Setenv(name, value) // the SDK reads the process's
	}
	handler, err := setUp(t.Context(), bootstrap.Environment{
		Getenv: func(name string) string { return env[name] }, Stdout: io.Discard, Now: time.Now, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	for range runs {
		if _, err := handler(t.Context(), []byte(`{}`)); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		service                              string
		requests, connections, most, atATime int
	}{
		{"Databrain", len(lab.Databrain.Requests()), lab.Databrain.NewConnections(), runs * (apps + 1), 4},
		{"Secrets Manager", lab.Secrets.Count(""), lab.Secrets.NewConnections(), runs * 2, 1},
		{"EventBridge", lab.Events.Count(""), lab.Events.NewConnections(), runs * 12, 8},
		{"S3", lab.Objects.Count(""), lab.Objects.NewConnections(), runs * 10, 4},
	} {
		if c.requests > c.most {
			t.Errorf("%s: %d requests, want at most %d", c.service, c.requests, c.most)
		}
		if c.connections > 2*c.atATime-1 || c.connections == 0 {
			t.Errorf("%s: %d connections for %d requests, of which %d at a time", c.service, c.connections, c.requests, c.atATime)
		}
	}
}
