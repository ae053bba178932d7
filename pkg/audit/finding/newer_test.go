package finding_test

import (
	"bytes"
	"strings"
	"testing"

	"databrain-rotation/pkg/audit/finding"
)

// TestStateOfANewerReleaseIsCarriedAlong: findings of a check that this release does not
// know, in whatever form, stay in the state byte for byte and resolve nothing.
func TestStateOfANewerReleaseIsCarriedAlong(t *testing.T) {
	const foreign = `{"id":"dbt1-9","check":"token-of-tomorrow","severity":"blocker","token":["x"],"since":7}`
	state := `{"schema":"` + finding.SnapshotSchema + `","instance":"` + labInstance +
		`","storedAt":"2026-05-01T00:00:00Z","hint":{"a":1},"findings":[` + foreign + `]}`
	for run := range 2 {
		s, err := finding.ReadSnapshot(strings.NewReader(state), 0)
		if err != nil {
			t.Fatalf("run %d: %v", run, err)
		}
		memory := finding.Memory{Kind: finding.Remembered, Snapshot: s}
		resolved, next := finding.Transition(memory, nil, finding.Coverage{Complete: true}, labInstance, evalAt)
		var written bytes.Buffer
		if err := finding.WriteSnapshot(&written, next); err != nil {
			t.Fatal(err)
		}
		if state = written.String(); len(resolved) != 0 || !strings.Contains(state, foreign) {
			t.Errorf("run %d: %d resolved, and the state is\n%s", run, len(resolved), state)
		}
	}
}
