package drift_test

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"databrain-rotation/pkg/audit/finding"
)

var jsonBlock = regexp.MustCompile("(?ms)^ *```json\n(.*?)^ *```$")

// TestDefaultPolicyIsDocumented compares the default policy that the audit's README
// shows with the code's. It must name every member: what a policy leaves out is
// inherited, and would compare as equal.
func TestDefaultPolicyIsDocumented(t *testing.T) {
	want := finding.DefaultPolicy()
	for _, block := range jsonBlock.FindAllStringSubmatch(page(t, "functions/audit/README.md"), -1) {
		var members map[string]json.RawMessage
		if err := json.Unmarshal([]byte(block[1]), &members); err != nil || members["maxAgeDays"] == nil {
			continue // an example of something else
		}
		names := []string{"dueWithinDays", "exceptions", "maxAgeDays", "rules", "severities"}
		if diff := cmp.Diff(names, slices.Sorted(maps.Keys(members))); diff != "" {
			t.Errorf("members of the default policy (-want +README):\n%s", diff)
		}
		got, err := finding.ParsePolicy([]byte(block[1]), "the README's policy")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("default policy (-code +README):\n%s", diff)
		}
		return
	}
	t.Error("the audit's README does not show the default policy")
}

// TestReadmesPolicyIsValid reads the example of a policy as the audit would.
func TestReadmesPolicyIsValid(t *testing.T) {
	blocks := jsonBlock.FindAllStringSubmatch(page(t, "README.md"), -1)
	if len(blocks) != 1 {
		t.Fatalf("the README has %d blocks of JSON, want the policy alone", len(blocks))
	}
	policy, err := finding.ParsePolicy([]byte(blocks[0][1]), "the README's policy")
	if err != nil {
		t.Fatal(err)
	}
	if len(policy.Rules) == 0 || len(policy.Exceptions) == 0 {
		t.Error("the README's policy shows no rule or no exception")
	}
}
