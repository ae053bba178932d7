package finding

import (
	"fmt"
	"time"

	"databrain-rotation/pkg/databrain"
)

// The checks on API tokens.
const (
	TokenAge            Check = "token-age"
	TokenAgeApproaching Check = "token-age-approaching"
	TokenDateInvalid    Check = "token-date-invalid"
	TokenDateFuture     Check = "token-date-future"
)

var tokenChecks = []definition{
	{check: TokenAge, compliance: Fail, subject: aboutToken, gone: agedTokenGone, prose: staleProse},
	{
		check: TokenAgeApproaching, severity: Informational, compliance: Warning, subject: aboutToken,
		gone: agedTokenGone, worse: TokenAge, prose: approachingProse,
	},
	{
		check: TokenDateInvalid, severity: Medium, compliance: Warning, subject: aboutToken,
		gone: tokenGone, prose: undatedProse,
	},
	{
		check: TokenDateFuture, severity: Medium, compliance: Warning, subject: aboutToken,
		gone: tokenGone, prose: futureProse,
	},
}

// clockSkew is how far in the future a creation time may lie before it is a
// finding: the clocks of the instance and of the audit differ.
const clockSkew = 5 * time.Minute

// noDateBefore is after the dates that software writes in place of none: the year 1,
// 1601, 1753, 1899, 1900, 1904, 1970-01-01 and 1980-01-01.
var noDateBefore = time.Date(1980, time.January, 2, 12, 0, 0, 0, time.UTC)

// judge returns what there is to say of t, the token of that name.
func (a *App) judge(t databrain.APIToken, name spelling) (f Finding, found bool) {
	now, created := a.e.now, t.CreatedAt.UTC()
	f.Rule, f.MaxAgeDays = a.limit(name)
	f.Token = &Token{
		Fingerprint: t.Fingerprint, Name: ShownName(t.Name),
		CreatedAt: created, AgeDays: AgeDays(now, created),
	}
	due := created.Add(WholeDays(f.MaxAgeDays))
	switch {
	case !usable(created):
		a.undated++
		f.Check, f.Token.CreatedAt, f.Token.AgeDays = TokenDateInvalid, time.Time{}, 0
	case created.After(now.Add(clockSkew)):
		a.undated++
		f.Check = TokenDateFuture
	case stale(now, created, f.MaxAgeDays):
		a.age(f.Token.AgeDays, true)
		f.Check, f.Severity = TokenAge, a.e.policy.severity(now, created)
		f.Token.StaleSince, f.FirstSeen = due, due
		f.reached, f.below = a.e.policy.tier(now, created, due)
	default:
		a.age(f.Token.AgeDays, false)
		warn := due.Add(-WholeDays(a.e.policy.DueWithinDays))
		if a.e.policy.DueWithinDays == 0 || now.Before(warn) {
			return f, false
		}
		f.Check, f.FirstSeen, f.reached = TokenAgeApproaching, warn, warn
	}
	return f, true
}

// tokenGone reports whether the list that would hold the token was read without it.
//
// An app has no identity but its name. An app that is gone from the list may have been
// renamed, and be the one that cannot be read now, unless that one was there already
// when the finding was last seen.
func tokenGone(r *Record, s *sight) bool {
	if !s.Complete || s.emptied || s.Twins[r.Token.Fingerprint] {
		return false
	}
	read, listed := s.Apps[r.DataApp]
	return read == Read || !listed && !s.hidden.After(r.LastSeen)
}

// agedTokenGone is [tokenGone] for a finding on the age of a token. If its date can no
// longer be read, its age is not known, and nothing is resolved.
func agedTokenGone(r *Record, s *sight) bool {
	subject := r.Token.Fingerprint
	return tokenGone(r, s) && !s.observed(TokenDateInvalid, subject) && !s.observed(TokenDateFuture, subject)
}

// replaceToken says how to replace the token of f, and where more is to be read.
func replaceToken(f *Finding) (text, url string) {
	if f.ManagedBy == nil {
		return "Let Secrets Manager rotate this API token: functions/rotate-api-token/README.md says how. " +
				"A stack with the parameter ApiTokenSecretPrefix has the command in its output ManageApiTokenCommand. " +
				"Or give its consumers a new token by hand: the rotate endpoint makes one and ends this one " +
				"after a grace period.",
			databrainDocs + "rotate-api-key"
	}
	return rotate(f.ManagedBy), rotationDocs
}

const findDate = "Find out on the instance when this API token was created, and replace it if nobody knows."

func staleProse(f *Finding) Prose {
	t := f.Token
	remedy, url := replaceToken(f)
	return Prose{
		"API token is older than its limit",
		fmt.Sprintf("%s was created %s and is stale since %s: %s.", tokenName(f), Day(t.CreatedAt), Day(t.StaleSince),
			ruleAllows(f)),
		remedy, url,
	}
}

func approachingProse(f *Finding) Prose {
	const title = "API token is near its age limit"
	t := f.Token
	remedy, url := replaceToken(f)
	if f.Superseded != "" { // by its age, or by a policy that lowered the limit
		return Prose{
			title,
			fmt.Sprintf("%s was near its limit and is stale now: a finding of the check %s takes the place of this one.",
				tokenName(f), f.Superseded),
			remedy, url,
		}
	}
	due := t.CreatedAt.Add(WholeDays(f.MaxAgeDays))
	return Prose{
		title,
		fmt.Sprintf("%s was created %s and becomes stale on %s: %s.", tokenName(f), Day(t.CreatedAt), Day(due),
			ruleAllows(f)),
		remedy, url,
	}
}

func undatedProse(f *Finding) Prose {
	return Prose{
		"API token has no readable creation time",
		tokenName(f) + " has a creation time that is not an RFC 3339 timestamp, or is a placeholder such as " +
			"1970-01-01: its age is not known.",
		findDate, databrainDocs + "list-api-tokens",
	}
}

func futureProse(f *Finding) Prose {
	return Prose{
		"API token was created in the future",
		fmt.Sprintf("%s has the creation time %s, which is yet to come: its age is not known.",
			tokenName(f), f.Token.CreatedAt.Format(time.RFC3339)),
		findDate + " Check the clock of the instance too.", databrainDocs + "list-api-tokens",
	}
}

func tokenName(f *Finding) string {
	return fmt.Sprintf("API token %s (fingerprint %s) of data app %s",
		quoted(f.Token.Name), f.Token.Fingerprint, quoted(ShownName(f.DataApp)))
}

func ruleAllows(f *Finding) string {
	return fmt.Sprintf("rule %s allows %s", quoted(f.Rule), days(f.MaxAgeDays))
}
