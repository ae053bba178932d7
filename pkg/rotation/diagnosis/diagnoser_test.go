package diagnosis_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"databrain-rotation/pkg/databrain"
	"databrain-rotation/pkg/rotation"
	"databrain-rotation/pkg/rotation/diagnosis"
	"databrain-rotation/pkg/standin"
	"databrain-rotation/pkg/standin/databraintest"
	"databrain-rotation/pkg/standin/secretsmanagertest"
)

const live = "6a0f4c1e-6a57-4d0f-9f0e-0d6f4b8f7f10"

// account is a secret and an instance, and what asks about them.
type account struct {
	secrets   *secretsmanagertest.Server
	db        *databraintest.Server
	diagnoser *diagnosis.Diagnoser
	arn       string
}

// route sends a request to the service that its host names; a name that is hang gets
// no answer.
type route struct {
	*account
	hang func(*http.Request) bool
}

func (r route) RoundTrip(req *http.Request) (*http.Response, error) {
	if r.hang != nil && r.hang(req) {
		<-req.Context().Done()
		return nil, req.Context().Err()
	}
	switch req.URL.Host {
	case "secrets.test":
		return standin.Transport{Handler: r.secrets}.RoundTrip(req)
	case "databrain.test":
		return standin.Transport{Handler: r.db}.RoundTrip(req)
	}
	return nil, errors.New("no such host")
}

func newAccount(base string, hang func(*http.Request) bool) *account {
	a := &account{
		secrets: secretsmanagertest.New(secretsmanagertest.Config{}),
		db:      databraintest.New(databraintest.Config{ServiceToken: live}),
	}
	wire := route{a, hang}
	instance, _ := url.Parse(base)
	a.diagnoser = &diagnosis.Diagnoser{
		Secrets: secretsmanager.New(secretsmanager.Options{
			Region: "us-east-1", BaseEndpoint: aws.String("http://secrets.test"), HTTPClient: &http.Client{Transport: wire},
			Credentials: aws.AnonymousCredentials{},
		}),
		Instance: instance, Now: time.Now, Version: "v1.2.3",
		Client: func(u *url.URL) *databrain.Client {
			return databrain.New(u, databrain.Options{Transport: wire, Timeout: 10 * time.Second, Now: time.Now})
		},
		Config: rotation.Config{
			AdminSecretID: "databrain/admin",
			Strategy:      rotation.Replace,
			Takeover:      rotation.TakeoverEmpty,
		},
	}
	must(
		a.secrets.Create(
			"databrain/admin",
			`{"email":"`+databraintest.ExampleEmail+`","password":"`+databraintest.ExamplePassword+`"}`,
		),
	)
	a.arn = must(a.secrets.Create("token", `{"token":"`+live+`"}`))
	rules := secretsmanagertest.RotationRules{AutomaticallyAfterDays: 30}
	if err := a.secrets.ConfigureRotation(a.arn, "arn:f", rules); err != nil {
		panic(err)
	}
	return a
}

func must(text string, err error) string {
	if err != nil {
		panic(err)
	}
	return text
}

func fail(operation, code string) standin.Fault {
	return standin.Fault{Operation: operation, Do: standin.Error(code), Times: -1}
}

