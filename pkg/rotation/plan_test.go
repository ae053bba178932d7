package rotation_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"databrain-rotation/pkg/databrain"
	"databrain-rotation/pkg/rotation"
)

const (
	absent   = rotation.Absent
	accepted = rotation.Accepted
	rejected = rotation.Rejected
	noAnswer = rotation.NoAnswer

	unreadable = rotation.Unreadable

	notAsked rotation.Standing = "not asked"
	strange  rotation.Standing = "made up"
)

// setTable is the table of states of setSecret, as an operator reads it. notAsked
// stands where the plan must not ask: each question costs requests.
var setTable = []struct {
	pending, current, previous rotation.Standing
	takeovers                  []rotation.Takeover
	want                       rotation.SetAction
}{
	{accepted, notAsked, notAsked, all, rotation.SetDone},
	{noAnswer, notAsked, notAsked, all, rotation.SetUnavailable},
	{absent, notAsked, notAsked, all, rotation.SetUnavailable},
	{strange, notAsked, notAsked, all, rotation.SetUnavailable},
	{rejected, noAnswer, notAsked, all, rotation.SetUnavailable},
	{rejected, strange, notAsked, all, rotation.SetUnavailable},
	{rejected, accepted, notAsked, all, rotation.SetSave},
	{rejected, absent, notAsked, []rotation.Takeover{never, "made up"}, rotation.SetMissing},
	{rejected, absent, notAsked, []rotation.Takeover{empty, invalid}, rotation.SetTakeOver},
	{rejected, rejected, noAnswer, []rotation.Takeover{invalid}, rotation.SetUnavailable},
	{rejected, rejected, noAnswer, []rotation.Takeover{never, empty, "made up"}, rotation.SetRejected},
	{rejected, rejected, unreadable, []rotation.Takeover{invalid}, rotation.SetTakeOver},
	{rejected, rejected, unreadable, []rotation.Takeover{never, empty, "made up"}, rotation.SetRejected},
	{unreadable, notAsked, notAsked, all, rotation.SetUnavailable},
	{rejected, unreadable, notAsked, all, rotation.SetUnavailable},
	{rejected, rejected, accepted, []rotation.Takeover{never, empty, "made up"}, rotation.SetRejected},
	{rejected, rejected, rejected, []rotation.Takeover{never, empty, "made up"}, rotation.SetRejected},
	{rejected, rejected, absent, []rotation.Takeover{never, empty, "made up"}, rotation.SetRejected},
	{rejected, rejected, strange, []rotation.Takeover{never, empty, "made up"}, rotation.SetRejected},
	{rejected, rejected, accepted, []rotation.Takeover{invalid}, rotation.SetTakeOver},
	{rejected, rejected, rejected, []rotation.Takeover{invalid}, rotation.SetTakeOver},
	{rejected, rejected, absent, []rotation.Takeover{invalid}, rotation.SetTakeOver},
	{rejected, rejected, strange, []rotation.Takeover{invalid}, rotation.SetTakeOver},
}

const (
	never   = rotation.TakeoverNever
	empty   = rotation.TakeoverEmpty
	invalid = rotation.TakeoverInvalid
)

var all = []rotation.Takeover{never, empty, invalid, "made up"}

// TestPlanSet checks every combination of standings against the table: what comes
// of it, and what is asked on the way.
func TestPlanSet(t *testing.T) {
	standings := []rotation.Standing{absent, accepted, rejected, noAnswer, unreadable, strange}
	reached := make(map[int]bool)
	for _, pending := range standings {
		for _, current := range standings {
			for _, previous := range standings {
				for _, takeover := range all {
					has := map[string]rotation.Standing{"AWSPENDING": pending, "AWSCURRENT": current, "AWSPREVIOUS": previous}
					asked := map[string]rotation.Standing{"AWSPENDING": notAsked, "AWSCURRENT": notAsked, "AWSPREVIOUS": notAsked}
					got := rotation.PlanSet(func(label string) rotation.Standing {
						asked[label] = has[label]
						return has[label]
					}, takeover)
					row := setRow(asked["AWSPENDING"], asked["AWSCURRENT"], asked["AWSPREVIOUS"], takeover)
					if row < 0 {
						t.Errorf("no row for what was asked: %v, takeover %s, of %v", asked, takeover, has)
						continue
					}
					reached[row] = true
					if got != setTable[row].want {
						t.Errorf("%v, takeover %s: got %q, want %q", asked, takeover, got, setTable[row].want)
					}
				}
			}
		}
	}
	if len(reached) != len(setTable) {
		t.Errorf("%d of %d rows are reached", len(reached), len(setTable))
	}
}

