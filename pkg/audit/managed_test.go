package audit_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"databrain-rotation/pkg/audit/finding"
	"databrain-rotation/pkg/audit/report"
	"databrain-rotation/pkg/databrain"
	"databrain-rotation/pkg/standin"
	"databrain-rotation/pkg/standin/databraintest"
	"databrain-rotation/pkg/standin/secretsmanagertest"
)

const apiTokens = "databrain/api-token/"

// newManagedLab is a lab whose service token is in order and whose audit knows where
// API tokens are managed.
func newManagedLab(t testing.TB, all ...databraintest.DataApp) *lab {
	l := newLab(t, databraintest.Config{DataApps: all})
	l.auditor.APITokenPrefix = apiTokens
	l.rotates(labSecret)
	return l
}

// hold makes or replaces the secret of an API token.
func (l *lab) hold(name, dataApp, token, key string) {
	l.t.Helper()
	if key != "" {
		l.keys = append(l.keys, key)
	}
	value := fmt.Sprintf(`{"owner":"x","dataApp":%q,"name":%q,"key":%q}`, dataApp, token, key)
	l.put(apiTokens+name, value)
}

func (l *lab) put(secret, value string) {
	l.t.Helper()
	if _, err := l.secrets.ManualPut(secret, value); err == nil {
		return
	}
	if _, err := l.secrets.Create(secret, value); err != nil {
		l.t.Fatal(err)
	}
}

// rotates switches the rotation of secrets on.
func (l *lab) rotates(secrets ...string) {
	l.t.Helper()
	for _, secret := range secrets {
		err := l.secrets.ConfigureRotation(secret, "arn:aws:lambda:us-east-1:123456789012:function:r",
			secretsmanagertest.RotationRules{AutomaticallyAfterDays: 30})
		if err != nil {
			l.t.Fatal(err)
		}
	}
}

// observed are the findings of a run, as "check secret".
func (l *lab) observed() map[string]report.Detail {
	l.t.Helper()
	return byCheck(l.details(report.FindingObserved))
}

func byCheck(details []report.Detail) map[string]report.Detail {
	found := make(map[string]report.Detail)
	for _, d := range details {
		name := string(d.Finding.Check)
		if d.ManagedBy != nil {
			name += " " + strings.TrimPrefix(d.ManagedBy.Secret, apiTokens)
		}
		found[name] = d
	}
	return found
}

// wantObserved compares the names of the findings of a run.
func (l *lab) wantObserved(want ...string) map[string]report.Detail {
	l.t.Helper()
	got := l.observed()
	for _, name := range want {
		if _, found := got[name]; !found {
			l.t.Errorf("no finding %q", name)
		}
	}
	if len(got) != len(want) {
		l.t.Errorf("findings %v, want %v", keysOf(got), want)
	}
	return got
}

func keysOf(m map[string]report.Detail) (keys []string) {
	for key := range m {
		keys = append(keys, key)
	}
	return keys
}

// TestManagedTokens: a finding about a token says which secret holds it and what to type,
// in every output; the summary, the page and the metric tell the share.
func TestManagedTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := app("A", 100, 200, 10)
		l := newManagedLab(t, a)
		l.hold("rotated", "A", "token 0", a.Tokens[0].Key)
		l.hold("off", "A", "token 1", a.Tokens[1].Key)
		l.hold("young", "A", "token 2", a.Tokens[2].Key)
		l.hold("empty", "A", "not yet", "")
		l.rotates(apiTokens+"rotated", apiTokens+"young", apiTokens+"empty")
		time.Sleep(time.Second)
		s := l.mustRun()
		got := l.wantObserved("token-age rotated", "token-age off", "api-token-rotation-off off")
		rotated, off := got["token-age rotated"], got["api-token-rotation-off off"]
		if text := rotated.Remediation.Text; text != "aws secretsmanager rotate-secret --secret-id "+apiTokens+"rotated" {
			t.Errorf("remedy %q", text)
		}
		if m := rotated.ManagedBy; !m.Rotation || m.NextRotation.IsZero() || m.NextRotation.Nanosecond() != 0 {
			t.Errorf("managed by %+v", m)
		}
		if text := got["token-age off"].Remediation.Text; !strings.Contains(text, "ManageApiTokenCommand") ||
			strings.Contains(text, "rotate-secret") {
			t.Errorf("the remedy of a secret without rotation is %q", text)
		}
		if off.DataApp.Name != "A" || off.Token.Fingerprint != fingerprint(a.Tokens[1].Key) || *off.Token.AgeDays != 200 {
			t.Errorf("rotation off: %+v of %+v", off.Token, off.DataApp)
		}
		if want := (report.ManagedSummary{Secrets: 4, Complete: true, Tokens: 3}); *s.Managed != want {
			t.Errorf("summary %+v, want %+v", *s.Managed, want)
		}
		if l.metric("ManagedTokens") != 3 {
			t.Errorf("ManagedTokens is %v", l.metric("ManagedTokens"))
		}
		page, _ := l.s3.Object(labBucket, "audit/latest/report.html")
		for _, want := range []string{
			"Held by a secret 3 of 3 0 of 2 stale tokens are not",
			"held by secret databrain/api-token/rotated",
			"Next: aws secretsmanager rotate-secret --secret-id databrain/api-token/rotated",
		} {
			if !strings.Contains(text(string(page.Body)), want) {
				t.Errorf("the page does not say %q", want)
			}
		}
		for _, name := range []string{"findings.json", "findings.csv", "findings.ocsf.json"} {
			if file, _ := l.s3.Object(labBucket, "audit/latest/"+name); !strings.Contains(
				string(file.Body),
				apiTokens+"rotated",
			) {
				t.Errorf("%s does not name the secret", name)
			}
		}
	})
}

