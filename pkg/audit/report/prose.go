package report

import (
	"fmt"
	"time"

	"databrain-rotation/pkg/audit/finding"
)

// Pages that a remedy points to.
const (
	databrainDocs   = "https://docs.usedatabrain.com/developer-docs/helpers/api-reference/"
	rateLimitDocs   = "https://docs.usedatabrain.com/developer-docs/rate-limiting"
	rotationDocs    = "https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotating-secrets.html"
	troubleshooting = "https://docs.aws.amazon.com/secretsmanager/latest/userguide/troubleshoot_rotation.html"
)

// prose is what a person reads of a finding. Titles hold no names from outside.
type prose struct{ title, description, remedy, url string }

// describe makes the prose of f.
func describe(f *finding.Finding) prose {
	switch f.Check {
	case finding.TokenAge, finding.TokenAgeApproaching, finding.TokenDateInvalid, finding.TokenDateFuture:
		return describeToken(f)
	case finding.ServiceTokenAge, finding.ServiceTokenRotationOff, finding.ServiceTokenRotationStuck:
		return describeServiceToken(f)
	case finding.ExceptionExpired, finding.ExceptionUnused:
		return describeException(f)
	}
	return describeUnlistable(f)
}

func describeToken(f *finding.Finding) prose {
	const (
		rotate = "Give the consumers of this API token a new one, then invalidate the old one: the rotate endpoint does both, with a grace period in seconds."
		date   = "Find out on the instance when this API token was created, and replace it if nobody knows."
	)
	t := f.Token
	subject := fmt.Sprintf("API token %q (fingerprint %s) of data app %q", t.Name, t.Fingerprint, f.DataApp)
	rule := fmt.Sprintf("rule %q allows %s", f.Rule, days(f.MaxAgeDays))
	switch f.Check {
	case finding.TokenAge:
		return prose{
			fmt.Sprintf("API token is %s old, the limit is %d", days(t.AgeDays), f.MaxAgeDays),
			fmt.Sprintf("%s was created %s and is stale since %s: %s.", subject, day(t.CreatedAt), day(t.StaleSince), rule),
			rotate, databrainDocs + "rotate-api-key",
		}
	case finding.TokenAgeApproaching:
		if f.Superseded != "" {
			return prose{
				"API token is over its limit now", // which a new policy may have lowered
				fmt.Sprintf("%s was near its limit and is stale now: a finding of the check %s takes the place of this one.", subject, f.Superseded),
				rotate, databrainDocs + "rotate-api-key",
			}
		}
		due := t.CreatedAt.Add(finding.WholeDays(f.MaxAgeDays))
		return prose{
			fmt.Sprintf("API token is %s old and becomes stale at %d", days(t.AgeDays), f.MaxAgeDays),
			fmt.Sprintf("%s was created %s and becomes stale on %s: %s.", subject, day(t.CreatedAt), day(due), rule),
			rotate, databrainDocs + "rotate-api-key",
		}
	case finding.TokenDateFuture:
		return prose{
			"API token was created in the future",
			fmt.Sprintf("%s has the creation time %s, which is yet to come: its age is not known.", subject, t.CreatedAt.Format(time.RFC3339)),
			date + " Check the clock of the instance too.", databrainDocs + "list-api-tokens",
		}
	}
	return prose{
		"API token has no readable creation time",
		subject + " has a creation time that is not an RFC 3339 timestamp: its age is not known.",
		date, databrainDocs + "list-api-tokens",
	}
}

func describeServiceToken(f *finding.Finding) prose {
	switch f.Check {
	case finding.ServiceTokenAge:
		return prose{
			fmt.Sprintf("Service token is %s old, the limit is %d", days(finding.AgeDays(f.LastSeen, f.Since)), f.MaxAgeDays),
			fmt.Sprintf("The secret of the service token was last rotated %s.", day(f.Since)),
			"Rotate the secret now, then find out why its schedule did not.", rotationDocs,
		}
	case finding.ServiceTokenRotationOff:
		return prose{
			"Rotation of the service token is switched off",
			"The secret of the service token has no rotation switched on, so the token stays the same until somebody changes it.",
			"Switch rotation on for the secret, with the rotation function of this stack.", rotationDocs,
		}
	}
	return prose{
		"Rotation of the service token is stuck",
		fmt.Sprintf("The staging label AWSPENDING is on another version than AWSCURRENT since %s: a rotation was begun and not finished.", day(f.Since)),
		"Read the log of the rotation function for the step that failed, remove its cause and rotate the secret again.", troubleshooting,
	}
}

