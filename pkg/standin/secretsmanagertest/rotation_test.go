package secretsmanagertest_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"databrain-rotation/pkg/standin/secretsmanagertest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
)

// TestRotateSecretOverTheWire: the call returns while the function still runs.
func TestRotateSecretOverTheWire(t *testing.T) {
	overBoth(t, func(t *testing.T, sm *secretsmanagertest.Server, client *secretsmanager.Client) {
		fn, release := &rotator{client: client}, make(chan struct{})
		fn.trouble = func(int, event) error { <-release; return nil }
		sm.SetRotationFunction(lambda, fn.invoke)
		rotate := func() (*secretsmanager.RotateSecretOutput, error) {
			return client.RotateSecret(t.Context(), &secretsmanager.RotateSecretInput{
				SecretId: aws.String(name), RotationLambdaARN: aws.String(lambda),
				RotationRules: &types.RotationRulesType{
					ScheduleExpression: aws.String("rate(10 days)"),
					Duration:           aws.String("2h"),
				},
			})
		}
		out, err := rotate()
		must(t, err)
		if got := sm.Holder(name, "AWSPENDING"); got != aws.ToString(out.VersionId) {
			t.Errorf("AWSPENDING is on %q, the rotation is %s", got, aws.ToString(out.VersionId))
		}
		if _, err := rotate(); err == nil {
			t.Error("a second rotation began")
		}
		if _, err := sm.Rotate(t.Context(), name, secretsmanagertest.RotateOptions{}); err == nil {
			t.Error("the running rotation was driven a second time")
		}
		close(release)
		sm.Wait()

		if got := sm.Holder(name, "AWSCURRENT"); got != aws.ToString(out.VersionId) {
			t.Errorf("AWSCURRENT is on %q, the rotation was %s", got, aws.ToString(out.VersionId))
		}
		if diff := cmp.Diff(secretsmanagertest.Steps(), fn.steps()); diff != "" {
			t.Errorf("steps (-want +got):\n%s", diff)
		}
		d := describe(t, client)
		if d.LastRotatedDate == nil || d.NextRotationDate == nil ||
			d.NextRotationDate.Sub(*d.LastRotatedDate) != 10*24*time.Hour {
			t.Errorf("LastRotatedDate %v, NextRotationDate %v", d.LastRotatedDate, d.NextRotationDate)
		}
		if r := d.RotationRules; aws.ToString(r.ScheduleExpression) != "rate(10 days)" || aws.ToString(r.Duration) != "2h" ||
			r.AutomaticallyAfterDays != nil {
			t.Errorf("RotationRules %+v", r)
		}
	})
}

func TestPreflightOverTheWire(t *testing.T) {
	overBoth(t, func(t *testing.T, sm *secretsmanagertest.Server, client *secretsmanager.Client) {
		fn := &rotator{client: client}
		sm.SetRotationFunction(lambda, fn.invoke)
		_, err := client.RotateSecret(t.Context(), &secretsmanager.RotateSecretInput{
			SecretId: aws.String(name), RotationLambdaARN: aws.String(lambda), RotateImmediately: aws.Bool(false)})
		must(t, err)
		sm.Wait()
		if diff := cmp.Diff([]string{"testSecret"}, fn.steps()); diff != "" {
			t.Errorf("steps (-want +got):\n%s", diff)
		}
		if n := len(sm.Snapshot(name)); n != 1 {
			t.Errorf("%d versions afterwards, want 1", n)
		}
	})
}

// TestUnfinishedRotationIsReattempted: the call with another token fails, and the
// old rotation starts again.
func TestUnfinishedRotationIsReattempted(t *testing.T) {
	sm, fn := rotating(t, secretsmanagertest.Config{})
	fn.trouble = func(int, event) error { return errors.New("down") }
	res, err := sm.Rotate(t.Context(), name, secretsmanagertest.RotateOptions{Attempts: 1})
	if err == nil {
		t.Fatal("the rotation succeeded")
	}
	fn.trouble = nil
	_, err = fn.client.RotateSecret(t.Context(), &secretsmanager.RotateSecretInput{SecretId: aws.String(name)})
	wantError[*types.InvalidRequestException](t, err,
		"A previous rotation isn't complete. That rotation will be reattempted.")
	sm.Wait()
	if got := sm.Holder(name, "AWSCURRENT"); got != res.VersionID {
		t.Errorf("AWSCURRENT is on %q, want the unfinished %s", got, res.VersionID)
	}
}

// TestOneRotationAtATime: also after AWSCURRENT has moved, while finishSecret still
// runs.
func TestOneRotationAtATime(t *testing.T) {
	sm, fn := rotating(t, secretsmanagertest.Config{})
	fn.trouble = func(_ int, e event) error {
		if e.Step != secretsmanagertest.StepFinish {
			return nil
		}
		must(t, fn.finish(context.Background(), e))
		if _, err := sm.Rotate(t.Context(), name, secretsmanagertest.RotateOptions{}); err == nil {
			t.Error("a second rotation began")
		}
		return nil
	}
	_, err := sm.Rotate(t.Context(), name, secretsmanagertest.RotateOptions{})
	must(t, err)
	if n := len(sm.Snapshot(name)); n != 2 {
		t.Errorf("%d versions, want 2", n)
	}
}

