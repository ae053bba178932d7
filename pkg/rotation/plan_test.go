package rotation_test

import (
	"testing"

	"databrain-rotation/pkg/databrain"
	"databrain-rotation/pkg/rotation"
)

const (
	notAsked = rotation.NotAsked
	absent   = rotation.Absent
	accepted = rotation.Accepted
	rejected = rotation.Rejected
	noAnswer = rotation.NoAnswer

	anyStanding rotation.Standing = "any"
)

// setTable is the table of states of setSecret, as an operator reads it. The first
// row that matches holds; a standing that a row does not look at is anyStanding.
var setTable = []struct {
	pending, current, previous rotation.Standing
	takeovers                  []rotation.Takeover
	want                       rotation.Action
}{
	{notAsked, anyStanding, anyStanding, all, rotation.AskPending},
	{accepted, anyStanding, anyStanding, all, rotation.Succeed},
	{noAnswer, anyStanding, anyStanding, all, rotation.FailUnavailable},
	{rejected, notAsked, anyStanding, all, rotation.AskCurrent},
	{rejected, noAnswer, anyStanding, all, rotation.FailUnavailable},
	{rejected, accepted, anyStanding, all, rotation.Save},
	{rejected, absent, anyStanding, []rotation.Takeover{never}, rotation.AbandonMissing},
	{rejected, absent, anyStanding, []rotation.Takeover{empty, invalid}, rotation.TakeOver},
	{rejected, rejected, notAsked, all, rotation.AskPrevious},
	{rejected, rejected, noAnswer, all, rotation.FailUnavailable},
	{rejected, rejected, accepted, []rotation.Takeover{never, empty}, rotation.AbandonRejected},
	{rejected, rejected, rejected, []rotation.Takeover{never, empty}, rotation.AbandonRejected},
	{rejected, rejected, absent, []rotation.Takeover{never, empty}, rotation.AbandonRejected},
	{rejected, rejected, accepted, []rotation.Takeover{invalid}, rotation.TakeOver},
	{rejected, rejected, rejected, []rotation.Takeover{invalid}, rotation.TakeOver},
	{rejected, rejected, absent, []rotation.Takeover{invalid}, rotation.TakeOver},
}

const (
	never   = rotation.TakeoverNever
	empty   = rotation.TakeoverEmpty
	invalid = rotation.TakeoverInvalid
)

var all = []rotation.Takeover{never, empty, invalid}

