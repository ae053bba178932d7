package finding_test

import (
	"bytes"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"
	"unsafe"

	"pgregory.net/rapid"

	"databrain-rotation/pkg/audit/finding"
)

// bounded stores s with room for limit bytes and reads it with room for another.
func bounded(t testing.TB, s finding.Snapshot, limit, later int64) finding.Memory {
	t.Helper()
	s.Fit(limit)
	s.Dropped = finding.Dropped{} // is not stored
	var stored bytes.Buffer
	if err := finding.WriteSnapshot(&stored, s); err != nil {
		t.Fatal(err)
	}
	read, err := finding.ReadSnapshot(&stored, later)
	if err != nil {
		t.Fatal(err)
	}
	return finding.Memory{Kind: finding.Remembered, Snapshot: read}
}

func TestFitDropsInOrder(t *testing.T) {
	record := func(id string, severity finding.Severity, resolved int) finding.Record {
		r := finding.Record{Finding: finding.Finding{ID: id, Check: finding.DataAppsUnlistable, Severity: severity}}
		if resolved > 0 {
			r.ResolvedAt = evalAt.Add(-days(resolved))
		}
		return r
	}
	suppressed := record("suppressed", finding.Critical, 0)
	suppressed.Suppressed = true
	foreign := finding.Record{
		Finding: finding.Finding{ID: "foreign", Check: "token-colour"},
		Foreign: []byte(`{"id":"foreign"}`),
	}
	var order []string // in which they go
	for _, want := range []string{"long ago", "lately", "foreign", "suppressed", "medium", "critical"} {
		order = append(order, want)
		s := finding.Snapshot{Schema: finding.SnapshotSchema, Findings: []finding.Record{
			record("long ago", finding.Critical, 100), suppressed, record("medium", finding.Medium, 0), foreign,
			record("critical", finding.Critical, 0), record("lately", finding.Low, 3),
		}}
		s.Fit(int64(6-len(order))*700 + 1)
		dropped := map[string]bool{}
		for _, id := range order {
			dropped[id] = true
		}
		for _, r := range s.Findings {
			if dropped[r.ID] {
				t.Errorf("%s is kept after %v went", r.ID, order)
			}
		}
		open := max(0, len(order)-2)
		if len(s.Findings) != 6-len(order) || s.Dropped.Open != open || s.Dropped.Open+s.Dropped.Resolved != len(order) {
			t.Errorf("%d are kept after %v went, %+v", len(s.Findings), order, s.Dropped)
		}
		if s.Incomplete != (open > 0) {
			t.Errorf("after %v went: incomplete is %t", order, s.Incomplete)
		}
	}
}

// TestWeight: a record takes no more memory than Fit counts for it.
func TestWeight(t *testing.T) {
	var r finding.Record
	const texts = len("dbt1-") + 32 + 16 + 40 // id, fingerprint, the allocator's rounding
	if takes := int(unsafe.Sizeof(r)+unsafe.Sizeof(finding.Token{})) + texts; takes > finding.RecordWeight {
		t.Errorf("a record takes %d bytes, and counts as %d", takes, finding.RecordWeight)
	}
}

// TestAStateThatIsTooSmall: whatever the room, no run resolves a token that exists, and
// none calls a token new that an earlier run has seen and that was never gone.
func TestAStateThatIsTooSmall(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		memory := finding.Memory{Kind: finding.FirstRun}
		seen := map[string]bool{}
		w := world{}
		for i := range rapid.IntRange(1, 4).Draw(rt, "apps") {
			name := fmt.Sprintf("A%d", i)
			for j := range rapid.IntRange(0, 6).Draw(rt, "tokens") {
				w[name] = append(w[name], fmt.Sprintf("t%d-%d", i, j))
			}
		}
		for run := range 5 {
			unread := map[string]bool{}
			for name := range w {
				unread[name] = rapid.IntRange(0, 3).Draw(rt, "unread "+name) == 0
			}
			if name := rapid.SampledFrom([]string{"", "A0", "A1"}).Draw(rt, "revoked in"); len(w[name]) > 0 {
				delete(seen, w[name][0])
				w[name] = w[name][1:]
			}
			now := evalAt.Add(time.Duration(run) * time.Hour)
			found, c := w.observe(t, `{}`, now, unread, true)
			resolved, next := finding.Transition(memory, found, c, labInstance, now)
			exists := map[string]bool{}
			for _, tokens := range w {
				for _, token := range tokens {
					exists[token] = true
				}
			}
			for _, f := range resolved {
				if f.Token != nil && exists[f.Token.Fingerprint] {
					rt.Fatalf("run %d resolves %s, which exists", run, f.Token.Fingerprint)
				}
			}
			for token, state := range states(found) {
				if seen[token] && state != finding.Ongoing {
					rt.Fatalf("run %d: %s was seen before and is %s", run, token, state)
				}
				seen[token] = true
			}
			limit, later := rapid.Int64Range(1, 20_000).Draw(rt, "room"), rapid.Int64Range(4_000, 20_000).Draw(rt, "room later")
			memory = bounded(t, next, limit, later)
		}
	})
}

