package finding

import (
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

	// Apps says since when each data app is known to be there, by name as the
	// instance spells it.
	Apps     map[string]time.Time
	Findings []Record
}

// Record is a finding as it was last observed, or that it was resolved.
type Record struct {
	Finding
	Suppressed bool      `json:"suppressed,omitempty"`
	ResolvedAt time.Time `json:"resolvedAt,omitzero"`
}

// Memory is what a run knows of earlier runs.
type Memory struct {
	Kind     MemoryKind
	Snapshot // of an earlier run, if Kind is Remembered
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
func Transition(m Memory, findings []Finding, c Coverage, instance string, now time.Time) (resolved []Finding, next Snapshot) {
	next = Snapshot{Schema: SnapshotSchema, Instance: instance, StoredAt: now.UTC(), Apps: listed(m.Apps, c, now)}
	known := make(map[string]*Record, len(m.Findings)) // nil for what was observed now
	for i := range m.Findings {
		known[m.Findings[i].ID] = &m.Findings[i]
	}
	next.Findings = make([]Record, 0, len(findings))
	for i := range findings {
		f := &findings[i]
		observe(f, m.Kind, known[f.ID], now)
		known[f.ID] = nil
		next.Findings = append(next.Findings, remember(f))
	}
	observed := func(check Check, subject string) bool {
		r, there := known[findingID(check, instance, subject)]
		return there && r == nil
	}
	s := &sight{Coverage: &c, hidden: lastUnread(c, next.Apps), observed: observed}
	for i := range m.Findings {
		r := &m.Findings[i]
		if known[r.ID] != r {
			continue // observed
		}
		switch {
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
			next.Findings = append(next.Findings, Record{
				Finding: Finding{
					ID: r.ID, Check: r.Check, Severity: r.Severity, FirstSeen: r.FirstSeen, LastSeen: r.LastSeen,
				},
				ResolvedAt: now.UTC(),
			})
		}
	}
	slices.SortFunc(resolved, func(a, b Finding) int { return WorstFirst(&a, &b) })
	return resolved, next
}

// observe sets the state of a finding that was observed. One that an exception
// covers stays suppressed, and comes back as reopened. An ongoing one says when its
// severity has risen: a token that grows old is new only once, at the lowest.
func observe(f *Finding, kind MemoryKind, before *Record, now time.Time) {
	state := Ongoing
	switch {
	case before != nil:
		f.FirstSeen = before.FirstSeen
		if before.Suppressed || !before.ResolvedAt.IsZero() {
			state = Reopened
		} else if f.State != Suppressed && before.Severity.Rank() < f.Severity.Rank() {
			f.RaisedFrom = before.Severity
		}
	case kind == FirstRun || kind == Remembered:
		state, f.FirstSeen = New, now.UTC()
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

// listed says since when each app is there. An incomplete list takes none away.
func listed(before map[string]time.Time, c Coverage, now time.Time) map[string]time.Time {
	apps := make(map[string]time.Time, len(c.Apps))
	if !c.Complete {
		maps.Copy(apps, before)
	}
	for name := range c.Apps {
		since, known := before[name]
		if !known {
			since = now.UTC()
		}
		apps[name] = since
	}
	return apps
}

// lastUnread is since when the youngest of the apps is there that were not read;
// the zero time if all were.
func lastUnread(c Coverage, since map[string]time.Time) (last time.Time) {
	for name, read := range c.Apps {
		if read == Unread && since[name].After(last) {
			last = since[name]
		}
	}
	return last
}

// remember returns the record of a finding that was observed.
func remember(f *Finding) Record {
	r := Record{Finding: *f, Suppressed: f.State == Suppressed}
	r.State, r.RaisedFrom = "", "" // of this run alone
	return r
}
