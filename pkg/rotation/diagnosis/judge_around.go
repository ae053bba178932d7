package diagnosis

import (
	"fmt"
	"time"
)

// secretProblem is why nothing can be said about the tokens, nil if something can.
func (j judge) secretProblem() *Problem {
	s := j.Secret
	p := &Problem{verdict: Unknown}
	switch {
	case s.Obstacle == NotFound:
		p.Code = SecretNotFound
		p.Text = "Secrets Manager has no secret of the name or ARN in the request, in this function's region and " +
			"account. Give the full ARN."
		if j.Key != nil {
			p.Text += " In the command of the output DiagnoseApiTokenCommand, put what follows the prefix of the secret's " +
				"name in place of NAME."
		}
	case s.Obstacle != "":
		p.Code = SecretUnreadable
		p.Text = "The function cannot look at the secret in the request: " + s.Why + ". It may read one secret: give " +
			"that of the output TokenSecretArn. " +
			"If it is, check the function's role and the secret's policy, and in a VPC the way to Secrets Manager, port 443"
		if j.Key != nil {
			p.Text = "The function cannot look at the secret in the request: " + s.Why + ". It may read the " +
				"secrets whose names begin with ApiTokenSecretPrefix. If this is such a secret, check the function's role " +
				"and the secret's policy, and in a VPC the way to Secrets Manager, port 443"
		}
		if s.Obstacle == Silent {
			p.Text = "Secrets Manager did not answer: " + s.Why + ". In a VPC, check the route or the endpoint to " +
				"Secrets Manager, port 443; " +
				"the runbook has the commands"
		}
	case s.Deleted:
		p.Code, p.verdict = SecretDeleted, Broken
		p.Text = "The secret is scheduled for deletion, so that nobody can read it. Its versions are kept until then. " +
			"Diagnose again after this."
		p.Do = []string{j.run.restore()}
		p.DoNot = "Do not make a secret of the same name: the deleted one may hold the only copy of the token."
	case j.AdminSame && j.Key != nil:
		p.Code = ServiceSame
		p.Text = "The setting DATABRAIN_SERVICE_TOKEN_SECRET_ID (parameter TokenSecretArn) names this very secret: it " +
			"is that of the service token, with which API tokens are listed. Ask RotateFunction about it; keep each " +
			"API token in a secret of its own"
	case j.AdminSame:
		p.Code = AdminIsRotated
		p.Text = "The setting DATABRAIN_ADMIN_SECRET_ID (parameter AdminSecretArn) names this very secret, so that a " +
			"rotation would overwrite the admin's password. Diagnose the secret of the service token; if this is it, " +
			"keep the admin's e-mail address and password in a secret of their own, and deploy with its ARN"
	case s.Kind != "":
		p.Code = SecretOfOtherKind
		p.Text = "This is " + s.Kind + " secret, which this function does not rotate. Ask the function whose secret it is."
	default:
		return nil
	}
	return p
}

// settingProblems are what stops every rotation of this secret by this function.
func (j judge) settingProblems() []Problem {
	if j.Secret.Primary == "" {
		return nil
	}
	return []Problem{{Code: SecretIsReplica, verdict: Attention,
		Text: fmt.Sprintf("This secret is a replica, which cannot be rotated. Its primary is in %s: diagnose and "+
			"rotate that one, by the function "+
			"there; Secrets Manager copies the result", j.Secret.Primary)}}
}

// instanceProblems are about the address, whatever the tokens are.
func (j judge) instanceProblems() []Problem {
	i := j.Instance
	p := Problem{verdict: Unknown, DoNot: "Do not move labels and do not store anything: no answer is not a rejection."}
	switch {
	case i.Answers:
		return nil
	case i.AcceptsAny:
		p.Code = InstanceAcceptsAny
		p.Text = fmt.Sprintf("What answers at %s accepts a token that was made up, so that its answers mean nothing. "+
			"A proxy, a cache or a "+
			"mock answers in place of Databrain: see what stands between", i.URL)
	case i.AnswersAt != "":
		p.Code = BaseURLWrong
		p.Text = fmt.Sprintf("%s does not answer as Databrain's API (%s), but %s does. Deploy with "+
			"DatabrainBaseUrl=%s. The tokens were not asked "+
			"about", i.URL, i.Why, i.AnswersAt, i.AnswersAt)
	default:
		p.Code = InstanceSilent
		p.Text = fmt.Sprintf("%s gave no answer of Databrain's API (%s), and the tokens were not asked about. If it "+
			"stays: %s. Then diagnose again.", i.URL, i.Why, i.Remedy)
	}
	return []Problem{p}
}

