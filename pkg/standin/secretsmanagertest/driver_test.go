package secretsmanagertest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"databrain-rotation/pkg/standin/secretsmanagertest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
)

type event struct {
	Step, SecretId, ClientRequestToken, RotationToken string
}

// rotator is a rotation function that is right in every step, unless trouble says
// otherwise. It keeps the events it was invoked with.
type rotator struct {
	client  *secretsmanager.Client
	trouble func(call int, e event) error

	mu     sync.Mutex
	events []event
}

func (f *rotator) invoke(ctx context.Context, payload []byte) error {
	var e event
	if err := json.Unmarshal(payload, &e); err != nil {
		return err
	}
	f.mu.Lock()
	f.events = append(f.events, e)
	call := len(f.events)
	f.mu.Unlock()
	if f.trouble != nil {
		if err := f.trouble(call, e); err != nil {
			return err
		}
	}
	switch e.Step {
	case secretsmanagertest.StepCreate:
		_, err := get(ctx, f.client, e.ClientRequestToken, "AWSPENDING")
		if _, missing := errors.AsType[*types.ResourceNotFoundException](err); !missing {
			return err
		}
		return f.put(ctx, e)
	case secretsmanagertest.StepFinish:
		return f.finish(ctx, e)
	}
	return nil
}

func (f *rotator) put(ctx context.Context, e event) error {
	in := &secretsmanager.PutSecretValueInput{
		SecretId: aws.String(e.SecretId), ClientRequestToken: aws.String(e.ClientRequestToken),
		SecretString: aws.String("two"), VersionStages: []string{"AWSPENDING"},
	}
	if e.RotationToken != "" {
		in.RotationToken = aws.String(e.RotationToken)
	}
	_, err := f.client.PutSecretValue(ctx, in)
	return err
}

func (f *rotator) finish(ctx context.Context, e event) error {
	d, err := f.client.DescribeSecret(ctx, &secretsmanager.DescribeSecretInput{SecretId: aws.String(e.SecretId)})
	if err != nil {
		return err
	}
	in := &secretsmanager.UpdateSecretVersionStageInput{
		SecretId:     aws.String(e.SecretId),
		VersionStage: aws.String("AWSCURRENT"), MoveToVersionId: aws.String(e.ClientRequestToken),
	}
	for id, stages := range d.VersionIdsToStages {
		if slices.Contains(stages, "AWSCURRENT") {
			in.RemoveFromVersionId = aws.String(id)
		}
	}
	_, err = f.client.UpdateSecretVersionStage(ctx, in)
	return err
}

func (f *rotator) steps() (steps []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, e := range f.events {
		steps = append(steps, e.Step)
	}
	return steps
}

// rotating is a Server with one secret under rotation every 30 days.
func rotating(t *testing.T, cfg secretsmanagertest.Config) (*secretsmanagertest.Server, *rotator) {
	t.Helper()
	sm := secretsmanagertest.New(cfg)
	t.Cleanup(func() { sm.Close() })
	create(t, sm, "one")
	fn := &rotator{client: inProcess(sm)}
	sm.SetRotationFunction(lambda, fn.invoke)
	must(t, sm.ConfigureRotation(name, lambda, secretsmanagertest.RotationRules{AutomaticallyAfterDays: 30}))
	return sm, fn
}

