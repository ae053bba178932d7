package secretsmanagertest_test

import (
	"fmt"
	"strings"
	"testing"

	"databrain-rotation/pkg/secretsmanagertest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"
)

func TestCallLog(t *testing.T) {
	sm := secretsmanagertest.New(secretsmanagertest.Config{})
	arn := create(t, sm, "one")
	client := inProcess(sm)
	const canary = "canary-7f3a"
	one, two := sm.Holder(name, "AWSCURRENT"), uuid.NewString()
	must(t, put(t.Context(), client, two, canary, "AWSPENDING"))
	_, err := client.PutSecretValue(t.Context(), &secretsmanager.PutSecretValueInput{
		SecretId: aws.String(arn), ClientRequestToken: aws.String(two), SecretBinary: []byte(canary), RotationToken: aws.String(canary)})
	if err == nil {
		t.Error("other bytes were accepted")
	}
	_, err = client.UpdateSecretVersionStage(t.Context(), &secretsmanager.UpdateSecretVersionStageInput{
		SecretId: aws.String(arn), VersionStage: aws.String("AWSCURRENT"), MoveToVersionId: aws.String(two), RemoveFromVersionId: aws.String(one)})
	must(t, err)
	sm.Inject(secretsmanagertest.Fault{Kind: secretsmanagertest.CutBefore})
	if _, err := get(t.Context(), client, two, ""); err == nil {
		t.Error("the cut call succeeded")
	}

	want := []secretsmanagertest.Call{
		{Operation: "PutSecretValue", Secret: name, Version: two, Stages: []string{"AWSPENDING"}},
		{Operation: "PutSecretValue", Secret: name, Version: two, Code: "ResourceExistsException"},
		{Operation: "UpdateSecretVersionStage", Secret: name, Version: two, From: one, Stages: []string{"AWSCURRENT"}},
		{Operation: "GetSecretValue", Secret: name, Version: two, Fault: secretsmanagertest.CutBefore},
	}
	got := sm.Calls()
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(secretsmanagertest.Call{}, "Time")); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	if log := fmt.Sprintf("%+v", got); strings.Contains(log, canary) {
		t.Errorf("the log shows a value: %s", log)
	}
	if n := sm.Count("PutSecretValue"); n != 2 {
		t.Errorf("%d puts, want 2", n)
	}
	sm.ClearCalls()
	if n := sm.Count(""); n != 0 {
		t.Errorf("%d calls after ClearCalls", n)
	}
}
