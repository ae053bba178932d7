package rotation_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/smithy-go"

	"databrain-rotation/pkg/rotation"
	"databrain-rotation/pkg/standin"
	"databrain-rotation/pkg/standin/secretsmanagertest"
)

// TestDeniedMove: a role that may not move labels is found out while the old token
// still works. If the right is taken away later, finishSecret says which token works,
// and the command that it gives ends the outage.
func TestDeniedMove(t *testing.T) {
	for _, strategy := range []rotation.Strategy{rotation.Replace, rotation.Grace} {
		t.Run("before/"+string(strategy), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t)
				b.config.Strategy = strategy
				b.secrets.Inject(standin.Fault{Operation: "UpdateSecretVersionStage", Times: -1,
					Do: standin.Error(secretsmanagertest.CodeAccessDenied)})
				err := b.run(t.Context(), allSteps...)
				if nameOf(err) != rotation.SecretsManagerFailed ||
					!strings.Contains(err.Error(), "tried before the old token dies") {
					t.Errorf("got %v", err)
				}
				if !b.db.TokenWorks(oldUUID) || b.db.CurrentToken() != oldUUID {
					t.Error("the old token is dead, or another one was made")
				}
			})
		})
	}
	t.Run("after", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t)
			b.must(t, b.run(t.Context(), rotation.StepCreate, rotation.StepSet, rotation.StepTest))
			for _, operation := range []string{"DescribeSecret", "GetSecretValue", "UpdateSecretVersionStage"} {
				b.secrets.ClearFaults()
				b.secrets.Inject(
					standin.Fault{Operation: operation, Times: -1, Do: standin.Error(secretsmanagertest.CodeAccessDenied)},
				)
				err := b.run(t.Context(), rotation.StepFinish)
				if nameOf(err) != rotation.SecretsManagerFailed ||
					!strings.Contains(err.Error(), "has accepted the token of version "+b.version) ||
					!strings.Contains(err.Error(), "--version-stage AWSCURRENT --move-to-version-id "+b.version) {
					t.Errorf("%s: got %v", operation, err)
				}
				if operation != "UpdateSecretVersionStage" {
					continue
				}
				b.secrets.ClearFaults()
				b.obey(t, err)
				value, _ := b.secrets.Value(secretName, b.secrets.Holder(secretName, "AWSCURRENT"))
				if !b.db.TokenWorks(tokenOf(value)) {
					t.Error("the command does not end the outage")
				}
			}
		})
	})
}

var labelCommand = regexp.MustCompile(
	`aws secretsmanager update-secret-version-stage --secret-id (\S+) --version-stage (\S+)` +
		`(?: --move-to-version-id (\S+))?(?: --remove-from-version-id ([^\s),;]+))?`,
)

// obey carries out the first command in the text of an error.
func (b *bench) obey(t *testing.T, err error) {
	t.Helper()
	m := labelCommand.FindStringSubmatch(err.Error())
	if m == nil {
		t.Fatalf("no command in: %v", err)
	}
	in := &secretsmanager.UpdateSecretVersionStageInput{SecretId: &m[1], VersionStage: &m[2]}
	if m[3] != "" {
		in.MoveToVersionId = &m[3]
	}
	if m[4] != "" {
		in.RemoveFromVersionId = &m[4]
	}
	_, err = sdkOf(b).UpdateSecretVersionStage(t.Context(), in)
	b.must(t, err)
}

// TestPreviousOnlyExplains: an AWSPREVIOUS that cannot be read hides nothing and stops
// no takeover.
func TestPreviousOnlyExplains(t *testing.T) {
	for _, takeover := range []rotation.Takeover{rotation.TakeoverEmpty, rotation.TakeoverInvalid} {
		for fault, value := range map[string]string{"denied": "", "damaged": "hunter2",
			"other members": `{"serviceToken":"hunter2"}`} {
			t.Run(string(takeover)+"/"+fault, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					b := newBench(t)
					b.config.Takeover = takeover
					b.db.SetToken(otherUUID)
					b.must(t, b.secrets.SetLabels(secretName, newUUID, "AWSPREVIOUS"))
					b.must(t, b.secrets.Corrupt(secretName, newUUID, value))
					if fault == "denied" {
						b.must(t, b.secrets.Corrupt(secretName, newUUID, `{"token":"`+newUUID+`"}`))
						b.secrets.Inject(standin.Fault{Operation: "GetSecretValue", Times: -1, When: asksFor("AWSPREVIOUS"),
							Do: standin.Error(secretsmanagertest.CodeAccessDenied)})
					}
					err := b.run(t.Context(), allSteps...)
					if takeover == rotation.TakeoverInvalid {
						b.must(t, err)
						return
					}
					if nameOf(err) != rotation.CurrentTokenRejected {
						t.Fatalf("got %v", err)
					}
					for _, word := range []string{"AWSPREVIOUS, which may still work, could not be read", "status 400",
						"AUTHENTICATION_ERROR", "Look at AWSPREVIOUS before anything else", "The whole picture"} {
						if strings.Count(err.Error(), word) != 1 {
							t.Errorf("%v does not say %q once", err, word)
						}
					}
					if strings.Contains(err.Error(), "hunter2") {
						t.Errorf("%v shows a value", err)
					}
				})
			})
		}
	}
}