func describeException(f *finding.Finding) prose {
	e := f.Exception
	if f.Check == finding.ExceptionExpired {
		until := fmt.Sprintf("held until %q", e.ExpiresAt)
		if e.End().IsZero() {
			until = fmt.Sprintf("does not hold, since its end %q is no date such as 2027-03-31", e.ExpiresAt)
		}
		return prose{
			"Exception of the audit policy has expired",
			fmt.Sprintf("Exception %q (%s, owner %s) %s: what it covered counts again.", e.ID, e.Reason, e.Owner, until),
			"Replace the tokens that it covered, then remove the exception, or agree with its owner on a new date.", "",
		}
	}
	about := fmt.Sprintf("Exception %q (%s, owner %s) matches no API token of the instance", e.ID, e.Reason, e.Owner)
	if f.Superseded != "" {
		about += fmt.Sprintf(" and has expired since: a finding of the check %s takes the place of this one", f.Superseded)
	}
	return prose{
		"Exception of the audit policy matches nothing", about + ".",
		"Remove the exception from the policy, or correct its patterns.", "",
	}
}

func describeUnlistable(f *finding.Finding) prose {
	why := "for an unknown reason"
	if g := f.Gap; g != nil {
		why = fmt.Sprintf("(%s, %d requests)", g.Class, g.Attempts)
		if g.Status != 0 {
			why = fmt.Sprintf("(%s, HTTP status %d, %d requests)", g.Class, g.Status, g.Attempts)
		}
	}
	remedy, url := gapRemedy(f.Gap)
	if f.Check == finding.DataAppsUnlistable {
		return prose{
			"Data apps could not be listed",
			"The list of the data apps could not be read in full " + why + ": there may be apps and tokens that nothing is known of.",
			remedy, url,
		}
	}
	return prose{
		"API tokens of a data app could not be listed",
		fmt.Sprintf("The API tokens of data app %q could not be read in full %s: stale ones among them are not known.", f.DataApp, why),
		remedy, url,
	}
}

// gapRemedy is what to do about g. A run that failed before it asked for the list
// of the apps says in its error what to do.
func gapRemedy(g *finding.Gap) (text, url string) {
	switch {
	case g == nil:
		return RemedyOf(finding.GapServer)
	case g.App == "" && g.Attempts == 0 && g.Class != finding.GapDeadline:
		return "Databrain was not asked. The error of the run, in its log and in the notes of its summary, says why and what to do.", ""
	}
	return RemedyOf(g.Class)
}

func RemedyOf(class finding.GapClass) (text, url string) {
	switch class {
	case finding.GapAuth:
		return "Find out which version of the secret holds the service token that Databrain accepts, and put AWSCURRENT on it.", databrainDocs + "list-api-tokens"
	case finding.GapForbidden:
		return "Check that the service token may list data apps and API tokens, and that no proxy or firewall refuses the audit.", databrainDocs + "list-api-tokens"
	case finding.GapRateLimited:
		return "Lower AUDIT_REQUESTS_PER_MINUTE, raise RATE_LIMIT on the instance, or audit at a quieter time.", rateLimitDocs
	case finding.GapDeadline:
		return "Raise RATE_LIMIT on the instance and AUDIT_REQUESTS_PER_MINUTE with it: one run had not enough time.", rateLimitDocs
	case finding.GapTimeout:
		return "Check the load of the instance and the network on the way to it, then run the audit again.", databrainDocs + "health-check"
	case finding.GapNetwork:
		return "Check that the instance is up and that the function reaches it: address, DNS, routes, security groups, certificate.", databrainDocs + "health-check"
	case finding.GapDecode:
		return "Run the audit again. If that changes nothing, find out what answers in place of the API (a proxy, a login page), or whether an upgrade changed the API.",
			databrainDocs + "list-api-tokens"
	}
	return "Look at the log and the health of the instance, then run the audit again.", databrainDocs + "health-check"
}

func days(n int) string {
	if n == 1 {
		return "1 day"
	}
	return fmt.Sprintf("%d days", n)
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }
