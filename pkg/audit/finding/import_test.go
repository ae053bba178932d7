package finding_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"databrain-rotation/pkg/audit/finding"
)

// TestNextImport: an UpdatedAt is later than the last one, whatever the clock does.
func TestNextImport(t *testing.T) {
	at := time.Date(2026, 3, 12, 6, 0, 0, 123456789, time.UTC)
	whole := at.Truncate(time.Millisecond)
	for name, c := range map[string]struct {
		last *finding.Import
		want time.Time
	}{
		"first":           {nil, whole},
		"earlier":         {&finding.Import{At: at.Add(-time.Hour)}, whole},
		"the same moment": {&finding.Import{At: whole}, whole.Add(time.Millisecond)},
		"clock put back":  {&finding.Import{At: whole.Add(time.Hour)}, whole.Add(time.Hour + time.Millisecond)},
	} {
		if got := c.last.Next(at); !got.Equal(c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestImportsAge(t *testing.T) {
	now := time.Date(2026, 3, 12, 0, 30, 0, 0, time.UTC)
	for minutes, want := range map[int]bool{0: false, 29: false, 31: true, 24 * 60: true, -24 * 60: true} {
		last := &finding.Import{At: now.Add(-time.Duration(minutes) * time.Minute), Digest: "a"}
		if got := last.Aged(now); got != want {
			t.Errorf("%d minutes ago: %t", minutes, got)
		}
	}
}

// TestOwing keeps the time of the last import, which the next has to be later than.
func TestOwing(t *testing.T) {
	for name, last := range map[string]*finding.Import{"never imported": nil, "imported": {At: evalAt, Digest: "d"}} {
		r := finding.Record{Import: last}
		r.Owe()
		want := &finding.Import{}
		if last != nil {
			want.At = last.At
		}
		if diff := cmp.Diff(want, r.Import); diff != "" || !r.Owed() {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// TestResolvedFindingsWaitForTheirArchiving: a finding that Security Hub knows keeps its
// subject when it is resolved, over states that are written and read, until it is archived
// there. The others keep nothing of it.
func TestResolvedFindingsWaitForTheirArchiving(t *testing.T) {
	known := &finding.Import{At: evalAt, Digest: "d"}
	m := finding.Memory{Kind: finding.Remembered, Snapshot: finding.Snapshot{
		Schema: finding.SnapshotSchema, Instance: "i", StoredAt: evalAt, Apps: map[string]finding.AppMemory{"kept": {}},
	}}
	for i, check := range []finding.Check{finding.TokenAge, finding.TokenAgeApproaching} {
		for j, last := range []*finding.Import{known, nil} {
			m.Findings = append(m.Findings, finding.Record{Import: last, Finding: finding.Finding{
				ID: string(rune('a' + 2*i + j)), Check: check, Severity: finding.Medium, FirstSeen: evalAt, LastSeen: evalAt,
				DataApp: "gone", Token: &finding.Token{Fingerprint: string(rune('a' + 2*i + j))},
			}})
		}
	}
	coverage := finding.Coverage{Complete: true, Apps: map[string]finding.AppRead{"kept": finding.Read}, Tokens: 1}
	resolved, next := finding.Transition(m, nil, coverage, "i", evalAt.Add(time.Hour))
	if len(resolved) != 4 {
		t.Fatalf("%d are resolved", len(resolved))
	}
	var stored bytes.Buffer
	if err := finding.WriteSnapshot(&stored, next); err != nil {
		t.Fatal(err)
	}
	next, err := finding.ReadSnapshot(&stored, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	owed := map[string]bool{}
	for _, r := range next.Findings {
		owed[r.ID] = r.Owed()
		if f := r.Stated(); r.Owed() && (f.State != finding.Resolved || f.Token == nil || f.DataApp != "gone") {
			t.Errorf("what is owed has lost its subject: %+v", f)
		} else if !r.Owed() && f.Token != nil {
			t.Errorf("what Security Hub never knew keeps its subject: %+v", f)
		}
	}
	if diff := cmp.Diff(map[string]bool{"a": true, "b": false, "c": true}, owed); diff != "" {
		t.Errorf("owed (-want +got):\n%s", diff)
	}
	for i := range next.Findings {
		if r := &next.Findings[i]; r.Owed() {
			r.Import = &finding.Import{At: evalAt.Add(time.Hour), Digest: "archived"}
		}
	}
	next.ForgetArchived()
	var left []string
	for _, r := range next.Findings {
		left = append(left, r.ID)
		if r.Import != nil || r.Token != nil || r.ResolvedAt.IsZero() {
			t.Errorf("after its archiving: %+v", r)
		}
	}
	if got := strings.Join(left, ""); got != "ab" { // a token that was replaced in time cannot come back
		t.Errorf("remembered: %s", got)
	}
}

// TestAnImportWithoutASubjectIsCorrupt: nothing could be said to Security Hub of it.
func TestAnImportWithoutASubjectIsCorrupt(t *testing.T) {
	const state = `{"schema":"` + finding.SnapshotSchema + `","instance":"i","findings":[{"id":"a","check":"token-age",` +
		`"severity":"medium","resolvedAt":"2026-01-01T00:00:00Z","import":{"at":"2026-01-01T00:00:00Z"}}]}`
	if _, err := finding.ReadSnapshot(strings.NewReader(state), 1<<20); err == nil {
		t.Error("it was read")
	}
	if _, err := finding.ReadSnapshot(strings.NewReader(strings.Replace(state, "import", "importOfANewerRelease", 1)),
		1<<20); err != nil {
		t.Errorf("a member that is not known: %v", err)
	}
}

// TestTimesOfAState: what JSON can write can be read, to the first and the last year.
func TestTimesOfAState(t *testing.T) {
	for at, sound := range map[string]bool{
		"0000-01-01T00:00:00Z": true, "9999-12-31T23:59:59Z": true,
		"9999-12-31T23:59:59-01:00": false, "0000-01-01T00:00:00+01:00": false, // in UTC
	} {
		state := `{"schema":"` + finding.SnapshotSchema + `","instance":"i","findings":[{"id":"a","check":"token-age",` +
			`"severity":"medium","resolvedAt":"2026-01-01T00:00:00Z","lastSeenAt":"` + at + `"}]}`
		if _, err := finding.ReadSnapshot(strings.NewReader(state), 1<<20); (err == nil) != sound {
			t.Errorf("%s: %v", at, err)
		}
	}
}