func TestRotate(t *testing.T) {
	sm, fn := rotating(t, secretsmanagertest.Config{})
	one := sm.Holder(name, "AWSCURRENT")
	fn.trouble = func(call int, e event) error {
		if call > 1 {
			return nil
		}
		want := []secretsmanagertest.VersionState{
			{ID: one, Labels: []string{"AWSCURRENT"}, HasValue: true},
			{ID: e.ClientRequestToken, Labels: []string{"AWSPENDING"}},
		}
		if diff := cmp.Diff(want, sm.Snapshot(name)); diff != "" {
			t.Errorf("versions at the first step (-want +got):\n%s", diff)
		}
		return nil
	}
	res, err := sm.Rotate(t.Context(), name, secretsmanagertest.RotateOptions{})
	must(t, err)
	if diff := cmp.Diff(secretsmanagertest.Steps(), fn.steps()); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
	for _, e := range fn.events {
		if e.SecretId != res.SecretARN || e.ClientRequestToken != res.VersionID || len(e.RotationToken) != 36 ||
			e.RotationToken != fn.events[0].RotationToken {
			t.Errorf("event %+v of rotation %s of %s", e, res.VersionID, res.SecretARN)
		}
	}
	want := []secretsmanagertest.VersionState{
		{ID: one, Labels: []string{"AWSPREVIOUS"}, HasValue: true},
		{ID: res.VersionID, Labels: []string{"AWSCURRENT", "AWSPENDING"}, HasValue: true},
	}
	if diff := cmp.Diff(want, sm.Snapshot(name)); diff != "" {
		t.Errorf("versions afterwards (-want +got):\n%s", diff)
	}
	if res.Event != secretsmanagertest.RotationSucceeded || res.Attempts() != 1 || len(res.Invocations) != 4 {
		t.Errorf("result %+v", res)
	}

	again, err := sm.Rotate(t.Context(), name, secretsmanagertest.RotateOptions{ClientRequestToken: res.VersionID})
	if err != nil || len(again.Invocations) != 0 || again.Event != secretsmanagertest.RotationSucceeded {
		t.Errorf("the same rotation again: %+v, %v", again, err)
	}
}

// TestEventIsExact pins the payload byte for byte.
func TestEventIsExact(t *testing.T) {
	sm := secretsmanagertest.New(secretsmanagertest.Config{RotationToken: secretsmanagertest.RotationTokenAbsent})
	arn := create(t, sm, "one")
	var payloads []string
	sm.SetRotationFunction(lambda, func(_ context.Context, payload []byte) error {
		payloads = append(payloads, string(payload))
		return errors.New("enough")
	})
	must(t, sm.ConfigureRotation(name, lambda, secretsmanagertest.RotationRules{}))
	token := uuid.NewString()
	_, err := sm.Rotate(t.Context(), name, secretsmanagertest.RotateOptions{ClientRequestToken: token, Attempts: 1})
	if err == nil {
		t.Error("the rotation succeeded")
	}
	want := []string{fmt.Sprintf(`{"Step":"createSecret","SecretId":%q,"ClientRequestToken":%q}`, arn, token)}
	if diff := cmp.Diff(want, payloads); diff != "" {
		t.Errorf("payloads (-want +got):\n%s", diff)
	}
}

func TestRotateRestartsFromCreateWithTheSameToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sm, fn := rotating(t, secretsmanagertest.Config{})
		broken := errors.New("the instance is down")
		fn.trouble = func(call int, e event) error {
			if call == 3 || call == 5 { // testSecret of the first attempt, setSecret of the second
				return broken
			}
			return nil
		}
		res, err := sm.Rotate(t.Context(), name, secretsmanagertest.RotateOptions{})
		must(t, err)
		want := []string{
			"createSecret", "setSecret", "testSecret",
			"createSecret", "setSecret",
			"createSecret", "setSecret", "testSecret", "finishSecret",
		}
		if diff := cmp.Diff(want, fn.steps()); diff != "" {
			t.Errorf("steps (-want +got):\n%s", diff)
		}
		for _, e := range fn.events {
			if e.ClientRequestToken != res.VersionID {
				t.Errorf("%s with token %s, want %s throughout", e.Step, e.ClientRequestToken, res.VersionID)
			}
		}
		if res.Attempts() != 3 {
			t.Errorf("%d attempts, want 3", res.Attempts())
		}
		if first := res.Invocations[2]; !errors.Is(first.Err, broken) || first.Step != "testSecret" || first.Attempt != 1 {
			t.Errorf("third invocation: %+v", first)
		}
		if n := sm.Count("PutSecretValue"); n != 1 {
			t.Errorf("%d puts, want 1", n)
		}
	})
}

