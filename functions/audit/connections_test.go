package main

import (
	"fmt"
	"io"
	"log/slog"
	"testing"
	"time"

	"databrain-rotation/pkg/bootstrap"
	"databrain-rotation/pkg/standin/databraintest"
	"databrain-rotation/pkg/standin/labtest"
)

// TestConnections audits several times in one environment. Every connection serves
// several requests. On an idle machine there are hardly more than requests at a time.
// On a loaded one net/http gives up those on which a request took 50 ms to be written,
// so the bound is far above that, and far below a connection for each request.
func TestConnections(t *testing.T) {
	const apps, runs = 50, 8
	old := time.Now().AddDate(-1, 0, 0)
	lab, err := labtest.Start(labtest.Config{Databrain: databraintest.Config{
		DataApps: databraintest.Many(apps, 2, old, func(app, token int) databraintest.APIToken {
			return databraintest.APIToken{Key: fmt.Sprintf("key %d of %d", token, app), Name: "token", CreatedAt: old}
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
		Getenv: func(name string) string { return env[name] }, Stdout: io.Discard, Now: time.Now,
		Log: slog.New(slog.DiscardHandler),
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
		service                     string
		requests, connections, most int
	}{
		{"Databrain", len(lab.Databrain.Calls()), lab.Databrain.NewConnections(), runs * (apps + 3)},
		{"Secrets Manager", lab.Secrets.Count(""), lab.Secrets.NewConnections(), runs * 3},
		{"EventBridge", lab.Events.Count(""), lab.Events.NewConnections(), runs * 12},
		{"S3", lab.Objects.Count(""), lab.Objects.NewConnections(), runs*10 + 2},
	} {
		if c.requests > c.most {
			t.Errorf("%s: %d requests, want at most %d", c.service, c.requests, c.most)
		}
		if c.connections > c.requests/2 || c.connections == 0 {
			t.Errorf("%s: %d connections for %d requests", c.service, c.connections, c.requests)
		}
	}
}
