package rotation_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"databrain-rotation/pkg/rotation"
	"databrain-rotation/pkg/standin"
	"databrain-rotation/pkg/standin/databraintest"
	"databrain-rotation/pkg/standin/secretsmanagertest"
)

// TestKeyRefusals gives each step of an API token's rotation what it must refuse: by
// name, in words that say what to do, and with nothing made or stored.
func TestKeyRefusals(t *testing.T) {
	current := func(value string) func(*world) {
		return func(w *world) {
			must(0, w.sm.Corrupt(w.secret, w.sm.Holder(w.secret, secretsmanagertest.Current), value))
		}
	}
	for name, tt := range map[string]struct {
		start, variant string
		with           func(*world)
		step           string // createSecret
		want           rotation.Name
		says           string
	}{
		"no dataApp": {with: current(`{"name":"n","key":""}`), want: rotation.MalformedSecret, says: `no member "dataApp"`},
		"no name": {
			with: current(`{"dataApp":"a","key":"` + firstKey + `"}`), want: rotation.MalformedSecret, says: `no member "name"`},
		"a bare UUID": {with: current(firstKey), want: rotation.MalformedSecret, says: "bare UUID"},
		"the service token as the key": {
			with: current(keyDocument(keyName, serviceToken)), want: rotation.ServiceTokenAsKey, says: "service token"},
		"the service token as the key, which lists embeds": {
			variant: "embeds-by-service", with: current(keyDocument(keyName, serviceToken)),
			want: rotation.ServiceTokenAsKey, says: `"key":""`},
		"the service token as the key, in the pre-flight": {
			step: rotation.StepTest, with: current(keyDocument(keyName, serviceToken)),
			want: rotation.ServiceTokenAsKey, says: "nothing was written"},
		"an earlier service token as the key": {
			with: func(w *world) {
				current(keyDocument(keyName, serviceToken))(w)
				w.db.SetToken(foreignToken)
				must(w.sm.ManualPut(w.service, secretDocument(foreignToken)))
				must(0, w.sm.Corrupt(w.secret, w.sm.Holder(w.secret, secretsmanagertest.Current), keyDocument("gone",
					serviceToken)))
			},
			want: rotation.APITokenRejected, says: "accepts neither",
		},
		"an app that does not exist": {
			with: current(`{"dataApp":"Nowhere","name":"n","key":""}`), want: rotation.DataAppNotFound, says: `"Nowhere"`},
		"an app that was renamed": {
			with: current(`{"dataApp":"Old name","name":"n","key":"` + firstKey + `"}`), want: rotation.DataAppNotFound,
			says: `"Portal & Co" has the secret's key: it was renamed`},
		"the key of another app": {
			with: current(keyDocument(keyName, otherAppKey)), want: rotation.APITokenInOtherApp, says: `"Partner"`},
		"the key of another app, in the pre-flight": {
			step: rotation.StepTest, with: current(keyDocument(keyName, otherAppKey)), want: rotation.APITokenInOtherApp,
			says: "nothing was written"},
		"a key in grace, and nothing of the name": {
			start: "by-hand", with: current(keyDocument("no such name", firstKey)), want: rotation.APITokenNotListed,
			says: "no such name"},
		"the name of another, newer token": {
			with: current(keyDocument("Staging", firstKey)), want: rotation.APITokenAmbiguous, says: "another name"},
		"two tokens of the name and date": {
			start: "import", with: func(w *world) { w.db.AddAPIToken(portal, keyName); w.db.AddAPIToken(portal, keyName) },
			want: rotation.APITokenAmbiguous, says: "fingerprints"},
		"a dead key, and nothing of the name": {
			with: current(keyDocument("gone", pendingToken)), want: rotation.APITokenRejected, says: `"key":""`},
		"a list that masks keys": {
			start: "create", with: func(w *world) { w.db.SetDataApps(masked(`{"key":"****","name":"Staging"}`)) },
			want: rotation.APITokenListUnreadable, says: "masks its keys"},
		"a listed key that is no UUID": {
			start: "import", with: func(w *world) {
				w.db.SetDataApps(masked(`{"key":"77777777","name":` + fmt.Sprintf("%q", keyName) + `}`))
			}, want: rotation.APITokenRejected, says: "fingerprints"},
		"the older contract": {
			with: func(w *world) {
				w.db.SetSwitches(databraintest.Switches{RotateAPIContract: databraintest.AdminContract})
			}, want: rotation.APITokenContractMismatch, says: "API_TOKEN_ROTATE_CONTRACT"},
		"a service token that is rejected": {
			with: func(w *world) { w.db.SetToken(foreignToken) }, want: rotation.ServiceTokenRejected,
			says: "service token's secret first"},
		"a service token's secret without a token": {
			with: func(w *world) { must(w.sm.ManualPut(w.service, `{}`)) }, want: rotation.MalformedServiceTokenSecret,
			says: "DATABRAIN_SERVICE_TOKEN_SECRET_ID"},
		"a service token's secret that may not be read": {
			with: func(w *world) {
				w.sm.Inject(standin.Fault{Operation: "GetSecretValue", Target: serviceSecret, Times: -1,
					Do: standin.Error(secretsmanagertest.CodeAccessDenied)})
			}, want: rotation.SecretsManagerFailed, says: "DATABRAIN_SERVICE_TOKEN_SECRET_ID"},
		"a pending key that is dead": {
			start: "old-pending", step: rotation.StepSet, with: func(w *world) {
				must(0, w.sm.Corrupt(w.secret, w.sm.Holder(w.secret, secretsmanagertest.Pending), keyDocument(keyName,
					pendingToken)))
			}, want: rotation.PendingTokenRejected, says: "--remove-from-version-id"},
		"a pending key of another app": {
			start: "old-pending", step: rotation.StepTest, with: func(w *world) {
				must(0, w.sm.Corrupt(w.secret, w.sm.Holder(w.secret, secretsmanagertest.Pending), keyDocument(keyName,
					otherAppKey)))
			}, want: rotation.APITokenNotListed, says: "does not list it"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(setup{"key", orDefault(tt.start, "normal"), orDefault(tt.variant, "default")})
				version := w.sm.Holder(w.secret, secretsmanagertest.Pending)
				if version == "" {
					version = "4f1d9a52-6c1e-4b37-9d0a-2f5e8c7b1a60"
					must(0, w.sm.SetLabels(w.secret, version, secretsmanagertest.Pending))
				}
				w.watch.foreign(func() { tt.with(w) })
				made, before := w.db.MintedAPITokens(), w.sm.Snapshot(w.secret)
				err := w.run(w.invocation(orDefault(tt.step, rotation.StepCreate), version))
				if nameOf(err) != tt.want || !strings.Contains(err.Error(), tt.says) {
					t.Fatalf("got %v, want a %s that says %q", err, tt.want, tt.says)
				}
				if fmt.Sprint(w.sm.Snapshot(w.secret)) != fmt.Sprint(before) || w.db.MintedAPITokens() != made {
					t.Error("something was made or stored")
				}
				if problems := w.watch.end(); problems != nil {
					t.Error(problems)
				}
			})
		})
	}
}

// masked are data apps with one entry of a list that no documentation allows.
func masked(raw string) []databraintest.DataApp {
	apps := dataApps()
	apps[0].Tokens = []databraintest.APIToken{{Raw: raw}}
	return apps
}

func orDefault(text, fallback string) string {
	if text == "" {
		return fallback
	}
	return text
}
