package rotation_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"databrain-rotation/pkg/databrain"
	"databrain-rotation/pkg/rotation"
	"databrain-rotation/pkg/standin"
	"databrain-rotation/pkg/standin/databraintest"
	"databrain-rotation/pkg/standin/secretsmanagertest"
)

// Tokens of single steps.
const (
	oldUUID = "11111111-1111-4111-8111-111111111111"
	newUUID = "22222222-2222-4222-8222-222222222222"
)

const (
	secretName = "rotated"
	adminName  = "admin"
	otherUUID  = "33333333-3333-4333-8333-333333333333"
)

// bench is a rotator between the two stand-ins, in process.
type bench struct {
	secrets *secretsmanagertest.Server
	db      *databraintest.Server
	config  rotation.Config
	out     bytes.Buffer // log and metrics
	version string       // the pending version
}

// newBench starts from a rotation that has just begun: AWSCURRENT holds the token
// in force, AWSPENDING has no value.
func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{
		secrets: secretsmanagertest.New(secretsmanagertest.Config{RotationToken: secretsmanagertest.RotationTokenAbsent}),
		db:      databraintest.New(databraintest.Config{ServiceToken: oldUUID}),
		config: rotation.Config{
			AdminSecretID: adminName, Strategy: rotation.Replace, GracePeriod: 24 * time.Hour,
			Contract: rotation.ContractServiceToken, Takeover: rotation.TakeoverEmpty, Instance: "https://db.test",
		},
		version: "4f1d9a52-6c1e-4b37-9d0a-2f5e8c7b1a60",
	}
	t.Cleanup(func() { b.secrets.Close() })
	b.must(t, b.create(secretName, `{"token":"`+oldUUID+`","note":"kept"}`))
	b.must(
		t,
		b.create(adminName, `{"email":"`+databraintest.ExampleEmail+`","password":"`+databraintest.ExamplePassword+`"}`),
	)
	b.must(
		t,
		b.secrets.ConfigureRotation(secretName, "arn:function", secretsmanagertest.RotationRules{AutomaticallyAfterDays: 30}),
	)
	b.must(t, b.secrets.SetLabels(secretName, b.version, "AWSPENDING"))
	return b
}

func (b *bench) must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (b *bench) create(name, value string) error {
	_, err := b.secrets.Create(name, value)
	return err
}

func (b *bench) corrupt(t *testing.T, label, value string) {
	t.Helper()
	b.must(t, b.secrets.Corrupt(secretName, b.secrets.Holder(secretName, label), value))
}

func (b *bench) arn(t *testing.T) string {
	t.Helper()
	out, err := sdkOf(b).DescribeSecret(t.Context(), &secretsmanager.DescribeSecretInput{SecretId: aws.String(secretName)})
	b.must(t, err)
	return aws.ToString(out.ARN)
}

// run carries out steps of the rotation, until one fails.
func (b *bench) run(ctx context.Context, steps ...string) error {
	sdk := secretsmanager.New(secretsmanager.Options{
		BaseEndpoint: aws.String("http://secretsmanager.test"), HTTPClient: b.secrets.Client(), Region: "us-east-1",
		Credentials: credentials.NewStaticCredentialsProvider("id", "key", ""),
	})
	base, err := databrain.ParseBaseURL("https://db.test", false)
	if err != nil {
		return err
	}
	client := databrain.New(base, databrain.Options{
		Transport: b.db.Client().Transport, Timeout: 10 * time.Second,
	})
	r := rotation.New(sdk, client, b.config, slog.New(slog.NewJSONHandler(&b.out, nil)), &b.out, time.Now)
	for _, step := range steps {
		ctx, cancel := context.WithTimeout(ctx, time.Minute)
		err := r.Handle(ctx, rotation.Event{Step: step, SecretID: secretName, Version: b.version})
		cancel()
		if err != nil {
			return fmt.Errorf("%s: %w", step, err)
		}
	}
	return nil
}

var allSteps = secretsmanagertest.Steps()

