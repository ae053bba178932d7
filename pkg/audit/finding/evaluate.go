package finding

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"databrain-rotation/pkg/databrain"
)

// Evaluation judges tokens by a policy at one instant. It has no I/O, and takes
// token by token: only findings and counts stay in memory. Use [Evaluation.App]
// for each data app, then [Evaluation.Finish].
type Evaluation struct {
	policy   Policy
	instance string
	now      time.Time
	rules    []Rule      // most specific first
	ends     []time.Time // of the policy's exceptions, by index

	expected map[string][]*Record // by app: what the last run knew of its tokens

	room *Room // of the findings; nil has no end

	held map[string]*held // by fingerprint: keys that a secret holds; mu guards what they point to

	mu    sync.Mutex
	total tally
	twins map[string]bool // fingerprints of expected tokens; see [Coverage]
}

// tally is what tokens add up to.
type tally struct {
	findings         []Finding
	tokens           int
	undated, oldest  int
	ages             []AgeBin
	matched, covered []int                // by exception; see [ExceptionStatus]
	decided          []int                // by rule, the most specific first: tokens that it decides for
	managed          []databrain.APIToken // that a secret holds
}

// Result is the outcome of an evaluation. Findings and Stale have a token once.
// Tokens, Ages and Undated count the entries of the lists: one that is in the lists
// of two apps, as it is when an app is renamed while it is read, counts in both.
type Result struct {
	Findings      []Finding // by WorstFirst
	Exceptions    []ExceptionStatus
	Ages          []AgeBin
	Tokens        int
	Stale         int // tokens older than their limit, suppressed ones included
	Undated       int // tokens without a usable creation time
	OldestAgeDays int
	Managed       int // tokens that a secret holds
	Unmanaged     int // those of Stale that no secret holds
}

// ExceptionStatus is how an exception of the policy stood in a run.
type ExceptionStatus struct {
	Exception Exception
	Lapsed    bool // its day is over, or its expiry is no date
	DaysLeft  int  // whole days until it lapses; 0 on its last day and once lapsed
	Matched   int  // tokens that it names, or findings of its check if that is not about listed tokens
	Covered   int  // findings that it suppresses, or would if it had not lapsed
}

// NewEvaluation starts an evaluation of the instance with that base URL. Now is
// the instant that all ages are measured at.
func NewEvaluation(policy Policy, instance string, now time.Time) *Evaluation {
	e := &Evaluation{policy: policy, instance: instance, now: now.UTC(), rules: policy.bySpecificity()}
	for _, exception := range policy.Exceptions {
		e.ends = append(e.ends, exception.End())
	}
	e.total = e.newTally()
	return e
}

func (e *Evaluation) newTally() tally {
	n := len(e.policy.Exceptions)
	return tally{
		ages:    ageBins(e.policy.MaxAgeDays),
		matched: make([]int, n),
		covered: make([]int, n),
		decided: make([]int, len(e.rules)),
	}
}

// Expect tells the evaluation what the last run knew of API tokens. A list that lacks
// one of them is doubted, and a token that only shows another key is not gone.
func (e *Evaluation) Expect(m Memory) {
	e.expected = make(map[string][]*Record)
	e.twins = make(map[string]bool)
	for i := range m.Findings {
		if r := &m.Findings[i]; r.Token != nil && define(r.Check).subject == aboutToken {
			e.expected[r.DataApp] = append(e.expected[r.DataApp], r)
		}
	}
}

// Within makes the findings on tokens fill room. They are kept even if it is full.
func (e *Evaluation) Within(room *Room) { e.room = room }

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

// Close ends the reading of the list and frees what only that needed.
func (a *App) Close() {
	for _, r := range a.e.expected[a.name.raw] {
		listed, twin := a.keys[r.Token.Fingerprint], a.twins[twinOf(r.Token.Name, r.Token.CreatedAt)]
		if twin && !listed {
			a.e.mu.Lock()
			a.e.twins[r.Token.Fingerprint] = true
			a.e.mu.Unlock()
		}
	}
	a.entries, a.keys, a.twins = nil, nil, nil
}

func (t *tally) age(days int, stale bool) {
	t.oldest = max(t.oldest, days)
	at := 0
	for at+1 < len(t.ages) && days >= t.ages[at+1].From {
		at++
	}
	t.ages[at].Tokens++
	if stale {
		t.ages[at].Stale++
	}
}

