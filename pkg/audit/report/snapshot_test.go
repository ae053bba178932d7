package report_test

import (
	"bytes"
	"io"
	"testing"

	"databrain-rotation/pkg/audit/finding"
	"databrain-rotation/pkg/audit/report"
)

const stateInstance = "https://databrain.example.com"

// stateOf is a state with one record, of the given members.
func stateOf(members string) string {
	return `{"schema":"databrain.token-audit.state/1","runId":"r","instance":"` + stateInstance +
		`","findings":[{"id":"x",` + members + `}]}`
}

// FuzzSnapshot: whatever the bytes, they are refused, or the run that starts from them
// resolves what they hold, reports it in each form, and leaves a state that can be
// read.
func FuzzSnapshot(f *testing.F) {
	for _, members := range []string{
		`"check":"token-age","severity":"high","token":{"fingerprint":"f","name":"n",` +
			`"createdAt":"0000-01-01T00:00:00+23:59","ageDays":-1},"maxAgeDays":-9223372036854775808,"dataApp":"a"`,
		`"check":"token-age-approaching","severity":"informational","token":{},"maxAgeDays":9223372036854775807`,
		`"check":"exception-expired","severity":"low","exception":{}`,
		`"check":"exception-unused","severity":"low","exception":{"id":"e","expiresAt":"x"}`,
		`"check":"data-app-unlistable","severity":"high","dataApp":"","gap":{"class":"","attempts":-1}`,
		`"check":"data-apps-unlistable","severity":"high"`,
		`"check":"service-token-age","severity":"critical","since":"0001-01-01T00:00:00Z"`,
		`"check":"service-token-rotation-stuck","severity":"high"`,
		`"check":"token-date-invalid","severity":"medium","resolvedAt":"2026-01-01T00:00:00Z"`,
		`"check":"token-date-future","severity":"medium","token":{"createdAt":"9999-12-31T23:59:59Z"}`,
		`"check":"token-age"`, `"severity":"high"`, `"suppressed":true,"check":"token-age","severity":"x","token":null`,
	} {
		f.Add([]byte(stateOf(members)))
	}
	f.Add([]byte(`{"schema":"databrain.token-audit.state/1","apps":{"a":"2026-01-01T00:00:00Z"},"findings":null}`))
	f.Fuzz(func(t *testing.T, stored []byte) {
		s, err := finding.ReadSnapshot(bytes.NewReader(stored), 0)
		if err != nil {
			return
		}
		now := s.StoredAt
		if now.Year() < 2000 || now.Year() > 3000 {
			now = runAt
		}
		coverage := finding.Coverage{Complete: true, Posture: finding.Posture{Read: true}}
		resolved, next := finding.Transition(finding.Memory{Kind: finding.Remembered, Snapshot: s}, nil, coverage,
			stateInstance, now)
		r := &report.Report{Resolved: resolved, EmittedAt: now}
		for name, write := range writers() {
			if err := write(io.Discard, r); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		var again bytes.Buffer
		if err := finding.WriteSnapshot(&again, next); err != nil {
			t.Error(err)
		}
		if _, err := finding.ReadSnapshot(&again, 0); err != nil {
			t.Errorf("%v: %s", err, again.String())
		}
	})
}
