package rotation_test

import (
	"strings"
	"time"

	"github.com/google/uuid"

	"databrain-rotation/pkg/standin/databraintest"
	"databrain-rotation/pkg/standin/secretsmanagertest"
)

// What the worlds of API tokens begin with.
const (
	portal        = "Portal & Co"
	keyName       = `Production "API" Key`
	otherName     = "Staging"
	serviceSecret = "databrain/service-token"

	serviceToken = "66666666-ffff-4fff-8fff-666666666666"
	firstKey     = "77777777-aaaa-4aaa-8aaa-777777777777"
	otherNameKey = "88888888-bbbb-4bbb-8bbb-888888888888"
	otherAppKey  = "99999999-cccc-4ccc-8ccc-999999999999"
)

// dataApps are two apps with a token of the same name, of which the second must never
// be taken for the first.
func dataApps() []databraintest.DataApp {
	made := time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC) // before the bubble's clock begins
	return []databraintest.DataApp{
		{Name: portal, CreatedAt: made, Tokens: []databraintest.APIToken{
			{Key: firstKey, Name: keyName, CreatedAt: made},
			{Key: otherNameKey, Name: otherName, CreatedAt: made.AddDate(0, 6, 0)},
		}},
		{Name: "Partner", CreatedAt: made, Tokens: []databraintest.APIToken{
			{Key: otherAppKey, Name: keyName, CreatedAt: made.AddDate(0, 6, 0)},
		}},
	}
}

// keyDocument is a value whose every byte but the key has to survive.
func keyDocument(name, key string) string {
	return `{ "port":5432.50e0,"dataApp":"Portal \u0026 Co","key":"` + key +
		`" ,"nested":{"key":"x"},"é":"\u00e9\u0000",` +
		strings.Trim(
			jsonObject("name", name),
			"{}",
		) + `}`
}

// keyVariants are the undocumented switches of API tokens, alone and in the
// combinations that matter, and what Secrets Manager and its SDK may do.
var keyVariants = map[string]func(*options){
	"default":         func(*options) {},
	"leak":            func(o *options) { o.grace = 0 },
	"refuse-in-grace": func(o *options) { o.switches.RefuseRotateInGrace = true },
	"rename":          func(o *options) { o.switches.RenameRotated = true },
	"rename-in-grace": func(o *options) { o.switches.RenameRotated, o.switches.ListInGrace = true, true },
	"keep-date":       func(o *options) { o.switches.KeepCreatedAt = true },
	"in-grace":        func(o *options) { o.switches.ListInGrace = true },
	"in-grace-refuse": func(o *options) { o.switches.ListInGrace, o.switches.RefuseRotateInGrace = true, true },
	"expired":         func(o *options) { o.switches.ListExpired = true },
	"keep-in-grace":   func(o *options) { o.switches.KeepCreatedAt, o.switches.ListInGrace = true, true },
	"keep-expired":    func(o *options) { o.switches.KeepCreatedAt, o.switches.ListExpired = true, true },
	"leak-keep-expired": func(o *options) {
		o.grace, o.switches.KeepCreatedAt, o.switches.ListExpired = 0, true, true
	},
	"embeds-by-service": func(o *options) { o.switches.EmbedsByServiceToken = true },
	"bad-key-400":       func(o *options) { o.switches.BadAPIKeyStatus = 400 },
	"bad-key-auth": func(o *options) {
		o.switches.BadAPIKeyStatus, o.switches.BadAPIKeyCode = 400, "AUTHENTICATION_ERR"
	},
	"bad-token-401":     func(o *options) { o.switches.BadServiceToken401 = true },
	"ignore-pagination": func(o *options) { o.switches.IgnorePagination = true },
	"shuffled":          func(o *options) { o.switches.Order = databraintest.Reshuffled },
	"milliseconds":      func(o *options) { o.switches.Timestamps = databraintest.Milliseconds },
	"null-error":        func(o *options) { o.switches.NullError = true },
	"read-lag":          func(o *options) { o.lag = secretsmanagertest.ReadLag{Reads: 2} },
	"sdk-retry":         func(o *options) { o.sdkRetry = true },
	"reversed":          func(o *options) { o.reversed = true },
}

// keyStarts are the states that the rotation of an API token may find.
var keyStarts = map[string]func(*options){
	// The key was imported: AWSPREVIOUS has none.
	"normal": func(o *options) { o.prepare = imported },
	// The key was rotated an hour ago: AWSPREVIOUS's is in its grace period.
	"rotated": func(o *options) {
		o.prepare = func(w *world) string {
			arn := imported(w)
			must(w.sm.ManualPut(arn, keyDocument(keyName, w.db.ReplaceAPIToken(firstKey, o.grace))))
			return arn
		}
	},
	"import": func(o *options) { o.prepare = waiting(keyName) },
	"create": func(o *options) { o.prepare = waiting("a name that is new") },
	// Somebody rotated by hand, with a grace period or without.
	"by-hand": func(o *options) {
		o.prepare = func(w *world) string {
			arn := imported(w)
			w.db.ReplaceAPIToken(firstKey, 48*time.Hour)
			return arn
		}
	},
	"by-hand-dead": func(o *options) {
		o.prepare = func(w *world) string {
			arn := imported(w)
			w.db.ReplaceAPIToken(firstKey, 0)
			return arn
		}
	},
	// Somebody made a second token of the name.
	"second": func(o *options) {
		o.prepare = func(w *world) string {
			arn := imported(w)
			w.db.AddAPIToken(portal, keyName)
			return arn
		}
	},
	// A rotation that failed weeks ago left its version behind.
	"old-pending": func(o *options) {
		o.prepare = func(w *world) string {
			arn, version := imported(w), uuid.NewString()
			must(0, w.sm.SetLabels(arn, version, secretsmanagertest.Pending))
			must(0, w.sm.Corrupt(arn, version, keyDocument(keyName, w.db.ReplaceAPIToken(firstKey, 0))))
			return arn
		}
	},
	// A rotation of the service token is under way: Databrain knows the new one alone.
	"service-rotates": func(o *options) {
		o.prepare = func(w *world) string {
			arn := imported(w)
			version := uuid.NewString()
			must(0, w.sm.SetLabels(w.service, version, secretsmanagertest.Pending))
			must(0, w.sm.Corrupt(w.service, version, secretDocument(pendingToken)))
			w.db.SetToken(pendingToken)
			return arn
		}
	},
}

func imported(w *world) string {
	arn := waiting(keyName)(w)
	must(w.sm.ManualPut(arn, keyDocument(keyName, firstKey)))
	return arn
}

func waiting(name string) func(*world) string {
	return func(w *world) string {
		w.db.SetToken(serviceToken)
		w.service = must(w.sm.Create(serviceSecret, secretDocument(serviceToken)))
		return must(w.sm.Create("rotated", keyDocument(name, "")))
	}
}
