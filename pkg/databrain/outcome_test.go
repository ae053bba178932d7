package databrain_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"databrain-rotation/pkg/databrain"
	"databrain-rotation/pkg/standin"
	"databrain-rotation/pkg/standin/databraintest"
)

const (
	asText = "text/plain"
	asHTML = "text/html"
	asJSON = "application/json"
)

// A row is a way to fail that has one outcome, whatever the operation.
type row struct {
	name  string
	after bool // the request takes effect first
	do    func(operation) standin.Action
	want  outcome
}

func always(a standin.Action) func(operation) standin.Action {
	return func(operation) standin.Action { return a }
}

func answered(status int, contentType, body string) func(operation) standin.Action {
	return always(standin.Reply(status, contentType, body))
}

func ok(body func(operation) string) func(operation) standin.Action {
	return func(o operation) standin.Action { return standin.Reply(200, asJSON, body(o)) }
}

func rows() []row {
	var (
		broken     = outcome{Class: databrain.ClassNetwork, Unknown: true}
		unreadable = outcome{Class: databrain.ClassDecode, Unknown: true, Status: 200}
		server     = func(status int, code string) outcome {
			return outcome{Class: databrain.ClassServer, Unknown: true, Status: status, Code: code}
		}
		status = func(class databrain.Class, status int) outcome { return outcome{Class: class, Status: status} }
	)
	all := []row{
		{"cut before the effect", false, always(standin.Cut()), broken},
		{"cut after the effect", true, always(standin.Cut()), broken},
		{
			"cut in the answer",
			false,
			always(standin.CutBody()),
			outcome{Class: databrain.ClassNetwork, Unknown: true, Status: 200},
		},
		{"truncated", false, always(standin.TruncateBody()), unreadable},

		{"500 page", false, answered(500, asHTML, "<h1>Oops</h1>"), server(500, "")},
		{"502 page", false, always(standin.BadGateway()), server(502, "")},
		{"503 text", false, answered(503, asText, "no healthy upstream"), server(503, "")},
		{"504 without a body", false, answered(504, asText, ""), server(504, "")},
		{"599", false, answered(599, asText, ""), server(599, "")},

		{"429 text", false, always(databraintest.TooManyRequests("")), status(databrain.ClassRateLimited, 429)},
		{"429 with a time", false, always(databraintest.TooManyRequests("7")),
			outcome{Class: databrain.ClassRateLimited, Status: 429, RetryAfter: 7 * time.Second}},
		{"429 JSON", false, always(databraintest.Error(429, "TOO_MANY_REQUESTS", "slow down")),
			outcome{Class: databrain.ClassRateLimited, Status: 429, Code: "TOO_MANY_REQUESTS"}},

		{"401 page", false, answered(401, asHTML, "<h1>Sign in</h1>"), status(databrain.ClassAuth, 401)},
		{"401 of a gateway", false, answered(401, asJSON, `{"message":"Unauthorized"}`), status(databrain.ClassAuth, 401)},
		{
			"401 with a text as error",
			false,
			answered(401, asJSON, `{"error":"invalid_token"}`),
			status(databrain.ClassAuth, 401),
		},
		{
			"401 with a number as code",
			false,
			answered(401, asJSON, `{"error":{"code":401,"message":"x"}}`),
			status(databrain.ClassAuth, 401),
		},
		{"401 with an empty code", false, answered(401, asJSON, `{"error":{"code":""}}`), status(databrain.ClassAuth, 401)},
		{
			"401 with two codes",
			false,
			answered(401, asJSON, `{"error":{"code":"A","code":"B"}}`),
			status(databrain.ClassAuth, 401),
		},
		{
			"401 cut short",
			false,
			answered(401, asJSON, `{"error":{"code":"AUTHENTICATION_ERROR"`),
			status(databrain.ClassAuth, 401),
		},
		{"401 with a code that is none", false, answered(401, asJSON, `{"error":{"code":"E-401 ✗"}}`),
			outcome{Class: databrain.ClassAuth, Rejected: true, Status: 401}},
		{"401 with the longest code", false, answered(401, asJSON, `{"error":{"code":"`+strings.Repeat("X", 48)+`"}}`),
			outcome{Class: databrain.ClassAuth, Rejected: true, Status: 401, Code: strings.Repeat("X", 48)}},
		{"401 with a code too long", false, answered(401, asJSON, `{"error":{"code":"`+strings.Repeat("X", 49)+`"}}`),
			outcome{Class: databrain.ClassAuth, Rejected: true, Status: 401}},
		{"403 page", false, answered(403, asHTML, "<h1>Forbidden</h1>"), status(databrain.ClassForbidden, 403)},
		{"403 JSON", false, always(databraintest.Error(403, "FORBIDDEN", "no")),
			outcome{Class: databrain.ClassForbidden, Status: 403, Code: "FORBIDDEN"}},

		{
			"400 page",
			false,
			answered(400, asHTML, "<pre>Bad Request</pre>"),
			outcome{Class: databrain.ClassDecode, Unknown: true, Status: 400},
		},
		{
			"404 page",
			false,
			answered(404, asHTML, "<pre>Cannot GET</pre>"),
			outcome{Class: databrain.ClassDecode, Unknown: true, Status: 404},
		},
		{"404 JSON", false, always(databraintest.Error(404, "Not-Found", "x")),
			outcome{Class: databrain.ClassInvalid, Status: 404, Code: "NOT_FOUND"}},

		{"200 login page", false, always(standin.LoginPage()), unreadable},
		{"200 without a body", false, answered(200, asJSON, ""), unreadable},
		{"200 null", false, answered(200, asJSON, "null"), unreadable},
		{"200 array", false, answered(200, asJSON, `[{"key":"a","data":[]}]`), unreadable},
		{"200 {}", false, answered(200, asJSON, "{}"), unreadable},
		{"200 endless text", false, always(standin.Endless(`{"data":["`, strings.Repeat("x", 256<<10))), unreadable},
		{"200 endless white space", false, always(standin.Endless(`{"data":`, strings.Repeat(" ", 256<<10))), unreadable},
		{
			"200 endless members",
			false,
			always(standin.Endless(`{"a":1`, `,"`+strings.Repeat("b", 256<<10)+`":1`)),
			unreadable,
		},
		{"204", false, answered(204, asJSON, ""), outcome{Class: databrain.ClassDecode, Unknown: true, Status: 204}},
		{"304", false, answered(304, asJSON, ""), outcome{Class: databrain.ClassDecode, Unknown: true, Status: 304}},
		{
			"302 to nowhere",
			false,
			answered(302, asHTML, "<a>moved</a>"),
			outcome{Class: databrain.ClassDecode, Unknown: true, Status: 302},
		},

		{"200 error object", false, answered(200, asJSON, `{"error":{"code":"AUTHENTICATION_ERROR","message":"x"}}`),
			outcome{Class: databrain.ClassAuth, Rejected: true, Status: 200, Code: "AUTHENTICATION_ERROR"}},
		{
			"200 error object after no data",
			false,
			answered(200, asJSON, `{"data":null,"error":{"code":"SELFHOSTED_APP_ERROR","message":"x"}}`),
			outcome{Class: databrain.ClassPermanent, Status: 200, Code: "SELFHOSTED_APP_ERROR"},
		},
		{
			"200 error object of no meaning",
			false,
			answered(200, asJSON, `{"error":{"code":"INTERNAL_SERVER_ERROR","message":"x"}}`),
			outcome{Class: databrain.ClassDecode, Unknown: true, Status: 200, Code: "INTERNAL_SERVER_ERROR"},
		},
		{"200 error text", false, answered(200, asJSON, `{"error":"boom"}`), unreadable},

		{"200 right but for an error", false, ok(func(o operation) string {
			return strings.TrimSuffix(o.right(), "}") + `,"error":{"code":"EXPIRED_SERVICE_TOKEN"}}`
		}), outcome{Class: databrain.ClassAuth, Rejected: true, Status: 200, Code: "EXPIRED_SERVICE_TOKEN"}},
		{"200 right but for an error text", false, ok(func(o operation) string {
			return strings.TrimSuffix(o.right(), "}") + `,"error":"boom"}`
		}), unreadable},
		{"200 right but for an error without a code", false, ok(func(o operation) string {
			return `{"error":{"message":"boom"},` + strings.TrimPrefix(o.right(), "{")
		}), unreadable},
		{
			"200 wrong value",
			false,
			ok(func(o operation) string { return o.answer(fmt.Sprintf("%q:%s", o.member, o.wrong)) }),
			unreadable,
		},
		{
			"200 null value",
			false,
			ok(func(o operation) string { return o.answer(fmt.Sprintf("%q:null", o.member)) }),
			unreadable,
		},
		{
			"200 number",
			false,
			ok(func(o operation) string { return o.answer(fmt.Sprintf("%q:1e999", o.member)) }),
			unreadable,
		},
		{
			"200 other name",
			false,
			ok(func(o operation) string { return o.answer(fmt.Sprintf("%q:%s", "serviceToken", o.value)) }),
			unreadable,
		},
		{"200 upper-case name", false, ok(func(o operation) string {
			return o.answer(fmt.Sprintf("%q:%s", strings.ToUpper(o.member[:1])+o.member[1:], o.value))
		}), unreadable},
		{"200 name twice", false, ok(func(o operation) string {
			return o.answer(fmt.Sprintf("%q:%s,%[1]q:%[2]s", o.member, o.value))
		}), unreadable},
		{"200 null and then the value", false, ok(func(o operation) string {
			return o.answer(fmt.Sprintf("%q:null,%[1]q:%[2]s", o.member, o.value))
		}), unreadable},
		{"200 and something after it", false, ok(func(o operation) string { return o.right() + "<script>" }), unreadable},
		{"200 and a second answer", false, ok(func(o operation) string { return o.right() + o.right() }), unreadable},
		{"200 over 1 MiB", false, ok(func(o operation) string {
			return `{"padding":"` + strings.Repeat("x", 1<<20) + `",` + strings.TrimPrefix(o.right(), "{")
		}), unreadable},
	}
	return append(all, codeRows()...)
}

