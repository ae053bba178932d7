package diagnosis_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/google/go-cmp/cmp"

	"databrain-rotation/pkg/rotation"
	"databrain-rotation/pkg/rotation/diagnosis"
	"databrain-rotation/pkg/standin"
	"databrain-rotation/pkg/standin/databraintest"
	"databrain-rotation/pkg/standin/secretsmanagertest"
)

const (
	apiKey   = "0d6f4b8f-9f0e-4d0f-8a57-6a0f4c1e7f10"
	otherKey = "11111111-2222-4333-8444-555555555555"
)

func keyValue(app, name, key string) string {
	return fmt.Sprintf(`{"dataApp":%q,"name":%q,"key":%q}`, app, name, key)
}

// newKeyAccount is an account with the secret of an API token under rotation.
func newKeyAccount(hang func(*http.Request) bool) *account {
	a := newAccount("https://databrain.test", hang)
	a.db.SetSwitches(databraintest.Switches{RotateAPIContract: databraintest.ServiceTokenContract})
	made := time.Now().Add(-24 * time.Hour)
	a.db.SetDataApps([]databraintest.DataApp{
		{Name: "portal", Tokens: []databraintest.APIToken{{Key: apiKey, Name: "prod", CreatedAt: made}}},
		{Name: "partner", Tokens: []databraintest.APIToken{{Key: otherKey, Name: "prod", CreatedAt: made}}},
	})
	config := rotation.APITokenConfig{
		ServiceTokenSecretID: a.arn, GracePeriod: 24 * time.Hour, Contract: rotation.ContractByKey,
		Instance: "https://databrain.test",
	}
	a.diagnoser.Key, a.diagnoser.Config = &config, rotation.Config{}
	rotator := rotation.NewAPIToken(a.client(), a.diagnoser.Client(a.diagnoser.Instance), config,
		slog.New(slog.DiscardHandler), io.Discard, time.Now)
	a.secrets.SetRotationFunction("arn:keys", func(ctx context.Context, event []byte) error {
		e, err := rotation.ParseEvent(event)
		if err == nil {
			err = rotator.Handle(ctx, e)
		}
		return err
	})
	a.arn = must(a.secrets.Create("key", keyValue("portal", "prod", apiKey)))
	a.manage()
	return a
}

func (a *account) client() *secretsmanager.Client {
	return a.diagnoser.Secrets.(*secretsmanager.Client)
}

func (a *account) manage() {
	rules := secretsmanagertest.RotationRules{AutomaticallyAfterDays: 30}
	if err := a.secrets.ConfigureRotation("key", "arn:keys", rules); err != nil {
		panic(err)
	}
}

// store puts a value by hand.
func (a *account) store(value string) { must(a.secrets.ManualPut("key", value)) }

// pend puts a value of a rotation that has not finished; "" for none yet.
func (a *account) pend(value string) {
	const version = "4f1d9a52-6c1e-4b37-9d0a-2f5e8c7b1a60"
	if value == "" {
		_ = a.secrets.SetLabels("key", version, "AWSPENDING")
		return
	}
	if _, err := a.client().PutSecretValue(context.Background(), &secretsmanager.PutSecretValueInput{
		SecretId: aws.String("key"), ClientRequestToken: aws.String(version), SecretString: &value,
		VersionStages: []string{"AWSPENDING"},
	}); err != nil {
		panic(err)
	}
}

// state is all that a diagnosis must leave as it is.
func (a *account) state() (all []string) {
	for _, id := range []string{"key", "token"} {
		for _, v := range a.secrets.Snapshot(id) {
			value, _ := a.secrets.Value(id, v.ID)
			all = append(all, fmt.Sprint(id, v, value))
		}
	}
	return append(all, fmt.Sprint(a.db.LiveTokens(), a.db.Minted(), a.db.MintedAPITokens(),
		a.db.LiveAPITokens("portal"), a.db.LiveAPITokens("partner")))
}

