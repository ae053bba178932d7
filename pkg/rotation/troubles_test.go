package rotation_test

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"databrain-rotation/pkg/rotation"
	"databrain-rotation/pkg/standin"
	"databrain-rotation/pkg/standin/databraintest"
	"databrain-rotation/pkg/standin/secretsmanagertest"
)

// trouble is a state in which a rotation fails with a named error whose advice an
// operator can carry out.
type trouble struct {
	setup  setup        // replace/normal/default if empty
	before bool         // the trouble is there before the rotation begins
	steps  int          // that succeed before the trouble
	brew   func(*world) // makes the trouble
	want   rotation.Name
}

// damages are what accidents make of a value, with the token still in it.
var damages = map[string]func(token string) string{
	"byte order mark":     func(token string) string { return "\ufeff" + secretDocument(token) },
	"encoded twice":       func(token string) string { return strconv.Quote(`{"token":"` + token + `"}`) },
	"quotes stripped":     func(token string) string { return "{token:" + token + "}" },
	"single quotes":       func(token string) string { return "{'token':'" + token + "'}" },
	"backslashes":         func(token string) string { return `{\"token\":\"` + token + `\"}` },
	"line break":          func(token string) string { return token + "\n" },
	"white space inside":  func(token string) string { return `{"token":"` + token + ` "}` },
	"other member":        func(token string) string { return `{"serviceToken":"` + token + `"}` },
	"other case":          func(token string) string { return `{"Token":"` + token + `"}` },
	"empty beside a twin": func(token string) string { return `{"token":"","serviceToken":"` + token + `"}` },
	"one level down":      func(token string) string { return `{"credentials":{"token":"` + token + `"}}` },
	"in an array":         func(token string) string { return `[{"token":"` + token + `"}]` },
	"given twice":         func(token string) string { return `{"token":"","token":"` + token + `"}` },
	"a number beside":     func(token string) string { return `{"token":1,"was":"` + token + `"}` },
	"null beside":         func(token string) string { return `{"token":null,"was":"` + token + `"}` },
	"cut off":             func(token string) string { return `{"token":"` + token + `"` },
}