// TestPreflightKeepsAnUnfinishedVersion: only the version made for the test goes.
func TestPreflightKeepsAnUnfinishedVersion(t *testing.T) {
	sm, fn := rotating(t, secretsmanagertest.Config{})
	id := uuid.NewString()
	must(t, put(t.Context(), fn.client, id, "two", "AWSPENDING"))
	if _, err := sm.Preflight(t.Context(), name); err == nil {
		t.Error("a pre-flight with a token of its own began over an unfinished rotation")
	}
	_, err := fn.client.RotateSecret(t.Context(), &secretsmanager.RotateSecretInput{
		SecretId: aws.String(name), ClientRequestToken: aws.String(id), RotateImmediately: aws.Bool(false)})
	must(t, err)
	sm.Wait()
	if got, has := sm.Value(name, id); got != "two" || !has || sm.Holder(name, "AWSPENDING") != id {
		t.Errorf("the unfinished version is gone: %+v", sm.Snapshot(name))
	}
}

func TestRotationTokenModes(t *testing.T) {
	denied := func(err error) bool {
		api, ok := errors.AsType[smithy.APIError](err)
		return ok && api.ErrorCode() == secretsmanagertest.CodeAccessDenied
	}
	for title, tc := range map[string]struct {
		mode    secretsmanagertest.RotationTokenMode
		tamper  func(event) event
		refused bool
	}{
		"optional, given": {secretsmanagertest.RotationTokenOptional, func(e event) event { return e }, false},
		"optional, absent": {secretsmanagertest.RotationTokenOptional,
			func(e event) event { e.RotationToken = ""; return e }, false},
		"optional, wrong": {secretsmanagertest.RotationTokenOptional,
			func(e event) event { e.RotationToken = uuid.NewString(); return e }, true},
		"required, given": {secretsmanagertest.RotationTokenRequired, func(e event) event { return e }, false},
		"required, absent": {secretsmanagertest.RotationTokenRequired,
			func(e event) event { e.RotationToken = ""; return e }, true},
		"absent": {secretsmanagertest.RotationTokenAbsent, func(e event) event { return e }, false},
	} {
		t.Run(title, func(t *testing.T) {
			sm, fn := rotating(t, secretsmanagertest.Config{RotationToken: tc.mode})
			fn.trouble = func(_ int, e event) error {
				if (e.RotationToken == "") != (tc.mode == secretsmanagertest.RotationTokenAbsent) {
					t.Errorf("the event's RotationToken has %d characters", len(e.RotationToken))
				}
				if e.Step != secretsmanagertest.StepCreate {
					return nil
				}
				return fn.put(context.Background(), tc.tamper(e))
			}
			_, err := sm.Rotate(t.Context(), name, secretsmanagertest.RotateOptions{Attempts: 1})
			if denied(err) != tc.refused {
				t.Errorf("got %v, want a refusal: %t", err, tc.refused)
			}
		})
	}
}

func TestRotationRules(t *testing.T) {
	for title, tc := range map[string]struct {
		rules   types.RotationRulesType
		refused bool
		next    time.Duration // 0 means no NextRotationDate
	}{
		"days": {types.RotationRulesType{AutomaticallyAfterDays: aws.Int64(7)}, false, 7 * 24 * time.Hour},
		"rate": {types.RotationRulesType{ScheduleExpression: aws.String("rate(12 hours)")}, false, 12 * time.Hour},
		"cron": {types.RotationRulesType{ScheduleExpression: aws.String("cron(0 8 1 * ? *)")}, false, 0},
		"both": {types.RotationRulesType{AutomaticallyAfterDays: aws.Int64(7),
			ScheduleExpression: aws.String("rate(1 day)")}, true, 0},
		"1,001 days": {types.RotationRulesType{AutomaticallyAfterDays: aws.Int64(1001)}, true, 0},
	} {
		now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
		sm := secretsmanagertest.New(secretsmanagertest.Config{Now: func() time.Time { return now }})
		create(t, sm, "one")
		client := inProcess(sm)
		sm.SetRotationFunction(lambda, func(context.Context, []byte) error { return nil })
		_, err := client.RotateSecret(t.Context(), &secretsmanager.RotateSecretInput{
			SecretId:          aws.String(name),
			RotationLambdaARN: aws.String(lambda), RotationRules: &tc.rules, RotateImmediately: aws.Bool(false)})
		if (err != nil) != tc.refused {
			t.Errorf("%s: %v", title, err)
		}
		sm.Wait()
		var next time.Duration
		if d := describe(t, client).NextRotationDate; d != nil {
			next = d.Sub(now)
		}
		if next != tc.next {
			t.Errorf("%s: next rotation after %v, want %v", title, next, tc.next)
		}
	}
}