// TestHostilePlaces: whatever stands in the way, there is an answer with words, and it
// shows no value.
func TestHostilePlaces(t *testing.T) {
	denied := secretsmanagertest.CodeAccessDenied
	for name, tt := range map[string]struct {
		base, request string
		with          func(*account)
		hang          func(*http.Request) bool
		verdict       diagnosis.Verdict
		code          diagnosis.Code
		says          string
	}{
		"healthy":     {verdict: diagnosis.Healthy, says: "there is nothing to do"},
		"by its name": {request: `{"diagnose":"token"}`, verdict: diagnosis.Healthy},
		"without a sign-in": {
			request: `{"diagnose":"token","signIn":false}`,
			verdict: diagnosis.Healthy, says: "not asked",
		},
		"unknown secret": {
			request: `{"diagnose":"` + live + `"}`,
			verdict: diagnosis.Unknown, code: diagnosis.SecretNotFound,
		},
		"number": {request: `{"diagnose":7}`, verdict: diagnosis.Unknown, code: diagnosis.RequestMalformed},
		"empty":  {request: `{"diagnose":""}`, verdict: diagnosis.Unknown, code: diagnosis.RequestMalformed},
		"null": {
			request: `{"diagnose":null}`,
			verdict: diagnosis.Unknown, code: diagnosis.RequestMalformed,
		},
		"twice": {
			request: `{"diagnose":"token","diagnose":"other"}`,
			verdict: diagnosis.Unknown, code: diagnosis.RequestMalformed,
		},
		"endless": {
			request: `{"diagnose":"` + strings.Repeat("a", 3000) + `"}`,
			verdict: diagnosis.Unknown, code: diagnosis.RequestMalformed,
		},
		"signIn is a text": {
			request: `{"diagnose":"token","signIn":"no"}`,
			verdict: diagnosis.Unknown, code: diagnosis.RequestMalformed,
		},
		"the admin's secret": {
			request: `{"diagnose":"databrain/admin"}`,
			verdict: diagnosis.Unknown, code: diagnosis.AdminIsRotated,
		},
		"describing is denied": {
			with:    func(a *account) { a.secrets.Inject(fail("DescribeSecret", denied)) },
			verdict: diagnosis.Unknown, code: diagnosis.SecretUnreadable,
		},
		"rate limited": {
			with: func(a *account) {
				a.db.Inject(standin.Fault{Do: databraintest.TooManyRequests(""), Times: -1})
			},
			verdict: diagnosis.Unknown, code: diagnosis.InstanceSilent, says: "raise the rate limit of the instance",
		},
		"behind a firewall": {
			with:    func(a *account) { a.db.Inject(standin.Fault{Do: standin.Reply(403, "text/html", "no"), Times: -1}) },
			verdict: diagnosis.Unknown, code: diagnosis.InstanceSilent, says: "a firewall or proxy",
		},
		"behind a login page": {
			with:    func(a *account) { a.db.Inject(standin.Fault{Do: standin.LoginPage(), Times: -1}) },
			verdict: diagnosis.Unknown, code: diagnosis.InstanceSilent, says: "login page",
		},
		"no admin's secret": {
			with:    func(a *account) { a.diagnoser.Config.AdminSecretID = "databrain/nobody" },
			verdict: diagnosis.Attention, code: diagnosis.AdminUnreadable, says: "There is no secret databrain/nobody",
		},
		"reading is denied": {
			with:    func(a *account) { a.secrets.Inject(fail("GetSecretValue", denied)) },
			verdict: diagnosis.Unknown, code: diagnosis.CurrentUnreadable, says: denied,
		},
		"listing is denied": {with: func(a *account) {
			a.db.SetToken("11111111-1111-4111-8111-111111111111")
			a.secrets.Inject(fail("ListSecretVersionIds", denied))
		}, verdict: diagnosis.Broken, code: diagnosis.CurrentRejected,
			says: "versions without a label were not all looked at"},
		"on a version without a label": {with: func(a *account) {
			must(a.secrets.ManualPut("token", `{"token":"11111111-1111-4111-8111-111111111111"}`))
			must(a.secrets.ManualPut("token", `{"token":"22222222-2222-4222-8222-222222222222"}`))
		}, verdict: diagnosis.Broken, code: diagnosis.CurrentRejected, says: "which has no label"},
		"an API token's": {with: func(a *account) {
			must(a.secrets.ManualPut("token", `{"dataApp":"a","name":"b","key":"`+live+`"}`))
		}, verdict: diagnosis.Unknown, code: diagnosis.SecretOfOtherKind},
		"other members": {with: func(a *account) {
			must(a.secrets.ManualPut("token", `{"serviceToken":"`+live+`"}`))
			must(a.secrets.ManualPut("token", `{"serviceToken":"`+live+`"}`))
		}, verdict: diagnosis.Broken, code: diagnosis.CurrentMalformed, says: "serviceToken"},
		"a label of somebody else's": {with: func(a *account) {
			was := a.secrets.Holder("token", "AWSCURRENT")
			must(a.secrets.ManualPut("token", `{"token":"11111111-1111-4111-8111-111111111111"}`))
			_ = a.secrets.SetLabels("token", was, "KEEP")
		}, verdict: diagnosis.Broken, code: diagnosis.CurrentRejected, says: "KEEP works"},
		"wrong path": {
			base:    "https://databrain.test/api/v2",
			verdict: diagnosis.Unknown, code: diagnosis.BaseURLWrong, says: "DatabrainBaseUrl=https://databrain.test.",
		},
		"wrong host": {
			base:    "https://elsewhere.test",
			verdict: diagnosis.Unknown, code: diagnosis.InstanceSilent, says: "https://elsewhere.test",
		},
		"the instance hangs": {
			hang:    to("databrain.test", ""),
			verdict: diagnosis.Unknown, code: diagnosis.InstanceSilent, says: "deadline exceeded",
		},
		"a login page": {
			with:    func(a *account) { a.db.Inject(standin.Fault{Do: standin.LoginPage(), Times: -1}) },
			verdict: diagnosis.Unknown, code: diagnosis.InstanceSilent,
		},
		"rate limit": {
			with:    func(a *account) { a.db.Inject(standin.Fault{Do: standin.Reply(429, "text/plain", "no"), Times: -1}) },
			verdict: diagnosis.Unknown, code: diagnosis.InstanceSilent, says: "429",
		},
		"a mock": {with: func(a *account) {
			a.db.Inject(standin.Fault{Do: standin.Reply(200, "application/json", `{"data":[]}`), Times: -1})
		}, verdict: diagnosis.Unknown, code: diagnosis.InstanceAcceptsAny},
		"describing hangs": {
			hang:    to("secrets.test", "DescribeSecret"),
			verdict: diagnosis.Unknown, code: diagnosis.SecretUnreadable, says: "did not answer",
		},
		"reading hangs": {
			hang:    to("secrets.test", "GetSecretValue"),
			verdict: diagnosis.Unknown, code: diagnosis.CurrentUnreadable,
		},
		"everything hangs": {hang: to("", ""), verdict: diagnosis.Unknown, code: diagnosis.SecretUnreadable},
		"the sign-in hangs": {
			hang:    func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/jwt") },
			verdict: diagnosis.Attention, code: diagnosis.AdminSilent,
		},
		"the password changed": {
			with:    func(a *account) { a.db.SetAdminPassword("another") },
			verdict: diagnosis.Attention, code: diagnosis.AdminRefused, says: "INVALID_CREDENTIALS",
		},
		"no admin secret": {
			with:    func(a *account) { a.diagnoser.Config.AdminSecretID = "missing" },
			verdict: diagnosis.Attention, code: diagnosis.AdminUnreadable,
		},
		"a rotation's own call": {with: func(a *account) {
			_ = a.secrets.SetLabels("token", "4f1d9a52-6c1e-4b37-9d0a-2f5e8c7b1a60", "AWSPENDING")
		}, verdict: diagnosis.Attention, code: diagnosis.Unfinished},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if tt.base == "" {
					tt.base = "https://databrain.test"
				}
				a := newAccount(tt.base, tt.hang)
				if tt.with != nil {
					tt.with(a)
				}
				if tt.request == "" {
					tt.request = `{"diagnose":"` + a.arn + `"}`
				}
				request, ok := diagnosis.ParseRequest([]byte(tt.request))
				if !ok {
					t.Fatal("it is no request")
				}
				began := time.Now()
				r := a.diagnoser.Diagnose(t.Context(), request)
				if took := time.Since(began); took > 20*time.Second {
					t.Errorf("it took %v", took)
				}
				if r.Verdict != tt.verdict || len(r.Problems) > 0 && r.Problems[0].Code != tt.code ||
					!strings.Contains(r.Text+r.Summary, tt.says) {
					t.Errorf("%s\n%s", r.Summary, r.Text)
				}
				encoded, err := json.Marshal(r)
				if err != nil || strings.Contains(string(encoded), live) ||
					strings.Contains(string(encoded), databraintest.ExamplePassword) {
					t.Errorf("%v, or a value is shown: %s", err, encoded)
				}
				if strings.Contains(string(encoded), ":null") {
					t.Errorf("a member is null: %s", encoded)
				}
				if n := a.db.Count("POST /api/v2/admin-account/jwt"); n > 1 {
					t.Errorf("%d sign-ins", n)
				}
			})
		})
	}
}