// limit returns the rule that decides for a token and its limit in days.
func (a *App) limit(token spelling) (rule string, maxAgeDays int) {
	for i, r := range a.e.rules {
		if r.matches(a.name, token) {
			a.decided[i]++
			return r.ID, r.MaxAgeDays
		}
	}
	return DefaultRule, a.e.policy.MaxAgeDays
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

// prefer returns which of two exceptions decides: the first that holds, else the first
// that has lapsed. Best is -1 if there is none yet.
func (e *Evaluation) prefer(best, i int) int {
	if best < 0 || !e.now.Before(e.ends[best]) && e.now.Before(e.ends[i]) {
		return i
	}
	return best
}

// accept counts f for an exception, and suppresses f if the exception holds; -1 is none.
func (e *Evaluation) accept(f *Finding, exception int, covered []int) {
	if exception < 0 {
		return
	}
	covered[exception]++
	if e.now.Before(e.ends[exception]) {
		f.State, f.Exception = Suppressed, &e.policy.Exceptions[exception]
	}
}

// except applies the exceptions to a finding that does not come from the list of an app.
func (e *Evaluation) except(f *Finding) {
	best := -1
	for i, exception := range e.policy.Exceptions {
		if exception.covers(f) {
			e.total.matched[i]++
			best = e.prefer(best, i)
		}
	}
	e.accept(f, best, e.total.covered)
}

// Commit adds the data app's tokens to the evaluation. It is safe for concurrent
// use with the Commit of other apps.
func (a *App) Commit() {
	a.Close()
	a.e.mu.Lock()
	defer a.e.mu.Unlock()
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

// Seen adds to a coverage what the evaluation knows of it.
func (e *Evaluation) Seen(c *Coverage) {
	e.mu.Lock()
	defer e.mu.Unlock()
	c.Tokens, c.Twins = e.total.tokens, e.twins
}

// Finish adds what there is to say of the coverage, the exceptions and the
// service token, and returns everything, sorted. The order in which apps were
// committed does not matter.
func (e *Evaluation) Finish(c Coverage) Result {
	t := &e.total
	o := &observation{Evaluation: e, coverage: &c}
	findings := o.find(t.findings, false)
	for i := len(t.findings); i < len(findings); i++ {
		e.except(&findings[i])
	}
	o.exceptions = e.exceptions() // once all that they cover is known
	findings = o.find(findings, true)
	e.manage(findings)
	r := Result{
		Findings: Sorted(findings), Exceptions: o.exceptions, Ages: t.ages,
		Tokens: t.tokens, Undated: t.undated, OldestAgeDays: t.oldest,
		Managed: len(t.managed),
	}
	for i := range r.Findings {
		if f := &r.Findings[i]; f.Check == TokenAge {
			r.Stale++
			if f.ManagedBy == nil {
				r.Unmanaged++
			}
		}
	}
	return r
}

// find adds the findings of the checks on the policy itself, or of all others.
func (o *observation) find(findings []Finding, ofPolicy bool) []Finding {
	for _, d := range definitions {
		if d.find == nil || d.subject.ofPolicy() != ofPolicy {
			continue
		}
		d.find(o, func(subject string) *Finding {
			findings = append(findings, Finding{
				ID: findingID(d.check, o.instance, subject), Check: d.check, State: Ongoing, Severity: d.severity,
				FirstSeen: o.now, LastSeen: o.now,
			})
			return &findings[len(findings)-1]
		})
	}
	return findings
}

// Sorted orders findings by WorstFirst. One identity stays once: an app that is
// renamed while the run lists it can show its tokens under both names.
func Sorted(findings []Finding) []Finding {
	slices.SortFunc(findings, func(a, b Finding) int { return cmp.Or(cmp.Compare(a.ID, b.ID), WorstFirst(&a, &b)) })
	findings = slices.CompactFunc(findings, func(a, b Finding) bool { return a.ID == b.ID })
	slices.SortFunc(findings, func(a, b Finding) int { return WorstFirst(&a, &b) })
	return findings
}

func (e *Evaluation) exceptions() []ExceptionStatus {
	statuses := make([]ExceptionStatus, len(e.policy.Exceptions))
	for i, exception := range e.policy.Exceptions {
		s := ExceptionStatus{Exception: exception, Matched: e.total.matched[i], Covered: e.total.covered[i]}
		if left := e.ends[i].Sub(e.now); left > 0 {
			s.DaysLeft = int(left / aDay)
		} else {
			s.Lapsed = true
		}
		statuses[i] = s
	}
	return statuses
}
