package diagnosis

import (
	"slices"

	"databrain-rotation/pkg/rotation"
)

// predictKey is createSecret of an API token, which makes a value: what the rotation
// itself has said that it would do.
func predictKey(f Facts) Outcome {
	o := Outcome{Would: string(f.Key.Plan.Action)}
	switch {
	case f.Key.Err != nil:
		o.Fails = f.Key.Err.Name
	case f.Key.Plan.Action == "":
		o.Fails = rotation.DatabrainUnavailable
	}
	return o
}

// predictKept is how a rotation would end that keeps the key of AWSPENDING: "" if
// setSecret and testSecret would prove it.
func predictKept(f Facts, pending *Version) rotation.Name {
	switch {
	case pending.Standing == Rejected:
		return rotation.PendingTokenRejected
	case pending.Standing != Accepted, f.Key.State.List == nil && f.Key.Err == nil:
		return rotation.DatabrainUnavailable
	case f.Key.State.List == nil:
		return f.Key.Err.Name
	case !slices.ContainsFunc(f.Key.State.List, func(k rotation.ListedKey) bool {
		return k.Fingerprint == pending.Fingerprint
	}):
		return rotation.APITokenNotListed
	}
	return ""
}
