package rotation

import (
	"slices"

	"databrain-rotation/pkg/databrain"
)

// The staging labels of Secrets Manager.
const (
	labelCurrent  = "AWSCURRENT"
	labelPending  = "AWSPENDING"
	labelPrevious = "AWSPREVIOUS"
)

// Takeover says when a rotation may overwrite Databrain's token without holding
// one that works: the setting ROTATION_TAKEOVER.
type Takeover string

// The takeovers.
const (
	TakeoverNever   Takeover = "never"
	TakeoverEmpty   Takeover = "empty"   // AWSCURRENT holds no token yet
	TakeoverInvalid Takeover = "invalid" // also when Databrain rejects AWSCURRENT
)

// Standing is what a step knows of a token.
type Standing string

// The standings of a token.
const (
	NotAsked Standing = "not asked"
	Absent   Standing = "absent" // the version or its token does not exist
	Accepted Standing = "accepted"
	Rejected Standing = "rejected"  // a definite answer of the API
	NoAnswer Standing = "no answer" // time-out, 5xx, a proxy's page: says nothing
)

// Action is what a plan says to do next.
type Action string

// The actions.
const (
	AskPending       Action = "probe pending"
	AskCurrent       Action = "probe current"
	AskPrevious      Action = "probe previous"
	Succeed          Action = "succeed"
	Save             Action = "save pending in Databrain"
	TakeOver         Action = "save pending in Databrain without a current token that works"
	RotateRemotely   Action = "ask Databrain to rotate"
	Mint             Action = "mint a token here"
	MintAfterUnknown Action = "mint a token here, after an unknown outcome"
	StoreRemote      Action = "store Databrain's token"
	Move             Action = "move AWSCURRENT"
	MoveUnproven     Action = "move AWSCURRENT, although the last probe had no answer"
	SignIn           Action = "sign in as admin, to see that a rotation could"
	FailUnavailable  Action = "fail: no answer"
	FailRefused      Action = "fail: refused"
	FailContract     Action = "fail: wrong contract"
	AbandonMissing   Action = "abandon: no current token"
	AbandonRejected  Action = "abandon: current token rejected"
	FailPendingDead  Action = "fail: pending token rejected"
	FailDeleted      Action = "fail: secret deleted"
	FailNotEnabled   Action = "fail: rotation not enabled"
	FailVersion      Action = "fail: version unknown"
	FailNotPending   Action = "fail: version not pending"
	FailUnknownStep  Action = "fail: unknown step"
	Proceed          Action = "proceed"
)

// Metadata is what DescribeSecret says, as far as a plan needs it.
type Metadata struct {
	Deleted         bool
	RotationEnabled bool
	Labels          map[string][]string // by version id
}

// Holder returns the id of the version with label, "" if none has it.
func (m Metadata) Holder(label string) string {
	for version, labels := range m.Labels {
		if slices.Contains(labels, label) {
			return version
		}
	}
	return ""
}

// PlanGuard decides if a step may run at all. The order of its checks is AWS's
// ("Rotation function overview"): a version that is already AWSCURRENT is a late
// duplicate of a finished rotation and succeeds whatever the step.
func PlanGuard(m Metadata, step, version string) Action {
	labels, known := m.Labels[version]
	switch {
	case m.Deleted:
		return FailDeleted
	case !m.RotationEnabled:
		return FailNotEnabled
	case !known:
		return FailVersion
	case slices.Contains(labels, labelCurrent):
		return Succeed
	case !slices.Contains(labels, labelPending):
		return FailNotPending
	case !knownStep(step):
		return FailUnknownStep
	}
	return Proceed
}

func knownStep(step string) bool {
	return slices.Contains([]string{StepCreate, StepSet, StepTest, StepFinish}, step)
}

// PlanSet decides setSecret: what to ask next, and whether Databrain's token may
// be overwritten. No answer is never read as rejected, and nothing is written on
// it.
func PlanSet(pending, current, previous Standing, takeover Takeover) Action {
	switch {
	case pending == NotAsked:
		return AskPending
	case pending == Accepted: // a lost answer, a duplicate, or a retry after a crash
		return Succeed
	case pending == NoAnswer:
		return FailUnavailable
	case current == NotAsked:
		return AskCurrent
	case current == NoAnswer:
		return FailUnavailable
	case current == Accepted:
		return Save
	case current == Absent && takeover == TakeoverNever:
		return AbandonMissing
	case current == Absent:
		return TakeOver
	case previous == NotAsked: // from here on Databrain rejects current
		return AskPrevious
	case previous == NoAnswer:
		return FailUnavailable
	case takeover == TakeoverInvalid:
		return TakeOver
	}
	return AbandonRejected
}

// PlanPreflight decides testSecret when AWSPENDING has no value: Secrets Manager
// calls the step alone when rotation is configured without rotating at once.
func PlanPreflight(current Standing, takeover Takeover) Action {
	switch {
	case current == Accepted:
		return Succeed
	case current == Rejected && takeover == TakeoverInvalid:
		return SignIn
	case current == Rejected:
		return AbandonRejected
	case current == Absent && takeover == TakeoverNever:
		return AbandonMissing
	case current == Absent:
		return SignIn
	}
	return FailUnavailable
}

// PlanFinish decides whether AWSCURRENT may move. An instance that does not
// answer now has accepted the token in testSecret a moment ago, and in the
// replace strategy the current one is dead already, so the label moves.
func PlanFinish(pending Standing) Action {
	switch pending {
	case Accepted:
		return Move
	case NoAnswer:
		return MoveUnproven
	}
	return FailPendingDead
}

// PlanGrace decides how createSecret of the grace strategy makes the new token,
// from the standing of the current one.
func PlanGrace(current Standing) Action {
	switch current {
	case Accepted:
		return RotateRemotely
	case Absent, Rejected: // setSecret decides whether it may be replaced
		return Mint
	}
	return FailUnavailable
}

// PlanRotated decides what follows the one call that is not idempotent. answer is
// nil if it succeeded; fresh says whether the token it gave differs from the
// current one. Databrain has just accepted the current token, so:
//
// A 401 or EXPIRED_SERVICE_TOKEN means that the current token is in a grace period
// already: an earlier invocation rotated and did not live to store the answer. An
// authentication error with another status, or a refused body, means that the
// endpoint speaks the other contract. Whatever may have taken effect unseen is
// never repeated.
func PlanRotated(answer *databrain.Error, fresh bool) Action {
	switch {
	case answer == nil && fresh:
		return StoreRemote
	case answer == nil:
		return MintAfterUnknown
	case answer.Class == databrain.ClassAuth && (answer.Status == 401 || answer.Code == "EXPIRED_SERVICE_TOKEN"):
		return MintAfterUnknown
	case answer.Class == databrain.ClassAuth, answer.Class == databrain.ClassInvalid:
		return FailContract
	case databrain.Unknown(answer):
		return MintAfterUnknown
	case answer.Class == databrain.ClassNetwork, answer.Class == databrain.ClassTimeout:
		return FailUnavailable
	}
	return FailRefused // rate limited, forbidden, permanent
}
