package rotation_test

import (
	"context"
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

// happening is one thing in the life of a secret: a rotation with its faults and
// with what others do in the middle of it, or something that others do.
type happening struct {
	What   string
	Faults []fault // of a rotation, calls counted from its first
	During []middle
	Wait   time.Duration
}

// middle is what others do just before a call of a rotation.
type middle struct {
	Call int
	What string
}

// What others do.
const (
	putLive   = "an operator stores the live token"
	putDead   = "an operator stores a dead token"
	putEmpty  = "an operator stores an empty token"
	cancel    = "an operator cancels the rotation"
	enable    = "an operator switches rotation on"
	password  = "the admin changes the password"
	repair    = "an operator corrects the admin secret"
	foreign   = "somebody saves another token"
	takesTime = "time passes"
	rotates   = "a rotation"
)

var others = []string{putLive, putDead, putEmpty, cancel, enable, password, repair, foreign}

// do lets others act; the watch takes the result as given.
func (w *world) do(what string) {
	w.watch.foreign(func() {
		live := w.db.CurrentToken()
		w.watch.byHand = w.watch.byHand || what == putLive || what == putDead || what == putEmpty || what == foreign
		switch what {
		case putLive:
			must(w.sm.ManualPut(w.secret, secretDocument(live)))
		case putDead:
			must(w.sm.ManualPut(w.secret, secretDocument(foreignToken)))
		case putEmpty:
			must(w.sm.ManualPut(w.secret, secretDocument("")))
		case cancel:
			must(
				w.operator().CancelRotateSecret(context.Background(), &secretsmanager.CancelRotateSecretInput{SecretId: &w.secret}),
			)
		case enable:
			w.enableRotation()
		case password:
			w.watch.password = "Pa55+" + uuid.NewString()
			w.watch.secrets[w.watch.password] = "an admin's password"
			w.db.SetAdminPassword(w.watch.password)
		case repair:
			must(w.sm.ManualPut(w.admin, jsonObject("email", adminEmail, "password", w.watch.password)))
		case foreign:
			w.db.SetToken(uuid.NewString())
		default:
			panic("nobody knows how to do: " + what)
		}
	})
}

// operator is a client beside the wire.
func (w *world) operator() *secretsmanager.Client {
	return secretsmanager.New(secretsmanager.Options{
		Region: "us-east-1", BaseEndpoint: aws.String("http://" + secretsHost), HTTPClient: w.sm.Client(),
		Credentials: aws.AnonymousCredentials{}, AppID: "operator",
	})
}

// rotateWith drives a rotation with faults, two attempts at the most, so that it
// may be left unfinished. Act does what others do in the middle of it.
func (w *world) rotateWith(h happening, act func(what string)) {
	w.watch.begin()
	before := len(w.wire.calls)
	w.wire.faults, w.wire.events = make(map[int]fault), make(map[int]func())
	for _, f := range h.Faults {
		f.call += before
		w.wire.faults[f.call] = f
	}
	for _, m := range h.During {
		w.wire.events[before+m.Call] = func() { act(m.What) }
	}
	res, err := w.rotate(2)
	w.wire.faults, w.wire.events = nil, nil
	w.wire.deliverLate(2 * atTheEnd)
	atOnce := w.setup.ofKey() && w.setup.options().grace == 0 // others in the middle may have ended any key
	if err == nil && w.watch.settled && !atOnce {
		w.watch.succeeded(res.VersionID)
	}
}

// live plays a history. Act does what others do.
func (w *world) live(history []happening, act func(what string)) {
	for _, h := range history {
		switch h.What {
		case rotates:
			w.rotateWith(h, act)
		case takesTime:
			w.watch.foreign(func() { time.Sleep(h.Wait) }) // a grace period may end
		default:
			act(h.What)
		}
	}
}

// conclude is what has to hold after any history. With the settings repaired and no
// more faults, the next attempt succeeds, wherever a token that is stored works or
// the settings allow a takeover. Elsewhere it refuses by name and writes nothing,
// and succeeds once an operator has stored a token that works.
func (w *world) conclude() {
	time.Sleep(time.Hour)
	w.do(enable)
	w.do(repair)
	w.watch.begin()
	takeover := w.setup.options().takeover
	empty := tokenOf(w.watch.origin) == ""
	if w.watch.alive || takeover == rotation.TakeoverInvalid || empty && takeover == rotation.TakeoverEmpty {
		w.concludeRotation()
		return
	}
	calls := len(w.wire.calls)
	_, err := w.rotateOnce()
	rejected := nameOf(err) == rotation.CurrentTokenRejected
	missing := nameOf(err) == rotation.CurrentTokenMissing
	if !rejected && !missing {
		w.watch.note("no stored token works, and the rotation came to: %v", err)
	}
	for _, c := range w.wire.calls[calls:] {
		if c.writes() && c.op != opPut {
			w.watch.note("no stored token works, and the rotation made the call: %s", c.op)
		}
	}
	w.do(foreign) // the operator makes a token in the web interface
	w.do(putLive)
	w.watch.begin()
	w.concludeRotation()
}

func (w *world) concludeRotation() {
	res, err := w.rotateOnce()
	if err != nil {
		w.watch.note("in the end a rotation without faults failed: %v", err)
		return
	}
	w.watch.succeeded(res.VersionID)
}

// rotateOnce is one attempt, and another if the first one asks the operator to take
// a label away.
func (w *world) rotateOnce() (secretsmanagertest.Result, error) {
	res, err := w.rotate(1)
	if identical := nameOf(err) == rotation.PendingEqualsCurrent; identical {
		// An operator has stored the very token that the rotation was about to store.
		w.watch.foreign(func() {
			must(w.operator().UpdateSecretVersionStage(context.Background(), &secretsmanager.UpdateSecretVersionStageInput{
				SecretId: &w.secret, VersionStage: aws.String("AWSPENDING"), RemoveFromVersionId: &res.VersionID,
			})) // as the error says
		})
		return w.rotate(1)
	}
	return res, err
}

// TestHistories draws long histories of rotations, crashes and meddling. A failed
// one is shrunk, and its output names the -rapid.seed that repeats it.
func TestHistories(t *testing.T) {
	oneAtATime(t)
	rapid.Check(t, func(rt *rapid.T) {
		s := setup{
			rapid.SampledFrom([]string{"replace", "grace", "grace-jwt"}).Draw(rt, "mode"),
			rapid.SampledFrom([]string{"normal", "empty-token", "old-pending", "foreign"}).Draw(rt, "start"),
			rapid.SampledFrom([]string{"default", "refuse-in-grace", "drop-grace", "expired-400", "bad-token-401", "sdk-retry"}).
				Draw(rt, "variant"),
		}
		history := rapid.SliceOfN(rapid.Custom(drawHappening(others, opSave)), 1, 12).Draw(rt, "history")
		var problems []string
		synctest.Test(t, func(*testing.T) {
			w := newWorld(s)
			w.live(history, w.do)
			w.conclude()
			problems = w.watch.end()
		})
		if len(problems) > 0 {
			rt.Fatalf("%s", strings.Join(problems, "\n"))
		}
	})
}

// drawHappening returns what draws a happening: a rotation, with faults of its call of
// the operation write among others, or what one of others does.
func drawHappening(others []string, write string) func(*rapid.T) happening {
	return func(t *rapid.T) happening {
		h := happening{
			What: rapid.SampledFrom(append([]string{rotates, rotates, rotates, rotates, takesTime}, others...)).
				Draw(t, "what"),
		}
		switch h.What {
		case takesTime:
			h.Wait = rapid.SampledFrom([]time.Duration{time.Minute, 2 * time.Hour, 25 * time.Hour, 40 * 24 * time.Hour}).
				Draw(t, "wait")
		case rotates:
			all := slices.DeleteFunc(faultsFor(&call{op: write}), func(f fault) bool { return f.kind == unreachable })
			h.Faults = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) fault {
				f := rapid.SampledFrom(all).Draw(t, "fault")
				f.call = rapid.IntRange(1, 40).Draw(t, "call")
				return f
			}), 0, 3).Draw(t, "faults")
			h.During = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) middle {
				return middle{rapid.IntRange(1, 30).Draw(t, "call"), rapid.SampledFrom(others).Draw(t, "what")}
			}), 0, 1).Draw(t, "during")
		}
		return h
	}
}