// TestReplica: a rotation of a replica could only fail late.
func TestReplica(t *testing.T) {
	for primary, want := range map[string]rotation.Name{"": "", "us-east-1": "",
		"eu-central-1": rotation.SecretIsReplica} {
		sdk := described{out: &secretsmanager.DescribeSecretOutput{
			ARN:                aws.String("arn:aws:secretsmanager:us-east-1:123456789012:secret:rotated-AbCdEf"),
			RotationEnabled:    aws.Bool(true),
			VersionIdsToStages: map[string][]string{"v": {"AWSPENDING"}},
		}}
		if primary != "" {
			sdk.out.PrimaryRegion = &primary
		}
		if got := nameOf(handle(t, sdk, "noSuchStep")); got != want && (want != "" || got != rotation.UnknownStep) {
			t.Errorf("primary in %q: got %q, want %q", primary, got, want)
		}
	}
}

// TestInterval: the warning about a grace period longer than the interval knows hours.
func TestInterval(t *testing.T) {
	for expression, warns := range map[string]bool{
		"rate(4 hours)": true, "rate(23 hours)": true, "rate(25 hours)": false, "rate(1 day)": false, "rate(10 days)": false,
		"cron(0 */6 * * ? *)": true, "cron(0 0/12 * * ? *)": true, "cron(0 8 1 * ? *)": false, "": false,
		"cron(0 0,8,16 * * ? *)": true, "cron(0 4-20/8 * * ? *)": true, "cron(0 2,4 ? * SUN *)": true,
		"cron(0 * * * ? *)": true,
		"cron(0 8 * * ? *)": false, "cron(0 8 ? * MON *)": false, "cron(0 8/0 * * ? *)": true, "cron(0 L * * ? *)": false,
		"cron(0 8)": false, "cron(0 99 * * ? *)": false,
	} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t)
			b.config.Strategy = rotation.Grace
			b.must(
				t,
				b.secrets.ConfigureRotation(
					secretName,
					"arn:function",
					secretsmanagertest.RotationRules{ScheduleExpression: expression},
				),
			)
			b.must(t, b.run(t.Context(), rotation.StepCreate))
			if got := strings.Contains(b.out.String(), "longer than the rotation interval"); got != warns {
				t.Errorf("%q: warns %t", expression, got)
			}
		})
	}
}

// TestShortTimeOut: an instance that hangs under a function with Lambda's default
// time-out is told from one that is down.
func TestShortTimeOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(setup{"replace", "normal", "default"})
		w.wire.faults = map[int]fault{7: {call: 7, kind: hang}}
		w.lambda = 3 * time.Second
		_, err := w.rotate(1)
		if nameOf(err) != rotation.DatabrainUnavailable ||
			!strings.Contains(err.Error(), "only 3s for the step: raise its timeout") {
			t.Errorf("got %v", err)
		}
		if problems := w.watch.end(); problems != nil {
			t.Error(strings.Join(problems, "\n"))
		}
	})
}

// TestErrorsPromiseNoVainRetry: a retry is advised only where it can help.
func TestErrorsPromiseNoVainRetry(t *testing.T) {
	for code, vain := range map[string]bool{
		"ThrottlingException": false, "InternalServiceError": false, "ServiceUnavailableException": false,
		"AccessDeniedException": true, "DecryptionFailure": true, "KMSInvalidStateException": true,
		"LimitExceededException": true,
		"ValidationException":    true, "InvalidParameterException": true, "SomethingNewException": true,
	} {
		err := handle(t, described{err: &smithy.GenericAPIError{Code: code, Message: "no"}}, rotation.StepCreate)
		if nameOf(err) != rotation.SecretsManagerFailed || !strings.Contains(err.Error(), code) {
			t.Errorf("%s: got %v", code, err)
		}
		if got := !strings.Contains(err.Error(), "can be retried"); got != vain {
			t.Errorf("%s: %v", code, err)
		}
	}
	missing := handle(t, described{err: errors.New("dial tcp: hunter2")}, rotation.StepCreate)
	if strings.Contains(missing.Error(), "hunter2") || !strings.Contains(missing.Error(), "can be retried") {
		t.Errorf("no answer: %v", missing)
	}
}

// described answers DescribeSecret alone.
type described struct {
	rotation.SecretsManager
	out *secretsmanager.DescribeSecretOutput
	err error
}

func (d described) DescribeSecret(
	context.Context,
	*secretsmanager.DescribeSecretInput,
	...func(*secretsmanager.Options),
) (
	*secretsmanager.DescribeSecretOutput, error) {
	return d.out, d.err
}

func (described) GetSecretValue(
	context.Context,
	*secretsmanager.GetSecretValueInput,
	...func(*secretsmanager.Options),
) (
	*secretsmanager.GetSecretValueOutput, error) {
	return nil, errors.New("not looked at")
}

// handle runs a step that comes no further than DescribeSecret.
func handle(t *testing.T, sdk rotation.SecretsManager, step string) error {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	r := rotation.New(sdk, nil, rotation.Config{AdminSecretID: adminName}, log, io.Discard, time.Now)
	return r.Handle(t.Context(), rotation.Event{Step: step, SecretID: secretName, Version: "v"})
}

// asksFor matches calls that name a staging label; all calls for "".
func asksFor(label string) func(*http.Request) bool {
	return func(r *http.Request) bool {
		body, err := io.ReadAll(r.Body)
		return err == nil && (label == "" || strings.Contains(string(body), `"`+label+`"`))
	}
}