// adminProblem is what is wrong with the admin's credentials, which a rotation needs
// to save a token.
func (j judge) adminProblem() *Problem {
	p := &Problem{verdict: Attention}
	repair := []string{j.run.storeAdmin(j.AdminID)}
	switch j.Admin.Standing {
	case Refused:
		if j.AdminForGood {
			p.Code = AdminRefusedByKind
			p.Text = fmt.Sprintf("Databrain does not let this admin save a service token (%s). The instance is not "+
				"self-hosted, it has no account "+
				"for this admin, or the account lacks the right. No password cures that", j.Admin.Why)
			break
		}
		p.Code, p.Do = AdminRefused, repair
		p.Text = fmt.Sprintf("Databrain refuses the admin's sign-in (%s). The command asks for the password, tries it "+
			"and stores it.", j.Admin.Why)
		p.DoNot = "Do not try passwords in a loop: the instance limits sign-ins."
	case Malformed:
		p.Code, p.Do = AdminMalformed, repair
		p.Text = "The admin's secret " + j.Admin.Why + ". The command asks for the password, tries it and stores " +
			"both beside the other members. It refuses a value that is no JSON object: replace that in the Secrets " +
			`Manager console by {"email":"…","password":"…"}.`
	case Unreadable:
		p.Code = AdminUnreadable
		p.Text = "The function cannot read the admin's secret " + j.AdminID + ": " + j.Admin.Why + ". " + howToRead
		if j.Admin.Why == "ResourceNotFoundException" {
			p.Text = "There is no secret " + j.AdminID + " (parameter AdminSecretArn), or it has no value. Deploy with the " +
				"ARN of the admin's secret, or store its value"
		}
		if j.Admin.Why == "InvalidRequestException" {
			p.Text = "Secrets Manager does not give out the admin's secret " + j.AdminID + " (parameter AdminSecretArn): most " +
				"likely it is scheduled for deletion. The command restores it then"
			admin := j.run
			admin.secret = j.AdminID
			p.Do = []string{admin.restore()}
		}
	case NoAnswer:
		if !j.Instance.Answers {
			return nil
		}
		p.Code = AdminSilent
		p.Text = "Whether the admin can sign in is not known (" + j.Admin.Why + "). Diagnose again in some minutes"
	default:
		return nil
	}
	return p
}

// scheduleProblems are about whether Secrets Manager will rotate by itself.
func (j judge) scheduleProblems(current *Problem) []Problem {
	s := j.Secret
	switch {
	case s.Primary != "":
		return nil
	case !s.RotationEnabled && s.Function == "" && j.Key != nil:
		return []Problem{{Code: RotationOff, verdict: Attention,
			Text: "Rotation was never set up for this secret. The stack's output ManageApiTokenCommand has the command, which " +
				"rotates at once: put what follows the prefix of this secret's name in place of NAME"}}
	case !s.RotationEnabled && s.Function == "":
		return []Problem{{Code: RotationOff, verdict: Attention,
			Text: "Rotation was never set up for this secret. Deploy the stack with TokenSecretArn=" + s.ARN}}
	case !s.RotationEnabled:
		return []Problem{{Code: RotationOff, verdict: Attention, Do: []string{j.run.enable()},
			Text: "Rotation is switched off for this secret: it was cancelled by hand. The command switches it on and " +
				"runs the pre-flight, which writes nothing. It is refused while AWSPENDING is on a version of its own."}}
	case current == nil && j.pending() == nil && !s.Next.IsZero() && j.Now.After(s.Next.Add(grace)):
		return []Problem{{Code: RotationOverdue, verdict: Attention, Do: []string{j.run.rotate()},
			Text: fmt.Sprintf("The rotation that was due by %s has not begun. See whether Secrets Manager may invoke the "+
				"function; then rotate.", stamp(s.Next))}}
	}
	return nil
}

// grace is how late a rotation may be: NextRotationDate is the last day of its window.
const grace = 24 * time.Hour
