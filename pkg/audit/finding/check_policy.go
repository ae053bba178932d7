package finding

import "fmt"

// The checks on the policy itself.
const (
	ExceptionExpired  Check = "exception-expired"
	ExceptionUnused   Check = "exception-unused"
	ExceptionExpiring Check = "exception-expiring"
	RuleUnused        Check = "rule-unused"
)

var policyChecks = []definition{
	{
		check: ExceptionExpired, severity: Low, compliance: Warning, subject: aboutException,
		find: func(o *observation, add func(string) *Finding) {
			o.eachException(add, func(s *ExceptionStatus) bool { return s.Lapsed })
		},
		gone:  func(_ *Record, s *sight) bool { return s.Complete },
		prose: expiredProse,
	},
	{
		check: ExceptionUnused, severity: Low, compliance: Warning, subject: aboutException, worse: ExceptionExpired,
		find: func(o *observation, add func(string) *Finding) {
			o.eachException(add, func(s *ExceptionStatus) bool {
				return !s.Lapsed && s.Matched == 0 && o.coverage.settles(s.Exception.Check)
			})
		},
		gone:  func(r *Record, s *sight) bool { return s.settles(r.Exception.Check) },
		prose: unusedProse,
	},
	{
		check: ExceptionExpiring, severity: Informational, compliance: Warning, subject: aboutException,
		worse: ExceptionExpired,
		find: func(o *observation, add func(string) *Finding) {
			due := o.policy.DueWithinDays
			o.eachException(add, func(s *ExceptionStatus) bool { return !s.Lapsed && due > 0 && s.DaysLeft < due })
		},
		gone:  func(_ *Record, s *sight) bool { return s.Complete },
		prose: expiringProse,
	},
	{
		check: RuleUnused, severity: Low, compliance: Warning, subject: aboutRule,
		find: func(o *observation, add func(string) *Finding) {
			if !o.coverage.whole() { // that it decides for nothing is known only then
				return
			}
			for i, rule := range o.rules {
				if o.total.decided[i] == 0 {
					f := add(rule.ID)
					f.Rule, f.MaxAgeDays = rule.ID, rule.MaxAgeDays
				}
			}
		},
		gone: func(_ *Record, s *sight) bool { return s.whole() },
		prose: func(f *Finding) Prose {
			return Prose{
				"Rule of the audit policy decides for nothing",
				fmt.Sprintf("Rule %s (%s) decides for no API token of the instance: none matches its patterns, "+
					"or a more specific rule decides for each that does.", quoted(f.Rule), days(f.MaxAgeDays)),
				"Correct the patterns of the rule, which tell upper case from lower, or remove it from the policy.", "",
			}
		},
	},
}

// eachException adds a finding on each exception that is about.
func (o *observation) eachException(add func(string) *Finding, about func(*ExceptionStatus) bool) {
	for i := range o.exceptions {
		if s := &o.exceptions[i]; about(s) {
			add(s.Exception.ID).Exception = &s.Exception
		}
	}
}

func expiredProse(f *Finding) Prose {
	e := f.Exception
	if e.End().IsZero() {
		return Prose{
			"Exception of the audit policy has no readable end",
			fmt.Sprintf("%s does not hold, because its end %s is no date of the form 2027-03-31: what it names counts.",
				exceptionName(e), quoted(e.ExpiresAt)),
			"Write the end that was agreed on with its owner as year, month and day, such as 2027-03-31.", "",
		}
	}
	return Prose{
		"Exception of the audit policy has expired",
		fmt.Sprintf("%s held until %s: what it covered counts again.", exceptionName(e), e.ExpiresAt),
		"Replace the tokens that it covered, then remove the exception, or agree with its owner on a new date.", "",
	}
}

func expiringProse(f *Finding) Prose {
	e := f.Exception
	about := fmt.Sprintf("%s holds until the end of %s, UTC: what it covers counts again after that.", exceptionName(e),
		e.ExpiresAt)
	if f.Superseded != "" {
		about = fmt.Sprintf("%s has expired since: a finding of the check %s takes the place of this one.",
			exceptionName(e), f.Superseded)
	}
	return Prose{
		"Exception of the audit policy is about to expire", about,
		"Replace the tokens that it covers, or agree with its owner on a new date.", "",
	}
}

func unusedProse(f *Finding) Prose {
	about := exceptionName(f.Exception) + " matches no API token of the instance"
	if check := f.Exception.Check; check != "" {
		about = fmt.Sprintf("%s covers nothing: there is no finding of the check %s that it names",
			exceptionName(f.Exception), check)
	}
	if f.Superseded != "" {
		about += fmt.Sprintf(" and has expired since: a finding of the check %s takes the place of this one", f.Superseded)
	}
	return Prose{
		"Exception of the audit policy matches nothing", about + ".",
		"Remove the exception from the policy, or correct its patterns.", "",
	}
}

func exceptionName(e *Exception) string {
	return fmt.Sprintf("Exception %s (%s, owner %s)", quoted(e.ID), e.Reason, e.Owner)
}
