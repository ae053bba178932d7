package finding

import "fmt"

// The checks on the policy itself.
const (
	ExceptionExpired Check = "exception-expired"
	ExceptionUnused  Check = "exception-unused"
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
			whole := o.coverage.whole() // that it matches nothing is known only then
			o.eachException(add, func(s *ExceptionStatus) bool { return !s.Lapsed && s.Matched == 0 && whole })
		},
		gone:  func(_ *Record, s *sight) bool { return s.whole() },
		prose: unusedProse,
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

func unusedProse(f *Finding) Prose {
	about := exceptionName(f.Exception) + " matches no API token of the instance"
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
