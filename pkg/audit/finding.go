package audit

import "time"

// Check names what a finding is about.
type Check string

// The checks.
const (
	TokenAge                  Check = "token-age"
	TokenAgeApproaching       Check = "token-age-approaching"
	TokenDateInvalid          Check = "token-date-invalid"
	TokenDateFuture           Check = "token-date-future"
	DataAppUnlistable         Check = "data-app-unlistable"
	DataAppsUnlistable        Check = "data-apps-unlistable"
	ExceptionExpired          Check = "exception-expired"
	ExceptionUnused           Check = "exception-unused"
	ServiceTokenAge           Check = "service-token-age"
	ServiceTokenRotationOff   Check = "service-token-rotation-off"
	ServiceTokenRotationStuck Check = "service-token-rotation-stuck"
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

// State is where a finding stands from run to run.
type State string

// The states of a finding.
const (
	New        State = "new"
	Ongoing    State = "ongoing"
	Reopened   State = "reopened"
	Resolved   State = "resolved"
	Suppressed State = "suppressed"
)

// Finding is what one check found, without prose: titles and texts are made when
// it is written (see [Finding.Detail]), so that many findings fit in memory.
type Finding struct {
	ID         string // "dbt1-" and 32 hex digits; the same in every run
	Check      Check
	State      State
	Severity   Severity
	FirstSeen  time.Time
	LastSeen   time.Time
	DataApp    string // "" where it does not apply
	Token      *Token
	Rule       string // id of the policy rule that applied, "default" without one
	MaxAgeDays int
	Exception  *Exception // the one that suppresses it, or that it is about
}

// Token is what a finding says of an API token.
type Token struct {
	Fingerprint string
	Name        string
	CreatedAt   time.Time // zero if it could not be read
	AgeDays     int       // whole days, for display
	StaleSince  time.Time // zero if not stale
}