// TestUnmanagedTokens: of the stale tokens that no secret holds, the outputs say so.
func TestUnmanagedTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newManagedLab(t, app("A", 100, 10))
		s := l.mustRun()
		got := l.wantObserved("token-age")
		if text := got["token-age"].Remediation.Text; !strings.Contains(text, "ManageApiTokenCommand") {
			t.Errorf("remedy %q", text)
		}
		if s.Managed.StaleWithout != 1 || s.Managed.Tokens != 0 || l.metric("ManagedTokens") != 0 {
			t.Errorf("summary %+v", s.Managed)
		}
		page, _ := l.s3.Object(labBucket, "audit/latest/report.html")
		if got := text(string(page.Body)); !strings.Contains(got, "held by no secret") {
			t.Errorf("the page says %s", got)
		}
		l.auditor.APITokenPrefix = ""
		if s := l.mustRun(); s.Managed != nil || l.metricLine()["ManagedTokens"] != nil {
			t.Errorf("without a prefix: %+v, metrics %v", s.Managed, l.metricLine())
		}
	})
}

// TestManagedChecks goes over what may be wrong with the secrets of API tokens, and lets
// each finding resolve.
func TestManagedChecks(t *testing.T) {
	for _, c := range []struct {
		name   string
		before func(l *lab, key string)
		want   []string
		mend   func(l *lab, key string)
	}{
		{"in order", func(*lab, string) {}, nil, nil},
		{"stuck", func(l *lab, _ string) {
			if err := l.secrets.SetLabels(apiTokens+"a", "11111111-2222-4333-8444-555555555555", "AWSPENDING"); err != nil {
				l.t.Error(err)
			}
		}, []string{"api-token-rotation-stuck a"}, func(l *lab, _ string) {
			if err := l.secrets.SetLabels(apiTokens+"a", "11111111-2222-4333-8444-555555555555"); err != nil {
				l.t.Error(err)
			}
		}},
		{"unlisted", func(l *lab, _ string) { l.hold("a", "A", "token 0", "99999999-2222-4333-8444-555555555555") },
			[]string{"api-token-unlisted a"}, func(l *lab, key string) { l.hold("a", "A", "token 0", key) }},
		{"the same key twice", func(l *lab, key string) { l.hold("b", "A", "other", key); l.rotates(apiTokens + "b") },
			[]string{"api-token-managed-twice b"}, func(l *lab, _ string) { l.remove("b") }},
		{"the same key twice, and the later name stays", func(l *lab, key string) {
			l.hold("b", "A", "token 0", key)
			l.rotates(apiTokens + "b")
		}, []string{"api-token-managed-twice b"}, func(l *lab, _ string) { l.remove("a") }},
		{"the same name twice", func(l *lab, _ string) { l.hold("0", "A", "token 0", ""); l.rotates(apiTokens + "0") },
			[]string{"api-token-managed-twice a"}, func(l *lab, _ string) { l.remove("a") }},
		{"neither dataApp nor name in common", func(l *lab, _ string) {
			l.hold("b", "B", "token 0",
				"")
			l.rotates(apiTokens + "b")
		}, nil, nil},
		{"the service token under the prefix", func(l *lab, _ string) { l.auditor.APITokenPrefix = "databrain/" }, nil, nil},
		{"a name in another case", func(l *lab, _ string) { l.put("Databrain/api-token/x", "not read") }, nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := app("A", 5)
				key := a.Tokens[0].Key
				l := newManagedLab(t, a)
				l.hold("a", "A", "token 0", key)
				l.rotates(apiTokens + "a")
				c.before(l, key)
				time.Sleep(days(2))
				s := l.mustRun()
				l.wantObserved(c.want...)
				if len(s.Notes) != 0 {
					t.Errorf("notes %q", s.Notes)
				}
				if c.mend == nil {
					return
				}
				for _, d := range l.observed() {
					if d.Finding.Severity != finding.Check(d.Finding.Check).Severity() || d.ManagedBy == nil ||
						d.Finding.Compliance != finding.Fail {
						t.Errorf("finding %+v", d)
					}
				}
				c.mend(l, key)
				s = l.mustRun()
				if s.Counts.Resolved != len(c.want) || len(l.observed()) != 0 {
					t.Errorf("mended: %+v, still %v", s.Counts, keysOf(l.observed()))
				}
			})
		})
	}
}

