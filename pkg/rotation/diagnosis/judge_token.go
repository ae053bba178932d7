package diagnosis

import (
	"fmt"
	"slices"

	"databrain-rotation/pkg/rotation"
)

const keepPending = "Do not take AWSPENDING off its version: it may be the only copy of the token that works."

// currentProblem is what is wrong with the token that consumers read.
func (j judge) currentProblem() *Problem {
	v := j.version(labelCurrent)
	if v == nil {
		return j.revive(CurrentEmpty, "No version carries AWSCURRENT, so that nobody can read a token.")
	}
	switch v.Standing {
	case Rejected:
		return j.revive(CurrentRejected, fmt.Sprintf("Databrain at %s rejects the token of AWSCURRENT "+
			"(%s).", j.Instance.URL, v.Why))
	case Empty:
		return j.revive(CurrentEmpty, "AWSCURRENT holds no token: "+v.Why+".")
	case Malformed:
		return j.revive(CurrentMalformed, "The value of AWSCURRENT "+v.Why+", so that no token can be read from it.")
	case Unreadable:
		return &Problem{Code: CurrentUnreadable, verdict: Unknown, Text: "The function cannot read " +
			"AWSCURRENT: " + v.Why + ". " + howToRead,
			DoNot: "Do not store another value over it: the token in it may work."}
	case NoAnswer:
		if !j.Instance.Answers { // the problem with the instance says so
			return nil
		}
		return &Problem{Code: CurrentSilent, verdict: Unknown, DoNot: "Do not move labels and do not store anything: " +
			"no answer is not a rejection.",
			Text: fmt.Sprintf("Databrain at %s gave no usable answer about the token of AWSCURRENT (%s). Diagnose again "+
				"in a minute.", j.Instance.URL, v.Why)}
	}
	return nil
}

const howToRead = "Check what the function's role, the secret's policy and the policy of its KMS key allow; the " +
	"runbook has the commands"

// revive looks for a stored token that works in place of the one of AWSCURRENT, and
// says how to make consumers read it. Where none is known to work, a person decides.
func (j judge) revive(code Code, text string) *Problem {
	p := &Problem{Code: code, verdict: Broken, Text: text}
	if j.Key != nil && j.rotationRevives() {
		return j.reviveByRotation(p)
	}
	for _, v := range j.Versions {
		if v.Standing != Accepted || v.Label == labelCurrent {
			continue
		}
		switch v.Label {
		case labelPending:
			p.Text += " AWSPENDING works: setSecret has saved its token, and the rotation did not come to its end. If a " +
				"rotation fails again, its error has the command that makes AWSPENDING current."
			p.DoNot = keepPending
			p.Do = j.finish(v)
		case "":
			p.Text += fmt.Sprintf(" Version %s works, which has no label, so that AWS may delete it at any time: move "+
				"AWSCURRENT to it now.", v.ID)
			p.Do = j.moveBack(v.ID)
			p.DoNot = "Do not rotate and do not store a value before that."
		default:
			p.Text += fmt.Sprintf(" %s works, on version %s: a label was moved, a value was stored by hand, or Databrain "+
				"was put back.", v.Label, v.ID)
			p.Do = j.moveBack(v.ID)
			p.DoNot = "Do not store another value before that: AWSPREVIOUS would leave the version that works."
		}
		return p
	}
	return j.decide(p)
}

// moveBack returns the commands that put AWSCURRENT on a version that was current
// before. A rotation that finished has left AWSPENDING on the version that loses
// AWSCURRENT; it must not stay there where the next rotation could not take it up.
func (j judge) moveBack(to string) []string {
	from := j.Secret.Holder(labelCurrent)
	do := []string{j.run.move(to, from)}
	if from != "" && from == j.Secret.Holder(labelPending) && !j.resumes(j.version(labelCurrent)) {
		do = append(do, j.drop(from))
	}
	return do
}

// drop returns the command that takes AWSPENDING off a version that nobody needs. The
// script asks Databrain once more about a service token, of which there is one copy.
// The key of an API token that Databrain made is in the list of its data app as well.
func (j judge) drop(version string) string {
	if j.Key != nil {
		return j.run.unlabel(version)
	}
	return j.run.dropPending()
}

