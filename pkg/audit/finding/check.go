package finding

import (
	"slices"
	"time"
)

// Check names what a finding is about.
type Check string

// definition is everything that the audit knows of one check. A new check is one more
// definition, in the file of its kind.
type definition struct {
	check      Check
	severity   Severity   // "" where the tiers of the policy decide
	compliance Compliance // of a finding that is there
	subject    subject

	// find makes the findings of a run by calling add with the subject of each. It is
	// nil for the checks on API tokens, which [App.Token] finds.
	find func(o *observation, add func(subject string) *Finding)

	// gone is the resolve rule: whether a finding that was not observed is certainly
	// no more. What could not be read resolves nothing.
	gone func(r *Record, s *sight) bool

	// worse is the check that reports the same subject as worse, so that a finding
	// that makes way for it is not over; "" if there is none.
	worse Check

	prose func(f *Finding) Prose
}

// definitions are those of all checks.
var definitions = slices.Concat(tokenChecks, coverageChecks, policyChecks, serviceTokenChecks, managedChecks)

// define returns the definition of c; nil for a check that this release does not know.
func define(c Check) *definition {
	for i := range definitions {
		if definitions[i].check == c {
			return &definitions[i]
		}
	}
	return nil
}

// Checks returns every check.
func Checks() []Check {
	var all []Check
	for _, d := range definitions {
		all = append(all, d.check)
	}
	return all
}

// Severity returns the severity of every finding of c; "" where the tiers of the
// policy decide.
func (c Check) Severity() Severity { return define(c).severity }

// Compliance returns what a finding of c means for the policy while it is there.
func (c Check) Compliance() Compliance { return define(c).compliance }

// subject is what the findings of a check are about.
type subject int

const (
	aboutInstance subject = iota
	aboutDataApp
	aboutToken
	aboutException
	aboutRule
	aboutSecret
)

// of returns what identifies the subject of f within its check.
func (s subject) of(f *Finding) string {
	switch s {
	case aboutDataApp:
		return f.DataApp
	case aboutToken:
		return f.Token.Fingerprint
	case aboutException:
		return f.Exception.ID
	case aboutRule:
		return f.Rule
	case aboutSecret:
		return f.ManagedBy.Secret
	}
	return ""
}

// ofPolicy reports whether the policy itself is the subject.
func (s subject) ofPolicy() bool { return s == aboutException || s == aboutRule }

// known reports whether f says what it is about.
func (s subject) known(f *Finding) bool {
	switch s {
	case aboutToken:
		return f.Token != nil
	case aboutException:
		return f.Exception != nil
	case aboutRule:
		return f.Rule != ""
	case aboutSecret:
		return f.ManagedBy != nil
	}
	return true
}

// observation is what a run has read when its last token is judged.
type observation struct {
	*Evaluation
	coverage   *Coverage
	exceptions []ExceptionStatus
}

// sight is what a run got to see, for the resolve rules.
type sight struct {
	*Coverage

	// emptied: all apps or all tokens are gone since the last run, which is believed
	// when the next run sees it too.
	emptied bool

	// hidden is since when the youngest of the apps is there that were not read.
	hidden time.Time

	// observed reports whether this run has a finding of check on that subject.
	observed func(check Check, subject string) bool
}

// Prose is what a person reads of a finding. A title holds no name from outside, and
// nothing that changes while the finding lives, its age least of all: consumers group
// by it. All of it is [Plain].
type Prose struct{ Title, Description, Remedy, URL string }

// Prose returns the texts on f.
func (f *Finding) Prose() Prose {
	p := define(f.Check).prose(f)
	p.Description, p.Remedy = Plain(p.Description), Plain(p.Remedy)
	return p
}

// Pages that a remedy points to.
const (
	databrainDocs   = "https://docs.usedatabrain.com/developer-docs/helpers/api-reference/"
	rateLimitDocs   = "https://docs.usedatabrain.com/developer-docs/rate-limiting"
	rotationDocs    = "https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotating-secrets.html"
	troubleshooting = "https://docs.aws.amazon.com/secretsmanager/latest/userguide/troubleshoot_rotation.html"
)
