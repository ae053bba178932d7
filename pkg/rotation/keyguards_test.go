package rotation_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"databrain-rotation/pkg/rotation"
	"databrain-rotation/pkg/standin"
	"databrain-rotation/pkg/standin/databraintest"
	"databrain-rotation/pkg/standin/secretsmanagertest"
)

// rotateCall returns the number of the call that rotates the key, if nothing disturbs it.
func rotateCall(t *testing.T, s setup) int {
	t.Helper()
	calls := schedule{setup: s}.run(t, false).calls
	i := slices.IndexFunc(calls, func(c *call) bool { return c.op == opRotateKey })
	if i < 0 {
		t.Fatalf("%s rotates no key", s)
	}
	return calls[i].n
}

// TestKeyAdoptedIsCounted: an answer that is lost is found in the list, by the same
// attempt, and the metric says so.
func TestKeyAdoptedIsCounted(t *testing.T) {
	oneAtATime(t)
	for _, mode := range []string{"key", "key-service"} {
		for variant := range keyVariants {
			s := setup{mode, "normal", variant}
			rotates := rotateCall(t, s)
			for _, k := range []kind{lostAnswer, errorAfter, truncated, hangAfter} {
				r := schedule{s, []fault{{call: rotates, kind: k}}}.check(t)
				if n := strings.Count(r.metrics, `"Healed":1`); n != 1 || r.calls[len(r.calls)-1].inv.event.Version == "" {
					t.Errorf("%s: Healed %d times\n%s", schedule{s, []fault{{call: rotates, kind: k}}}, n, r.trace())
				}
				begun := 0
				for i, c := range r.calls {
					if c.inv.step == rotation.StepCreate && (i == 0 || r.calls[i-1].inv != c.inv) {
						begun++
					}
				}
				if begun != 1 {
					t.Errorf("%s of %s cost %d attempts", k, s, begun)
				}
			}
		}
	}
}

// TestAnotherTokenIsRotatedMeanwhile: between an answer that is lost and the list that is
// to show its key, the app gets a new key for another token.
func TestAnotherTokenIsRotatedMeanwhile(t *testing.T) {
	oneAtATime(t)
	for _, mode := range []string{"key", "key-service"} {
		for variant := range keyVariants {
			s := setup{mode, "normal", variant}
			rotates := rotateCall(t, s)
			for _, k := range []kind{lostAnswer, failed} {
				var problems []string
				synctest.Test(t, func(*testing.T) {
					w := newWorld(s)
					w.wire.faults = map[int]fault{rotates: {call: rotates, kind: k}}
					w.wire.events = map[int]func(){rotates + 1: func() { w.watch.foreign(w.rotateOther) }}
					problems = w.converge(2)
				})
				if len(problems) > 0 {
					t.Errorf("%s after %s: %s", s, k, strings.Join(problems, "\n"))
				}
			}
		}
	}
}

// TestALargeInstanceHeals: a key in its grace period is replaced by its successor, even if
// there are more data apps than a step can look through for the key.
func TestALargeInstanceHeals(t *testing.T) {
	for name, tt := range map[string]struct {
		apps, newer int           // others, and those that are listed before the secret's app
		takes       time.Duration // an answer
	}{
		"many apps": {700, 700, 0}, "many apps, and ours where the search ends": {700, 200, 0},
		"a slow instance": {60, 60, 2 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(setup{"key", "normal", "default"})
			w.watch.foreign(func() {
				none := func(int, int) databraintest.APIToken { panic("an app without tokens") }
				others := databraintest.Many(tt.apps, 0, time.Now(), none)
				for i := range others[tt.newer:] {
					others[tt.newer+i].CreatedAt = time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC)
				}
				w.db.SetDataApps(append(others, dataApps()...))
				w.db.ReplaceAPIToken(firstKey, gracePeriod)
			})
			w.db.Inject(standin.Fault{Times: -1, Do: standin.Delay(tt.takes)})
			res, err := w.rotate(1)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			w.watch.succeeded(res.VersionID)
			if problems := w.watch.end(); len(problems) > 0 {
				t.Errorf("%s: %q", name, problems)
			}
			if !strings.Contains(w.log.String(), "the instance has too many") || len(w.wire.calls) > 250 {
				t.Errorf("%s: %d requests\n%s", name, len(w.wire.calls), w.log.String())
			}
		})
	}
}

