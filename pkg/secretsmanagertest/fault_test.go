package secretsmanagertest_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"databrain-rotation/pkg/secretsmanagertest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
)

func TestFaults(t *testing.T) {
	code := func(want string) func(error) bool {
		return func(err error) bool {
			api, ok := errors.AsType[smithy.APIError](err)
			return ok && api.ErrorCode() == want
		}
	}
	lost := func(err error) bool {
		_, answered := errors.AsType[smithy.APIError](err)
		return err != nil && !answered
	}
	for title, tc := range map[string]struct {
		fault   secretsmanagertest.Fault
		as      func(error) bool
		applied bool
	}{
		"error before":  {secretsmanagertest.Fault{Kind: secretsmanagertest.ErrorBefore}, code("InternalServiceError"), false},
		"error after":   {secretsmanagertest.Fault{Kind: secretsmanagertest.ErrorAfter}, code("InternalServiceError"), true},
		"access denied": {secretsmanagertest.Fault{Kind: secretsmanagertest.ErrorBefore, Code: secretsmanagertest.CodeAccessDenied}, code("AccessDeniedException"), false},
		"no decryption": {secretsmanagertest.Fault{Kind: secretsmanagertest.ErrorBefore, Code: secretsmanagertest.CodeDecryption}, code("DecryptionFailure"), false},
		"throttle":      {secretsmanagertest.Fault{Kind: secretsmanagertest.Throttle}, code("ThrottlingException"), false},
		"cut before":    {secretsmanagertest.Fault{Kind: secretsmanagertest.CutBefore}, lost, false},
		"cut after":     {secretsmanagertest.Fault{Kind: secretsmanagertest.CutAfter}, lost, true},
	} {
		t.Run(title, func(t *testing.T) {
			overBoth(t, func(t *testing.T, sm *secretsmanagertest.Server, client *secretsmanager.Client) {
				tc.fault.Operation = "PutSecretValue"
				sm.Inject(tc.fault)
				token := uuid.NewString()
				if err := put(t.Context(), client, token, "two"); !tc.as(err) {
					t.Errorf("got %v", err)
				}
				if _, applied := sm.Value(name, token); applied != tc.applied {
					t.Errorf("applied: %t, want %t", applied, tc.applied)
				}
				if err := put(t.Context(), client, token, "two"); err != nil {
					t.Errorf("the call after the fault: %v", err)
				}
			})
		})
	}
}

// TestHangs: the client gives up once the server has the call.
func TestHangs(t *testing.T) {
	for title, tc := range map[string]struct {
		kind           secretsmanagertest.FaultKind
		before, atLast bool // the effect, while the client waits and in the end
	}{
		"hang before": {secretsmanagertest.HangBefore, false, false},
		"hang after":  {secretsmanagertest.HangAfter, true, true},
		"late effect": {secretsmanagertest.LateEffect, false, true},
	} {
		t.Run(title, func(t *testing.T) {
			overBoth(t, func(t *testing.T, sm *secretsmanagertest.Server, client *secretsmanager.Client) {
				sm.Inject(secretsmanagertest.Fault{Kind: tc.kind, Operation: "PutSecretValue"})
				token := uuid.NewString()
				applied := func() bool { _, ok := sm.Value(name, token); return ok }
				ctx, giveUp := context.WithCancel(t.Context())
				result := make(chan error)
				go func() { result <- put(ctx, client, token, "two") }()

				until(t, "the call has arrived", func() bool { return sm.Count("PutSecretValue") == 1 })
				if tc.before {
					until(t, "it took effect", applied)
				} else if applied() {
					t.Error("it took effect before the client gave up")
				}
				giveUp()
				if err := <-result; !errors.Is(err, context.Canceled) {
					t.Errorf("got %v", err)
				}
				if tc.atLast {
					until(t, "it took effect", applied)
				} else if sm.Close(); applied() {
					t.Error("it took effect")
				}
			})
		})
	}
}

