package rotation_test

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestNothingWaits: a rotation that nothing disturbs sleeps nowhere, so that from
// the moment the old token is dead until AWSCURRENT is on the new one there are
// only the answers to wait for. Here they take no time.
func TestNothingWaits(t *testing.T) {
	for mode := range modes {
		t.Run(mode, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(setup{mode, "normal", "default"})
				began := time.Now()
				if _, err := w.rotate(1); err != nil {
					t.Fatal(err)
				}
				if took := time.Since(began); took != 0 {
					t.Errorf("the rotation waited %v", took)
				}
			})
		})
	}
}