// TestPlanSet checks every combination of standings against the table, and that
// each row of the table is reached.
func TestPlanSet(t *testing.T) {
	standings := []rotation.Standing{notAsked, absent, accepted, rejected, noAnswer}
	reached := make(map[int]bool)
	for _, pending := range []rotation.Standing{notAsked, accepted, rejected, noAnswer} {
		for _, current := range standings {
			for _, previous := range standings {
				for _, takeover := range all {
					row := setRow(pending, current, previous, takeover)
					if row < 0 {
						t.Fatalf("no row for %s, %s, %s, %s", pending, current, previous, takeover)
					}
					reached[row] = true
					if got := rotation.PlanSet(pending, current, previous, takeover); got != setTable[row].want {
						t.Errorf("pending %s, current %s, previous %s, takeover %s: got %q, want %q",
							pending, current, previous, takeover, got, setTable[row].want)
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
	match := func(want, got rotation.Standing) bool { return want == anyStanding || want == got }
	for i, row := range setTable {
		for _, t := range row.takeovers {
			if t == takeover && match(row.pending, pending) && match(row.current, current) && match(row.previous, previous) {
				return i
			}
		}
	}
	return -1
}

func TestPlanGuard(t *testing.T) {
	const version = "v"
	labelled := func(labels ...string) rotation.Metadata {
		return rotation.Metadata{RotationEnabled: true, Labels: map[string][]string{version: labels, "other": {"AWSPREVIOUS"}}}
	}
	deleted, off := labelled("AWSCURRENT"), labelled("AWSCURRENT")
	deleted.Deleted = true
	off.RotationEnabled = false
	tests := []struct {
		name   string
		secret rotation.Metadata
		step   string
		want   rotation.Action
	}{
		{"deleted, before all else", deleted, rotation.StepCreate, rotation.FailDeleted},
		{"rotation off", off, rotation.StepCreate, rotation.FailNotEnabled},
		{"unknown version", rotation.Metadata{RotationEnabled: true}, rotation.StepCreate, rotation.FailVersion},
		{"already current", labelled("AWSCURRENT"), rotation.StepSet, rotation.Succeed},
		{"already current, still pending too", labelled("AWSCURRENT", "AWSPENDING"), rotation.StepFinish, rotation.Succeed},
		{"already current, whatever the step", labelled("AWSCURRENT"), "noSuchStep", rotation.Succeed},
		{"without labels", labelled(), rotation.StepSet, rotation.FailNotPending},
		{"only previous", labelled("AWSPREVIOUS"), rotation.StepSet, rotation.FailNotPending},
		{"unknown step", labelled("AWSPENDING"), "noSuchStep", rotation.FailUnknownStep},
		{"create", labelled("AWSPENDING"), rotation.StepCreate, rotation.Proceed},
		{"set", labelled("AWSPENDING"), rotation.StepSet, rotation.Proceed},
		{"test", labelled("AWSPENDING"), rotation.StepTest, rotation.Proceed},
		{"finish", labelled("AWSPENDING", "custom"), rotation.StepFinish, rotation.Proceed},
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
		want     rotation.Action
	}{
		{accepted, empty, rotation.Succeed},
		{accepted, never, rotation.Succeed},
		{noAnswer, empty, rotation.FailUnavailable},
		{noAnswer, invalid, rotation.FailUnavailable},
		{rejected, empty, rotation.AbandonRejected},
		{rejected, never, rotation.AbandonRejected},
		{rejected, invalid, rotation.SignIn},
		{absent, never, rotation.AbandonMissing},
		{absent, empty, rotation.SignIn},
		{absent, invalid, rotation.SignIn},
	}
	for _, tt := range tests {
		if got := rotation.PlanPreflight(tt.current, tt.takeover); got != tt.want {
			t.Errorf("current %s, takeover %s: got %q, want %q", tt.current, tt.takeover, got, tt.want)
		}
	}
}

func TestPlanFinish(t *testing.T) {
	for standing, want := range map[rotation.Standing]rotation.Action{
		accepted: rotation.Move, noAnswer: rotation.MoveUnproven, rejected: rotation.FailPendingDead,
	} {
		if got := rotation.PlanFinish(standing); got != want {
			t.Errorf("pending %s: got %q, want %q", standing, got, want)
		}
	}
}

func TestPlanGrace(t *testing.T) {
	for standing, want := range map[rotation.Standing]rotation.Action{
		accepted: rotation.RotateRemotely, noAnswer: rotation.FailUnavailable,
		rejected: rotation.Mint, absent: rotation.Mint,
	} {
		if got := rotation.PlanGrace(standing); got != want {
			t.Errorf("current %s: got %q, want %q", standing, got, want)
		}
	}
}

func TestPlanRotatedWithAnAnswer(t *testing.T) {
	if got := rotation.PlanRotated(nil, true); got != rotation.StoreRemote {
		t.Errorf("a new token: %q", got)
	}
	if got := rotation.PlanRotated(nil, false); got != rotation.MintAfterUnknown {
		t.Errorf("the current token once more: %q", got)
	}
}

func TestPlanRotatedDefiniteRefusals(t *testing.T) {
	tests := []struct {
		answer databrain.Error
		want   rotation.Action
	}{
		{databrain.Error{Class: databrain.ClassAuth, Status: 401}, rotation.MintAfterUnknown},
		{databrain.Error{Class: databrain.ClassAuth, Status: 400, Code: "EXPIRED_SERVICE_TOKEN"}, rotation.MintAfterUnknown},
		{databrain.Error{Class: databrain.ClassAuth, Status: 400, Code: "AUTHENTICATION_ERROR"}, rotation.FailContract},
		{databrain.Error{Class: databrain.ClassInvalid, Status: 400, Code: "INVALID_REQUEST_BODY"}, rotation.FailContract},
		{databrain.Error{Class: databrain.ClassRateLimited, Status: 429}, rotation.FailRefused},
		{databrain.Error{Class: databrain.ClassForbidden, Status: 403}, rotation.FailRefused},
		{databrain.Error{Class: databrain.ClassPermanent, Status: 500, Code: "SELFHOSTED_APP_ERROR"}, rotation.FailRefused},
		{databrain.Error{Class: databrain.ClassNetwork}, rotation.FailUnavailable},
	}
	for _, tt := range tests {
		if got := rotation.PlanRotated(&tt.answer, false); got != tt.want {
			t.Errorf("%v: got %q, want %q", &tt.answer, got, tt.want)
		}
	}
}
