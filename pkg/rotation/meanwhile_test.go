package rotation_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"databrain-rotation/pkg/rotation"
	"databrain-rotation/pkg/standin"
	"databrain-rotation/pkg/standin/secretsmanagertest"
)

// TestMeanwhile: somebody else acts while a request of the step is on its way. The
// step notices, forces nothing and says what to do.
func TestMeanwhile(t *testing.T) {
	for name, tt := range map[string]struct {
		strategy rotation.Strategy
		pending  string // token of AWSPENDING; "" for no value
		step     string
		slow     string // the operation whose first request is on its way
		of       string // the staging label of that request; "" for any
		act      func(*testing.T, *bench)
		want     rotation.Name // "" for success
		says     string
		metric   string // that the step has to write
	}{
		"AWSCURRENT moves before it is read": {
			step: rotation.StepCreate, slow: "GetSecretValue", of: "AWSCURRENT",
			act: func(t *testing.T, b *bench) {
				_, err := b.secrets.ManualPut(secretName, `{"token":"`+otherUUID+`"}`)
				b.must(t, err)
			},
			want: rotation.LabelMoved, says: "AWSCURRENT moved",
		},
		"AWSPENDING moves before it is read": {
			step: rotation.StepSet, slow: "GetSecretValue", of: "AWSPENDING", pending: newUUID,
			act:  func(t *testing.T, b *bench) { b.must(t, b.secrets.SetLabels(secretName, otherUUID, "AWSPENDING")) },
			want: rotation.LabelMoved, says: "AWSPENDING moved",
		},
		"AWSCURRENT moves after it was read and before the secret is described": {
			step: rotation.StepFinish, slow: "DescribeSecret", pending: newUUID,
			act:  func(t *testing.T, b *bench) { b.must(t, b.secrets.SetLabels(secretName, otherUUID, "AWSCURRENT")) },
			want: rotation.LabelMoved, says: "AWSCURRENT moved, or the secret was deleted",
		},
		"AWSPENDING moves after it was read and before the secret is described": {
			step: rotation.StepSet, slow: "DescribeSecret", pending: newUUID,
			act:  func(t *testing.T, b *bench) { b.must(t, b.secrets.SetLabels(secretName, otherUUID, "AWSPENDING")) },
			want: rotation.VersionUnknown, says: "no staging label",
		},
		"AWSCURRENT moves before finishSecret moves it": {
			step: rotation.StepFinish, slow: "UpdateSecretVersionStage", pending: newUUID,
			act:  func(t *testing.T, b *bench) { b.must(t, b.secrets.SetLabels(secretName, otherUUID, "AWSCURRENT")) },
			want: rotation.LabelMoved, says: "not forced",
		},
		"another invocation stores the current token as pending": {
			step: rotation.StepCreate, slow: "PutSecretValue",
			act:  func(t *testing.T, b *bench) { b.corrupt(t, "AWSPENDING", `{"token":"`+oldUUID+`"}`) },
			want: rotation.PendingEqualsCurrent, says: "--remove-from-version-id",
		},
		"another invocation stores its token while Databrain's is stored": {
			strategy: rotation.Grace, step: rotation.StepCreate, slow: "PutSecretValue",
			act:    func(t *testing.T, b *bench) { b.corrupt(t, "AWSPENDING", `{"token":"`+otherUUID+`"}`) },
			metric: "OrphanPossible",
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t)
				if tt.strategy != "" {
					b.config.Strategy = tt.strategy
				}
				if tt.pending != "" {
					b.corrupt(t, "AWSPENDING", `{"token":"`+tt.pending+`"}`)
					b.db.SetToken(tt.pending)
				}
				b.secrets.Inject(standin.Fault{Operation: tt.slow, When: asksFor(tt.of), Do: standin.Delay(time.Second)})
				left := make(chan []secretsmanagertest.VersionState, 1)
				go func() {
					time.Sleep(500 * time.Millisecond)
					tt.act(t, b)
					left <- b.secrets.Snapshot(secretName)
				}()
				err := b.run(t.Context(), tt.step)
				if nameOf(err) != tt.want || tt.want != "" && !strings.Contains(err.Error(), tt.says) {
					t.Errorf("got %v, want a %s that says %q", err, tt.want, tt.says)
				}
				if got, want := b.secrets.Snapshot(secretName), <-left; fmt.Sprint(got) != fmt.Sprint(want) {
					t.Errorf("versions %v, the other left %v", got, want)
				}
				if !strings.Contains(b.out.String(), `"`+tt.metric) {
					t.Errorf("no metric %s:\n%s", tt.metric, b.out.String())
				}
			})
		})
	}
}

// TestATokenThatCanNotBeStored: Databrain made it, and nobody holds it.
func TestATokenThatCanNotBeStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.config.Strategy = rotation.Grace
		b.secrets.Inject(
			standin.Fault{Operation: "PutSecretValue", Times: -1, Do: standin.Error(secretsmanagertest.CodeAccessDenied)},
		)
		err := b.run(t.Context(), rotation.StepCreate)
		if failed := nameOf(err) == rotation.SecretsManagerFailed; !failed || !strings.Contains(err.Error(), "role") {
			t.Errorf("got %v", err)
		}
		if !strings.Contains(b.out.String(), `"OrphanPossible":1`) {
			t.Errorf("it is not counted:\n%s", b.out.String())
		}
		if n := b.db.Count("POST /api/v2/service-token/rotate"); n != 1 {
			t.Errorf("Databrain was asked for %d tokens", n)
		}
	})
}

// TestDatabrainEchoesTheOldToken: an answer that names the token in force is no new
// token, and storing it would make a version that can never finish.
func TestDatabrainEchoesTheOldToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.config.Strategy = rotation.Grace
		b.db.Inject(standin.Fault{Target: "/api/v2/service-token/rotate",
			Do: standin.Reply(200, "application/json", `{"key":"`+oldUUID+`"}`)})
		if err := b.run(t.Context(), allSteps...); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(b.out.String(), `"OrphanPossible":1`) || b.db.TokenWorks(oldUUID) {
			t.Errorf("old token works: %t\n%s", b.db.TokenWorks(oldUUID), b.out.String())
		}
	})
}

// binary stores a binary value as AWSCURRENT, and puts the labels back.
func (b *bench) binary(t *testing.T) {
	t.Helper()
	_, err := sdkOf(
		b,
	).PutSecretValue(t.Context(), &secretsmanager.PutSecretValueInput{SecretId: aws.String(secretName),
		SecretBinary: []byte("hunter2")})
	b.must(t, err)
	b.must(t, b.secrets.SetLabels(secretName, b.version, "AWSPENDING"))
}
