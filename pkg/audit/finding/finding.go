package finding

import (
	"cmp"
	"slices"
	"time"
)

// Severity ranks a finding.
type Severity string

// The severities, lowest first.
const (
	Informational Severity = "informational"
	Low           Severity = "low"
	Medium        Severity = "medium"
	High          Severity = "high"
	Critical      Severity = "critical"
)

// Severities holds every severity, lowest first.
func Severities() []Severity { return []Severity{Informational, Low, Medium, High, Critical} }

func (s Severity) Rank() int { return slices.Index(Severities(), s) }

// State is where a finding stands from run to run.
type State string

// The states of a finding.
const (
	New        State = "new"        // not in the state that the last run left
	Ongoing    State = "ongoing"    // seen before, or nothing is known of earlier runs
	Reopened   State = "reopened"   // seen before, resolved, and here again
	Resolved   State = "resolved"   // seen before, and certainly gone now
	Suppressed State = "suppressed" // an exception of the policy covers it
)

// Compliance says what a finding means for the policy.
type Compliance string

// The compliance values.
const (
	Fail    Compliance = "fail"
	Warning Compliance = "warning" // not known, or not yet a failure
	Pass    Compliance = "pass"
)

// Finding is what one check found, without prose, which [Finding.Prose] makes when it
// is written, so that many findings fit in memory.
type Finding struct {
	ID         string     `json:"id"` // "dbt1-" and 32 hex digits; the same in every run
	Check      Check      `json:"check"`
	Severity   Severity   `json:"severity"`
	FirstSeen  time.Time  `json:"firstSeenAt"`
	LastSeen   time.Time  `json:"lastSeenAt"`
	DataApp    string     `json:"dataApp,omitempty"`    // as the instance spells it; "" where it does not apply
	Token      *Token     `json:"token,omitempty"`      // nil where it does not apply
	Rule       string     `json:"rule,omitempty"`       // id of the policy rule that applied; "" where none does
	MaxAgeDays int        `json:"maxAgeDays,omitempty"` // limit of that rule; 0 where none applies
	Gap        *Gap       `json:"gap,omitempty"`        // what could not be read, for the unlistable checks
	Exception  *Exception `json:"exception,omitempty"`

	// ManagedBy is the secret that holds the token, or that the finding is about; nil where
	// there is none.
	ManagedBy *ManagedBy `json:"managedBy,omitempty"`

	// Since is when the fact began that a finding on the service token reports:
	// its last rotation, when AWSPENDING was put where it is, or when the grace period of
	// AWSPREVIOUS was over. Likewise for AWSPENDING of a secret with an API token. Zero if
	// unknown.
	Since time.Time `json:"since,omitzero"`

	// When the severity was reached that the finding has, and the severity before it, as
	// far as both follow from an age.
	reached time.Time
	below   Severity

	// What the comparison with the last run adds.
	State      State    `json:"-"`
	RaisedFrom Severity `json:"-"` // of an ongoing finding in the last run, if it was lower then; else ""
	Superseded Check    `json:"-"` // of a resolved finding: the check that reports the same as worse now; else ""
}

// Token is what a finding says of an API token.
type Token struct {
	Fingerprint string    `json:"fingerprint"` // first 16 hex digits of the key's SHA-256
	Name        string    `json:"name"`
	CreatedAt   time.Time `json:"createdAt,omitzero"`  // zero if it could not be read
	AgeDays     int       `json:"ageDays"`             // whole days, for display; 0 for a date in the future
	StaleSince  time.Time `json:"staleSince,omitzero"` // zero if not stale
}

// Compliance is what f means for the policy. What was resolved passes, unless it
// made way for something worse.
func (f *Finding) Compliance() Compliance {
	if f.State == Resolved && f.Superseded == "" {
		return Pass
	}
	return f.Check.Compliance()
}

// WorstFirst orders findings for people: what is not suppressed before what is,
// then by severity, then the oldest first. Ties are settled by name and id, so
// that the order is the same in every run.
func WorstFirst(a, b *Finding) int {
	return cmp.Or(
		compareBool(a.State == Suppressed, b.State == Suppressed),
		cmp.Compare(b.Severity.Rank(), a.Severity.Rank()),
		a.began().Compare(b.began()),
		cmp.Compare(a.DataApp, b.DataApp),
		cmp.Compare(a.Check, b.Check),
		cmp.Compare(a.ID, b.ID),
	)
}

// began is when the thing that f is about was created, for the order by age.
func (f *Finding) began() time.Time {
	switch {
	case f.Token != nil && !f.Token.CreatedAt.IsZero():
		return f.Token.CreatedAt
	case !f.Since.IsZero():
		return f.Since
	}
	return f.LastSeen
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}
