package diagnosis

import (
	"errors"
	"slices"

	"databrain-rotation/pkg/databrain"
	"databrain-rotation/pkg/rotation"
)

// keyProblems are the problems with an API token's secret, in the order of their
// repair: consumers first where a label does it, else what a rotation would stop at.
func (j judge) keyProblems() []Problem {
	current, pending, outlook := j.currentProblem(), j.pendingProblem(), j.outlookProblem()
	var all []Problem
	switch {
	case current != nil && current.Do != nil && current.Do[0] != j.run.rotate():
		outlook = afterMove(outlook)
		all = list(current, outlook)
		if j.standing(labelPending) != Accepted {
			all = list(current, outlook, pending)
		}
	case pending != nil && !slices.Contains(pending.Do, j.run.rotate()):
		all = list(pending, outlook, current)
	case pending != nil && (current == nil || current.Do == nil) && (outlook == nil || outlook.Do == nil):
		all = list(outlook, current, pending)
	default: // the rotation of current or outlook takes the pending version up
		all = list(outlook, current)
	}
	all = append(all, j.scheduleProblems(current)...)
	if len(all) == 0 && j.next.Fails != "" {
		all = list(&Problem{Code: OutlookUnknown, verdict: Attention,
			Text: "The next rotation would end with " + string(j.next.Fails) + ": " + j.next.Would + "."})
	}
	return all
}

// afterMove is what is left of the outlook when AWSCURRENT goes to another version: the
// advice about the value that loses it would cost a key that works.
func afterMove(outlook *Problem) *Problem {
	if outlook == nil {
		return nil
	}
	switch outlook.Code {
	case ServiceUnreadable, ServiceMalformed, ServiceRejected:
		return outlook
	case KeyIsServiceToken:
		outlook.Text = "The value that loses AWSCURRENT holds a service token as its key, which opens the whole " +
			"organisation. Rotate the service token, because readers of this secret have seen it."
		return outlook
	}
	return nil
}

// outlookProblem is what keeps the next rotation from making or taking a key, in the
// rotation's own words, or that it would take one that has replaced AWSCURRENT's.
func (j judge) outlookProblem() *Problem {
	e := j.Key.Err
	kept := j.pending() != nil && !j.pending().NoValue && !j.expendable(j.pending())
	switch {
	case e == nil && j.Key.Plan.Action == rotation.KeyAdopt && j.standing(labelCurrent) == Accepted && !kept:
		return j.replaced()
	case e == nil, kept && j.Key.State.List != nil && e.Name != rotation.ServiceTokenAsKey:
		return nil
	case e.Name == rotation.MalformedSecret: // the problem with AWSCURRENT says so
		return nil
	case e.Name == rotation.SecretsManagerFailed && j.standing(labelCurrent) == Unreadable,
		e.Name == rotation.DatabrainUnavailable && j.standing(labelCurrent) == NoAnswer:
		return nil
	}
	p := &Problem{Code: codeOfKey[e.Name], verdict: Attention,
		Text: "The next rotation would end with " + string(e.Name) + ": " + said(e) + ". " + e.Next + "."}
	switch {
	case p.Code != "":
	case e.Name == rotation.SecretsManagerFailed && !j.Key.Service:
		p.Code = ServiceUnreadable
	default:
		p.Code = OutlookUnknown
	}
	return p
}

// said is what an error found, with its cause.
func said(e *rotation.Error) string {
	if _, answered := errors.AsType[*databrain.Error](e.Cause); !answered {
		return e.Found
	}
	return e.Found + " (" + why(e.Cause) + ")"
}

// replaced is for a key that works while another has taken its place: it ends with its
// grace period, which no list shows.
func (j judge) replaced() *Problem {
	p := &Problem{Code: KeyReplaced, verdict: Attention,
		Text: "Databrain accepts a newer key of the name, " + j.Key.Plan.Keys[0].Fingerprint + ": an attempt lost its " +
			"answer, or somebody rotated by hand or made a token of this name. The key of AWSCURRENT may end with its " +
			"grace period. A rotation stores the newer key."}
	if j.Secret.Function != "" {
		p.Do = []string{j.run.rotate()}
	}
	return p
}

