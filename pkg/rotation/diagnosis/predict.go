package diagnosis

import (
	"maps"

	"databrain-rotation/pkg/rotation"
)

// Outcome is what the next rotation would come to.
type Outcome struct {
	Would      string        // what it would do, in the words of the plan
	Fails      rotation.Name // the error that it would end with; "" if it would succeed
	NeedsAdmin bool          // it would sign in as the admin, or at least read the credentials
}

// Predict returns what the next rotation would come to if nothing changed until then.
// It asks the functions of the rotation's plan in the order of the four steps.
func Predict(f Facts) Outcome {
	if fails := guard(f); fails != "" {
		return Outcome{Fails: fails}
	}
	if fails := unusable(f.version(labelCurrent)); fails != "" {
		return Outcome{Would: "read AWSCURRENT", Fails: fails}
	}
	if f.Key != nil && f.version(labelCurrent) == nil { // nothing says which API token is meant
		return Outcome{Would: "read AWSCURRENT", Fails: rotation.MalformedSecret}
	}
	return predictCreate(f)
}

// guard is what a step looks at before it reads a value.
func guard(f Facts) rotation.Name {
	m, version := f.Secret.Metadata, "the version of a new rotation"
	if p := f.pending(); p != nil {
		version = p.ID
	} else if m.Labels = maps.Clone(m.Labels); m.Labels == nil {
		m.Labels = map[string][]string{version: {labelPending}}
	} else {
		m.Labels[version] = []string{labelPending}
	}
	switch action := rotation.PlanGuard(m, rotation.StepCreate, version); {
	case action == rotation.GuardDeleted:
		return rotation.SecretDeleted
	case action == rotation.GuardDisabled:
		return rotation.RotationNotEnabled
	case action != rotation.GuardProceed:
		return rotation.VersionNotPending
	case f.Secret.Primary != "":
		return rotation.SecretIsReplica
	case f.AdminSame && f.Key != nil:
		return rotation.ServiceTokenSecretIsRotatedSecret
	case f.AdminSame:
		return rotation.AdminSecretIsRotatedSecret
	}
	return ""
}

// unusable is why a step could not go on with the value of v.
func unusable(v *Version) rotation.Name {
	switch {
	case v == nil:
		return ""
	case v.Standing == Malformed:
		return rotation.MalformedSecret
	case v.Standing == Unreadable:
		return rotation.SecretsManagerFailed
	case v.NoValue && v.Label == labelCurrent:
		return rotation.LabelMoved
	}
	return ""
}

// predictCreate is createSecret: it keeps the value of AWSPENDING, or makes one.
func predictCreate(f Facts) Outcome {
	p := f.pending()
	if p != nil && !p.NoValue {
		fails := unusable(p)
		switch {
		case fails != "":
		case p.Unsavable || p.Standing == Empty:
			fails = rotation.MalformedSecret
		case f.sameAsCurrent(p):
			fails = rotation.PendingEqualsCurrent
		case f.Key != nil:
			fails = predictKept(f, p)
		default:
			return predictSet(f, plain(p.Standing))
		}
		return Outcome{Would: "keep the value of AWSPENDING", Fails: fails}
	}
	if f.Key != nil {
		return predictKey(f)
	}
	fresh := rotation.Rejected // Databrain does not know a token that was just made here
	if !f.Instance.Answers {
		fresh = rotation.NoAnswer
	}
	if f.Strategy != rotation.Grace {
		return predictSet(f, fresh)
	}
	switch action := rotation.PlanCreate(plain(f.standing(labelCurrent))); action {
	case rotation.CreateRemotely:
		return Outcome{
			Would:      string(action),
			Fails:      adminFailure(f, f.Contract == rotation.ContractAdminJWT),
			NeedsAdmin: true,
		}
	case rotation.CreateHere:
		return predictSet(f, fresh)
	default:
		return Outcome{Would: string(action), Fails: rotation.DatabrainUnavailable}
	}
}

// predictSet is setSecret, and with it the two steps that follow.
func predictSet(f Facts, pending rotation.Standing) Outcome {
	action := rotation.PlanSet(func(label string) rotation.Standing {
		if label == labelPending {
			return pending
		}
		return plain(f.standing(label))
	}, f.Takeover)
	o := Outcome{Would: string(action)}
	switch action {
	case rotation.SetDone:
		if rotation.PlanFinish(pending) != rotation.FinishMove {
			o.Fails = rotation.PendingTokenRejected
		}
	case rotation.SetSave, rotation.SetTakeOver:
		o.NeedsAdmin, o.Fails = true, adminFailure(f, true)
	case rotation.SetMissing:
		o.Fails = rotation.CurrentTokenMissing
	case rotation.SetRejected:
		o.Fails = rotation.CurrentTokenRejected
	default:
		o.Fails = rotation.DatabrainUnavailable
	}
	return o
}

// adminFailure is how a step would end that needs the admin's credentials, or a
// sign-in with them.
func adminFailure(f Facts, signIn bool) rotation.Name {
	switch f.Admin.Standing {
	case Malformed:
		return rotation.MalformedAdminSecret
	case Unreadable:
		return rotation.SecretsManagerFailed
	}
	switch {
	case !signIn:
	case f.Admin.Standing == Refused && f.AdminForGood:
		return rotation.DatabrainRefused
	case f.Admin.Standing == Refused:
		return rotation.AdminSignInRefused
	case f.Admin.Standing == NoAnswer:
		return rotation.DatabrainUnavailable
	}
	return ""
}

// plain is a standing in the words of the plan.
func plain(s Standing) rotation.Standing {
	switch s {
	case Accepted:
		return rotation.Accepted
	case Rejected:
		return rotation.Rejected
	case Empty:
		return rotation.Absent
	case Malformed, Unreadable:
		return rotation.Unreadable
	}
	return rotation.NoAnswer
}