// diagnose asks, and checks what holds for each answer: nothing is written, no value is
// shown, there is no sign-in, and it comes in time.
func (a *account) diagnose(t *testing.T) diagnosis.Report {
	t.Helper()
	before, began := a.state(), time.Now()
	request, _ := diagnosis.ParseRequest([]byte(`{"diagnose":"key"}`))
	r := a.diagnoser.Diagnose(t.Context(), request)
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("it took %v", took)
	}
	if diff := cmp.Diff(before, a.state()); diff != "" {
		t.Errorf("a diagnosis wrote:\n%s", diff)
	}
	encoded, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	values := slices.Concat([]string{live, apiKey, otherKey, databraintest.ExamplePassword},
		a.db.LiveAPITokens("portal"), a.db.LiveAPITokens("partner"))
	for _, value := range values {
		if strings.Contains(string(encoded), value) {
			t.Errorf("a value is shown: %s", encoded)
		}
	}
	if n := a.db.SignIns(); n > 0 {
		t.Errorf("%d sign-ins", n)
	}
	return r
}

// run does what a command says.
func (a *account) run(t *testing.T, line string) {
	t.Helper()
	words := strings.Fields(line)
	option := func(name string) *string {
		if i := slices.Index(words, name); i >= 0 {
			return &words[i+1]
		}
		return nil
	}
	var err error
	switch {
	case strings.HasPrefix(line, "aws secretsmanager update-secret-version-stage "):
		_, err = a.client().UpdateSecretVersionStage(t.Context(), &secretsmanager.UpdateSecretVersionStageInput{
			SecretId: option("--secret-id"), VersionStage: option("--version-stage"),
			MoveToVersionId: option("--move-to-version-id"), RemoveFromVersionId: option("--remove-from-version-id"),
		})
	case strings.HasPrefix(line, "aws secretsmanager restore-secret "):
		_, err = a.client().RestoreSecret(t.Context(), &secretsmanager.RestoreSecretInput{SecretId: option("--secret-id")})
	case strings.HasPrefix(line, "aws secretsmanager rotate-secret "):
		now := !slices.Contains(words, "--no-rotate-immediately")
		_, err = a.client().RotateSecret(t.Context(), &secretsmanager.RotateSecretInput{
			SecretId: option("--secret-id"), RotateImmediately: &now,
		})
		a.secrets.Wait()
		if err != nil && strings.Contains(err.Error(), "previous rotation isn") {
			err = nil
		}
	default:
		err = fmt.Errorf("nobody knows how to do that")
	}
	if err != nil {
		t.Errorf("%s: %v", line, err)
	}
}

