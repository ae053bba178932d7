package secretsmanagertest_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"databrain-rotation/pkg/standin"
	"databrain-rotation/pkg/standin/secretsmanagertest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/smithy-go"
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
		fault   standin.Fault
		as      func(error) bool
		applied bool
	}{
		"error before": {standin.Fault{Do: standin.Error("")}, code("InternalServiceError"), false},
		"error after":  {standin.Fault{AfterEffect: true, Do: standin.Error("")}, code("InternalServiceError"), true},
		"access denied": {standin.Fault{Do: standin.Error(secretsmanagertest.CodeAccessDenied)},
			code("AccessDeniedException"), false},
		"no decryption": {standin.Fault{Do: standin.Error(secretsmanagertest.CodeDecryption)},
			code("DecryptionFailure"), false},
		"throttle":   {standin.Fault{Do: standin.Error("ThrottlingException")}, code("ThrottlingException"), false},
		"cut before": {standin.Fault{Do: standin.Cut()}, lost, false},
		"cut after":  {standin.Fault{AfterEffect: true, Do: standin.Cut()}, lost, true},
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

// TestTargetOfACall: it is the secret's name, however the call names the secret.
func TestTargetOfACall(t *testing.T) {
	sm := secretsmanagertest.New(secretsmanagertest.Config{})
	arn := create(t, sm, "one")
	client := inProcess(sm)
	read := func(id string) error {
		_, err := client.GetSecretValue(t.Context(), &secretsmanager.GetSecretValueInput{SecretId: aws.String(id)})
		return err
	}
	for _, id := range []string{name, arn, arn[:len(arn)-len("-abcdef")]} {
		sm.Inject(standin.Fault{Target: "other", Do: standin.Error("")})
		if err := read(id); err != nil {
			t.Errorf("%s: a fault for another secret struck: %v", id, err)
		}
		sm.Inject(standin.Fault{Target: name, Do: standin.Error("")})
		if read(id) == nil {
			t.Errorf("%s: the fault for the secret's name did not strike", id)
		}
		sm.ClearFaults()
	}
	if read("absent") == nil {
		t.Error("a secret that does not exist was read")
	}
	for i, c := range sm.Calls() {
		if want := map[bool]string{true: name, false: "absent"}[i < 6]; c.Operation != "GetSecretValue" || c.Target != want {
			t.Errorf("call %d in the log: %+v", i, c)
		}
	}
}

// TestRetriesOfTheSDKInABubble: the SDK's backoff runs on the bubble's clock.
func TestRetriesOfTheSDKInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sm := secretsmanagertest.New(secretsmanagertest.Config{})
		create(t, sm, "one")
		sm.Inject(standin.Fault{Do: standin.Error("ThrottlingException")})
		sm.Inject(standin.Fault{Skip: 1, AfterEffect: true, Do: standin.Cut()})
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
