package rotation_test

import (
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"databrain-rotation/pkg/standin/secretsmanagertest"
)

// TestRoundTrips: a rotation that nothing disturbs sleeps nowhere and waits for no more
// answers than it has to. Each answer takes a second, so that its time counts those that
// had to wait for another: over the whole, and from the moment when the old token is
// dead until AWSCURRENT is on the new one.
func TestRoundTrips(t *testing.T) {
	windows := map[string]time.Duration{"replace": 6 * time.Second}
	for _, tt := range courses() {
		for _, variant := range []string{"default", "reversed"} {
			s := setup{tt.mode, tt.start, variant}
			t.Run(s.String(), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(s)
					far := &distance{w: w, changed: make(map[string]time.Time)}
					for host, service := range w.wire.hosts {
						w.wire.hosts[host] = far.to(service)
					}
					began := time.Now()
					if _, err := w.rotate(1); err != nil {
						t.Fatal(err)
					}
					took := time.Since(began).Truncate(time.Millisecond) // the wire lets calls queue for nanoseconds
					if want := len(slices.Concat(tt.steps[:]...)); took != time.Duration(want)*time.Second {
						t.Errorf("the rotation took %v, and has %d round trips", took, want)
					}
					window := far.changed["label"].Sub(far.changed["token"]).Truncate(time.Millisecond)
					if want := windows[tt.mode]; want != 0 && window != want {
						t.Errorf("the old token was dead for %v before the label moved, want %v", window, want)
					}
				})
			})
		}
	}
}

// distance is half a second in each direction. It notes when the world has changed.
type distance struct {
	w       *world
	changed map[string]time.Time
}

func (d *distance) to(service http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		time.Sleep(time.Second / 2)
		token, label := d.w.db.CurrentToken(), d.w.sm.Holder(d.w.secret, secretsmanagertest.Current)
		service.ServeHTTP(w, req)
		if d.w.db.CurrentToken() != token {
			d.changed["token"] = time.Now()
		}
		if d.w.sm.Holder(d.w.secret, secretsmanagertest.Current) != label {
			d.changed["label"] = time.Now()
		}
		time.Sleep(time.Second / 2)
	})
}
