package finding

import (
	"encoding/json"
	"maps"
	"slices"
	"time"
)

// SnapshotSchema names the form of [Snapshot].
const SnapshotSchema = "databrain.token-audit.state/1"

// keepResolved is how long a resolved finding is remembered, so that it is
// reopened and not new if it comes back.
const keepResolved = 180 * aDay

// Snapshot is what one run leaves for the next. It holds names and fingerprints,
// never keys.
type Snapshot struct {
	Schema   string
	RunID    string // of the run that wrote it
	Instance string
	StoredAt time.Time

	// Owner is the ARN of the secret whose token read the instance; "" if unknown.
	Owner string

	Apps     map[string]AppMemory // by name as the instance spells it
	Tokens   int                  // entries of all lists in the last run that read everything
	Emptied  bool                 // this run saw no app or no token of those before; see [Transition]
	Findings []Record

	// Incomplete: open findings were dropped that no whole reading has come across since.
	Incomplete bool
	Dropped    Dropped // by this run; not stored
}

// AppMemory is what is known of a data app.
type AppMemory struct {
	Since  time.Time `json:"since"`           // when it was first listed
	ReadAt time.Time `json:"readAt,omitzero"` // when its tokens were last read in full; zero if never
}

// Record is a finding as it was last observed, or that it was resolved.
type Record struct {
	Finding
	Suppressed bool      `json:"suppressed,omitempty"`
	ResolvedAt time.Time `json:"resolvedAt,omitzero"`

	// Import is the last import into Security Hub; nil if there is none and none is due. A resolved finding
	// keeps it, and what is known of its subject, until it is archived there.
	Import       *Import `json:"import,omitempty"`
	SupersededBy Check   `json:"supersededBy,omitempty"` // of a finding that is yet to be archived

	// Foreign is the text of a record of a check that this release does not know. It is
	// carried along for the release that does.
	Foreign json.RawMessage `json:"-"`
}

// Memory is what a run knows of earlier runs.
type Memory struct {
	Kind     MemoryKind
	Snapshot // of an earlier run, if Kind is Remembered

	// LastRun is when the last run was, as far as that is known if Kind is Forgotten.
	LastRun time.Time
}

// MemoryKind says where a [Memory] comes from.
type MemoryKind int

// The kinds of memory.
const (
	NoMemory   MemoryKind = iota // states are not kept: every finding is ongoing
	FirstRun                     // there is no state yet: every finding is new
	Remembered                   // the state was read
	Forgotten                    // there is one and it could not be read: every finding is ongoing, nothing resolves
)

// Transition sets the state and the first sighting of each of findings by what
// earlier runs knew. It returns what is resolved now, what has made way for a worse
// finding among it, and the state to leave for the next run. It has no I/O.
//
// If every app of the last run is gone at once, or every token of the lists that were read,
// the instance may have answered for somebody else or not at all. This resolves nothing of
// them before the next run has seen the same.
func Transition(
	m Memory, findings []Finding, c Coverage, instance string, now time.Time,
) (resolved []Finding, next Snapshot) {
	next = Snapshot{
		Schema: SnapshotSchema, Instance: instance, Owner: m.Owner, StoredAt: now.UTC(),
		Apps: listed(m.Apps, c, now), Tokens: m.Tokens,
	}
	first := emptied(m, c) && !m.Emptied
	next.Emptied = first || m.Emptied && !c.Complete
	next.Incomplete = m.Incomplete && (!c.whole() || first)
	switch {
	case first:
		for name, app := range m.Apps {
			if _, listed := next.Apps[name]; !listed {
				next.Apps[name] = app
			}
		}
	case c.whole():
		next.Tokens = c.Tokens
	}
	known := make(map[string]*Record, len(m.Findings)) // nil for what was observed now
	for i := range m.Findings {
		known[m.Findings[i].ID] = &m.Findings[i]
	}
	next.Findings = make([]Record, 0, len(findings))
	for i := range findings {
		f := &findings[i]
		observe(f, m, known[f.ID], now)
		record := remember(f)
		if before := known[f.ID]; before != nil {
			record.Import = before.Import
		}
		known[f.ID] = nil
		next.Findings = append(next.Findings, record)
	}
	observed := func(check Check, subject string) bool {
		r, there := known[findingID(check, instance, subject)]
		return there && r == nil
	}
	s := &sight{Coverage: &c, emptied: first, hidden: lastUnread(c, next.Apps), observed: observed}
	for i := range m.Findings {
		r := &m.Findings[i]
		if known[r.ID] != r {
			continue // observed
		}
		switch {
		case r.Foreign != nil:
			next.Findings = append(next.Findings, *r)
		case !r.ResolvedAt.IsZero():
			if now.Sub(r.ResolvedAt) < keepResolved {
				next.Findings = append(next.Findings, *r)
			}
		case !define(r.Check).gone(r, s):
			next.Findings = append(next.Findings, *r)
		default:
			f := r.Finding
			f.State, f.Superseded = Resolved, r.superseded(observed)
			resolved = append(resolved, f)
			record := *r
			record.ResolvedAt, record.SupersededBy = now.UTC(), f.Superseded
			if record.Import != nil && !record.Import.At.IsZero() {
				record.Owe()
				next.Findings = append(next.Findings, record)
			} else if record.close() {
				next.Findings = append(next.Findings, record)
			}
		}
	}
	slices.SortFunc(resolved, func(a, b Finding) int { return WorstFirst(&a, &b) })
	return resolved, next
}