// finish returns the commands that finish a rotation whose token Databrain accepts:
// the rotation itself, or where it would fail what its last step does.
func (j judge) finish(pending Version) []string {
	if j.next.Fails == "" {
		return []string{j.run.rotate()}
	}
	return []string{j.run.move(pending.ID, j.Secret.Holder(labelCurrent))}
}

// decide is for an AWSCURRENT that does not work while no stored token is known to.
func (j judge) decide(p *Problem) *Problem {
	for _, v := range j.Versions {
		if v.Standing == NoAnswer && v.Label != labelCurrent {
			p.Text += fmt.Sprintf(" Nothing is known about %s (%s), which may work: diagnose again when Databrain "+
				"answers.", named(v), v.Why)
			p.DoNot = "Do not move labels, do not store anything and do not rotate until it is known."
			return p
		}
	}
	p.DoNot = "Do not remove a label or a version whose value is not known to be dead."
	if j.Key != nil {
		return j.decideKey(p)
	}
	p.Text += " No other stored token is known to work" + j.notSeen() + "."
	if p.Code == CurrentMalformed {
		p.Text += " The value may hold the live token, so a person has to look at it."
		version := j.Secret.Holder(labelCurrent)
		p.Decide = append(p.Decide, Choice{"the value holds the token, which the command shows: store it in the " +
			"console, as a JSON object with the string \"token\" and the other members", []string{j.run.read(version)}})
		return p
	}
	if p.Code == CurrentRejected {
		p.Text += " Somebody changed the token in Databrain, a second secret rotates the same organisation, the " +
			"address names another instance, or a database was restored."
	} else {
		p.Text += " A new deployment waits for its first rotation like this, which replaces whatever token the " +
			"organisation has."
	}
	for _, v := range j.Versions {
		if v.Label != labelCurrent && v.Standing == Malformed {
			p.Decide = append(p.Decide, Choice{"you have not seen the value of " + named(v) + ", which may hold the token: " +
				"look at it before anything else", []string{j.run.read(v.ID)}})
		}
	}
	p.Decide = append(p.Decide, Choice{"you know the token that Databrain accepts: a consumer uses it, or somebody " +
		"made it", []string{j.run.storeToken()}})
	return j.decideRotation(p)
}

// decideRotation adds the way out by a rotation, which makes a new token and ends
// whatever token the organisation has.
func (j judge) decideRotation(p *Problem) *Problem {
	when := "nobody has a token that works, and this secret should own the organisation's"
	switch {
	case p.Code == CurrentRejected && j.Takeover != rotation.TakeoverInvalid:
		when += ": deploy once with RotationTakeover=invalid, run this, and deploy with the former value again"
	case p.Code == CurrentEmpty && j.Takeover == rotation.TakeoverNever:
		when += ": deploy with RotationTakeover=empty, and run this"
	}
	var do []string
	if admin := j.adminProblem(); admin != nil {
		do = admin.Do
	}
	if pending := j.pending(); pending != nil && j.expendable(pending) && !j.resumes(pending) {
		do = append(do, j.run.dropPending())
	}
	p.Decide = append(p.Decide, Choice{when, append(slices.Clone(do), j.run.rotate())})
	return p
}

// notSeen names what could not be looked at.
func (j judge) notSeen() string {
	text := ""
	for _, v := range j.Versions {
		if v.Label != labelCurrent && (v.Standing == Unreadable || v.Standing == Malformed) {
			text += fmt.Sprintf("; %s could not be asked about (%s) and may hold one", named(v), v.Why)
		}
	}
	if j.Unlabelled != "" {
		text += "; versions without a label were not all looked at (" + j.Unlabelled + ")"
	}
	return text
}

func named(v Version) string {
	if v.Label == "" {
		return "version " + v.ID
	}
	return v.Label
}

