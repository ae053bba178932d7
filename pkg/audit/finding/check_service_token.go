package finding

import (
	"fmt"
	"time"
)

// The checks on the rotation of the service token.
const (
	ServiceTokenAge           Check = "service-token-age"
	ServiceTokenRotationOff   Check = "service-token-rotation-off"
	ServiceTokenRotationStuck Check = "service-token-rotation-stuck"
	ServiceTokenPreviousAlive Check = "service-token-previous-alive"
)

// Posture is what Secrets Manager says of the rotation of the service token.
type Posture struct {
	Owner        string    // ARN of the secret without its random suffix; "" if unknown
	Read         bool      // false: DescribeSecret failed, and nothing below is known
	Rotation     bool      // rotation is switched on
	NextRotation time.Time // zero if it is not
	RotatedAt    time.Time // last rotation, else the creation of the secret; zero if neither is known
	AgeDays      int       // whole days since RotatedAt
	PendingSince time.Time // when AWSPENDING was put on another version than AWSCURRENT; zero if it is not
}

// Previous is what the instance said of the token of AWSPREVIOUS after its grace period.
type Previous struct {
	Answer Answer
	Over   time.Time // when the grace period was over
}

// Answer is what an instance said of a token.
type Answer int

// The answers.
const (
	NoAnswer Answer = iota // it was not asked, or its answer says nothing of the token
	Accepted
	Refused
)

// stuckAfter is how long AWSPENDING may stay on a version of its own: rotations
// take minutes, and Secrets Manager gives up retrying one within a day.
const stuckAfter = aDay

// serviceTokenChecks judge the secret that holds the service token. If it could not be
// described, there is no finding here; a note of the run says so.
var serviceTokenChecks = []definition{
	{
		check: ServiceTokenAge, compliance: Fail, subject: aboutInstance, gone: postureRead,
		find: func(o *observation, add func(string) *Finding) {
			p := o.coverage.Posture
			if p.RotatedAt.IsZero() || !stale(o.now, p.RotatedAt, o.policy.MaxAgeDays) {
				return
			}
			f := add("")
			f.Severity, f.Since = o.policy.severity(o.now, p.RotatedAt), p.RotatedAt.UTC()
			f.Rule, f.MaxAgeDays = defaultRule, o.policy.MaxAgeDays
			f.FirstSeen = p.RotatedAt.Add(WholeDays(f.MaxAgeDays)).UTC()
			f.reached, f.below = o.policy.tier(o.now, p.RotatedAt, f.FirstSeen)
		},
		prose: func(f *Finding) Prose {
			return Prose{
				"Service token is older than its limit",
				fmt.Sprintf("The secret of the service token was last rotated or created %s: %s.", Day(f.Since), ruleAllows(f)),
				// A rotation of a secret without the token in use would end that token.
				"See first whether AWSCURRENT works: the stack's output DiagnoseCommand says so, or scripts/secret.sh which. " +
					"Only if it works, rotate the secret, then find out why its schedule did not. " +
					"Without a rotation function, do not rotate the secret: " + elsewhere, rotationDocs,
			}
		},
	},
	{
		check: ServiceTokenRotationOff, severity: High, compliance: Fail, subject: aboutInstance, gone: postureRead,
		find: func(o *observation, add func(string) *Finding) {
			if p := o.coverage.Posture; p.Read && !p.Rotation {
				add("")
			}
		},
		prose: func(*Finding) Prose {
			return Prose{
				"Rotation of the service token is switched off",
				"The secret of the service token has no rotation switched on, so the token stays the same until somebody " +
					"changes it.",
				"See whether AWSCURRENT works, and only then switch rotation on: the stack's output DiagnoseCommand " +
					"says both. A stack of the audit alone has no such output. There, scripts/secret.sh which says whether " +
					"AWSCURRENT works, and the parameter AdminSecretArn adds the rotation. Or else " + elsewhere, rotationDocs,
			}
		},
	},
	{
		check: ServiceTokenRotationStuck, severity: High, compliance: Fail, subject: aboutInstance, gone: postureRead,
		find: func(o *observation, add func(string) *Finding) {
			p := o.coverage.Posture
			if p.PendingSince.IsZero() || o.now.Sub(p.PendingSince) <= stuckAfter {
				return
			}
			f := add("")
			f.Since, f.FirstSeen = p.PendingSince.UTC(), p.PendingSince.Add(stuckAfter).UTC()
			f.reached = f.FirstSeen
		},
		prose: func(f *Finding) Prose {
			return Prose{
				"Rotation of the service token is stuck",
				fmt.Sprintf("The staging label AWSPENDING is on another version than AWSCURRENT since %s: "+
					"a rotation was begun and not finished.", Day(f.Since)),
				"The stack's output DiagnoseCommand says what keeps it, and what to do. " +
					"Where there is no such output, scripts/secret.sh which says which version works, and what to do.",
				troubleshooting,
			}
		},
	},
	{
		check: ServiceTokenPreviousAlive, severity: High, compliance: Fail, subject: aboutInstance,
		find: func(o *observation, add func(string) *Finding) {
			if p := o.coverage.Previous; p.Answer == Accepted {
				add("").Since = p.Over.UTC()
			}
		},
		gone:  func(_ *Record, s *sight) bool { return s.Previous.Answer == Refused },
		prose: previousProse,
	},
}

// elsewhere is what to do where Secrets Manager is not to rotate the service token.
const elsewhere = "accept this check by an exception if something else rotates the token, or nothing can."

// previousProse is for [ServiceTokenPreviousAlive].
func previousProse(f *Finding) Prose {
	return Prose{
		"Service token before the last rotation still works",
		fmt.Sprintf("Databrain accepts the token of the version AWSPREVIOUS, whose grace period was over on %s at %s UTC: "+
			"whoever has it can read every API token.", Day(f.Since), f.Since.UTC().Format(time.TimeOnly)),
		"Compare AUDIT_PREVIOUS_GRACE (parameter RotationGracePeriod) with the grace period of the rotation. " +
			"If they agree, Databrain did not end the token: " +
			"have it ended there before the next rotation, after which AWSPREVIOUS is another token.",
		databrainDocs + "rotate-service-token",
	}
}

func postureRead(_ *Record, s *sight) bool { return s.Posture.Read }
