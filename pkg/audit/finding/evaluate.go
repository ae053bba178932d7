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