// TestRefusals checks every named error: its type, the words that tell an operator
// what to do, and that nothing was written.
func TestRefusals(t *testing.T) {
	tests := []struct {
		name  string
		with  func(*testing.T, *bench)
		steps []string // all four if nil
		want  rotation.Name
		says  string
		// wrote allows a pending value or a saved token before the failure.
		wrote bool
		puts  int // that with makes
	}{
		{name: "secret deleted", with: func(t *testing.T, b *bench) {
			_, err := sdkOf(b).DeleteSecret(t.Context(), &secretsmanager.DeleteSecretInput{SecretId: aws.String(secretName)})
			b.must(t, err)
		}, want: rotation.SecretDeleted, says: "restore-secret"},
		{name: "no such secret", with: func(t *testing.T, b *bench) {
			_, err := sdkOf(b).DeleteSecret(t.Context(), &secretsmanager.DeleteSecretInput{
				SecretId: aws.String(secretName), ForceDeleteWithoutRecovery: aws.Bool(true)})
			b.must(t, err)
		}, want: rotation.SecretsManagerFailed, says: "ResourceNotFoundException"},
		{name: "rotation switched off", with: func(t *testing.T, b *bench) {
			_, err := sdkOf(
				b,
			).CancelRotateSecret(t.Context(), &secretsmanager.CancelRotateSecretInput{SecretId: aws.String(secretName)})
			b.must(t, err)
		}, want: rotation.RotationNotEnabled, says: "do what the diagnosis says"},
		{name: "unknown version", with: func(_ *testing.T, b *bench) { b.version = otherUUID },
			want: rotation.VersionUnknown, says: "that one may"},
		{name: "abandoned by a manual put", with: func(t *testing.T, b *bench) {
			_, err := b.secrets.ManualPut(secretName, `{"token":"`+otherUUID+`"}`)
			b.must(t, err)
		}, want: rotation.VersionUnknown, says: "stored by hand"},
		{name: "pending taken away, another label left", with: func(t *testing.T, b *bench) {
			b.must(t, b.secrets.SetLabels(secretName, b.version, "custom"))
		}, want: rotation.VersionNotPending, says: "no longer AWSPENDING"},
		{name: "unknown step", steps: []string{"dropSecret"}, want: rotation.UnknownStep, says: "createSecret"},
		{
			name: "admin secret is the rotated one, by name",
			with: func(_ *testing.T, b *bench) { b.config.AdminSecretID = secretName },
			want: rotation.AdminSecretIsRotatedSecret,
			says: "DATABRAIN_ADMIN_SECRET_ID",
		},
		{
			name: "admin secret is the rotated one, by ARN",
			with: func(t *testing.T, b *bench) { b.config.AdminSecretID = b.arn(t) },
			want: rotation.AdminSecretIsRotatedSecret,
			says: "DATABRAIN_ADMIN_SECRET_ID",
		},
		{name: "admin secret is the rotated one, by partial ARN", with: func(t *testing.T, b *bench) {
			b.config.AdminSecretID = strings.TrimSuffix(b.arn(t), b.arn(t)[len(b.arn(t))-len("-AbCdEf"):])
		}, want: rotation.AdminSecretIsRotatedSecret, says: "DATABRAIN_ADMIN_SECRET_ID"},
		{name: "access denied, with AWS's words", with: func(_ *testing.T, b *bench) {
			b.secrets.Inject(standin.Fault{Operation: "PutSecretValue",
				Times: -1, Do: standin.Error(secretsmanagertest.CodeAccessDenied)})
		}, want: rotation.SecretsManagerFailed, says: "not authorized to perform: secretsmanager:PutSecretValue"},
		{name: "current has no value", with: func(t *testing.T, b *bench) { b.corrupt(t, "AWSCURRENT", "") },
			want: rotation.LabelMoved, says: "AWSCURRENT moved, or lost its value"},
		{name: "current is binary", with: func(t *testing.T, b *bench) { b.binary(t) },
			want: rotation.MalformedSecret, says: "SecretBinary", puts: 1},
		{name: "current is text", with: func(t *testing.T, b *bench) { b.corrupt(t, "AWSCURRENT", "hunter2") },
			want: rotation.MalformedSecret, says: "AWSCURRENT"},
		{
			name: "current has other members alone",
			with: func(t *testing.T, b *bench) { b.corrupt(t, "AWSCURRENT", `{"serviceToken":"hunter2"}`) },
			want: rotation.MalformedSecret,
			says: "(serviceToken), one of which may hold a live token",
		},
		{
			name: "current has the token one level down",
			with: func(t *testing.T, b *bench) { b.corrupt(t, "AWSCURRENT", `{"db":{"token":"hunter2"}}`) },
			want: rotation.MalformedSecret,
			says: "(db)",
		},
		{name: "current is empty beside a live twin", with: func(t *testing.T, b *bench) {
			b.corrupt(t, "AWSCURRENT", `{"Token":"`+oldUUID+`","token":""}`)
		}, want: rotation.MalformedSecret, says: "beside the member Token"},
		{name: "current is empty above a live twin", with: func(t *testing.T, b *bench) {
			b.corrupt(t, "AWSCURRENT", `{"token":"","credentials":{"token":"`+oldUUID+`"}}`)
		}, want: rotation.MalformedSecret, says: "beside the member credentials"},
		{name: "current has a byte order mark", with: func(t *testing.T, b *bench) {
			b.corrupt(t, "AWSCURRENT", "\ufeff"+`{"token":"`+oldUUID+`"}`)
		}, want: rotation.MalformedSecret, says: "byte order mark"},
		{name: "pre-flight, admin secret missing", with: func(_ *testing.T, b *bench) { b.config.AdminSecretID = "nobody" },
			steps: []string{rotation.StepTest}, want: rotation.SecretsManagerFailed, says: "AdminSecretArn"},
		{name: "pre-flight, admin secret malformed", with: func(t *testing.T, b *bench) {
			b.must(
				t,
				b.secrets.Corrupt(adminName, b.secrets.Holder(adminName, "AWSCURRENT"), `{"Email":"hunter2","Password":"hunter2"}`),
			)
		}, steps: []string{rotation.StepTest}, want: rotation.MalformedAdminSecret, says: "AdminSecretArn"},
		{name: "admin password with white space", with: func(t *testing.T, b *bench) {
			b.must(t, b.secrets.Corrupt(adminName, b.secrets.Holder(adminName, "AWSCURRENT"),
				`{"email":"`+databraintest.ExampleEmail+`","password":"hunter2\n"}`))
		}, want: rotation.AdminSignInRefused, says: "the stored password has white space around it", wrote: true},
		{name: "admin e-mail unknown", with: func(t *testing.T, b *bench) {
			b.must(
				t,
				b.secrets.Corrupt(adminName, b.secrets.Holder(adminName, "AWSCURRENT"), `{"email":"x@y.z","password":"hunter2"}`),
			)
		}, want: rotation.AdminSignInRefused, says: "does not know the admin's e-mail address", wrote: true},
		{
			name: "pending is not a UUID",
			with: func(t *testing.T, b *bench) { b.corrupt(t, "AWSPENDING", `{"token":"hunter2"}`) },
			want: rotation.MalformedSecret,
			says: "--version-stage AWSPENDING --remove-from-version-id 4f1d9a52-6c1e-4b37-9d0a-2f5e8c7b1a60",
		},
		{
			name:  "pending is no UUID in finishSecret",
			with:  func(t *testing.T, b *bench) { b.corrupt(t, "AWSPENDING", `{"token":"hunter2"}`) },
			steps: []string{rotation.StepFinish},
			want:  rotation.MalformedSecret,
			says:  "--version-stage AWSPENDING",
		},
		{
			name: "pending equals current",
			with: func(t *testing.T, b *bench) { b.corrupt(t, "AWSPENDING", `{"token":"`+oldUUID+`"}`) },
			want: rotation.PendingEqualsCurrent,
			says: "--remove-from-version-id 4f1d9a52-6c1e-4b37-9d0a-2f5e8c7b1a60",
		},
		{
			name:  "pending equals current in finishSecret",
			with:  func(t *testing.T, b *bench) { b.corrupt(t, "AWSPENDING", `{"token":"`+oldUUID+`"}`) },
			steps: []string{rotation.StepFinish},
			want:  rotation.PendingEqualsCurrent,
			says:  "update-secret-version-stage",
		},
		{
			name:  "no pending value in setSecret",
			steps: []string{rotation.StepSet},
			want:  rotation.PendingValueMissing,
			says:  "createSecret",
		},
		{
			name:  "no pending value in finishSecret",
			steps: []string{rotation.StepFinish},
			want:  rotation.PendingValueMissing,
			says:  "createSecret",
		},
		{name: "admin secret missing", with: func(_ *testing.T, b *bench) { b.config.AdminSecretID = "nobody" },
			want: rotation.SecretsManagerFailed, says: "DATABRAIN_ADMIN_SECRET_ID", wrote: true},
		{name: "admin secret malformed", with: func(t *testing.T, b *bench) {
			b.must(t, b.secrets.Corrupt(adminName, b.secrets.Holder(adminName, "AWSCURRENT"), `{"email":"a@b.c"}`))
		}, want: rotation.MalformedAdminSecret, says: `"password"`, wrote: true},
		{name: "admin secret with names in another case", with: func(t *testing.T, b *bench) {
			b.must(
				t,
				b.secrets.Corrupt(adminName, b.secrets.Holder(adminName, "AWSCURRENT"), `{"Email":"a@b.c","Password":"hunter2"}`),
			)
		}, want: rotation.MalformedAdminSecret, says: `"email" and "password"`, wrote: true},
		{name: "admin secret with a password twice", with: func(t *testing.T, b *bench) {
			b.must(t, b.secrets.Corrupt(adminName, b.secrets.Holder(adminName, "AWSCURRENT"),
				`{"email":"a@b.c","password":"hunter2","password":"hunter2"}`))
		}, want: rotation.MalformedAdminSecret, says: `"password" twice`, wrote: true},
		{name: "admin password changed", with: func(_ *testing.T, b *bench) { b.db.SetAdminPassword("An0ther!pass") },
			want: rotation.AdminSignInRefused, says: "refuses the password", wrote: true},
		{name: "cloud instance", with: func(_ *testing.T, b *bench) {
			b.db.Inject(
				standin.Fault{Operation: http.MethodPost, Do: databraintest.Error(500, "SELFHOSTED_APP_ERROR", "…"), Times: -1},
			)
		}, want: rotation.DatabrainRefused, says: "retry cannot help", wrote: true},
		{name: "rate limited POST", with: func(_ *testing.T, b *bench) {
			b.db.Inject(
				standin.Fault{
					Operation: http.MethodPost,
					Target:    "/api/v2/service-token",
					Do:        databraintest.TooManyRequests("30"),
					Times:     -1,
				},
			)
		}, want: rotation.DatabrainRefused, says: "tries again by itself", wrote: true},
		{name: "rate limited sign-in", with: func(_ *testing.T, b *bench) {
			b.db.Inject(standin.Fault{Target: "/api/v2/admin-account/jwt", Do: databraintest.TooManyRequests("30"), Times: -1})
		}, want: rotation.DatabrainRefused, says: "rate limit refused the request (sign in as admin)", wrote: true},
		{name: "forbidden sign-in", with: func(_ *testing.T, b *bench) {
			b.db.Inject(
				standin.Fault{Target: "/api/v2/admin-account/jwt", Do: databraintest.Error(403, "FORBIDDEN", "…"), Times: -1},
			)
		}, want: rotation.DatabrainRefused, says: "Databrain refused (sign in as admin)", wrote: true},
		{name: "a takeover that Databrain refuses", with: func(t *testing.T, b *bench) {
			b.corrupt(t, "AWSCURRENT", `{}`)
			b.db.Inject(
				standin.Fault{
					Operation: http.MethodPost,
					Target:    "/api/v2/service-token",
					Do:        databraintest.TooManyRequests("30"),
					Times:     -1,
				},
			)
		}, want: rotation.DatabrainRefused, says: "tries again by itself", wrote: true},
		{name: "instance down", with: func(_ *testing.T, b *bench) {
			b.db.Inject(standin.Fault{Do: standin.BadGateway(), Times: -1})
		}, want: rotation.DatabrainUnavailable, says: "DATABRAIN_BASE_URL", wrote: true},
		{name: "a login page instead of the API", with: func(_ *testing.T, b *bench) {
			b.db.Inject(standin.Fault{Do: standin.LoginPage(), Times: -1})
		}, want: rotation.DatabrainUnavailable, says: "not what the API documents", wrote: true},
		{name: "slower than the deadline", with: func(_ *testing.T, b *bench) {
			b.db.Inject(standin.Fault{Do: standin.Hang(), Times: -1})
		}, want: rotation.DatabrainUnavailable, says: "timeout", wrote: true},
		{name: "current rejected", with: func(_ *testing.T, b *bench) { b.db.SetToken(otherUUID) },
			want: rotation.CurrentTokenRejected, says: "another secret rotates the same organisation", wrote: true},
		{name: "current rejected, previous works", with: func(t *testing.T, b *bench) {
			b.must(t, b.secrets.SetLabels(secretName, otherUUID, "AWSPREVIOUS"))
			b.must(t, b.secrets.Corrupt(secretName, otherUUID, `{"token":"`+otherUUID+`"}`))
			b.db.SetToken(otherUUID)
		}, want: rotation.CurrentTokenRejected, says: "--version-stage AWSCURRENT --move-to-version-id " + otherUUID +
			" --remove-from-version-id ", wrote: true},
		{name: "current empty, takeover never", with: func(t *testing.T, b *bench) {
			b.config.Takeover = rotation.TakeoverNever
			b.corrupt(t, "AWSCURRENT", `{"token":""}`)
		}, want: rotation.CurrentTokenMissing, says: "ROTATION_TAKEOVER=empty", wrote: true},
		{name: "saved, then rejected for good", with: func(_ *testing.T, b *bench) {
			b.db.Inject(
				standin.Fault{
					Operation: http.MethodGet,
					Skip:      2,
					Do:        databraintest.Error(401, "AUTHENTICATION_ERROR", "…"),
					Times:     -1,
				},
			)
		}, want: rotation.PendingTokenRejected, says: "AWSCURRENT stays where it is", wrote: true},
		{name: "rejected before the label moves", with: func(_ *testing.T, b *bench) {
			b.db.Inject(
				standin.Fault{
					Operation: http.MethodGet,
					Skip:      4,
					Do:        databraintest.Error(401, "AUTHENTICATION_ERROR", "…"),
					Times:     -1,
				},
			)
		}, want: rotation.PendingTokenRejected, says: "AWSCURRENT stays where it is", wrote: true},
		{name: "grace, wrong contract", with: func(_ *testing.T, b *bench) {
			b.config.Strategy = rotation.Grace
			b.db = databraintest.New(databraintest.Config{ServiceToken: oldUUID, Switches: databraintest.Switches{
				RotateContract: databraintest.AdminContract, BadJWT400: true}})
		}, want: rotation.GraceContractMismatch, says: "ROTATION_GRACE_CONTRACT"},
		{name: "pre-flight, current rejected", with: func(_ *testing.T, b *bench) { b.db.SetToken(otherUUID) },
			steps: []string{rotation.StepTest}, want: rotation.CurrentTokenRejected, says: "would be abandoned"},
		{name: "pre-flight, instance down", with: func(_ *testing.T, b *bench) {
			b.db.Inject(standin.Fault{Do: standin.BadGateway(), Times: -1})
		}, steps: []string{rotation.StepTest}, want: rotation.DatabrainUnavailable, says: "DATABRAIN_BASE_URL"},
		{name: "pre-flight, takeover of a rejected token, admin refused", with: func(_ *testing.T, b *bench) {
			b.config.Takeover = rotation.TakeoverInvalid
			b.db.SetToken(otherUUID)
			b.db.SetAdminPassword("An0ther!pass")
		}, steps: []string{rotation.StepTest}, want: rotation.AdminSignInRefused, says: "Correct the e-mail"},
		{name: "pre-flight, nothing stored, takeover never", with: func(t *testing.T, b *bench) {
			b.config.Takeover = rotation.TakeoverNever
			b.corrupt(t, "AWSCURRENT", `{}`)
		}, steps: []string{rotation.StepTest}, want: rotation.CurrentTokenMissing, says: "Store the token"},
		{name: "pre-flight, nothing stored, admin refused", with: func(t *testing.T, b *bench) {
			b.corrupt(t, "AWSCURRENT", `{}`)
			b.db.SetAdminPassword("An0ther!pass")
		}, steps: []string{rotation.StepTest}, want: rotation.AdminSignInRefused, says: "Correct the e-mail"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t)
				if tt.with != nil {
					tt.with(t, b)
				}
				if n := b.secrets.Count("PutSecretValue"); n != tt.puts {
					t.Fatalf("%d puts before the rotation", n)
				}
				steps := tt.steps
				if steps == nil {
					steps = allSteps
				}
				current, token, puts := b.secrets.Holder(
					secretName,
					"AWSCURRENT",
				), b.db.CurrentToken(), b.secrets.Count(
					"PutSecretValue",
				)
				err := b.run(t.Context(), steps...)
				if nameOf(err) != tt.want {
					t.Fatalf("got %v, want a %s", err, tt.want)
				}
				if !strings.Contains(err.Error(), tt.says) {
					t.Errorf("%v\ndoes not say %q", err, tt.says)
				}
				if b.secrets.Holder(secretName, "AWSCURRENT") != current {
					t.Error("AWSCURRENT moved")
				}
				if !tt.wrote &&
					(b.db.CurrentToken() != token || tt.name[:6] != "access" && b.secrets.Count("PutSecretValue") != puts) {
					t.Error("something was written")
				}
				if strings.Contains(b.out.String(), `"Healed":`) {
					t.Error("a rotation that failed counts as healed")
				}
				if strings.Contains(b.out.String()+err.Error(), "hunter2") {
					t.Error("a value is shown")
				}
			})
		})
	}
}