func (l *lab) remove(name string) {
	_, err := l.auditor.Secret.Client.(*secretsmanager.Client).DeleteSecret(
		l.t.Context(),
		&secretsmanager.DeleteSecretInput{
			SecretId: aws.String(apiTokens + name), ForceDeleteWithoutRecovery: aws.Bool(true),
		},
		func(o *secretsmanager.Options) { o.AppID = "operator" },
	)
	if err != nil {
		l.t.Error(err)
	}
}

// TestManagedFaults: what cannot be read is a note and a warning. It makes no finding,
// and resolves none of those that are there.
func TestManagedFaults(t *testing.T) {
	large(t)
	fault := func(operation string, do standin.Action) func(*lab) {
		return func(l *lab) { l.secrets.Inject(standin.Fault{Operation: operation, Times: -1, Do: do}) }
	}
	value := func(text string) func(*lab) { return func(l *lab) { l.put(apiTokens+"gone", text) } }
	const hidden = "s3cr3t-99999999-value"
	for name, c := range map[string]struct {
		breaks func(*lab)
		note   string
	}{
		"ListSecrets denied":    {fault("ListSecrets", standin.Error("AccessDeniedException")), "AccessDeniedException"},
		"ListSecrets throttled": {fault("ListSecrets", standin.Error("ThrottlingException")), "ThrottlingException"},
		"ListSecrets hangs":     {fault("ListSecrets", standin.Hang()), "no answer in time"},
		"DescribeSecret denied": {fault("DescribeSecret", standin.Error("AccessDeniedException")),
			"DescribeSecret failed (AccessDeniedException)"},
		"a value denied": {func(l *lab) {
			l.secrets.Inject(standin.Fault{Operation: "GetSecretValue", Times: -1,
				Do: standin.Error("AccessDeniedException"), When: names("gone")})
		}, "gone: GetSecretValue failed (AccessDeniedException)"},
		"deleted meanwhile": {func(l *lab) {
			l.secrets.Inject(standin.Fault{Operation: "GetSecretValue", Times: -1,
				Do: standin.Error("ResourceNotFoundException"), When: names("gone")})
		}, "ResourceNotFoundException"},
		"no JSON":       {value(hidden), "AWSCURRENT"},
		"no key":        {value(`{"dataApp":"A","name":"x","password":"` + hidden + `"}`), "key"},
		"not a string":  {value(`{"dataApp":"A","name":"x","key":["` + hidden + `"]}`), "key"},
		"a service one": {value(`{"token":"` + hidden + `"}`), "AWSCURRENT"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := app("A", 100)
				l := newManagedLab(t, a)
				l.keys = append(l.keys, hidden)
				l.hold("gone", "A", "other", "99999999-2222-4333-8444-555555555555") // unlisted, and without rotation
				l.hold("twin", "A", "other", "")
				l.rotates(apiTokens + "twin")
				time.Sleep(time.Second)
				l.mustRun()
				l.wantObserved("token-age", "api-token-unlisted gone", "api-token-rotation-off gone",
					"api-token-managed-twice twin")
				c.breaks(l)
				l.log.Reset()
				start := time.Now()
				s := l.mustRun()
				if took := time.Since(start); took > time.Minute {
					t.Errorf("took %v", took)
				}
				if s.Counts.Resolved != 0 || s.Status != report.Complete {
					t.Errorf("%+v", s.Counts)
				}
				if notes := strings.Join(s.Notes, "\n"); !strings.Contains(notes, c.note) {
					t.Errorf("notes %q, want one with %q", s.Notes, c.note)
				}
				if !strings.Contains(l.log.String(), `"level":"WARN"`) {
					t.Error("no warning")
				}
				if s.Managed.Complete && !strings.HasPrefix(name, "DescribeSecret") {
					t.Errorf("summary %+v", s.Managed)
				}
				l.secrets.ClearFaults()
				l.remove("gone")
				if s := l.mustRun(); s.Counts.Resolved != 3 {
					t.Errorf("deleted: %+v", s.Counts)
				}
			})
		})
	}
}

