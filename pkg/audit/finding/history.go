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
	ID          string     `json:"id"`
	Check       Check      `json:"check"`
	Severity    Severity   `json:"severity"`
	Suppressed  bool       `json:"suppressed,omitempty"`
	FirstSeenAt time.Time  `json:"firstSeenAt"`
	LastSeenAt  time.Time  `json:"lastSeenAt"`
	ResolvedAt  time.Time  `json:"resolvedAt,omitzero"`
	DataApp     string     `json:"dataApp,omitempty"` // as the instance spells it
	Token       *Token     `json:"token,omitempty"`
	Rule        string     `json:"rule,omitempty"`
	MaxAgeDays  int        `json:"maxAgeDays,omitempty"`
	Since       time.Time  `json:"since,omitzero"`
	Gap         *RecordGap `json:"gap,omitempty"`
	Exception   *Exception `json:"exception,omitempty"`
}

// RecordGap is a [Gap] in a state.
type RecordGap struct {
	Class    GapClass `json:"class"`
	Status   int      `json:"status,omitempty"`
	Attempts int      `json:"attempts"`
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
		next.Findings = append(next.Findings, record(f))
	}
	observed := func(check Check, subject string) bool {
		r, there := known[findingID(check, instance, subject)]
		return there && r == nil
	}
	hidden := lastUnread(c, next.Apps)
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
		case !gone(r, c, hidden), r.undated(observed):
			next.Findings = append(next.Findings, *r)
		default:
			f := r.finding()
			f.State, f.LastSeen, f.Superseded = Resolved, r.LastSeenAt, r.superseded(observed)
			resolved = append(resolved, f)
			next.Findings = append(next.Findings, Record{
				ID: r.ID, Check: r.Check, Severity: r.Severity,
				FirstSeenAt: r.FirstSeenAt, LastSeenAt: r.LastSeenAt, ResolvedAt: now.UTC(),
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
		f.FirstSeen = before.FirstSeenAt
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

// gone is the resolve rule: whether a finding that was not observed is certainly
// no more. What could not be read resolves nothing.
//
// An app has no identity but its name. One that is gone from the list may have
// been renamed, and be the one that can not be read now, unless that one was there
// already when the finding was last seen. Hidden is since when the youngest of the
// unread apps is there.
func gone(r *Record, c Coverage, hidden time.Time) bool {
	switch r.Check {
	case DataAppsUnlistable, ExceptionExpired:
		return c.Complete
	case ExceptionUnused:
		return c.whole()
	case ServiceTokenAge, ServiceTokenRotationOff, ServiceTokenRotationStuck:
		return c.Posture.Read
	}
	if !c.Complete {
		return false
	}
	read, listed := c.Apps[r.DataApp]
	return read == Read || !listed && (r.Check == DataAppUnlistable || !hidden.After(r.LastSeenAt))
}

// undated reports whether r is of the age of a token whose date can no longer be
// read. Its age is not known then, and what is not known resolves nothing.
func (r *Record) undated(observed func(check Check, subject string) bool) bool {
	switch r.Check {
	case TokenAge, TokenAgeApproaching:
		return observed(TokenDateInvalid, r.Token.Fingerprint) || observed(TokenDateFuture, r.Token.Fingerprint)
	}
	return false
}

// superseded is the check that now reports as worse what r was about, "" if none
// does: then r is over because things are well again.
func (r *Record) superseded(observed func(check Check, subject string) bool) Check {
	switch {
	case r.Check == TokenAgeApproaching && observed(TokenAge, r.Token.Fingerprint):
		return TokenAge
	case r.Check == ExceptionUnused && observed(ExceptionExpired, r.Exception.ID):
		return ExceptionExpired
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

func record(f *Finding) Record {
	r := Record{
		ID: f.ID, Check: f.Check, Severity: f.Severity, Suppressed: f.State == Suppressed,
		FirstSeenAt: f.FirstSeen, LastSeenAt: f.LastSeen, DataApp: f.app, Token: f.Token,
		Rule: f.Rule, MaxAgeDays: f.MaxAgeDays, Since: f.Since, Exception: f.Exception,
	}
	if f.Gap != nil {
		r.Gap = &RecordGap{f.Gap.Class, f.Gap.Status, f.Gap.Attempts}
	}
	return r
}

func (r *Record) finding() Finding {
	f := Finding{
		ID: r.ID, Check: r.Check, Severity: r.Severity, FirstSeen: r.FirstSeenAt, LastSeen: r.LastSeenAt,
		DataApp: ShownName(r.DataApp), app: r.DataApp, Token: r.Token,
		Rule: r.Rule, MaxAgeDays: r.MaxAgeDays, Since: r.Since, Exception: r.Exception,
	}
	if r.Gap != nil {
		f.Gap = &Gap{DataApp: f.DataApp, Class: r.Gap.Class, Status: r.Gap.Status, Attempts: r.Gap.Attempts, App: r.DataApp}
	}
	return f
}