// to matches the requests to a host, "" for any, with an operation, "" for any.
func to(host, operation string) func(*http.Request) bool {
	return func(r *http.Request) bool {
		return (host == "" || r.URL.Host == host) && strings.Contains(r.Header.Get("X-Amz-Target"), operation)
	}
}

// TestShortInvocation: the answer comes before the function's own time-out.
func TestShortInvocation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAccount("https://databrain.test", to("", ""))
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		if r := a.diagnoser.Diagnose(ctx, diagnosis.Request{SecretID: a.arn}); ctx.Err() != nil ||
			r.Verdict != diagnosis.Unknown {
			t.Errorf("%v: %s", ctx.Err(), r.Text)
		}
	})
}

// TestOtherPayloads: no event of a rotation is taken for a request.
func TestOtherPayloads(t *testing.T) {
	for _, payload := range []string{
		``, `{}`, `[]`,
		`{"Step":"createSecret","SecretId":"diagnose"}`, `{"Diagnose":"x"}`, `{"diagnose":`,
	} {
		if _, ok := diagnosis.ParseRequest([]byte(payload)); ok {
			t.Errorf("%s is a request", payload)
		}
	}
}

// FuzzParseRequest: no payload makes it fail.
func FuzzParseRequest(f *testing.F) {
	f.Add([]byte(`{"diagnose":"x","signIn":false}`))
	f.Fuzz(func(t *testing.T, payload []byte) { diagnosis.ParseRequest(payload) })
}
