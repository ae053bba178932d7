package secretsmanagertest_test

import (
	"testing"

	"databrain-rotation/pkg/standin/secretsmanagertest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
)

func TestAnyStateCanBeSetUp(t *testing.T) {
	sm := secretsmanagertest.New(secretsmanagertest.Config{})
	create(t, sm, "")
	if got := sm.Snapshot(name); len(got) != 0 || got == nil {
		t.Errorf("a secret without a value has the versions %v", got)
	}
	id := uuid.NewString()
	must(t, sm.SetLabels(name, id, "AWSPENDING"))
	want := []secretsmanagertest.VersionState{{ID: id, Labels: []string{"AWSPENDING"}}}
	if diff := cmp.Diff(want, sm.Snapshot(name)); diff != "" {
		t.Errorf("a pending version without a value, no AWSCURRENT (-want +got):\n%s", diff)
	}

	one, err := sm.ManualPut(name, "one")
	must(t, err)
	must(t, sm.SetLabels(name, id, "AWSPENDING", "AWSPREVIOUS"))
	must(t, sm.Corrupt(name, id, "not JSON"))
	want = []secretsmanagertest.VersionState{
		{ID: id, Labels: []string{"AWSPENDING", "AWSPREVIOUS"}, HasValue: true},
		{ID: one, Labels: []string{"AWSCURRENT"}, HasValue: true},
	}
	if diff := cmp.Diff(want, sm.Snapshot(name)); diff != "" {
		t.Errorf("after a put, labels and a value (-want +got):\n%s", diff)
	}
	if got, err := get(t.Context(), inProcess(sm), "", "AWSPENDING"); got != "not JSON" {
		t.Errorf("the pending version: %q, %v", got, err)
	}

	must(t, sm.Corrupt(name, id, ""))
	if got, has := sm.Value(name, id); has {
		t.Errorf("the emptied version holds %q", got)
	}
	must(t, sm.SetLabels(name, id))
	if got := sm.Holder(name, "AWSPENDING"); got != "" {
		t.Errorf("AWSPENDING is on %q after its removal", got)
	}
}

func TestObserversOfWhatIsNotThere(t *testing.T) {
	sm := secretsmanagertest.New(secretsmanagertest.Config{})
	if sm.Snapshot(name) != nil || sm.Holder(name, "AWSCURRENT") != "" {
		t.Error("a secret that is not there has versions")
	}
	if _, has := sm.Value(name, "x"); has {
		t.Error("a secret that is not there has a value")
	}
	for what, err := range map[string]error{
		"SetLabels": sm.SetLabels(name, "x"),
		"Corrupt":   sm.Corrupt(name, "x", "y"),
		"Configure": sm.ConfigureRotation(name, lambda, secretsmanagertest.RotationRules{}),
	} {
		if err == nil {
			t.Errorf("%s on a secret that is not there succeeded", what)
		}
	}
	if _, err := sm.ManualPut(name, "x"); err == nil {
		t.Error("ManualPut on a secret that is not there succeeded")
	}
}