func TestRotateGivesUp(t *testing.T) {
	sm, fn := rotating(t, secretsmanagertest.Config{})
	broken := errors.New("the instance is down")
	fn.trouble = func(int, event) error { return broken }
	res, err := sm.Rotate(t.Context(), name, secretsmanagertest.RotateOptions{})
	if !errors.Is(err, broken) || res.Event != secretsmanagertest.RotationFailed || res.Attempts() != 5 {
		t.Errorf("%d attempts, %s: %v", res.Attempts(), res.Event, err)
	}
	if got := sm.Holder(name, "AWSPENDING"); got != res.VersionID {
		t.Errorf("AWSPENDING is on %q, want it left on %s", got, res.VersionID)
	}

	other := secretsmanagertest.RotateOptions{ClientRequestToken: uuid.NewString()}
	if _, err := sm.Rotate(t.Context(), name, other); err == nil {
		t.Error("another rotation began over the unfinished one")
	}
	fn.trouble = nil
	later, err := sm.Rotate(t.Context(), name, secretsmanagertest.RotateOptions{})
	if err != nil || later.VersionID != res.VersionID {
		t.Errorf("the next scheduled rotation: version %s, %v; want it to take up %s", later.VersionID, err, res.VersionID)
	}
}

func TestStepsThatOnlyClaimSuccess(t *testing.T) {
	sm, _ := rotating(t, secretsmanagertest.Config{})
	sm.SetRotationFunction(lambda, func(context.Context, []byte) error { return nil })
	res, err := sm.Rotate(t.Context(), name, secretsmanagertest.RotateOptions{Attempts: 2})
	if err == nil || res.Event != secretsmanagertest.RotationFailed || len(res.Invocations) != 8 {
		t.Errorf("%d invocations, %s, %v", len(res.Invocations), res.Event, err)
	}
}

func TestRotationEndsEarly(t *testing.T) {
	for title, tc := range map[string]struct {
		during func(*secretsmanagertest.Server, *secretsmanager.Client) error // in setSecret of the first attempt
		event  string
		is     error
		calls  int
	}{
		"a put by hand abandons it": {
			func(sm *secretsmanagertest.Server, _ *secretsmanager.Client) error {
				_, err := sm.ManualPut(name, "by hand")
				return err
			}, secretsmanagertest.RotationAbandoned, secretsmanagertest.ErrAbandoned, 2,
		},
		"cancelled": {
			func(_ *secretsmanagertest.Server, client *secretsmanager.Client) error {
				_, err := client.CancelRotateSecret(context.Background(),
					&secretsmanager.CancelRotateSecretInput{SecretId: aws.String(name)})
				return err
			}, secretsmanagertest.RotationFailed, secretsmanagertest.ErrCancelled, 2,
		},
		"deleted": {
			func(_ *secretsmanagertest.Server, client *secretsmanager.Client) error {
				_, err := client.DeleteSecret(context.Background(), &secretsmanager.DeleteSecretInput{SecretId: aws.String(name)})
				return err
			}, secretsmanagertest.RotationFailed, nil, 2,
		},
	} {
		t.Run(title, func(t *testing.T) {
			sm, fn := rotating(t, secretsmanagertest.Config{})
			fn.trouble = func(call int, e event) error {
				if e.Step != secretsmanagertest.StepSet {
					return nil
				}
				return errors.Join(errors.New("the step fails"), tc.during(sm, fn.client))
			}
			res, err := sm.Rotate(t.Context(), name, secretsmanagertest.RotateOptions{})
			if err == nil || res.Event != tc.event || len(fn.steps()) != tc.calls {
				t.Errorf("after %v: %s, %v", fn.steps(), res.Event, err)
			}
			if tc.is != nil && !errors.Is(err, tc.is) {
				t.Errorf("got %v, want %v in it", err, tc.is)
			}
		})
	}
}