// names matches requests about one secret under the prefix.
func names(secret string) func(*http.Request) bool {
	return func(r *http.Request) bool {
		body, err := readBody(r)
		return err == nil && strings.Contains(body, apiTokens+secret)
	}
}

// TestManyManagedSecrets reads a list of several pages, one page of which was throttled.
func TestManyManagedSecrets(t *testing.T) {
	large(t)
	synctest.Test(t, func(t *testing.T) {
		a := app("A", make([]int, 130)...)
		l := newManagedLab(t, a)
		for i, token := range a.Tokens {
			l.hold(fmt.Sprint(i), "A", token.Name, token.Key)
			l.rotates(apiTokens + fmt.Sprint(i))
		}
		l.secrets.Inject(standin.Fault{Operation: "ListSecrets", Skip: 1, Do: standin.Error("ThrottlingException")})
		time.Sleep(time.Second)
		if s := l.mustRun(); s.Managed.Secrets != 130 || s.Managed.Tokens != 130 || !s.Managed.Complete {
			t.Errorf("summary %+v, notes %q", s.Managed, s.Notes)
		}
		l.secrets.Inject(
			standin.Fault{Operation: "ListSecrets", Skip: 1, Times: -1, Do: standin.Error("AccessDeniedException")},
		)
		if s := l.mustRun(); s.Managed.Secrets != 100 || s.Managed.Complete || l.metricLine()["ManagedTokens"] != nil {
			t.Errorf("a page is denied: summary %+v, notes %q", s.Managed, s.Notes)
		}
	})
}

// TestRotatedDuringTheRun: a key that a rotation replaced between the reading of its
// secret and that of the lists is not taken for one that no list has.
func TestRotatedDuringTheRun(t *testing.T) {
	for name, grace := range map[string]time.Duration{"at once": 0, "with a grace period": time.Hour} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := app("A", 5)
				l := newManagedLab(t, a)
				l.hold("a", "A", "token 0", a.Tokens[0].Key)
				l.rotates(apiTokens + "a")
				rotate := sync.OnceFunc(func() {
					l.hold("a", "A", "token 0", l.db.ReplaceAPIToken(a.Tokens[0].Key, grace))
				})
				l.db.Inject(standin.Fault{Target: tokensPath, Do: databraintest.Error(502, "", ""), When: func(*http.Request) bool {
					rotate()
					return true
				}})
				l.mustRun()
				l.wantObserved()
			})
		})
	}
}

// TestPreviousAlive asks the instance about the token of AWSPREVIOUS.
func TestPreviousAlive(t *testing.T) {
	const alive = finding.ServiceTokenPreviousAlive
	synctest.Test(t, func(t *testing.T) {
		l := newManagedLab(t, app("A", 5))
		l.auditor.PreviousGrace = time.Hour
		old := databraintest.ExampleServiceToken
		fresh := l.rotateServiceToken(old, 3*time.Hour)
		l.putSecret(fresh)

		time.Sleep(time.Hour) // to the second: not over yet
		requests := l.mustRun().Requests
		l.wantObserved()
		time.Sleep(time.Second)
		s := l.mustRun()
		got := l.wantObserved(string(alive))
		if s.Requests != requests+1 || got[string(alive)].Finding.Severity != finding.High {
			t.Errorf("%d requests, then %d; %+v", requests, s.Requests, got)
		}

		// No answer says nothing: neither a fault of the instance nor a page of somebody else.
		for _, do := range []standin.Action{databraintest.Error(502, "", ""), databraintest.TooManyRequests("1"),
			standin.Hang()} {
			l.db.Inject(standin.Fault{Target: "/api/v2/data-app", When: bearer(old), Do: do})
			if s := l.mustRun(); s.Counts.Resolved != 0 {
				t.Errorf("resolved without an answer: %+v", s.Counts)
			}
			l.wantObserved()
		}
		l.secrets.Inject(
			standin.Fault{Operation: "GetSecretValue", Skip: 1, Times: 9, Do: standin.Error("AccessDeniedException")},
		)
		if s := l.mustRun(); s.Counts.Resolved != 0 || !strings.Contains(strings.Join(s.Notes, " "), "AWSPREVIOUS") {
			t.Errorf("denied: %+v, notes %q", s.Counts, s.Notes)
		}
		l.secrets.ClearFaults()

		time.Sleep(3 * time.Hour)
		if s := l.mustRun(); s.Counts.Resolved != 1 {
			t.Errorf("dead at last: %+v", s.Counts)
		}
		l.wantObserved()
	})
}

// TestPreviousIsNotAsked where there is nothing to ask for.
func TestPreviousIsNotAsked(t *testing.T) {
	for name, previous := range map[string]string{
		"none": "", "no token yet": `{"token":""}`, "the same token": `{"token":"` +
			databraintest.ExampleServiceToken + `","note":"before"}`,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newManagedLab(t, app("A", 5))
				if previous != "" {
					l.put(labSecret, previous)
					l.putSecret(databraintest.ExampleServiceToken)
				}
				time.Sleep(time.Second)
				s := l.mustRun()
				l.wantObserved()
				if len(s.Notes) != 0 {
					t.Errorf("notes %q", s.Notes)
				}
				calls := l.db.Calls()
				if len(calls) == 0 || strings.Contains(calls[0].Query, "isPagination=true") {
					t.Errorf("the run begins with %+v", calls)
				}
			})
		})
	}
}

// rotateServiceToken lets the instance rotate its token, as the rotation does.
func (l *lab) rotateServiceToken(old string, grace time.Duration) string {
	l.t.Helper()
	fresh, err := l.auditor.Databrain.RotateServiceToken(l.t.Context(), databrain.NewSecret(old), grace)
	if err != nil {
		l.t.Fatal(err)
	}
	return fresh.Reveal()
}

// bearer matches requests with that token.
func bearer(token string) func(*http.Request) bool {
	return func(r *http.Request) bool { return r.Header.Get("Authorization") == "Bearer "+token }
}

func readBody(r *http.Request) (string, error) {
	body, err := io.ReadAll(r.Body)
	return string(body), err
}

// TestUnlistedNeedsAllLists: that no list has a key is known only if every list was read
// and no rotation is under way. Else nothing is found, and nothing resolved.
func TestUnlistedNeedsAllLists(t *testing.T) {
	const lost = "99999999-2222-4333-8444-555555555555"
	for name, breaks := range map[string]func(l *lab){
		"a data app cannot be read": func(l *lab) {
			l.db.Inject(standin.Fault{
				Target: tokensPath, When: forApp("B"), Times: -1, Do: databraintest.Error(403, "FORBIDDEN", "x"),
			})
		},
		"a rotation is under way": func(l *lab) {
			if err := l.secrets.SetLabels(apiTokens+"a", "11111111-2222-4333-8444-555555555555", "AWSPENDING"); err != nil {
				l.t.Error(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, b := app("A", 5), app("B", 5)
				setUp := func() *lab {
					l := newManagedLab(t, a, b)
					l.hold("a", "A", "token 0", lost)
					l.rotates(apiTokens + "a")
					return l
				}
				l := setUp()
				breaks(l)
				l.mustRun()
				if d, found := l.observed()["api-token-unlisted a"]; found {
					t.Errorf("found %+v", d)
				}
				l = setUp()
				requests := l.mustRun().Requests
				l.wantObserved("api-token-unlisted a")
				if again := l.mustRun().Requests; again != requests { // the key is not one that a list lacks
					t.Errorf("%d requests, then %d", requests, again)
				}
				breaks(l)
				l.hold("b", "B", "token 0", "") // anything else that was read
				if s := l.mustRun(); s.Counts.Resolved != 0 {
					t.Errorf("resolved: %+v", s.Counts)
				}
				l.bus.ClearEntries()
			})
		})
	}
}

// withoutFilter is a Secrets Manager that does not know the filter.
type withoutFilter struct{ *secretsmanager.Client }

func (c withoutFilter) ListSecrets(
	ctx context.Context, in *secretsmanager.ListSecretsInput, options ...func(*secretsmanager.Options),
) (*secretsmanager.ListSecretsOutput, error) {
	all := *in
	all.Filters = nil
	return c.Client.ListSecrets(ctx, &all, options...)
}

// TestOnlySecretsUnderThePrefixAreRead, even if the list has others.
func TestOnlySecretsUnderThePrefixAreRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newManagedLab(t, app("A", 5))
		l.put("databrain/admin", `{"email":"a@example.com","password":"x"}`)
		l.put("databrain/API-token/x", "x")
		l.auditor.Secret.Client = withoutFilter{l.auditor.Secret.Client.(*secretsmanager.Client)}
		if s := l.mustRun(); s.Managed.Secrets != 0 || len(s.Notes) != 0 {
			t.Errorf("summary %+v, notes %q", s.Managed, s.Notes)
		}
	})
}
