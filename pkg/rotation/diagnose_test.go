package rotation_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"databrain-rotation/pkg/databrain"
	"databrain-rotation/pkg/rotation"
	"databrain-rotation/pkg/rotation/diagnosis"
	"databrain-rotation/pkg/standin"
	"databrain-rotation/pkg/standin/leaktest"
	"databrain-rotation/pkg/standin/secretsmanagertest"
)

// recorder carries requests to the stand-ins and notes what they ask for.
type recorder struct {
	hosts map[string]http.RoundTripper
	mu    sync.Mutex
	seen  map[string]int
}

func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	r.mu.Lock()
	name := strings.TrimPrefix(req.Header.Get("X-Amz-Target"), "secretsmanager.")
	if name == "" {
		name = req.Method + " " + req.URL.Path
	}
	r.seen[name]++
	r.mu.Unlock()
	return r.hosts[req.URL.Host].RoundTrip(req)
}

// diagnose asks for a diagnosis, and checks what holds for each of them: it reads, it
// signs in once at the most, it leaves both services as they were, it shows no value.
func (w *world) diagnose(t failer) diagnosis.Report {
	rec := &recorder{seen: make(map[string]int), hosts: map[string]http.RoundTripper{
		secretsHost: standin.Transport{Handler: w.sm}, databrainHost: standin.Transport{Handler: w.db},
	}}
	o := w.setup.options()
	d := &diagnosis.Diagnoser{
		Secrets: secretsmanager.New(secretsmanager.Options{
			Region: "us-east-1", BaseEndpoint: aws.String("http://" + secretsHost), HTTPClient: &http.Client{Transport: rec},
			Credentials: aws.AnonymousCredentials{},
		}),
		Instance: &url.URL{Scheme: "https", Host: databrainHost},
		Client: func(base *url.URL) *databrain.Client {
			return databrain.New(base, databrain.Options{Transport: rec, Timeout: requestTime, Now: time.Now})
		},
		Config: rotation.Config{
			AdminSecretID: "databrain/admin",
			Strategy:      o.strategy,
			Contract:      o.contract,
			Takeover:      o.takeover,
		},
		Now: time.Now,
	}
	allowed := map[string]int{
		"DescribeSecret": 1, "GetSecretValue": 40, "ListSecretVersionIds": 1,
		"GET /api/v2/data-app": 40, "POST /api/v2/admin-account/jwt": 1,
	}
	if w.setup.ofKey() {
		d.Config = rotation.Config{}
		d.Key = &rotation.APITokenConfig{ServiceTokenSecretID: serviceSecret, Contract: rotation.ContractByKey}
		allowed = map[string]int{
			"DescribeSecret": 2, "GetSecretValue": 40, "GET /api/v2/data-app": 40,
			"GET /api/v2/data-app/api-tokens": 40, "GET /api/v2/data-app/embeds": 40,
		}
	}
	before, began := w.state(), time.Now()
	report := d.Diagnose(context.Background(), diagnosis.Request{SecretID: w.secret})
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("it took %v", took)
	}
	if diff := cmp.Diff(before, w.state()); diff != "" {
		t.Errorf("a diagnosis wrote:\n%s", diff)
	}
	for name, n := range rec.seen {
		if n > allowed[name] {
			t.Errorf("%d × %s", n, name)
		}
	}
	text := string(must(json.Marshal(report)))
	search := leaktest.For(slices.Collect(maps.Keys(w.watch.secrets))...)
	if secret, form := search.Find(text); secret != "" {
		t.Errorf("%s is in the diagnosis (%s)", w.watch.secrets[secret], form)
	}
	return report
}

type failer interface{ Errorf(string, ...any) }

// state is all that a diagnosis must leave as it is.
func (w *world) state() []string {
	all := []string{fmt.Sprint(w.db.LiveTokens(), w.db.CurrentToken(), w.db.Minted(),
		w.db.LiveAPITokens(portal), w.db.MintedAPITokens())}
	for _, id := range []string{w.secret, w.admin, w.bystander} {
		for _, v := range w.sm.Snapshot(id) {
			value, _ := w.sm.Value(id, v.ID)
			all = append(all, fmt.Sprint(id, v, value))
		}
	}
	return all
}

// follow does what a diagnosis says, problem after problem. Where a person decides,
// the person knows what Databrain accepts.
func (w *world) follow(t failer, report diagnosis.Report) {
	for _, p := range report.Problems {
		for _, command := range p.Do {
			if w.command(t, command) && !strings.Contains(p.Text, "isn't complete") {
				t.Errorf("nothing says that the command ends with an error and is not to be repeated: %s", p.Text)
			}
		}
		if len(p.Decide) > 0 {
			w.decide(t, p)
		}
	}
}

// decide takes the first way out if a token works somewhere, else the last one. What a
// way out says about settings it says in its condition.
func (w *world) decide(t failer, p diagnosis.Problem) {
	choice := p.Decide[len(p.Decide)-1]
	if len(w.db.LiveTokens()) > 0 {
		choice = p.Decide[0]
		if look := strings.HasPrefix(choice.When, "you have not seen"); look { // the person has, and decides
			choice = p.Decide[1]
		}
	}
	if strings.Contains(choice.When, "RotationTakeover=") {
		w.rotator = w.rotatorWith(rotation.TakeoverInvalid)
		defer func() { w.rotator = w.rotatorWith(w.setup.options().takeover) }()
	}
	for _, command := range choice.Do {
		if w.command(t, command) && !strings.Contains(choice.When, "isn't complete") {
			t.Errorf("nothing says that the command ends with an error and is not to be repeated: %s", choice.When)
		}
		if strings.Contains(p.Text, "isn't complete") {
			t.Errorf("it tells to rotate before the choice: %s", p.Text)
		}
	}
	if p.Code == diagnosis.CurrentMalformed { // the person stores in the console what the command showed
		w.watch.foreign(func() { must(w.sm.ManualPut(w.secret, secretDocument(w.db.CurrentToken()))) })
	}
}

func (w *world) rotatorWith(takeover rotation.Takeover) *rotation.Rotator {
	o := w.setup.options()
	o.takeover = takeover
	return w.newRotator(o)
}

// command carries out a command as a shell would, the scripts as they are tested to
// work beside themselves. It reports whether the command took up an unfinished rotation,
// which ends with an error.
func (w *world) command(t failer, line string) (tookUp bool) {
	words := strings.Fields(line)
	option := func(name string) *string {
		if i := slices.Index(words, name); i >= 0 {
			return &words[i+1]
		}
		return nil
	}
	ctx, sm := context.Background(), w.operator()
	var err error
	w.watch.foreign(func() {
		switch {
		case strings.HasPrefix(line, "aws secretsmanager update-secret-version-stage --region us-east-1"):
			_, err = sm.UpdateSecretVersionStage(ctx, &secretsmanager.UpdateSecretVersionStageInput{
				SecretId: option("--secret-id"), VersionStage: option("--version-stage"),
				MoveToVersionId: option("--move-to-version-id"), RemoveFromVersionId: option("--remove-from-version-id"),
			})
		case strings.HasPrefix(line, "aws secretsmanager restore-secret --region us-east-1"):
			_, err = sm.RestoreSecret(ctx, &secretsmanager.RestoreSecretInput{SecretId: option("--secret-id")})
		case strings.HasPrefix(line, "aws secretsmanager get-secret-value --region us-east-1"):
			_, err = sm.GetSecretValue(
				ctx,
				&secretsmanager.GetSecretValueInput{SecretId: option("--secret-id"), VersionId: option("--version-id")},
			)
		case strings.Contains(line, "sh scripts/secret.sh drop-pending "):
			version := w.sm.Holder(w.secret, "AWSPENDING")
			if version == "" || version == w.sm.Holder(w.secret, "AWSCURRENT") {
				return // the script finds nothing to do
			}
			if w.watch.works(version) {
				err = fmt.Errorf("the script refuses: the token works")
				return
			}
			_, err = sm.UpdateSecretVersionStage(ctx, &secretsmanager.UpdateSecretVersionStageInput{
				SecretId: &w.secret, VersionStage: aws.String("AWSPENDING"), RemoveFromVersionId: &version,
			})
		case strings.Contains(line, "sh scripts/secret.sh store-token "):
			value, ok := w.sm.Value(w.secret, w.sm.Holder(w.secret, "AWSCURRENT"))
			if !ok {
				value = "{}"
			}
			must(w.sm.ManualPut(w.secret, withToken(value, w.db.CurrentToken())))
		case strings.Contains(line, "sh scripts/secret.sh store-admin "):
			must(w.sm.ManualPut(w.admin, jsonObject("email", adminEmail, "password", w.watch.password)))
		case strings.HasPrefix(line, "aws secretsmanager rotate-secret --region us-east-1"):
		default:
			err = fmt.Errorf("nobody knows how to do that")
		}
	})
	if strings.HasPrefix(line, "aws secretsmanager rotate-secret") {
		immediately := !slices.Contains(words, "--no-rotate-immediately")
		_, err = sm.RotateSecret(
			ctx,
			&secretsmanager.RotateSecretInput{SecretId: option("--secret-id"), RotateImmediately: &immediately},
		)
		w.sm.Wait()
		if err != nil && strings.Contains(err.Error(), "previous rotation isn") {
			err, tookUp = nil, true
		}
	}
	if err != nil {
		t.Errorf("%s: %v", line, err)
	}
	return tookUp
}

// checkAdvice diagnoses, holds the verdict against what is true, does what the
// diagnosis says, rotates, and diagnoses again.
func (w *world) checkAdvice(t failer) diagnosis.Report {
	first := w.diagnose(t)
	works := w.watch.works(w.sm.Holder(w.secret, "AWSCURRENT"))
	if works == (first.Verdict == diagnosis.Broken) {
		t.Errorf("AWSCURRENT works: %v, verdict %s\n%s", works, first.Verdict, first.Text)
	}
	live := w.storedAndLive()
	w.follow(t, first)
	if after := w.storedAndLive(); live && !after {
		t.Errorf("the advice lost the token that works:\n%s", first.Text)
	}
	w.watch.begin()
	if _, err := w.rotate(1); err != nil {
		t.Errorf("after the advice: %v\n%s", err, first.Text)
	}
	if last := w.diagnose(t); last.Verdict != diagnosis.Healthy {
		t.Errorf("after the advice and a rotation: %s\nfirst it said\n%s", last.Text, first.Text)
	}
	return first
}

// storedAndLive reports whether a version of the secret holds a token that works.
func (w *world) storedAndLive() bool {
	return slices.ContainsFunc(
		w.sm.Snapshot(w.secret),
		func(v secretsmanagertest.VersionState) bool { return w.watch.works(v.ID) },
	)
}

// TestAdviceAfterEveryCrash lets a rotation die at each of its calls, before and after
// the call took effect, from every start and in every mode. For an API token no more is
// checked than that the diagnosis writes nothing and knows whether consumers work: where
// a list cannot tell, a person decides.
func TestAdviceAfterEveryCrash(t *testing.T) {
	oneAtATime(t)
	draw, share := sampler(t), 8
	if *complete {
		share = 1
	}
	for _, s := range allSetups() {
		offset := draw.IntN(share)
		t.Run(s.String(), func(t *testing.T) {
			t.Parallel()
			calls := schedule{setup: s}.run(t, false).calls
			for n := 1 + offset; n <= len(calls); n += share {
				kinds := []kind{die}
				if calls[n-1].writes() {
					kinds = append(kinds, dieAfter)
				}
				for _, k := range kinds {
					f := fault{call: n, kind: k}
					from := schedule{s, []fault{f}}.fork(t)
					synctest.Test(t, func(t *testing.T) {
						w, to := from.resume(), named{t, f.String()}
						w.wire.faults = map[int]fault{n: f}
						_, _ = w.rotate(1)
						w.wire.faults = nil
						time.Sleep(time.Hour)
						if !s.ofKey() {
							w.checkAdvice(to)
							return
						}
						report := w.diagnose(to)
						works := w.watch.works(w.sm.Holder(w.secret, "AWSCURRENT"))
						if works == (report.Verdict == diagnosis.Broken) || report.Verdict == diagnosis.Unknown {
							to.Errorf("AWSCURRENT works: %v\n%s", works, report.Text)
						}
					})
				}
			}
		})
	}
}

// named says of which case a failure is.
type named struct {
	t    *testing.T
	name string
}

func (n named) Errorf(format string, args ...any) {
	n.t.Helper()
	n.t.Errorf(n.name+": "+format, args...)
}

// TestAdviceInHistories draws what rotations and others did to a secret, and follows
// the diagnosis of whatever came of it.
func TestAdviceInHistories(t *testing.T) {
	oneAtATime(t)
	rapid.Check(t, func(rt *rapid.T) {
		s := setup{
			rapid.SampledFrom([]string{"replace", "grace", "grace-jwt"}).Draw(rt, "mode"),
			rapid.SampledFrom([]string{"normal", "empty-token", "old-pending", "foreign", "previous-live", "no-current"}).
				Draw(rt, "start"),
			"default",
		}
		history := rapid.SliceOfN(rapid.Custom(drawHappening(others, opSave)), 1, 8).Draw(rt, "history")
		var problems failures
		synctest.Test(t, func(*testing.T) {
			w := newWorld(s)
			w.live(history, w.do)
			time.Sleep(time.Hour)
			w.checkAdvice(&problems)
		})
		if len(problems) > 0 {
			rt.Fatalf("%s", strings.Join(problems, "\n"))
		}
	})
}

type failures []string

func (f *failures) Errorf(format string, args ...any) { *f = append(*f, fmt.Sprintf(format, args...)) }