// TestDiagnosesOfAPITokens: each state has its verdict and its first problem. Where the
// answer gives commands, they end in health; person stands for what it leaves to one.
func TestDiagnosesOfAPITokens(t *testing.T) {
	const fresh = "99999999-2222-4333-8444-555555555555"
	for name, tt := range map[string]struct {
		with    func(*account)
		hang    func(*http.Request) bool
		verdict diagnosis.Verdict
		code    diagnosis.Code
		fails   rotation.Name
		person  func(*account) // what a person does; nil where the commands do it all
		stays   bool           // nothing repairs it here
	}{
		"healthy": {with: func(*account) {}, verdict: diagnosis.Healthy},
		"waits for its import": {with: func(a *account) {
			a.store(keyValue("portal", "prod", ""))
		}, verdict: diagnosis.Broken, code: diagnosis.CurrentEmpty},
		"waits for its token": {with: func(a *account) {
			a.store(keyValue("portal", "new", ""))
		}, verdict: diagnosis.Broken, code: diagnosis.CurrentEmpty},
		"rotated by hand": {with: func(a *account) {
			a.db.ReplaceAPIToken(apiKey, time.Hour)
		}, verdict: diagnosis.Attention, code: diagnosis.KeyReplaced},
		"rotated by hand, and the old key has ended": {with: func(a *account) {
			a.db.ReplaceAPIToken(apiKey, 0)
		}, verdict: diagnosis.Broken, code: diagnosis.CurrentRejected},
		"a second token of the name": {with: func(a *account) {
			a.db.AddAPIToken("portal", "prod")
		}, verdict: diagnosis.Attention, code: diagnosis.KeyReplaced},
		"a dead key was stored": {with: func(a *account) {
			a.store(keyValue("portal", "prod", fresh))
		}, verdict: diagnosis.Broken, code: diagnosis.CurrentRejected},
		"a dead key and other names, AWSPREVIOUS works": {with: func(a *account) {
			a.store(keyValue("portal", "gone", fresh))
		}, verdict: diagnosis.Broken, code: diagnosis.CurrentRejected, fails: rotation.APITokenRejected},
		"malformed, AWSPREVIOUS works": {with: func(a *account) {
			a.store(`{"dataApp":"portal"}`)
		}, verdict: diagnosis.Broken, code: diagnosis.CurrentMalformed, fails: rotation.MalformedSecret},
		"malformed": {with: func(a *account) {
			a.store(`{"dataApp":"portal","x":1}`)
			a.store(`{"dataApp":"portal"}`)
		}, verdict: diagnosis.Broken, code: diagnosis.CurrentMalformed, fails: rotation.MalformedSecret,
			person: func(a *account) { a.store(keyValue("portal", "prod", apiKey)) }},
		"no key works": {with: func(a *account) {
			a.db.SetDataApps([]databraintest.DataApp{{Name: "portal"}})
		}, verdict: diagnosis.Broken, code: diagnosis.KeyNoneWorks, fails: rotation.APITokenRejected,
			person: func(a *account) { a.store(keyValue("portal", "another", "")) }},
		"no such app": {with: func(a *account) {
			a.store(keyValue("nowhere", "prod", apiKey))
		}, verdict: diagnosis.Attention, code: diagnosis.DataAppMissing, fails: rotation.DataAppNotFound,
			person: func(a *account) { a.store(keyValue("portal", "prod", apiKey)) }},
		"another app's": {with: func(a *account) {
			a.store(keyValue("portal", "prod", otherKey))
		}, verdict: diagnosis.Attention, code: diagnosis.KeyInOtherApp, fails: rotation.APITokenInOtherApp,
			person: func(a *account) { a.store(keyValue("partner", "prod", otherKey)) }},
		"a service token": {with: func(a *account) {
			a.store(keyValue("portal", "prod", live))
			a.store(keyValue("portal", "prod", live))
		}, verdict: diagnosis.Broken, code: diagnosis.KeyIsServiceToken, fails: rotation.ServiceTokenAsKey,
			person: func(a *account) { a.store(keyValue("portal", "prod", "")) }},
		"a service token, AWSPREVIOUS works": {with: func(a *account) {
			a.store(keyValue("portal", "prod", live))
		}, verdict: diagnosis.Broken, code: diagnosis.CurrentRejected, fails: rotation.ServiceTokenAsKey},
		"another token's name": {with: func(a *account) {
			a.db.AddAPIToken("portal", "dev")
			a.store(keyValue("portal", "dev", apiKey))
		}, verdict: diagnosis.Attention, code: diagnosis.KeyAmbiguous, fails: rotation.APITokenAmbiguous,
			person: func(a *account) { a.store(keyValue("portal", "prod", apiKey)) }},
		"the service token is dead": {with: func(a *account) {
			a.db.SetToken(fresh)
		}, verdict: diagnosis.Attention, code: diagnosis.ServiceRejected, fails: rotation.ServiceTokenRejected,
			person: func(a *account) { must(a.secrets.ManualPut("token", `{"token":"`+fresh+`"}`)) }},
		"the service token's secret is malformed": {with: func(a *account) {
			must(a.secrets.ManualPut("token", `{"a":"b"}`))
		}, verdict: diagnosis.Attention, code: diagnosis.ServiceMalformed, fails: rotation.MalformedServiceTokenSecret,
			person: func(a *account) { must(a.secrets.ManualPut("token", live)) }},
		"the service token's secret is not there": {with: func(a *account) {
			a.diagnoser.Key.ServiceTokenSecretID = "missing"
		}, verdict: diagnosis.Attention, code: diagnosis.ServiceUnreadable,
			fails: rotation.SecretsManagerFailed, stays: true},
		"the service token's own secret": {with: func(a *account) {
			a.diagnoser.Key.ServiceTokenSecretID = "key"
		}, verdict: diagnosis.Unknown, code: diagnosis.ServiceSame,
			fails: rotation.ServiceTokenSecretIsRotatedSecret, stays: true},
		"of the other kind": {with: func(a *account) {
			a.store(`{"token":"` + live + `"}`)
		}, verdict: diagnosis.Unknown, code: diagnosis.SecretOfOtherKind, stays: true},
		"deleted": {with: func(a *account) {
			_, err := a.client().DeleteSecret(context.Background(),
				&secretsmanager.DeleteSecretInput{SecretId: aws.String("key")})
			must("", err)
		}, verdict: diagnosis.Broken, code: diagnosis.SecretDeleted, fails: rotation.SecretDeleted},
		"a key waits": {with: func(a *account) {
			a.pend(keyValue("portal", "prod", a.db.ReplaceAPIToken(apiKey, time.Hour)))
		}, verdict: diagnosis.Attention, code: diagnosis.Unfinished},
		"a key waits, and the old one has ended": {with: func(a *account) {
			a.pend(keyValue("portal", "prod", a.db.ReplaceAPIToken(apiKey, 0)))
		}, verdict: diagnosis.Broken, code: diagnosis.CurrentRejected},
		"a dead key waits": {with: func(a *account) {
			a.pend(keyValue("portal", "prod", fresh))
		}, verdict: diagnosis.Attention, code: diagnosis.Unfinished, fails: rotation.PendingTokenRejected},
		"two dead keys": {with: func(a *account) {
			a.store(keyValue("portal", "prod", fresh))
			a.pend(keyValue("portal", "prod", "88888888-2222-4333-8444-555555555555"))
		}, verdict: diagnosis.Broken, code: diagnosis.Unfinished, fails: rotation.PendingTokenRejected},
		"the same key waits": {with: func(a *account) {
			a.pend(keyValue("portal", "prod", apiKey))
		}, verdict: diagnosis.Attention, code: diagnosis.PendingSame, fails: rotation.PendingEqualsCurrent},
		"a malformed value waits": {with: func(a *account) {
			a.pend(`{"dataApp":"portal"}`)
		}, verdict: diagnosis.Attention, code: diagnosis.PendingMalformed, fails: rotation.MalformedSecret, stays: true},
		"a rotation without a value": {with: func(a *account) {
			a.pend("")
		}, verdict: diagnosis.Attention, code: diagnosis.Unfinished},
		"a rotation without a value, a lost answer": {with: func(a *account) {
			a.pend("")
			a.db.ReplaceAPIToken(apiKey, time.Hour)
		}, verdict: diagnosis.Attention, code: diagnosis.KeyReplaced},
		"the instance hangs": {
			hang: to("databrain.test", ""), verdict: diagnosis.Unknown, code: diagnosis.InstanceSilent,
			fails: rotation.DatabrainUnavailable, stays: true},
		"the list hangs": {
			hang:    func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/data-app/api-tokens") },
			verdict: diagnosis.Attention, code: diagnosis.OutlookUnknown, fails: rotation.DatabrainUnavailable, stays: true},
		"reading is denied": {with: func(a *account) {
			a.secrets.Inject(fail("GetSecretValue", secretsmanagertest.CodeAccessDenied))
		}, verdict: diagnosis.Unknown, code: diagnosis.CurrentUnreadable, fails: rotation.SecretsManagerFailed, stays: true},
		"a mock": {with: func(a *account) {
			a.db.Inject(standin.Fault{Do: standin.Reply(200, "application/json", `{"data":[]}`), Times: -1})
		}, verdict: diagnosis.Unknown, code: diagnosis.InstanceAcceptsAny, fails: rotation.DatabrainUnavailable, stays: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := newKeyAccount(tt.hang)
				if tt.with != nil {
					tt.with(a)
				}
				r := a.diagnose(t)
				if tt.verdict != "" && r.Verdict != tt.verdict || tt.code != "" && r.Problems[0].Code != tt.code ||
					r.Rotation.WouldFail != string(tt.fails) {
					t.Fatalf("%s, would fail: %s\n%s", r.Summary, r.Rotation.WouldFail, r.Text)
				}
				if tt.stays {
					return
				}
				for round := 0; round < 3 && r.Verdict != diagnosis.Healthy; round++ {
					if tt.person != nil && round == 0 {
						tt.person(a)
					}
					for _, p := range r.Problems {
						for _, command := range p.Do {
							a.run(t, command)
						}
					}
					time.Sleep(time.Hour)
					r = a.diagnose(t)
				}
				if r.Verdict != diagnosis.Healthy {
					t.Errorf("after the advice: %s", r.Text)
				}
				a.run(t, "aws secretsmanager rotate-secret --secret-id key")
				if r = a.diagnose(t); r.Verdict != diagnosis.Healthy {
					t.Errorf("after a rotation: %s", r.Text)
				}
			})
		})
	}
}