// TestAKeyThatCanNotBeStored: the error says how both keys stand.
func TestAKeyThatCanNotBeStored(t *testing.T) {
	const old = "the key of AWSCURRENT"
	for s, says := range map[setup]string{
		{"key", "normal", "default"}: old + " works until its grace period ends",
		{"key", "normal", "leak"}:    old + " is dead",
		{"key", "create", "default"}: "",
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(s)
			w.sm.Inject(standin.Fault{
				Operation: "PutSecretValue", Times: -1, Do: standin.Error(secretsmanagertest.CodeAccessDenied),
			})
			_, err := w.rotate(1)
			text := fmt.Sprint(err)
			if nameOf(err) != rotation.SecretsManagerFailed || !strings.Contains(text, "the list of the data app shows it") ||
				!strings.Contains(text, says) || says == "" && strings.Contains(text, old) {
				t.Errorf("%s: %v", s, err)
			}
		})
	}
}

// TestTwoKeysOfOneSecond: Databrain makes two keys of one request that came twice, and
// the answer cannot be stored. The list does not tell which of them is in force.
func TestTwoKeysOfOneSecond(t *testing.T) {
	for _, mode := range []string{"key", "key-service"} {
		s := setup{mode, "normal", "default"}
		rotates := rotateCall(t, s)
		schedule{s, []fault{{call: rotates, kind: twice}, {call: rotates + 1, kind: die}}}.check(t)
	}
}

// TestKeySecretIsNotTheServiceTokens: the setting must not name the rotated secret.
func TestKeySecretIsNotTheServiceTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(setup{"key", "normal", "default"})
		version := uuid.NewString()
		must(0, w.sm.ConfigureRotation(w.service, functionARN, secretsmanagertest.RotationRules{AutomaticallyAfterDays: 30}))
		must(0, w.sm.SetLabels(w.service, version, secretsmanagertest.Pending))
		inv := w.invocation(rotation.StepCreate, version)
		inv.event.SecretID = w.service
		if err := w.run(inv); nameOf(err) != rotation.ServiceTokenSecretIsRotatedSecret {
			t.Errorf("got %v", err)
		}
	})
}

// TestNoTimeToMakeAKey: with too little time for the answer to be stored, Databrain is
// not asked for a key.
func TestNoTimeToMakeAKey(t *testing.T) {
	for _, start := range []string{"normal", "create"} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(setup{"key", start, "default"})
			w.lambda = 15 * time.Second
			if _, err := w.rotate(1); nameOf(err) != rotation.OutOfTime || w.db.MintedAPITokens() != 0 {
				t.Errorf("%s: %v, %d keys made", start, err, w.db.MintedAPITokens())
			}
			w.lambda = lambdaTime
			if problems := w.converge(1); problems != nil {
				t.Errorf("with time enough: %s", strings.Join(problems, "\n"))
			}
		})
	}
}

// TestALongList: an instance that gives the first page when it is asked for all tokens
// hides none of them.
func TestALongList(t *testing.T) {
	for _, others := range []int{9, 10, 19, 25} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(setup{"key", "normal", "default"})
			w.wire.hosts[databrainHost] = firstPage{w.wire.hosts[databrainHost]}
			apps := dataApps()
			for i := range others {
				apps[0].Tokens = append(apps[0].Tokens, databraintest.APIToken{
					Key: uuid.NewString(), Name: fmt.Sprint("other ", i), CreatedAt: time.Now(),
				})
			}
			w.watch.foreign(func() {
				w.db.SetDataApps(apps)
				w.db.ReplaceAPIToken(firstKey, 24*time.Hour)
				time.Sleep(time.Hour)
				for i := range others { // younger than the successor, which is on the last page
					w.db.AddAPIToken(portal, fmt.Sprint("younger ", i))
				}
			})
			made := w.db.MintedAPITokens()
			if problems := w.converge(1); problems != nil || w.db.MintedAPITokens() != made {
				t.Errorf("%d others: %d keys made, %q", others, w.db.MintedAPITokens()-made, problems)
			}
		})
	}
}

// firstPage is an instance that does not know isPagination=false.
type firstPage struct{ instance http.Handler }

func (f firstPage) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if query := req.URL.Query(); query.Get("isPagination") == "false" {
		req = req.Clone(req.Context())
		query.Set("isPagination", "true")
		query.Set("pageNumber", "1")
		req.URL.RawQuery = query.Encode()
	}
	f.instance.ServeHTTP(w, req)
}
