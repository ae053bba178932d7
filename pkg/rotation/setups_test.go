package rotation_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"databrain-rotation/pkg/rotation"
	"databrain-rotation/pkg/standin/databraintest"
	"databrain-rotation/pkg/standin/secretsmanagertest"
)

// setup names what a world starts from, as mode/start/variant.
type setup struct{ mode, start, variant string }

func (s setup) String() string { return s.mode + "/" + s.start + "/" + s.variant }

func parseSetup(text string) (setup, error) {
	part := strings.Split(text, "/")
	if len(part) != 3 || modes[part[0]] == nil {
		return setup{}, fmt.Errorf("%q is not mode/start/variant", text)
	}
	s := setup{part[0], part[1], part[2]}
	if s.starts()[s.start] == nil || s.variants()[s.variant] == nil {
		return setup{}, fmt.Errorf("%q names no start or variant of its mode", text)
	}
	return s, nil
}

// ofKey reports whether the world rotates an API token.
func (s setup) ofKey() bool { return strings.HasPrefix(s.mode, "key") }

func (s setup) starts() map[string]func(*options) {
	if s.ofKey() {
		return keyStarts
	}
	return starts
}

func (s setup) variants() map[string]func(*options) {
	if s.ofKey() {
		return keyVariants
	}
	return variants
}

type options struct {
	strategy rotation.Strategy
	byKey    rotation.APITokenContract // of API tokens alone
	grace    time.Duration
	contract rotation.Contract
	takeover rotation.Takeover
	switches databraintest.Switches
	lag      secretsmanagertest.ReadLag
	sdkRetry bool
	reversed bool // of the wire
	prepare  func(*world) (arn string)
}

func (s setup) options() options {
	o := options{takeover: rotation.TakeoverEmpty, grace: gracePeriod}
	modes[s.mode](&o)
	s.starts()[s.start](&o)
	s.variants()[s.variant](&o)
	return o
}

// modes are the strategies, each contract of the rotate endpoint by itself.
var modes = map[string]func(*options){
	"replace": func(o *options) { o.strategy = rotation.Replace },
	"grace":   func(o *options) { o.strategy, o.contract = rotation.Grace, rotation.ContractServiceToken },
	"grace-jwt": func(o *options) {
		o.strategy, o.contract = rotation.Grace, rotation.ContractAdminJWT
		o.switches.RotateContract = databraintest.AdminContract
	},
	"key": func(o *options) { o.byKey = rotation.ContractByKey },
	"key-service": func(o *options) {
		o.byKey = rotation.ContractByService
		o.switches.RotateAPIContract = databraintest.AdminContract
	},
}

// variants are the undocumented switches of Databrain, each set to its other value,
// and what Secrets Manager and its SDK may do.
var variants = map[string]func(*options){
	"default":         func(*options) {},
	"refuse-in-grace": func(o *options) { o.switches.RefuseRotateInGrace = true },
	"bad-token-401":   func(o *options) { o.switches.BadServiceToken401 = true },
	"expired-400":     func(o *options) { o.switches.Expired400 = true },
	"bad-jwt-400":     func(o *options) { o.switches.BadJWT400 = true },
	"ignore-unknown":  func(o *options) { o.switches.IgnoreUnknownKeys = true },
	"drop-grace":      func(o *options) { o.switches.DropGraceOnSave = true },
	"propagation":     func(o *options) { o.switches.PropagationDelay = 3 * time.Second },
	"null-error":      func(o *options) { o.switches.NullError = true },
	"error-status":    func(o *options) { o.switches.ErrorStatus = true },
	"kebab-only":      func(o *options) { o.switches.KebabOnly = true },
	"read-lag":        func(o *options) { o.lag = secretsmanagertest.ReadLag{Reads: 2} },
	"sdk-retry":       func(o *options) { o.sdkRetry = true },
	"reversed":        func(o *options) { o.reversed = true },
}

// onlyGrace are the variants that replace cannot notice: it never rotates.
var onlyGrace = map[string]bool{"refuse-in-grace": true, "expired-400": true, "drop-grace": true}

// The tokens that worlds begin with.
const (
	firstToken     = "11111111-aaaa-4aaa-8aaa-111111111111"
	previousToken  = "22222222-bbbb-4bbb-8bbb-222222222222"
	pendingToken   = "33333333-cccc-4ccc-8ccc-333333333333"
	foreignToken   = "44444444-dddd-4ddd-8ddd-444444444444"
	bystanderToken = "55555555-eeee-4eee-8eee-555555555555"
)

// document is a value whose every byte has to survive: order, spaces, number
// formats, escapes, a member called token further down.
func secretDocument(token string) string {
	return `{ "host":"db.example.com", "port":5432.50e0,"token":"` + token +
		`" ,"nested":{"token":"x"},"é":"\u00e9\u0000","token ":null}`
}

// starts are the states that a rotation may find.
var starts = map[string]func(*options){
	"normal": func(o *options) { o.prepare = withPrevious },
	"first": func(o *options) {
		o.prepare = func(w *world) string {
			w.db.SetToken(firstToken)
			return must(w.sm.Create("rotated", secretDocument(firstToken)))
		}
	},
	"white-space": func(o *options) {
		o.prepare = func(w *world) string {
			w.db.SetToken(firstToken)
			return must(w.sm.Create("rotated", "\r\n\t "+secretDocument(firstToken)+"\n"))
		}
	},
	"bare-uuid": func(o *options) {
		o.prepare = func(w *world) string {
			w.db.SetToken(firstToken)
			return must(w.sm.Create("rotated", firstToken))
		}
	},
	"empty-token":  func(o *options) { o.prepare = bootstrap(secretDocument("")) },
	"absent-token": func(o *options) { o.prepare = bootstrap(`{ }`) },
	"no-current":   func(o *options) { o.prepare = bootstrap("") },
	// A rotation that failed weeks ago left its version behind.
	"old-pending": func(o *options) {
		o.prepare = func(w *world) string { return withPending(w, secretDocument(pendingToken)) }
	},
	"old-pending-empty": func(o *options) {
		o.prepare = func(w *world) string { return withPending(w, "") }
	},
	"old-pending-live": func(o *options) {
		o.prepare = func(w *world) string {
			arn := withPending(w, secretDocument(pendingToken))
			w.db.SetToken(pendingToken)
			return arn
		}
	},
	// Somebody else saved a token; the settings allow to take over.
	"foreign": func(o *options) {
		o.takeover = rotation.TakeoverInvalid
		o.prepare = func(w *world) string {
			arn := withPrevious(w)
			w.db.SetToken(foreignToken)
			return arn
		}
	},
	// The label moved, but the token was put back.
	"previous-live": func(o *options) {
		o.takeover = rotation.TakeoverInvalid
		o.prepare = func(w *world) string {
			arn := withPrevious(w)
			w.db.SetToken(previousToken)
			return arn
		}
	},
}

func withPrevious(w *world) string {
	arn := must(w.sm.Create("rotated", secretDocument(previousToken)))
	must(w.sm.ManualPut(arn, secretDocument(firstToken)))
	w.db.SetToken(firstToken)
	return arn
}

func withPending(w *world, value string) string {
	arn, version := withPrevious(w), uuid.NewString()
	must(0, w.sm.SetLabels(arn, version, secretsmanagertest.Pending))
	must(0, w.sm.Corrupt(arn, version, value))
	return arn
}

// bootstrap: neither the secret nor the instance has a token yet.
func bootstrap(value string) func(*world) string {
	return func(w *world) string { return must(w.sm.Create("rotated", value)) }
}

// tokenOf is the token in a stored value, "" without one and behind damage.
func tokenOf(value string) string {
	if !strings.HasPrefix(strings.TrimSpace(value), "{") {
		return value
	}
	var d struct{ Token, Key string }
	_ = json.Unmarshal([]byte(value), &d)
	return d.Token + d.Key
}

// withToken is what a rotation has to make of a stored value.
func withToken(value, token string) string {
	switch old := tokenOf(value); {
	case value == "":
		return `{"token":"` + token + `"}`
	case strings.Contains(value, `"token":""`):
		return strings.Replace(value, `"token":""`, `"token":"`+token+`"`, 1)
	case strings.Contains(value, `"key":""`):
		return strings.Replace(value, `"key":""`, `"key":"`+token+`"`, 1)
	case old == "":
		return strings.Replace(value, "{", `{"token":"`+token+`"`, 1)
	default:
		return strings.Replace(value, old, token, 1)
	}
}

func jsonObject(pairs ...string) string {
	m := make(map[string]string)
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	return string(must(json.Marshal(m)))
}