// TestEveryStateOfAnAPIToken judges every combination of what may be known.
func TestEveryStateOfAnAPIToken(t *testing.T) {
	list := []rotation.ListedKey{{Fingerprint: "AWSCURRENT", Name: "n"}, {Fingerprint: "AWSPENDING", Name: "n"}}
	outlooks := []rotation.APITokenOutlook{{}}
	for _, action := range []rotation.APITokenAction{
		rotation.KeyImport, rotation.KeyCreate, rotation.KeyRotate, rotation.KeyAdopt,
	} {
		outlooks = append(outlooks, rotation.APITokenOutlook{
			State: rotation.APITokenState{List: list}, Plan: rotation.APITokenPlan{Action: action, Keys: list},
		})
	}
	for _, name := range []rotation.Name{
		rotation.MalformedServiceTokenSecret, rotation.ServiceTokenRejected, rotation.ServiceTokenAsKey,
		rotation.DataAppNotFound, rotation.APITokenInOtherApp, rotation.APITokenNotListed, rotation.APITokenRejected,
		rotation.APITokenAmbiguous, rotation.APITokenListUnreadable, rotation.DatabrainUnavailable,
		rotation.SecretsManagerFailed, rotation.LabelMoved,
	} {
		for _, list := range [][]rotation.ListedKey{nil, {}, list} {
			outlooks = append(outlooks, rotation.APITokenOutlook{
				State: rotation.APITokenState{List: list}, Err: &rotation.Error{Name: name, Found: "found", Next: "next"},
			})
		}
	}
	for _, current := range standings {
		for _, pending := range standings {
			for _, previous := range standings {
				for i, outlook := range outlooks {
					for _, on := range []bool{true, false} {
						f := facts(current, pending, previous, "")
						f.Key, f.Strategy, f.Secret.RotationEnabled = consistent(outlook, current), "", on
						if i == 0 { // nothing was asked, because the instance does not answer
							f.Instance.Answers = false
							for i := range f.Versions {
								if s := &f.Versions[i].Standing; *s == diagnosis.Accepted || *s == diagnosis.Rejected {
									*s = diagnosis.NoAnswer
								}
							}
						}
						checkState(t, fmt.Sprint(current, "/", pending, "/", previous, "/", i, outlook.Err, on), f)
					}
				}
			}
		}
	}
}

// consistent is an outlook as it can be beside what is known of AWSCURRENT.
func consistent(o rotation.APITokenOutlook, current diagnosis.Standing) *rotation.APITokenOutlook {
	switch current {
	case "", diagnosis.Malformed:
		return &rotation.APITokenOutlook{Err: &rotation.Error{Name: rotation.MalformedSecret}}
	case diagnosis.Unreadable:
		return &rotation.APITokenOutlook{Err: &rotation.Error{Name: rotation.SecretsManagerFailed}}
	case diagnosis.NoAnswer:
		if o.Err == nil || o.State.List != nil {
			return &rotation.APITokenOutlook{
				State: rotation.APITokenState{List: o.State.List}, Err: &rotation.Error{Name: rotation.DatabrainUnavailable},
			}
		}
	}
	return &o
}
