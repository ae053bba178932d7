package rotation_test

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"databrain-rotation/pkg/rotation"
	"databrain-rotation/pkg/standin/secretsmanagertest"
)

// What others do to an API token.
const (
	byHand       = "somebody rotates by hand, with a grace period"
	byHandAtOnce = "somebody rotates by hand, without a grace period"
	secondToken  = "somebody makes a second token of the name"
	serviceToo   = "the service token is rotated"
	emptyKey     = "an operator stores an empty key"
	deadKey      = "an operator stores a dead key"
	appDeleted   = "the data app is deleted and made again"
	otherToken   = "a token of another name is rotated"
)

var keyOthers = []string{byHand, byHandAtOnce, secondToken, serviceToo, emptyKey, deadKey, appDeleted, otherToken}

func (w *world) currentKey() string {
	value, _ := w.sm.Value(w.secret, w.sm.Holder(w.secret, secretsmanagertest.Current))
	return tokenOf(value)
}

// rotateOther rotates the app's token of another name.
func (w *world) rotateOther() {
	for _, key := range w.db.LiveAPITokens(portal) {
		if strings.HasPrefix(w.db.APITokenName(key), otherName) {
			w.db.ReplaceAPIToken(key, gracePeriod)
			return
		}
	}
}

// doKey lets others act; the watch takes the result as given.
func (w *world) doKey(what string) {
	w.watch.foreign(func() {
		w.watch.byHand = true
		key := w.currentKey()
		switch what {
		case byHand, byHandAtOnce:
			grace := map[string]time.Duration{byHand: 24 * time.Hour}[what]
			if w.db.APITokenWorks(key) {
				w.db.ReplaceAPIToken(key, grace)
			}
		case secondToken:
			w.db.AddAPIToken(portal, keyName)
		case otherToken:
			w.rotateOther()
		case serviceToo:
			token := uuid.NewString()
			w.db.SetToken(token)
			must(w.sm.ManualPut(w.service, secretDocument(token)))
		case emptyKey:
			must(w.sm.ManualPut(w.secret, keyDocument(keyName, "")))
		case deadKey:
			must(w.sm.ManualPut(w.secret, keyDocument(keyName, foreignToken)))
		case appDeleted:
			apps := dataApps()
			apps[0].Tokens[0].Key = uuid.NewString()
			w.db.SetDataApps(apps)
		default:
			panic("nobody knows how to do: " + what)
		}
	})
}

// concludeKeys is what has to hold after any history. Without faults, the next
// rotation succeeds or stops by name with nothing made; then an operator does what the
// error says, and it succeeds.
func (w *world) concludeKeys() {
	w.watch.foreign(func() { time.Sleep(49 * time.Hour) }) // every grace period is over
	w.watch.begin()
	made := w.db.MintedAPITokens()
	res, err := w.rotate(1)
	switch name := nameOf(err); name {
	case "":
	case rotation.APITokenAmbiguous, rotation.APITokenNotListed, rotation.APITokenRejected, rotation.PendingTokenRejected,
		rotation.PendingEqualsCurrent:
		if w.db.MintedAPITokens() != made {
			w.watch.note("a key was made, and the rotation failed: %v", err)
		}
		w.watch.foreign(func() {
			if pending := w.sm.Holder(w.secret, secretsmanagertest.Pending); pending != "" {
				must(w.operator().UpdateSecretVersionStage(context.Background(), &secretsmanager.UpdateSecretVersionStageInput{
					SecretId: &w.secret, VersionStage: aws.String("AWSPENDING"), RemoveFromVersionId: &pending,
				}))
			}
			key := w.db.AddAPIToken(portal, "made by an operator")
			must(w.sm.ManualPut(w.secret, keyDocument("made by an operator", key)))
		})
		w.watch.begin()
		if res, err = w.rotate(1); err != nil {
			w.watch.note("after the operator's repair: %v", err)
			return
		}
	default:
		w.watch.note("in the end a rotation without faults failed: %v", err)
		return
	}
	w.watch.succeeded(res.VersionID)
}

// TestKeyHistories draws long histories of an API token: rotations, crashes and other
// writers, in every reading of what is not documented.
func TestKeyHistories(t *testing.T) {
	oneAtATime(t)
	rapid.Check(t, func(rt *rapid.T) {
		s := setup{
			rapid.SampledFrom([]string{"key", "key-service"}).Draw(rt, "mode"),
			rapid.SampledFrom(slices.Sorted(maps.Keys(keyStarts))).Draw(rt, "start"),
			rapid.SampledFrom(slices.Sorted(maps.Keys(keyVariants))).Draw(rt, "variant"),
		}
		if s.start == "create" || s.variant == "read-lag" { // its name is another; it needs time to catch up
			s.start, s.variant = "normal", "default"
		}
		history := rapid.SliceOfN(rapid.Custom(drawHappening(keyOthers, opRotateKey)), 1, 10).Draw(rt, "history")
		var problems []string
		synctest.Test(t, func(*testing.T) {
			w := newWorld(s)
			w.live(history, w.doKey)
			w.concludeKeys()
			problems = w.watch.end()
		})
		if len(problems) > 0 {
			rt.Fatalf("%s", strings.Join(problems, "\n"))
		}
	})
}