func TestDeliveredTwice(t *testing.T) {
	overBoth(t, func(t *testing.T, sm *secretsmanagertest.Server, client *secretsmanager.Client) {
		one, two := sm.Holder(name, "AWSCURRENT"), uuid.NewString()
		must(t, put(t.Context(), client, two, "two", "AWSPENDING"))
		sm.Inject(secretsmanagertest.Fault{Kind: secretsmanagertest.Twice, Operation: "UpdateSecretVersionStage"})
		_, err := client.UpdateSecretVersionStage(t.Context(), &secretsmanager.UpdateSecretVersionStageInput{
			SecretId: aws.String(name), VersionStage: aws.String("AWSCURRENT"), MoveToVersionId: aws.String(two), RemoveFromVersionId: aws.String(one),
		})
		if _, ok := errors.AsType[*types.InvalidParameterException](err); !ok {
			t.Errorf("the second delivery finds the label moved; got %v", err)
		}
		if got := sm.Holder(name, "AWSCURRENT"); got != two {
			t.Errorf("AWSCURRENT is on %s", got)
		}
	})
}

func TestFaultsCountMatchingCalls(t *testing.T) {
	sm := secretsmanagertest.New(secretsmanagertest.Config{})
	create(t, sm, "one")
	other, err := sm.Create("other", "x")
	must(t, err)
	client := inProcess(sm)
	read := func(id string) bool {
		_, err := client.GetSecretValue(t.Context(), &secretsmanager.GetSecretValueInput{SecretId: aws.String(id)})
		return err == nil
	}
	reads := func(n int) (passed []bool) {
		for range n {
			passed = append(passed, read(name))
		}
		return passed
	}
	for title, tc := range map[string]struct {
		fault secretsmanagertest.Fault
		want  []bool
	}{
		"the next":             {secretsmanagertest.Fault{}, []bool{false, true, true, true}},
		"the third":            {secretsmanagertest.Fault{Skip: 2}, []bool{true, true, false, true}},
		"two from the second":  {secretsmanagertest.Fault{Skip: 1, Times: 2}, []bool{true, false, false, true}},
		"all from the second":  {secretsmanagertest.Fault{Skip: 1, Times: -1}, []bool{true, false, false, false}},
		"of another operation": {secretsmanagertest.Fault{Operation: "DescribeSecret"}, []bool{true, true, true, true}},
		"of another secret":    {secretsmanagertest.Fault{Secret: "other"}, []bool{true, true, true, true}},
	} {
		tc.fault.Kind = secretsmanagertest.ErrorBefore
		sm.Inject(tc.fault)
		if diff := cmp.Diff(tc.want, reads(4)); diff != "" {
			t.Errorf("%s: calls that passed (-want +got):\n%s", title, diff)
		}
		sm.ClearFaults()
	}
	sm.Inject(secretsmanagertest.Fault{Kind: secretsmanagertest.ErrorBefore, Secret: other})
	if read("other") {
		t.Error("a fault for an ARN must strike a call by name")
	}
}

// TestRetriesOfTheSDKInABubble: the SDK's backoff runs on the bubble's clock.
func TestRetriesOfTheSDKInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sm := secretsmanagertest.New(secretsmanagertest.Config{})
		create(t, sm, "one")
		sm.Inject(secretsmanagertest.Fault{Kind: secretsmanagertest.Throttle})
		sm.Inject(secretsmanagertest.Fault{Kind: secretsmanagertest.CutAfter, Skip: 1})
		o := options("http://secretsmanager.test", sm.Client())
		o.RetryMaxAttempts = 3
		start := time.Now()
		if got, err := get(t.Context(), secretsmanager.New(o), "", ""); got != "one" {
			t.Errorf("got %q, %v", got, err)
		}
		if n := sm.Count("GetSecretValue"); n != 3 || time.Since(start) == 0 {
			t.Errorf("%d calls in %v, want 3 with pauses", n, time.Since(start))
		}
	})
}