// TestOutcomes drives every operation into every failure, in process and over a
// socket. Whatever fails, the request was sent once and its answer was closed.
func TestOutcomes(t *testing.T) {
	for _, o := range operations() {
		for _, r := range rows() {
			t.Run(o.name+"/"+r.name+"/in process", func(t *testing.T) {
				t.Parallel()
				db := o.server()
				transport := &bodies{RoundTripper: db.Client().Transport}
				o.check(t, db, inProcess(t, transport, databrain.Options{}), r)
				transport.released(t)
			})
			t.Run(o.name+"/"+r.name+"/over a socket", func(t *testing.T) {
				t.Parallel()
				db := o.server()
				o.check(t, db, overSocket(t, db, databrain.Options{}), r)
			})
		}
	}
}

func (o operation) check(t *testing.T, db *databraintest.Server, c *databrain.Client, r row) {
	t.Helper()
	jwt := o.jwt(t, c)
	f := o.fault(r.do(o))
	f.AfterEffect, f.Times = r.after, -1
	db.Inject(f)
	err := o.call(t.Context(), c, jwt)
	want := r.want
	if want.Code != "" && want.Code == o.rejects {
		want.Class, want.Rejected, want.Unknown = databrain.ClassAuth, true, false
	}
	if diff := cmp.Diff(want, outcomeOf(t, err)); diff != "" {
		t.Errorf("-want +got\n%s\n%v", diff, err)
	}
	if n := db.Struck(); n != 1 {
		t.Errorf("sent %d times", n)
	}
}