// troubles are by name.
func troubles() map[string]trouble {
	oldPending := setup{"replace", "old-pending", "default"}
	all := map[string]trouble{
		"admin's password changed": {brew: func(w *world) {
			w.watch.password = `An0ther/+"word`
			w.db.SetAdminPassword(w.watch.password)
		}, want: rotation.AdminSignInRefused},
		"admin's secret damaged": {brew: func(w *world) { must(w.sm.ManualPut(w.admin, `{"Email":"a@b.c"}`)) },
			want: rotation.MalformedAdminSecret},
		"current rejected, previous accepted": {brew: func(w *world) { w.db.SetToken(previousToken) },
			want: rotation.CurrentTokenRejected},
		"current rejected, previous rejected": {brew: func(w *world) { w.db.SetToken(foreignToken) },
			want: rotation.CurrentTokenRejected},
		"current rejected, nobody has a token": {brew: func(w *world) { w.db.SetToken("") },
			want: rotation.CurrentTokenRejected},
		"current rejected, previous without an answer": {brew: func(w *world) {
			w.db.SetToken(previousToken)
			w.db.Inject(standin.Fault{Times: 1, Skip: 2, Operation: http.MethodGet, Do: standin.BadGateway()})
		}, want: rotation.CurrentTokenRejected},
		"current rejected, previous denied": {brew: func(w *world) {
			w.db.SetToken(previousToken)
			w.sm.Inject(standin.Fault{Operation: "GetSecretValue", Times: -1, When: asksFor("AWSPREVIOUS"),
				Do: standin.Error(secretsmanagertest.CodeAccessDenied)})
		}, want: rotation.CurrentTokenRejected},
		"nothing stored, a token exists": {setup: setup{"replace", "empty-token", "default"}, brew: func(w *world) {
			w.db.SetToken(foreignToken)
			w.rotator = w.rotatorWith(rotation.TakeoverNever)
		}, want: rotation.CurrentTokenMissing},
		"nothing stored, no token exists": {setup: setup{"replace", "empty-token", "default"}, brew: func(w *world) {
			w.rotator = w.rotatorWith(rotation.TakeoverNever)
		}, want: rotation.CurrentTokenMissing},
		"pending equals current": {setup: oldPending, want: rotation.PendingEqualsCurrent,
			brew: func(w *world) { w.corrupt("AWSPENDING", secretDocument(firstToken)) }},
		"put back after setSecret": {steps: 2, brew: func(w *world) { w.db.SetToken(firstToken) },
			want: rotation.PendingTokenRejected},
		"another token after setSecret": {steps: 2, brew: func(w *world) { w.db.SetToken(foreignToken) },
			want: rotation.PendingTokenRejected},
		"another token after testSecret": {steps: 3, brew: func(w *world) { w.db.SetToken(foreignToken) },
			want: rotation.PendingTokenRejected},
		"a move denied after the POST": {steps: 3, brew: func(w *world) { w.deny("UpdateSecretVersionStage") },
			want: rotation.SecretsManagerFailed},
		"a description denied after the POST": {steps: 3, brew: func(w *world) { w.deny("DescribeSecret") },
			want: rotation.SecretsManagerFailed},
		"a put denied": {brew: func(w *world) { w.deny("PutSecretValue") }, want: rotation.SecretsManagerFailed},
		"a move denied before": {brew: func(w *world) { w.deny("UpdateSecretVersionStage") },
			want: rotation.SecretsManagerFailed},
		"the instance falls silent after the POST": {steps: 1, brew: func(w *world) {
			w.db.Inject(standin.Fault{Times: -1, Skip: 2, Operation: http.MethodGet, Do: standin.BadGateway()})
		}, want: rotation.DatabrainUnavailable},
		"the instance falls silent before testSecret": {steps: 2, brew: func(w *world) {
			w.db.Inject(standin.Fault{Times: -1, Operation: http.MethodGet, Do: standin.BadGateway()})
		}, want: rotation.DatabrainUnavailable},
		"the other contract": {setup: setup{"grace", "normal", "default"}, brew: func(w *world) {
			w.db.SetSwitches(databraintest.Switches{RotateContract: databraintest.AdminContract, BadJWT400: true})
		}, want: rotation.GraceContractMismatch},
		"the other contract, the other way": {setup: setup{"grace-jwt", "normal", "default"}, brew: func(w *world) {
			w.db.SetSwitches(databraintest.Switches{})
		}, want: rotation.GraceContractMismatch},
		"too short a time-out": {setup: setup{"grace", "normal", "default"}, want: rotation.OutOfTime,
			brew: func(w *world) { w.lambda = 10 * time.Second }},
	}
	for step := range 4 {
		after := fmt.Sprintf(" after %d steps", step)
		for _, mode := range []string{"replace", "grace"} {
			s := setup{mode, "normal", "default"}
			all[mode+", cancelled"+after] = trouble{setup: s, steps: step, want: rotation.RotationNotEnabled,
				brew: func(w *world) {
					in := secretsmanager.CancelRotateSecretInput{SecretId: &w.secret}
					must(w.operator().CancelRotateSecret(context.Background(), &in))
				}}
			all[mode+", deleted"+after] = trouble{setup: s, steps: step, want: rotation.SecretDeleted,
				brew: func(w *world) {
					in := secretsmanager.DeleteSecretInput{SecretId: &w.secret}
					must(w.operator().DeleteSecret(context.Background(), &in))
				}}
			all[mode+", a dead token stored by hand"+after] = trouble{setup: s, steps: step, want: rotation.VersionUnknown,
				brew: func(w *world) { w.watch.byHand = true; w.put(secretDocument(foreignToken)) }}
			all[mode+", another label left"+after] = trouble{setup: s, steps: step, want: rotation.VersionNotPending,
				brew: func(w *world) { must(0, w.sm.SetLabels(w.secret, w.sm.Holder(w.secret, "AWSPENDING"), "custom")) }}
		}
	}
	all["current, live: binary"] = trouble{before: true, want: rotation.MalformedSecret, brew: func(w *world) {
		must(w.operator().PutSecretValue(context.Background(), &secretsmanager.PutSecretValueInput{
			SecretId: &w.secret, SecretBinary: []byte(firstToken),
		}))
	}}
	for name, damage := range damages {
		all["current, live: "+name] = trouble{before: true, brew: func(w *world) { w.put(damage(firstToken)) },
			want: rotation.MalformedSecret}
		all["current, previous live: "+name] = trouble{before: true, brew: func(w *world) { w.put(damage(foreignToken)) },
			want: rotation.MalformedSecret}
		all["pending, live: "+name] = trouble{setup: oldPending, want: rotation.MalformedSecret, brew: func(w *world) {
			w.corrupt("AWSPENDING", damage(pendingToken))
			w.db.SetToken(pendingToken)
		}}
		all["pending, current live: "+name] = trouble{setup: oldPending, want: rotation.MalformedSecret,
			brew: func(w *world) { w.corrupt("AWSPENDING", damage(pendingToken)) }}
	}
	return all
}

func (w *world) corrupt(label, value string) {
	must(0, w.sm.Corrupt(w.secret, w.sm.Holder(w.secret, label), value))
}

func (w *world) deny(operation string) {
	w.sm.Inject(standin.Fault{Operation: operation, Times: -1, Do: standin.Error(secretsmanagertest.CodeAccessDenied)})
}

func (w *world) put(value string) { must(w.sm.ManualPut(w.secret, value)) }