// rotationRevives reports whether a rotation finds a key that works, once a pending
// version that nobody needs is out of its way. It cannot read the names from a value
// that is malformed.
func (j judge) rotationRevives() bool {
	v := j.version(labelCurrent)
	return v != nil && (v.Standing == Rejected || v.Standing == Empty && !v.NoValue) &&
		j.Key.Err == nil && j.Key.Plan.Action != "" && j.expendable(j.pending()) && j.Secret.Primary == ""
}

func (j judge) reviveByRotation(p *Problem) *Problem {
	p.Text += " The next rotation would " + string(j.Key.Plan.Action) + ", which gives consumers a key that works."
	if j.Secret.Function != "" {
		p.Do = []string{j.run.rotate()}
	}
	return p
}

// decideKey is decide for an API token, whose secret a person has to correct.
func (j judge) decideKey(p *Problem) *Problem {
	if p.Code != CurrentMalformed && j.version(labelCurrent) != nil {
		p.Text += " No other stored key is known to work" + j.notSeen() + ". Repair what keeps a rotation from making " +
			"or taking one, and diagnose again."
		return p
	}
	p.Text += " No other stored key is known to work" + j.notSeen() + ". A person has to store the value again, " +
		`as text, in the console: {"dataApp":"…","name":"…","key":"…"} with the exact names of the data app and of ` +
		`its token. With "key":"" the next rotation imports the newest key of that name that works, or creates the token.`
	if version := j.Secret.Holder(labelCurrent); version != "" {
		p.Decide = []Choice{{"the value, which the command shows, tells the names: store it corrected in the console",
			[]string{j.run.read(version)}}}
	}
	return p
}

// apiToken is what the secret names and the list shows, nil for the service token.
func (f Facts) apiToken() *APIToken {
	if f.Key == nil {
		return nil
	}
	const most = 20
	t := &APIToken{DataApp: f.Key.DataApp, Name: f.Key.Name, Service: f.service(), Listed: []Listed{}}
	keys := slices.Clone(f.Key.State.List)
	slices.SortStableFunc(keys, func(a, b rotation.ListedKey) int { return b.CreatedAt.Compare(a.CreatedAt) })
	for _, k := range keys {
		own := k.Fingerprint == f.Key.State.Own
		if k.Name == f.Key.Name {
			t.OfName++
		}
		if !own && (k.Name != f.Key.Name || len(t.Listed) >= most) {
			continue
		}
		standing := f.Key.Asked[k.Fingerprint]
		if own {
			standing = f.Key.State.Key
		}
		t.Listed = append(t.Listed, Listed{k.Fingerprint, stamp(k.CreatedAt), own, asked[standing]})
	}
	return t
}

// asked is a standing of the plan in the words of a report.
var asked = map[rotation.Standing]Standing{
	rotation.Accepted: Accepted, rotation.Rejected: Rejected, rotation.NoAnswer: NoAnswer,
}

// service is what is known of the service token that reads the list.
func (f Facts) service() Admin {
	e := f.Key.Err
	switch {
	case f.Key.State.List != nil && f.Key.Spare:
		return Admin{Accepted, "that of AWSPENDING; Databrain rejects that of AWSCURRENT"}
	case f.Key.State.List != nil:
		return Admin{Standing: Accepted}
	case e == nil:
		return Admin{Standing: NotAsked}
	}
	switch e.Name {
	case rotation.DataAppNotFound, rotation.APITokenListUnreadable:
		return Admin{Standing: Accepted}
	case rotation.MalformedServiceTokenSecret:
		return Admin{Malformed, e.Found}
	case rotation.ServiceTokenRejected:
		return Admin{Rejected, why(e.Cause)}
	case rotation.SecretsManagerFailed:
		if f.Key.DataApp != "" {
			return Admin{Unreadable, e.Found}
		}
	case rotation.DatabrainUnavailable:
		if f.Key.Service {
			return Admin{NoAnswer, why(e.Cause)}
		}
	}
	return Admin{Standing: NotAsked}
}
