package finding

import (
	"time"

	"databrain-rotation/pkg/databrain"
)

// App is the evaluation of one data app. Nothing of it counts before
// [App.Commit], so that an attempt to read a list can be given up.
type App struct {
	e       *Evaluation
	name    spelling
	entries map[databrain.APIToken]bool // entries that are equal in all are one
	keys    map[string]bool             // their fingerprints
	twins   map[twin]bool               // names and times of the expected tokens; true once listed
	odd     int
	taken   int64 // of the room, by its findings
	tally
}

// twin is what two keys of one token have in common.
type twin struct {
	name    string
	created int64 // in seconds, since releases differ in what they show of a second
}

func twinOf(name string, created time.Time) twin { return twin{name, created.Unix()} }

// App starts the evaluation of the data app of that name.
func (e *Evaluation) App(name string) *App {
	a := &App{
		e: e, name: spell(name), tally: e.newTally(),
		entries: make(map[databrain.APIToken]bool), keys: make(map[string]bool), twins: make(map[twin]bool),
	}
	for _, r := range e.expected[name] {
		a.twins[twinOf(r.Token.Name, r.Token.CreatedAt)] = false
	}
	return a
}

// Token judges one entry of the list and returns false if it is equal in all to one
// that came before. Two entries with one key that differ are both judged; since one of
// them must be wrong, [App.Odd] counts the second.
func (a *App) Token(t databrain.APIToken) (fresh bool) {
	if a.entries[t] {
		return false
	}
	a.entries[t] = true
	if a.keys[t.Fingerprint] {
		a.odd++
	}
	a.keys[t.Fingerprint] = true
	a.tokens++
	if a.e.held[t.Fingerprint] != nil {
		a.managed = append(a.managed, t)
	}
	name := spell(t.Name)
	if like := twinOf(ShownName(t.Name), t.CreatedAt); len(a.twins) > 0 {
		if _, expected := a.twins[like]; expected {
			a.twins[like] = true
		}
	}
	f, found := a.judge(t, name)
	exception := a.exception(t, name, f.Check)
	if !found {
		return true
	}
	if f.Severity == "" {
		f.Severity = f.Check.Severity()
	}
	f.DataApp, f.LastSeen, f.State = a.name.raw, a.e.now, Ongoing
	f.ID = findingID(f.Check, a.e.instance, t.Fingerprint)
	if f.FirstSeen.IsZero() {
		f.FirstSeen = a.e.now
	}
	a.e.accept(&f, exception, a.covered)
	a.findings = append(a.findings, f)
	weight := int64(recordWeight + len(f.Token.Name))
	a.taken += weight
	a.e.room.Take(weight)
	return true
}

// Knows reports whether the list had that entry.
func (a *App) Knows(t databrain.APIToken) bool { return a.entries[t] }

// Odd returns how many entries contradict another one.
func (a *App) Odd() int { return a.odd }

// Lacks reports whether a token is missing that the last run knew to be there.
func (a *App) Lacks() bool {
	for _, r := range a.e.expected[a.name.raw] {
		if r.ResolvedAt.IsZero() && !a.keys[r.Token.Fingerprint] {
			return true
		}
	}
	return false
}

// Drop gives up what was read of the list.
func (a *App) Drop() { a.e.room.Give(a.taken) }

// limit returns the rule that decides for a token and its limit in days.
func (a *App) limit(token spelling) (rule string, maxAgeDays int) {
	for i, r := range a.e.rules {
		if r.matches(a.name, token) {
			a.decided[i]++
			return r.ID, r.MaxAgeDays
		}
	}
	return defaultRule, a.e.policy.MaxAgeDays
}

// exception counts t for every exception that names it. It returns the index of the
// exception for a finding of check on t, or -1.
func (a *App) exception(t databrain.APIToken, name spelling, check Check) int {
	best := -1
	for i, exception := range a.e.policy.Exceptions {
		if !exception.countsTokens() || !exception.matches(a.name, name, t.Fingerprint) {
			continue
		}
		a.matched[i]++
		if exception.Check == "" || exception.Check == check {
			best = a.e.prefer(best, i)
		}
	}
	return best
}

// Commit adds the data app's tokens to the evaluation, and frees what only the reading of
// the list needed. It is safe for concurrent use with the Commit of other apps.
func (a *App) Commit() {
	a.e.mu.Lock()
	defer a.e.mu.Unlock()
	for _, r := range a.e.expected[a.name.raw] {
		listed, twin := a.keys[r.Token.Fingerprint], a.twins[twinOf(r.Token.Name, r.Token.CreatedAt)]
		if twin && !listed {
			a.e.twins[r.Token.Fingerprint] = true
		}
	}
	a.entries, a.keys, a.twins = nil, nil, nil
	t := &a.e.total
	t.findings = append(t.findings, a.findings...)
	t.tokens += a.tokens
	t.undated += a.undated
	t.oldest = max(t.oldest, a.oldest)
	for i := range t.ages {
		t.ages[i].Tokens += a.ages[i].Tokens
		t.ages[i].Stale += a.ages[i].Stale
	}
	for i := range t.matched {
		t.matched[i] += a.matched[i]
		t.covered[i] += a.covered[i]
	}
	for i := range t.decided {
		t.decided[i] += a.decided[i]
	}
	for _, token := range a.managed {
		h := a.e.held[token.Fingerprint]
		h.app, h.listed = a.name.raw, token
	}
	t.managed = append(t.managed, a.managed...)
}