// pendingProblem is about a rotation that has begun and not ended.
func (j judge) pendingProblem() *Problem {
	v := j.pending()
	if v == nil {
		return nil
	}
	p := &Problem{verdict: Attention}
	switch {
	case v.Standing == Unreadable:
		p.Code, p.DoNot = PendingUnreadable, keepPending
		p.Text = "The function cannot read AWSPENDING: " + v.Why + ". " + howToRead
	case v.Standing == NoAnswer && j.Instance.Answers:
		p.Code, p.DoNot = PendingSilent, keepPending
		p.Text = fmt.Sprintf("Databrain gave no usable answer about the token of AWSPENDING (%s). Diagnose again in a "+
			"minute.", v.Why)
	case v.Standing == NoAnswer:
		return j.unfinished(p, v, nil)
	case j.sameAsCurrent(v):
		p.Code, p.Do = PendingSame, []string{j.run.unlabel(v.ID)}
		p.Text = "AWSPENDING holds the token of AWSCURRENT, so that this rotation can never finish. The label can go, " +
			"since AWSCURRENT keeps the token."
	case v.Standing == Accepted:
		return j.unfinished(p, v, j.finish(*v))
	case v.Standing == Malformed, v.Unsavable, v.Standing == Empty && !v.NoValue:
		j.unusablePending(p, v)
	case j.resumes(v):
		return j.unfinished(p, v, []string{j.run.rotate()})
	default:
		return j.unfinished(p, v, []string{j.drop(v.ID)})
	}
	return p
}

// unfinished is for a rotation that can be taken up, or whose version nobody needs.
func (j judge) unfinished(p *Problem, v *Version, do []string) *Problem {
	p.Code, p.Do = Unfinished, do
	p.Text = "A rotation has begun and not finished: AWSPENDING is on version " + v.ID + ". "
	switch v.Standing {
	case Accepted:
		p.Text += "Databrain accepts its token, which is to become AWSCURRENT. "
		p.DoNot = keepPending
	case Empty:
		p.Text += "It has no value yet: a pre-flight check has such a version for some seconds, so diagnose again first. "
	case Rejected:
		p.Text += "Databrain does not have its token. "
	default:
		p.Text += "Whether Databrain has its token is not known. "
		p.DoNot = keepPending
	}
	p.Text += "If one is running now, wait for it. If it ended with an error, repair its cause, which the log of " +
		"the function names"
	if len(do) > 0 && do[0] == j.run.rotate() {
		p.Text += ", and run this. Secrets Manager tries again by itself at the next time of the schedule"
	}
	p.Text += "."
	return p
}

// unusablePending is for a value that no rotation can finish with.
func (j judge) unusablePending(p *Problem, v *Version) {
	p.Code = PendingMalformed
	p.Text = "The value of AWSPENDING " + v.Why + ", so that no rotation can finish with it. "
	if v.Standing == Rejected {
		p.Text = "The token of AWSPENDING is no UUID, so that no rotation can finish with it, and Databrain rejects it. "
	}
	if j.expendable(v) {
		p.Do = []string{j.drop(v.ID)}
		p.Text += "The command takes the label off. Then rotate again."
		return
	}
	p.DoNot = "Do not take AWSPENDING off before somebody has looked at the value: it may hold the only token that works."
	p.Text += "A person has to look at the value, because it may hold a token that works."
	p.Do = []string{j.run.read(v.ID)}
	p.Decide = []Choice{{"this value holds no token that is needed", []string{j.drop(v.ID)}}}
}

// expendable reports whether AWSPENDING can be taken off v without losing a token
// that works. A value that cannot be read may hold one, unless AWSCURRENT works and
// the strategy lets only one token live at a time.
func (j judge) expendable(v *Version) bool {
	switch {
	case v == nil, v.Standing == Rejected, v.Standing == Empty:
		return true
	case v.Standing == Malformed:
		return j.standing(labelCurrent) == Accepted && j.Strategy == rotation.Replace
	}
	return false
}

// resumes reports whether rotate-secret takes the rotation of v up: rotation is on,
// and no step stops at the value. While rotation is off, Secrets Manager refuses the
// call because of the label.
func (j judge) resumes(v *Version) bool {
	if j.Key != nil && v.Standing == Rejected { // setSecret proves a key, and saves none
		return false
	}
	return j.Secret.RotationEnabled && !v.Unsavable && v.Standing != Malformed && (v.NoValue || v.Standing != Empty)
}