// observe sets the state of a finding that was observed. One that an exception
// covers stays suppressed, and comes back as reopened. An ongoing one says when its
// severity has risen: a token that grows old is new only once, at the lowest.
//
// If the memory was lost, in full or in part, ages still tell what is new since the last
// run.
func observe(f *Finding, m Memory, before *Record, now time.Time) {
	state, lastRun := Ongoing, m.LastRun
	if m.Kind == Remembered {
		lastRun = m.StoredAt
	}
	switch {
	case before != nil:
		f.FirstSeen = before.FirstSeen
		if before.Suppressed || !before.ResolvedAt.IsZero() {
			state = Reopened
		} else if f.State != Suppressed && before.Severity.Rank() < f.Severity.Rank() {
			f.RaisedFrom = before.Severity
		}
	case m.Kind == FirstRun || m.Kind == Remembered && !m.Incomplete:
		state, f.FirstSeen = New, now.UTC()
	case m.Kind != NoMemory && f.reached.After(lastRun):
		if f.below == "" {
			state = New
		} else if f.State != Suppressed {
			f.RaisedFrom = f.below
		}
	}
	if f.State != Suppressed {
		f.State = state
	}
}

// superseded is the check that now reports as worse what r was about, "" if none
// does: then r is over because things are well again.
func (r *Record) superseded(observed func(check Check, subject string) bool) Check {
	d := define(r.Check)
	if d.worse != "" && observed(d.worse, d.subject.of(&r.Finding)) {
		return d.worse
	}
	return ""
}

// emptied reports whether nothing is left of what the last run knew: no app of it is
// listed, or no list that was read has a token and there were some on those lists.
func emptied(m Memory, c Coverage) bool {
	if !c.Complete || m.Kind != Remembered {
		return false
	}
	for name := range m.Apps {
		if _, listed := c.Apps[name]; listed {
			return c.Tokens == 0 && (c.whole() && m.Tokens > 0 || m.missed(c))
		}
	}
	return len(m.Apps) > 0
}

// missed reports whether m has an open finding on a token of an app that was read now.
func (m *Memory) missed(c Coverage) bool {
	return slices.ContainsFunc(m.Findings, func(r Record) bool {
		d := define(r.Check)
		return d != nil && d.subject == aboutToken && r.ResolvedAt.IsZero() && c.Apps[r.DataApp] == Read
	})
}

// listed says of each app since when it is there and when it was last read. An
// incomplete list takes none away.
func listed(before map[string]AppMemory, c Coverage, now time.Time) map[string]AppMemory {
	apps := make(map[string]AppMemory, len(c.Apps))
	if !c.Complete {
		maps.Copy(apps, before)
	}
	for name, read := range c.Apps {
		app, known := before[name]
		if !known {
			app.Since = now.UTC()
		}
		if read == Read {
			app.ReadAt = now.UTC()
		}
		apps[name] = app
	}
	return apps
}

// lastUnread is since when the youngest of the apps is there that were not read;
// the zero time if all were.
func lastUnread(c Coverage, apps map[string]AppMemory) (last time.Time) {
	for name, read := range c.Apps {
		if read == Unread && apps[name].Since.After(last) {
			last = apps[name].Since
		}
	}
	return last
}

// remember returns the record of a finding that was observed.
func remember(f *Finding) Record {
	r := Record{Finding: *f, Suppressed: f.State == Suppressed}
	r.State, r.RaisedFrom, r.reached, r.below = "", "", time.Time{}, "" // of this run alone
	return r
}
