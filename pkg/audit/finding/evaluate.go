package finding

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"databrain-rotation/pkg/databrain"
)

// clockSkew is how far in the future a creation time may lie before it is a
// finding: the clocks of the instance and of the audit differ.
const clockSkew = 5 * time.Minute

// Evaluation judges tokens by a policy at one instant. It has no I/O, and takes
// token by token: only findings and counts stay in memory. Use [Evaluation.App]
// for each data app, then [Evaluation.Finish].
type Evaluation struct {
	policy   Policy
	instance string
	now      time.Time
	rules    []Rule      // most specific first
	ends     []time.Time // of the policy's exceptions, by index

	mu    sync.Mutex
	total tally
}

// tally is what tokens add up to.
type tally struct {
	findings         []Finding
	tokens           int
	undated, oldest  int
	ages             []AgeBin
	matched, covered []int // by exception: tokens that it names, findings that it covers
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
	return tally{ages: ageBins(e.policy.MaxAgeDays), matched: make([]int, n), covered: make([]int, n)}
}

// App is the evaluation of one data app. Nothing of it counts before
// [App.Commit], so that an attempt to read a list can be given up.
type App struct {
	e     *Evaluation
	name  string // as the instance spells it
	shown string
	seen  map[string]bool
	tally
}

// App starts the evaluation of the data app of that name.
func (e *Evaluation) App(name string) *App {
	return &App{e: e, name: name, shown: ShownName(name), seen: make(map[string]bool), tally: e.newTally()}
}

// Token judges one token. One that came before is ignored.
func (a *App) Token(t databrain.APIToken) {
	if a.seen[t.Fingerprint] {
		return
	}
	a.seen[t.Fingerprint] = true
	a.tokens++
	exception := a.exception(t)
	f, found := a.judge(t)
	if !found {
		return
	}
	f.DataApp, f.app, f.LastSeen, f.State = a.shown, a.name, a.e.now, Ongoing
	f.ID = findingID(f.Check, a.e.instance, t.Fingerprint)
	if f.FirstSeen.IsZero() {
		f.FirstSeen = a.e.now
	}
	if exception >= 0 {
		a.covered[exception]++
		if a.e.now.Before(a.e.ends[exception]) {
			f.State, f.Exception = Suppressed, &a.e.policy.Exceptions[exception]
		}
	}
	a.findings = append(a.findings, f)
}

// judge returns what there is to say of t.
func (a *App) judge(t databrain.APIToken) (f Finding, found bool) {
	now, created := a.e.now, t.CreatedAt.UTC()
	f.Rule, f.MaxAgeDays = a.e.limit(a.name, t.Name)
	f.Token = &Token{Fingerprint: t.Fingerprint, Name: ShownName(t.Name), CreatedAt: created, AgeDays: AgeDays(now, created)}
	due := created.Add(WholeDays(f.MaxAgeDays))
	switch {
	case created.IsZero(), created.Year() > 9999: // JSON has no such year
		a.undated++
		f.Check, f.Severity, f.Token.CreatedAt, f.Token.AgeDays = TokenDateInvalid, Medium, time.Time{}, 0
		return f, true
	case created.After(now.Add(clockSkew)):
		a.undated++
		f.Check, f.Severity = TokenDateFuture, Medium
		return f, true
	case stale(now, created, f.MaxAgeDays):
		a.age(f.Token.AgeDays, true)
		f.Check, f.Severity, f.Token.StaleSince, f.FirstSeen = TokenAge, a.e.policy.severity(now, created), due, due
		return f, true
	}
	a.age(f.Token.AgeDays, false)
	warn := due.Add(-WholeDays(a.e.policy.DueWithinDays))
	if a.e.policy.DueWithinDays == 0 || now.Before(warn) {
		return f, false
	}
	f.Check, f.Severity, f.FirstSeen = TokenAgeApproaching, Informational, warn
	return f, true
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

// limit returns the rule for a token and its limit in days.
func (e *Evaluation) limit(app, token string) (rule string, maxAgeDays int) {
	for _, r := range e.rules {
		if r.matches(app, token) {
			return r.ID, r.MaxAgeDays
		}
	}
	return DefaultRule, e.policy.MaxAgeDays
}

// exception counts t for every exception that names it and returns the index of
// the first that holds, else of the first that has lapsed, else -1.
func (a *App) exception(t databrain.APIToken) int {
	best := -1
	for i, exception := range a.e.policy.Exceptions {
		if !exception.matches(a.name, t.Name, t.Fingerprint) {
			continue
		}
		a.matched[i]++
		if best < 0 || !a.e.now.Before(a.e.ends[best]) && a.e.now.Before(a.e.ends[i]) {
			best = i
		}
	}
	return best
}

// Commit adds the data app's tokens to the evaluation. It is safe for concurrent
// use with the Commit of other apps.
func (a *App) Commit() {
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
}

// Finish adds what there is to say of the coverage, the exceptions and the
// service token, and returns everything, sorted. The order in which apps were
// committed does not matter.
func (e *Evaluation) Finish(c Coverage) Result {
	t := &e.total
	findings := t.findings
	for i := range c.Gaps {
		findings = append(findings, e.unlistable(&c.Gaps[i]))
	}
	findings = append(findings, e.posture(c.Posture)...)
	exceptions := e.exceptions()
	for i := range exceptions {
		if f, found := e.exceptionFinding(&exceptions[i], c.whole()); found {
			findings = append(findings, f)
		}
	}
	r := Result{
		Findings: Sorted(findings), Exceptions: exceptions, Ages: t.ages,
		Tokens: t.tokens, Undated: t.undated, OldestAgeDays: t.oldest,
	}
	for i := range r.Findings {
		if r.Findings[i].Check == TokenAge {
			r.Stale++
		}
	}
	return r
}

// Sorted orders findings by WorstFirst. One identity stays once: an app that is
// renamed while the run lists it can show its tokens under both names.
func Sorted(findings []Finding) []Finding {
	slices.SortFunc(findings, func(a, b Finding) int { return cmp.Or(cmp.Compare(a.ID, b.ID), WorstFirst(&a, &b)) })
	findings = slices.CompactFunc(findings, func(a, b Finding) bool { return a.ID == b.ID })
	slices.SortFunc(findings, func(a, b Finding) int { return WorstFirst(&a, &b) })
	return findings
}

// finding starts a finding that is not about a token.
func (e *Evaluation) finding(check Check, severity Severity, subject string) Finding {
	return Finding{
		ID: findingID(check, e.instance, subject), Check: check, State: Ongoing, Severity: severity,
		FirstSeen: e.now, LastSeen: e.now,
	}
}

func (e *Evaluation) unlistable(g *Gap) Finding {
	check := DataAppUnlistable
	if g.App == "" {
		check = DataAppsUnlistable
	}
	f := e.finding(check, High, g.App)
	f.DataApp, f.app, f.Gap = g.DataApp, g.App, g
	return f
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

// exceptionFinding audits an exception itself. That it matches nothing is known
// only when everything was read.
func (e *Evaluation) exceptionFinding(s *ExceptionStatus, whole bool) (Finding, bool) {
	check := ExceptionExpired
	switch {
	case s.Lapsed:
	case s.Matched == 0 && whole:
		check = ExceptionUnused
	default:
		return Finding{}, false
	}
	f := e.finding(check, Low, s.Exception.ID)
	f.Exception = &s.Exception
	return f, true
}