func setRow(pending, current, previous rotation.Standing, takeover rotation.Takeover) int {
	for i, row := range setTable {
		same := row.pending == pending && row.current == current && row.previous == previous
		if same && slices.Contains(row.takeovers, takeover) {
			return i
		}
	}
	return -1
}

// TestUnknownActionsRefuse: whatever a switch does not know, it refuses by name.
func TestUnknownActionsRefuse(t *testing.T) {
	want := map[string]rotation.Name{
		"guard": rotation.UnknownStep, "create": rotation.DatabrainUnavailable, "rotated": rotation.DatabrainRefused,
		"set": rotation.DatabrainUnavailable, "preflight": rotation.DatabrainUnavailable,
		"finish": rotation.PendingTokenRejected,

		"key create": rotation.DatabrainUnavailable, "key made": rotation.DatabrainRefused,
		"key preflight": rotation.DatabrainUnavailable,
	}
	got := make(map[string]rotation.Name)
	for place, err := range rotation.UnknownActions() {
		got[place] = nameOf(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// nameOf is the name under which Lambda reports err, "" for success.
func nameOf(err error) rotation.Name {
	if e, ok := errors.AsType[*rotation.Error](err); ok {
		return e.Name
	}
	if err != nil {
		return rotation.Name("unnamed: " + err.Error())
	}
	return ""
}

func TestPlanGuard(t *testing.T) {
	const version = "v"
	labelled := func(labels ...string) rotation.Metadata {
		return rotation.Metadata{
			RotationEnabled: true,
			Labels:          map[string][]string{version: labels, "other": {"AWSPREVIOUS"}},
		}
	}
	deleted, off := labelled("AWSCURRENT"), labelled("AWSCURRENT")
	deleted.Deleted = true
	off.RotationEnabled = false
	tests := []struct {
		name   string
		secret rotation.Metadata
		step   string
		want   rotation.GuardAction
	}{
		{"deleted, before all else", deleted, rotation.StepCreate, rotation.GuardDeleted},
		{"rotation off", off, rotation.StepCreate, rotation.GuardDisabled},
		{"unknown version", rotation.Metadata{RotationEnabled: true}, rotation.StepCreate, rotation.GuardUnknown},
		{"already current", labelled("AWSCURRENT"), rotation.StepSet, rotation.GuardDone},
		{"already current, still pending too", labelled("AWSCURRENT", "AWSPENDING"), rotation.StepFinish, rotation.GuardDone},
		{"already current, whatever the step", labelled("AWSCURRENT"), "noSuchStep", rotation.GuardDone},
		{"without labels", labelled(), rotation.StepSet, rotation.GuardNotPending},
		{"only previous", labelled("AWSPREVIOUS"), rotation.StepSet, rotation.GuardNotPending},
		{"unknown step", labelled("AWSPENDING"), "noSuchStep", rotation.GuardUnknownStep},
		{"create", labelled("AWSPENDING"), rotation.StepCreate, rotation.GuardProceed},
		{"set", labelled("AWSPENDING"), rotation.StepSet, rotation.GuardProceed},
		{"test", labelled("AWSPENDING"), rotation.StepTest, rotation.GuardProceed},
		{"finish", labelled("AWSPENDING", "custom"), rotation.StepFinish, rotation.GuardProceed},
	}
	for _, tt := range tests {
		if got := rotation.PlanGuard(tt.secret, tt.step, version); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestPlanPreflight(t *testing.T) {
	tests := []struct {
		current  rotation.Standing
		takeover rotation.Takeover
		want     rotation.PreflightAction
	}{
		{accepted, empty, rotation.PreflightDone},
		{accepted, never, rotation.PreflightDone},
		{noAnswer, empty, rotation.PreflightUnavailable},
		{noAnswer, invalid, rotation.PreflightUnavailable},
		{rejected, empty, rotation.PreflightRejected},
		{rejected, never, rotation.PreflightRejected},
		{rejected, invalid, rotation.PreflightSignIn},
		{absent, never, rotation.PreflightMissing},
		{absent, "made up", rotation.PreflightMissing},
		{rejected, "made up", rotation.PreflightRejected},
		{strange, invalid, rotation.PreflightUnavailable},
		{absent, empty, rotation.PreflightSignIn},
		{absent, invalid, rotation.PreflightSignIn},
	}
	for _, tt := range tests {
		if got := rotation.PlanPreflight(tt.current, tt.takeover); got != tt.want {
			t.Errorf("current %s, takeover %s: got %q, want %q", tt.current, tt.takeover, got, tt.want)
		}
	}
}

func TestPlanFinish(t *testing.T) {
	for standing, want := range map[rotation.Standing]rotation.FinishAction{
		accepted: rotation.FinishMove, noAnswer: rotation.FinishMoveUnproven, rejected: rotation.FinishRejected,
		absent: rotation.FinishRejected, strange: rotation.FinishRejected,
	} {
		if got := rotation.PlanFinish(standing); got != want {
			t.Errorf("pending %s: got %q, want %q", standing, got, want)
		}
	}
}

func TestPlanCreate(t *testing.T) {
	for standing, want := range map[rotation.Standing]rotation.CreateAction{
		accepted: rotation.CreateRemotely, noAnswer: rotation.CreateUnavailable,
		rejected: rotation.CreateHere, absent: rotation.CreateHere, strange: rotation.CreateUnavailable,
	} {
		if got := rotation.PlanCreate(standing); got != want {
			t.Errorf("current %s: got %q, want %q", standing, got, want)
		}
	}
}

func TestPlanRotatedWithAnAnswer(t *testing.T) {
	if got := rotation.PlanRotated(nil, true); got != rotation.RotatedStore {
		t.Errorf("a new token: %q", got)
	}
	if got := rotation.PlanRotated(nil, false); got != rotation.RotatedMint {
		t.Errorf("the current token once more: %q", got)
	}
}

func TestPlanRotatedDefiniteRefusals(t *testing.T) {
	tests := []struct {
		answer databrain.Error
		want   rotation.RotatedAction
	}{
		{databrain.Error{Class: databrain.ClassAuth, Status: 401, Code: "AUTHENTICATION_ERROR"}, rotation.RotatedMint},
		{databrain.Error{Class: databrain.ClassAuth, Status: 401}, rotation.RotatedUnavailable}, // a proxy's page
		{databrain.Error{Class: databrain.ClassAuth, Status: 400, Code: "EXPIRED_SERVICE_TOKEN"}, rotation.RotatedMint},
		{databrain.Error{Class: databrain.ClassAuth, Status: 400, Code: "AUTHENTICATION_ERROR"}, rotation.RotatedContract},
		{databrain.Error{Class: databrain.ClassInvalid, Status: 400, Code: "INVALID_REQUEST_BODY"}, rotation.RotatedContract},
		{databrain.Error{Class: databrain.ClassRateLimited, Status: 429}, rotation.RotatedRefused},
		{databrain.Error{Class: databrain.ClassForbidden, Status: 403}, rotation.RotatedRefused},
		{
			databrain.Error{Class: databrain.ClassPermanent, Status: 500, Code: "SELFHOSTED_APP_ERROR"},
			rotation.RotatedRefused,
		},
		{databrain.Error{Class: databrain.ClassNetwork}, rotation.RotatedUnavailable},
	}
	for _, tt := range tests {
		if got := rotation.PlanRotated(&tt.answer, false); got != tt.want {
			t.Errorf("%v: got %q, want %q", &tt.answer, got, tt.want)
		}
	}
}