func sdkOf(b *bench) *secretsmanager.Client {
	return secretsmanager.New(secretsmanager.Options{
		BaseEndpoint: aws.String("http://secretsmanager.test"), HTTPClient: b.secrets.Client(), Region: "us-east-1",
		Credentials: credentials.NewStaticCredentialsProvider("id", "key", ""), AppID: "operator",
	})
}

// TestRotations checks rotations that succeed, from each way to begin.
func TestRotations(t *testing.T) {
	tests := []struct {
		name    string
		with    func(*testing.T, *bench)
		want    string // the new value, with %s for the token
		oldWork bool
		logged  []string
		metrics []string
	}{
		{name: "replace", want: `{"token":"%s","note":"kept"}`, logged: []string{"AWSCURRENT moved"}},
		{name: "bare UUID", with: func(t *testing.T, b *bench) { b.corrupt(t, "AWSCURRENT", oldUUID) }, want: `%s`},
		{name: "bootstrap", with: func(t *testing.T, b *bench) {
			b.corrupt(t, "AWSCURRENT", `{"a":1,"token":""}`)
			b.db.SetToken("")
		}, want: `{"a":1,"token":"%s"}`, logged: []string{"taking over"}, metrics: []string{"Healed"}},
		{name: "no AWSCURRENT at all", with: func(t *testing.T, b *bench) {
			b.must(t, b.secrets.SetLabels(secretName, b.secrets.Holder(secretName, "AWSCURRENT")))
		}, want: `{"token":"%s"}`, metrics: []string{"Healed"}},
		{name: "takeover of a rejected token", with: func(_ *testing.T, b *bench) {
			b.config.Takeover = rotation.TakeoverInvalid
			b.db.SetToken(otherUUID)
		}, want: `{"token":"%s","note":"kept"}`, logged: []string{"taking over"}, metrics: []string{"Healed"}},
		{name: "takeover, with an AWSPREVIOUS that holds anything", with: func(t *testing.T, b *bench) {
			b.config.Takeover = rotation.TakeoverInvalid
			b.db.SetToken(otherUUID)
			b.must(t, b.secrets.SetLabels(secretName, otherUUID, "AWSPREVIOUS"))
			b.must(t, b.secrets.Corrupt(secretName, otherUUID, "nothing of ours"))
		}, want: `{"token":"%s","note":"kept"}`, metrics: []string{"Healed"}},
		{name: "pending value from weeks ago", with: func(t *testing.T, b *bench) {
			b.corrupt(t, "AWSPENDING", `{"token":"`+newUUID+`","note":"old"}`)
		}, want: `{"token":"%s","note":"old"}`, logged: []string{"it is kept"}},
		{name: "lost answer", with: func(_ *testing.T, b *bench) {
			b.db.Inject(
				standin.Fault{Operation: http.MethodPost, Target: "/api/v2/service-token", AfterEffect: true, Do: standin.Cut()},
			)
		}, want: `{"token":"%s","note":"kept"}`, logged: []string{"the outcome of saving the token is unknown",
			"Databrain accepts it"}},
		{name: "lost request", with: func(_ *testing.T, b *bench) {
			b.db.Inject(standin.Fault{Operation: http.MethodPost, Target: "/api/v2/service-token", Do: standin.Cut()})
		}, want: `{"token":"%s","note":"kept"}`, logged: []string{"the outcome of saving the token is unknown"}},
		{name: "replica lags", with: func(_ *testing.T, b *bench) {
			b.db = databraintest.New(
				databraintest.Config{ServiceToken: oldUUID, Switches: databraintest.Switches{PropagationDelay: 5 * time.Second}},
			)
		}, want: `{"token":"%s","note":"kept"}`},
		{name: "no answer before the label moves", with: func(_ *testing.T, b *bench) {
			b.db.Inject(standin.Fault{Operation: http.MethodGet, Skip: 4, Do: standin.BadGateway()})
		}, want: `{"token":"%s","note":"kept"}`, logged: []string{"testSecret has proven the token"}},
		{name: "reads of Secrets Manager lag", with: func(_ *testing.T, b *bench) {
			b.secrets.SetReadLag(secretsmanagertest.ReadLag{Reads: 2})
		}, want: `{"token":"%s","note":"kept"}`},
		{name: "grace", with: func(_ *testing.T, b *bench) { b.config.Strategy = rotation.Grace },
			want: `{"token":"%s","note":"kept"}`, oldWork: true, logged: []string{"oldTokenEnds"}},
		{name: "grace, older contract", with: func(_ *testing.T, b *bench) {
			b.config.Strategy, b.config.Contract = rotation.Grace, rotation.ContractAdminJWT
			b.db = databraintest.New(
				databraintest.Config{
					ServiceToken: oldUUID,
					Switches:     databraintest.Switches{RotateContract: databraintest.AdminContract},
				},
			)
		}, want: `{"token":"%s","note":"kept"}`, oldWork: true},
		{name: "grace, lost answer", with: func(_ *testing.T, b *bench) {
			b.config.Strategy = rotation.Grace
			b.db.Inject(standin.Fault{Target: "/api/v2/service-token/rotate", AfterEffect: true, Do: standin.Cut()})
		}, want: `{"token":"%s","note":"kept"}`, oldWork: true,
			logged: []string{"a token that nobody holds may be live"}, metrics: []string{"OrphanPossible"}},
		{name: "grace, bootstrap", with: func(t *testing.T, b *bench) {
			b.config.Strategy = rotation.Grace
			b.corrupt(t, "AWSCURRENT", `{"token":""}`)
			b.db.SetToken("")
		}, want: `{"token":"%s"}`, metrics: []string{"Healed"}},
		{name: "grace shorter than caches", with: func(_ *testing.T, b *bench) {
			b.config.Strategy, b.config.GracePeriod = rotation.Grace, 30*time.Minute
		}, want: `{"token":"%s","note":"kept"}`, oldWork: true, logged: []string{"shorter than the hour"}},
		{name: "grace longer than the interval", with: func(_ *testing.T, b *bench) {
			b.config.Strategy, b.config.GracePeriod = rotation.Grace, 31*24*time.Hour
		}, want: `{"token":"%s","note":"kept"}`, oldWork: true, logged: []string{"longer than the rotation interval"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t)
				if tt.with != nil {
					tt.with(t, b)
				}
				if err := b.run(t.Context(), allSteps...); err != nil {
					t.Fatal(err)
				}
				if holder := b.secrets.Holder(secretName, "AWSCURRENT"); holder != b.version {
					t.Fatalf("AWSCURRENT is on %q", holder)
				}
				value, _ := b.secrets.Value(secretName, b.version)
				token := b.db.CurrentToken()
				if value != fmt.Sprintf(tt.want, token) {
					t.Errorf("the new value is not the wanted one around Databrain's token")
				}
				if !b.db.TokenWorks(token) || token == oldUUID || b.db.TokenWorks(oldUUID) != tt.oldWork {
					t.Errorf("new works: %v, old works: %v", b.db.TokenWorks(token), b.db.TokenWorks(oldUUID))
				}
				for _, words := range append(tt.logged, tt.metrics...) {
					if !strings.Contains(b.out.String(), words) {
						t.Errorf("the output does not say %q:\n%s", words, b.out.String())
					}
				}
				if strings.Contains(b.out.String(), token) || strings.Contains(b.out.String(), oldUUID) {
					t.Error("a token is in the output")
				}
				if got := strings.Contains(b.out.String(), `"Healed":`); got != strings.Contains(
					strings.Join(tt.metrics, " "),
					"Healed",
				) {
					t.Errorf("metric Healed: %v", got)
				}
				// Once finished, every step is a duplicate that does nothing.
				calls := len(b.db.Calls())
				if err := b.run(t.Context(), allSteps...); err != nil || len(b.db.Calls()) != calls {
					t.Errorf("late duplicates: %v, %d requests", err, len(b.db.Calls())-calls)
				}
			})
		})
	}
}

