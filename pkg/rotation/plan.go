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
	Absent   Standing = "absent" // the version or its token does not exist
	Accepted Standing = "accepted"
	Rejected Standing = "rejected"  // a definite answer of the API
	NoAnswer Standing = "no answer" // time-out, 5xx, a proxy's page: says nothing
	// Unreadable: the version could not be read, so that nobody was asked.
	Unreadable Standing = "unreadable"
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

// GuardAction is what [PlanGuard] decides.
type GuardAction string

// What may become of an event.
const (
	GuardProceed     GuardAction = "proceed"
	GuardDone        GuardAction = "succeed: the version is AWSCURRENT already"
	GuardDeleted     GuardAction = "fail: secret deleted"
	GuardDisabled    GuardAction = "fail: rotation not enabled"
	GuardUnknown     GuardAction = "fail: version unknown"
	GuardNotPending  GuardAction = "fail: version not pending"
	GuardUnknownStep GuardAction = "fail: unknown step"
)

// PlanGuard decides whether a step may run at all. The order of its checks is AWS's
// ("Rotation function overview"): a version that is already AWSCURRENT is a late
// duplicate of a finished rotation and succeeds whatever the step.
func PlanGuard(m Metadata, step, version string) GuardAction {
	labels, known := m.Labels[version]
	switch {
	case m.Deleted:
		return GuardDeleted
	case !m.RotationEnabled:
		return GuardDisabled
	case !known:
		return GuardUnknown
	case slices.Contains(labels, labelCurrent):
		return GuardDone
	case !slices.Contains(labels, labelPending):
		return GuardNotPending
	case !knownStep(step):
		return GuardUnknownStep
	}
	return GuardProceed
}

func knownStep(step string) bool {
	return slices.Contains([]string{StepCreate, StepSet, StepTest, StepFinish}, step)
}

// SetAction is what [PlanSet] decides.
type SetAction string

// What setSecret may do.
const (
	SetDone        SetAction = "succeed: Databrain accepts the pending token"
	SetSave        SetAction = "save the pending token"
	SetTakeOver    SetAction = "save the pending token without a current one that works"
	SetUnavailable SetAction = "fail: no answer"
	SetMissing     SetAction = "abandon: no current token"
	SetRejected    SetAction = "abandon: current token rejected"
)

// PlanSet decides setSecret: whether Databrain's token may be overwritten. It asks
// for the standing of the token behind a label when it needs to know; each answer
// may cost two requests. No answer is never read as rejected, and nothing is written
// on it.
func PlanSet(ask func(label string) Standing, takeover Takeover) SetAction {
	switch ask(labelPending) {
	case Accepted: // a lost answer, a duplicate, or a retry after a crash
		return SetDone
	case Rejected:
	default:
		return SetUnavailable
	}
	switch ask(labelCurrent) {
	case Accepted:
		return SetSave
	case Absent:
		if takeover == TakeoverEmpty || takeover == TakeoverInvalid {
			return SetTakeOver
		}
		return SetMissing
	case Rejected:
	default:
		return SetUnavailable
	}
	// AWSPREVIOUS explains what was found and decides nothing, but that an instance
	// which has just fallen silent is not written to.
	previous := ask(labelPrevious)
	switch {
	case takeover != TakeoverInvalid:
		return SetRejected
	case previous == NoAnswer:
		return SetUnavailable
	}
	return SetTakeOver
}

// PreflightAction is what [PlanPreflight] decides.
type PreflightAction string

// What a pre-flight may come to.
const (
	PreflightDone        PreflightAction = "succeed: Databrain accepts the current token"
	PreflightSignIn      PreflightAction = "sign in as admin, to see that a rotation could"
	PreflightUnavailable PreflightAction = "fail: no answer"
	PreflightMissing     PreflightAction = "abandon: no current token"
	PreflightRejected    PreflightAction = "abandon: current token rejected"
)

// PlanPreflight decides testSecret when AWSPENDING has no value: Secrets Manager
// calls the step alone when rotation is configured without rotating at once.
func PlanPreflight(current Standing, takeover Takeover) PreflightAction {
	switch {
	case current == Accepted:
		return PreflightDone
	case current == Rejected && takeover == TakeoverInvalid:
		return PreflightSignIn
	case current == Rejected:
		return PreflightRejected
	case current == Absent && (takeover == TakeoverEmpty || takeover == TakeoverInvalid):
		return PreflightSignIn
	case current == Absent:
		return PreflightMissing
	}
	return PreflightUnavailable
}

// FinishAction is what [PlanFinish] decides.
type FinishAction string

// What finishSecret may do.
const (
	FinishMove         FinishAction = "move AWSCURRENT"
	FinishMoveUnproven FinishAction = "move AWSCURRENT, although the last probe had no answer"
	FinishRejected     FinishAction = "fail: pending token rejected"
)

// PlanFinish decides whether AWSCURRENT may move. An instance that does not answer
// now has accepted the token in testSecret a moment ago, and in the replace strategy
// the current one is dead already, so the label moves.
func PlanFinish(pending Standing) FinishAction {
	switch pending {
	case Accepted:
		return FinishMove
	case NoAnswer:
		return FinishMoveUnproven
	}
	return FinishRejected
}

// CreateAction is what [PlanCreate] decides.
type CreateAction string

// How createSecret of the grace strategy may come to a token.
const (
	CreateRemotely    CreateAction = "ask Databrain to rotate"
	CreateHere        CreateAction = "mint a token here"
	CreateUnavailable CreateAction = "fail: no answer"
)

// PlanCreate decides how createSecret of the grace strategy makes the new token,
// from the standing of the current one.
func PlanCreate(current Standing) CreateAction {
	switch current {
	case Accepted:
		return CreateRemotely
	case Absent, Rejected: // setSecret decides whether it may be replaced
		return CreateHere
	}
	return CreateUnavailable
}

// RotatedAction is what [PlanRotated] decides.
type RotatedAction string

// What may follow the rotate call.
const (
	RotatedStore       RotatedAction = "store Databrain's token"
	RotatedMint        RotatedAction = "mint a token here, after an unknown outcome"
	RotatedContract    RotatedAction = "fail: wrong contract"
	RotatedUnavailable RotatedAction = "fail: not reached"
	RotatedRefused     RotatedAction = "fail: refused"
)

// PlanRotated decides what follows the one call that is not idempotent. answer is
// nil if it succeeded; fresh says whether the token it gave differs from the
// current one. Databrain has just accepted the current token, so:
//
// A 401 or EXPIRED_SERVICE_TOKEN means that the current token is in a grace period
// already: an earlier invocation rotated and did not live to store the answer. An
// authentication error with another status, or a refused body, means that the
// endpoint speaks the other contract. Whatever may have taken effect unseen is
// never repeated.
func PlanRotated(answer *databrain.Error, fresh bool) RotatedAction {
	switch {
	case answer == nil && fresh:
		return RotatedStore
	case answer == nil:
		return RotatedMint
	case answer.Class == databrain.ClassAuth && answer.Code == "": // a page that something else than the API sent
		return RotatedUnavailable
	case answer.Class == databrain.ClassAuth && (answer.Status == 401 || answer.Code == "EXPIRED_SERVICE_TOKEN"):
		return RotatedMint
	case answer.Class == databrain.ClassAuth, answer.Class == databrain.ClassInvalid:
		return RotatedContract
	case databrain.Unknown(answer):
		return RotatedMint
	case answer.Class == databrain.ClassNetwork, answer.Class == databrain.ClassTimeout:
		return RotatedUnavailable
	}
	return RotatedRefused // rate limited, forbidden, permanent
}