// TestCancelStopsBetweenSteps: also when the step at hand succeeds. The dates of a
// rotation that is off are not described.
func TestCancelStopsBetweenSteps(t *testing.T) {
	sm, fn := rotating(t, secretsmanagertest.Config{})
	_, err := sm.Rotate(t.Context(), name, secretsmanagertest.RotateOptions{})
	must(t, err)
	fn.events = nil
	fn.trouble = func(call int, _ event) error {
		if call == 2 {
			_, err := fn.client.CancelRotateSecret(context.Background(),
				&secretsmanager.CancelRotateSecretInput{SecretId: aws.String(name)})
			return err
		}
		return nil
	}
	if _, err := sm.Rotate(t.Context(), name, secretsmanagertest.RotateOptions{}); !errors.Is(
		err,
		secretsmanagertest.ErrCancelled,
	) {
		t.Errorf("got %v", err)
	}
	if diff := cmp.Diff([]string{"createSecret", "setSecret"}, fn.steps()); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
	if d := describe(t, fn.client); d.LastRotatedDate != nil || d.NextRotationDate != nil {
		t.Errorf("LastRotatedDate %v, NextRotationDate %v while rotation is off", d.LastRotatedDate, d.NextRotationDate)
	}
}

func TestRotateStopsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sm, fn := rotating(t, secretsmanagertest.Config{})
		fn.trouble = func(int, event) error {
			time.Sleep(time.Hour)
			return errors.New("down")
		}
		ctx, cancel := context.WithTimeout(t.Context(), 90*time.Minute)
		defer cancel()
		res, err := sm.Rotate(ctx, name, secretsmanagertest.RotateOptions{})
		if !errors.Is(err, context.DeadlineExceeded) || res.Attempts() != 2 {
			t.Errorf("%d attempts, %v", res.Attempts(), err)
		}
	})
}

func TestPreflight(t *testing.T) {
	for title, broken := range map[string]error{"works": nil, "fails": errors.New("wrong password")} {
		t.Run(title, func(t *testing.T) {
			sm, fn := rotating(t, secretsmanagertest.Config{})
			before := sm.Snapshot(name)
			fn.trouble = func(_ int, e event) error {
				if got := sm.Holder(name, "AWSPENDING"); got != e.ClientRequestToken {
					t.Errorf("AWSPENDING is on %q during the test", got)
				}
				if _, has := sm.Value(name, e.ClientRequestToken); has {
					t.Error("the tested version has a value")
				}
				return broken
			}
			res, err := sm.Preflight(t.Context(), name)
			if !errors.Is(err, broken) {
				t.Errorf("got %v, want %v", err, broken)
			}
			if want := map[bool]string{true: "TestRotationSucceeded",
				false: "TestRotationFailed"}[broken == nil]; res.Event != want {
				t.Errorf("event %s, want %s", res.Event, want)
			}
			if diff := cmp.Diff([]string{"testSecret"}, fn.steps()); diff != "" {
				t.Errorf("steps (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(before, sm.Snapshot(name)); diff != "" {
				t.Errorf("the pre-flight changed versions (-before +after):\n%s", diff)
			}
		})
	}
}

func TestRotateNeedsRotation(t *testing.T) {
	sm := secretsmanagertest.New(secretsmanagertest.Config{})
	create(t, sm, "one")
	if _, err := sm.Rotate(t.Context(), name, secretsmanagertest.RotateOptions{}); err == nil {
		t.Error("a secret without rotation was rotated")
	}
	if _, err := sm.Rotate(t.Context(), "nobody", secretsmanagertest.RotateOptions{}); err == nil {
		t.Error("a secret that is not there was rotated")
	}
	must(t, sm.ConfigureRotation(name, lambda, secretsmanagertest.RotationRules{}))
	if _, err := sm.Rotate(t.Context(), name, secretsmanagertest.RotateOptions{}); err == nil {
		t.Error("a secret whose function nobody attached was rotated")
	}
	if n := len(sm.Snapshot(name)); n != 1 {
		t.Errorf("%d versions, want 1", n)
	}
}