// TestTheReaderIsBounded: neither many records nor a long value take more than the
// limit, and what was written with more room can be read.
func TestTheReaderIsBounded(t *testing.T) {
	s := finding.Snapshot{Schema: finding.SnapshotSchema}
	for i := range 5000 {
		s.Findings = append(s.Findings, finding.Record{
			Finding:    finding.Finding{ID: fmt.Sprint(i), Check: finding.DataAppsUnlistable, Severity: finding.High},
			ResolvedAt: evalAt.Add(-time.Duration(i) * time.Minute),
		})
	}
	var stored bytes.Buffer
	if err := finding.WriteSnapshot(&stored, s); err != nil {
		t.Fatal(err)
	}
	const limit = 64 << 10
	read, err := finding.ReadSnapshot(&stored, limit)
	kept := len(read.Findings)
	if err != nil || kept < 60 || kept > limit/finding.RecordWeight || read.Dropped.Resolved != 5000-kept ||
		read.Incomplete {
		t.Errorf("%d records are kept, %+v, incomplete %t, %v", kept, read.Dropped, read.Incomplete, err)
	}
	for _, r := range read.Findings {
		if evalAt.Sub(r.ResolvedAt) > time.Duration(kept)*time.Minute {
			t.Errorf("%s is kept, although it was resolved before one that is not", r.ID)
		}
	}
	long := `{"schema":"` + finding.SnapshotSchema + `","runId":"` + strings.Repeat("x", 2*limit) + `"}`
	if _, err := finding.ReadSnapshot(strings.NewReader(long), limit); err == nil {
		t.Error("a value that is longer than the limit was read")
	}
}

// TestReadingTakesNoMoreThanTheLimit: the bound holds while a state of many times its size
// is read, not only at the end.
func TestReadingTakesNoMoreThanTheLimit(t *testing.T) {
	const limit, records = 64 << 10, 20_000 // which weigh 12 MB
	s := finding.Snapshot{Schema: finding.SnapshotSchema}
	for i := range records {
		s.Findings = append(s.Findings, finding.Record{
			Finding:    finding.Finding{ID: fmt.Sprint(i), Check: finding.DataAppsUnlistable, Severity: finding.High},
			ResolvedAt: evalAt,
		})
	}
	var stored bytes.Buffer
	if err := finding.WriteSnapshot(&stored, s); err != nil {
		t.Fatal(err)
	}
	s.Findings = nil
	before := heap()
	meter := &meter{Reader: &stored, size: stored.Len()}
	if _, err := finding.ReadSnapshot(meter, limit); err != nil {
		t.Fatal(err)
	}
	if taken := int64(meter.most) - int64(before); taken > 4*limit { // with the buffers of the reader
		t.Errorf("reading took %d KB, the limit is %d KB", taken>>10, limit>>10)
	}
}

// meter takes the heap's size, again and again while it is read.
type meter struct {
	io.Reader
	size, read, taken int
	most              uint64
}

func (m *meter) Read(p []byte) (int, error) {
	n, err := m.Reader.Read(p)
	m.read += n
	if m.read*10 >= m.size*(m.taken+1) {
		m.taken++
		m.most = max(m.most, heap())
	}
	return n, err
}

// heap is what the live objects take, in bytes.
func heap() uint64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

// TestFitKeepsWhatJustFits: the limit itself may be reached.
func TestFitKeepsWhatJustFits(t *testing.T) {
	for limit, want := range map[int64]int{
		3 * finding.RecordWeight: 3, 2 * finding.RecordWeight: 2, 2*finding.RecordWeight - 1: 1, 1: 0, 0: 3,
	} {
		s := finding.Snapshot{Findings: make([]finding.Record, 3)}
		s.Fit(limit)
		if len(s.Findings) != want {
			t.Errorf("%d bytes keep %d records, want %d", limit, len(s.Findings), want)
		}
	}
}

// TestLongTextsWeigh: names and reasons may be long, and a state is bounded all the same.
func TestLongTextsWeigh(t *testing.T) {
	long := strings.Repeat("x", 10_000)
	for name, change := range map[string]func(*finding.Record){
		"data app":  func(r *finding.Record) { r.DataApp = long },
		"rule":      func(r *finding.Record) { r.Rule = long },
		"foreign":   func(r *finding.Record) { r.Foreign = []byte(long) },
		"token":     func(r *finding.Record) { r.Token = &finding.Token{Name: long} },
		"reason":    func(r *finding.Record) { r.Exception = &finding.Exception{Reason: long} },
		"owner":     func(r *finding.Record) { r.Exception = &finding.Exception{Owner: long} },
		"no change": func(*finding.Record) {},
	} {
		s := finding.Snapshot{Findings: make([]finding.Record, 1)}
		change(&s.Findings[0])
		s.Fit(5_000)
		if kept := len(s.Findings) == 1; kept != (name == "no change") {
			t.Errorf("%s: kept is %t", name, kept)
		}
	}
	s := finding.Snapshot{Apps: map[string]finding.AppMemory{long: {}}, Findings: make([]finding.Record, 1)}
	if s.Fit(5_000); len(s.Findings) != 0 {
		t.Errorf("%d findings are kept beside an app that fills the state", len(s.Findings))
	}
}