// TestPreflightWritesNothing checks testSecret alone, on a version without a value.
func TestPreflightWritesNothing(t *testing.T) {
	for name, tt := range map[string]struct{ current, pending, says string }{
		"current works":                 {`{"token":"` + oldUUID + `"}`, "", "pre-flight: Databrain accepts AWSCURRENT"},
		"nothing to rotate yet":         {`{"token":""}`, "", "pre-flight: nothing to rotate yet"},
		"nothing yet, and a copy of it": {`{"token":""}`, `{"token":""}`, "pre-flight: nothing to rotate yet"},
		"a copy of current": {`{"token":"` + oldUUID + `"}`, `{"token":"` + oldUUID + `"}`,
			"accepts the pending token"},
		"a copy of a rejected token": {`{"token":"` + otherUUID + `"}`, `{"token":"` + otherUUID + `"}`,
			"pre-flight: Databrain rejects AWSCURRENT"},
		"a rejected token may be replaced": {`{"token":"` + otherUUID + `"}`, "", "pre-flight: Databrain rejects AWSCURRENT"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t)
				b.config.Takeover = rotation.TakeoverInvalid
				b.corrupt(t, "AWSCURRENT", tt.current)
				b.corrupt(t, "AWSPENDING", tt.pending)
				if err := b.run(t.Context(), rotation.StepTest); err != nil {
					t.Fatal(err)
				}
				if !strings.Contains(b.out.String(), tt.says) {
					t.Errorf("the log does not say so: %s", b.out.String())
				}
				if n := b.secrets.Count("PutSecretValue") + b.secrets.Count("UpdateSecretVersionStage") +
					b.db.Count("POST /api/v2/service-token"); n != 0 {
					t.Errorf("%d writes", n)
				}
			})
		})
	}
}

// TestStepMetrics checks the line that each step writes.
func TestStepMetrics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		if err := b.run(t.Context(), rotation.StepCreate, "nonsense"); err == nil {
			t.Fatal("an unknown step succeeded")
		}
		var got []string
		for line := range strings.Lines(b.out.String()) {
			var m struct {
				AWS                       any `json:"_aws"`
				Instance, Step            string
				StepSucceeded, StepFailed float64
			}
			if err := json.Unmarshal([]byte(line), &m); err != nil {
				t.Fatal(err)
			}
			if m.AWS != nil {
				got = append(got, fmt.Sprint(m.Instance, " ", m.Step, " ", m.StepSucceeded, m.StepFailed))
			}
		}
		want := []string{"https://db.test createSecret 1 0", "https://db.test unknown 0 1"}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}
