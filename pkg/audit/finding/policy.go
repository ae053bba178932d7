package finding

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// defaultRule is the id that findings show when no rule of the policy matched.
const defaultRule = "default"

// Policy says which tokens are stale and how bad that is.
type Policy struct {
	MaxAgeDays    int         `json:"maxAgeDays"`
	DueWithinDays int         `json:"dueWithinDays"`
	Severities    []Tier      `json:"severities"` // by AfterDays, ascending; never empty
	Rules         []Rule      `json:"rules"`
	Exceptions    []Exception `json:"exceptions"`
}

// Tier is the severity of a stale token that is older than AfterDays.
type Tier struct {
	AfterDays int      `json:"afterDays"`
	Severity  Severity `json:"severity"`
}

// Rule sets another limit for some tokens. In its patterns "*" matches any run
// of characters; an omitted pattern is "*".
type Rule struct {
	ID         string `json:"id"`
	DataApp    string `json:"dataApp,omitempty"`
	Token      string `json:"token,omitempty"`
	MaxAgeDays int    `json:"maxAgeDays"`
}

// Exception accepts some findings for a time: those on the age and the date of API
// tokens, or with Check those of one check. All of its patterns must match; an omitted pattern matches everything.
type Exception struct {
	ID          string `json:"id"`
	DataApp     string `json:"dataApp,omitempty"`
	Token       string `json:"token,omitempty"`
	Fingerprint string `json:"fingerprint,omitempty"`
	Check       Check  `json:"check,omitempty"`
	Reason      string `json:"reason"`
	Owner       string `json:"owner"`
	ExpiresAt   string `json:"expiresAt"` // YYYY-MM-DD; it holds to the end of that day, UTC
}

// DefaultPolicy is the built-in policy, which a given one inherits from.
func DefaultPolicy() Policy {
	return Policy{
		MaxAgeDays: 90, DueWithinDays: 14,
		Severities: []Tier{{90, Medium}, {180, High}, {365, Critical}},
		Rules:      []Rule{}, Exceptions: []Exception{},
	}
}

// severity is that of something created then and stale at now: the one of the
// last tier that it has outlived, and below the first tier the first one's.
func (p Policy) severity(now, created time.Time) Severity {
	worst := p.Severities[0].Severity
	for _, tier := range p.Severities {
		if stale(now, created, tier.AfterDays) {
			worst = tier.Severity
		}
	}
	return worst
}

// tier returns when something created then, and stale since due, reached the severity
// that it has at now, and the severity before; "" if it was not stale before.
func (p Policy) tier(now, created, due time.Time) (reached time.Time, below Severity) {
	reached = due
	for _, tier := range p.Severities {
		at := created.Add(WholeDays(tier.AfterDays))
		if before := p.severity(at, created); at.After(due) && at.Before(now) && before != tier.Severity {
			reached, below = at, before
		}
	}
	return reached, below
}

// bySpecificity returns the rules in the order in which they are tried: those
// with patterns for app and token, for the app, for the token, for neither; among
// equals the one with more literal characters, then the one that stands first.
func (p Policy) bySpecificity() []Rule {
	rules := slices.Clone(p.Rules)
	slices.SortStableFunc(rules, func(a, b Rule) int {
		return cmp.Or(cmp.Compare(b.class(), a.class()), cmp.Compare(b.literals(), a.literals()))
	})
	return rules
}

func (r Rule) class() int {
	class := 0
	if !matchesAll(r.DataApp) {
		class += 2
	}
	if !matchesAll(r.Token) {
		class++
	}
	return class
}

func (r Rule) literals() int {
	both := r.DataApp + r.Token
	return len(both) - strings.Count(both, "*")
}

func (r Rule) matches(app, token spelling) bool {
	return app.matches(r.DataApp) && token.matches(r.Token)
}

func (e Exception) matches(app, token spelling, fingerprint string) bool {
	return (e.Fingerprint == "" || e.Fingerprint == fingerprint) && app.matches(e.DataApp) && token.matches(e.Token)
}

// covers reports whether the exception names the check of f and matches f, be it in
// force or not. A pattern matches nothing where f has no such name.
func (e Exception) covers(f *Finding) bool {
	var token Token
	if f.Token != nil {
		token = *f.Token
	}
	if f.DataApp == "" && !matchesAll(e.DataApp) || f.Token == nil && !matchesAll(e.Token) {
		return false
	}
	return e.Check == f.Check && e.matches(spell(f.DataApp), spell(token.Name), token.Fingerprint)
}

// countsTokens reports whether the exception is about the API tokens in the lists.
func (e Exception) countsTokens() bool {
	d := define(e.Check)
	return d == nil || d.find == nil
}

// End is the instant from which the exception no longer holds; the zero time if
// its expiry is no date, so that it never did.
func (e Exception) End() time.Time {
	day, err := time.Parse(time.DateOnly, e.ExpiresAt)
	if err != nil {
		return time.Time{}
	}
	return day.Add(aDay)
}

func matchesAll(pattern string) bool { return strings.Trim(pattern, "*") == "" }

// match reports whether name has the form of pattern, in which "*" stands for any
// run of characters, "/" included, and all else for itself.
func match(pattern, name string) bool {
	if pattern == "" {
		return true
	}
	first, rest, wild := strings.Cut(pattern, "*")
	if !wild {
		return name == pattern
	}
	name, ok := strings.CutPrefix(name, first)
	if !ok {
		return false
	}
	for {
		part, after, more := strings.Cut(rest, "*")
		if !more {
			return strings.HasSuffix(name, part)
		}
		at := strings.Index(name, part) // the leftmost fit leaves the most for the rest
		if at < 0 {
			return false
		}
		name, rest = name[at+len(part):], after
	}
}
