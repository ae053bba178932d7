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

// ExceptionStatus is how an exception of the policy stood in a run.
type ExceptionStatus struct {
	Exception Exception
	Lapsed    bool // its day is over, or its expiry is no date
	DaysLeft  int  // whole days until it lapses; 0 on its last day and once lapsed
	Matched   int  // tokens that it names
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
	return tally{ages: ageBins(e.policy.MaxAgeDays), matched: make([]int, n), covered: make([]int, n)}
}

// App is the evaluation of one data app. Nothing of it counts before
// [App.Commit], so that an attempt to read a list can be given up.
type App struct {
	e    *Evaluation
	name spelling
	seen map[string]bool
	tally
}

// App starts the evaluation of the data app of that name.
func (e *Evaluation) App(name string) *App {
	return &App{e: e, name: spell(name), seen: make(map[string]bool), tally: e.newTally()}
}

// Token judges one token. One that came before is ignored.
func (a *App) Token(t databrain.APIToken) {
	if a.seen[t.Fingerprint] {
		return
	}
	a.seen[t.Fingerprint] = true
	a.tokens++
	name := spell(t.Name)
	exception := a.exception(t, name)
	f, found := a.judge(t, name)
	if !found {
		return
	}
	if f.Severity == "" {
		f.Severity = f.Check.Severity()
	}
	f.DataApp, f.LastSeen, f.State = a.name.raw, a.e.now, Ongoing
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
func (e *Evaluation) limit(app, token spelling) (rule string, maxAgeDays int) {
	for _, r := range e.rules {
		if r.matches(app, token) {
			return r.ID, r.MaxAgeDays
		}
	}
	return DefaultRule, e.policy.MaxAgeDays
}

// exception counts t for every exception that names it and returns the index of
// the first that holds, else of the first that has lapsed, else -1.
func (a *App) exception(t databrain.APIToken, name spelling) int {
	best := -1
	for i, exception := range a.e.policy.Exceptions {
		if !exception.matches(a.name, name, t.Fingerprint) {
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
	o := &observation{Evaluation: e, coverage: &c, exceptions: e.exceptions()}
	findings := t.findings
	for _, d := range definitions {
		if d.find == nil {
			continue
		}
		d.find(o, func(subject string) *Finding {
			findings = append(findings, Finding{
				ID: findingID(d.check, e.instance, subject), Check: d.check, State: Ongoing, Severity: d.severity,
				FirstSeen: e.now, LastSeen: e.now,
			})
			return &findings[len(findings)-1]
		})
	}
	r := Result{
		Findings: Sorted(findings), Exceptions: o.exceptions, Ages: t.ages,
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
