package rotation_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"databrain-rotation/pkg/standin"
	"databrain-rotation/pkg/standin/secretsmanagertest"
)

// kind is what happens to one call.
type kind string

// The kinds of faults. "After": the call took effect, and its caller does not
// learn so.
const (
	die         kind = "die"         // the sandbox dies before the call
	dieAfter    kind = "die-after"   // the sandbox dies with the answer on its way
	unreachable kind = "unreachable" // no connection: definitely no effect
	noConnect   kind = "no-connect"  // SYN or handshake without an answer until the caller gives up: no effect either
	lost        kind = "lost"        // connection reset, no effect
	lostAnswer  kind = "lost-answer" // connection reset after the effect
	failed      kind = "error"       // 500 in the service's own form, no effect
	errorAfter  kind = "error-after" // a 502 page of a proxy after the effect
	throttled   kind = "throttled"   // ThrottlingException or 429, no effect
	truncated   kind = "truncated"   // the connection breaks within the answer
	hang        kind = "hang"        // no answer until the caller gives up, no effect
	hangAfter   kind = "hang-after"  // the same after the effect
	denied      kind = "denied"      // AccessDeniedException of AWS, or 403 of a firewall, no effect
	otherOK     kind = "other-2xx"   // takes effect and is answered with 201
	twice       kind = "twice"       // delivered two times; the second answer is seen
	late        kind = "late"        // as hang, and takes effect some calls later
)

// tookEffect reports whether the call has been carried out when its caller gives up.
func (k kind) tookEffect() bool {
	return slices.Contains([]kind{dieAfter, lostAnswer, errorAfter, truncated, hangAfter, otherOK, twice}, k)
}

// atTheEnd is the delay of a request that arrives after all is over.
const atTheEnd = 1 << 20

// fault breaks the call with this number, counted from 1 over a whole rotation.
type fault struct {
	call  int
	kind  kind
	delay int // of late: in calls
}

func (f fault) String() string {
	text := strconv.Itoa(f.call) + "=" + string(f.kind)
	switch {
	case f.kind == late && f.delay == atTheEnd:
		return text + "+end"
	case f.kind == late:
		return text + "+" + strconv.Itoa(f.delay)
	}
	return text
}

// faultsFor are the faults worth trying at a call. A call that only reads has no
// effect, so that before and after, late and never, once and twice are the same.
func faultsFor(c *call) []fault {
	kinds := []kind{die, lost, failed, throttled, truncated, hang, denied, otherOK}
	var faults []fault
	if c.writes() {
		kinds = append(kinds, dieAfter, unreachable, noConnect, lostAnswer, errorAfter, hangAfter, twice)
		for _, delay := range []int{1, 2, 4, 8, atTheEnd} {
			faults = append(faults, fault{c.n, late, delay})
		}
	}
	for _, k := range kinds {
		faults = append(faults, fault{call: c.n, kind: k})
	}
	return faults
}

// call is one request of the Rotator; a retry of the SDK is a call of its own.
type call struct {
	n     int
	inv   *invocation
	op    string
	req   *http.Request
	body  []byte
	fault fault
	seen  string // what the caller saw, for the trace

	proven bool // of a move: the last probe before it was sent accepted the token
}

// The operations with an effect.
const (
	opPut    = "PutSecretValue AWSPENDING"
	opMove   = "UpdateSecretVersionStage AWSCURRENT"
	opSignIn = "sign in"
	opSave   = "save service token"
	opRotate = "rotate service token"
	opProve  = "UpdateSecretVersionStage AWSPENDING"
	opProbe  = "probe"

	opDescribe = "DescribeSecret" // has none; the guards need it

	opProbeKey  = "probe API token"
	opListKeys  = "list API tokens"
	opListApps  = "list data apps"
	opCreateKey = "create API token"
	opRotateKey = "rotate API token"
)

func (c *call) writes() bool {
	return slices.Contains([]string{opPut, opMove, opProve, opSignIn, opSave, opRotate, opCreateKey, opRotateKey}, c.op)
}

func (c *call) probes() bool { return c.op == opProbe || c.op == opProbeKey }

func (c *call) String() string {
	text := fmt.Sprintf("%3d %-12s %-40s %s", c.n, c.inv.step, c.op, c.seen)
	if c.fault.kind != "" {
		text += "  <- " + c.fault.String()
	}
	return text
}

// operation names a request, or gives "" for one that a rotation never makes.
func operation(req *http.Request, body []byte) string {
	if target, ok := strings.CutPrefix(req.Header.Get("X-Amz-Target"), "secretsmanager."); ok {
		var in struct {
			SecretId, VersionStage string
			VersionStages          []string
		}
		if json.Unmarshal(body, &in) != nil {
			return ""
		}
		if in.VersionStage == "" {
			in.VersionStage = strings.Join(in.VersionStages, "+")
		}
		if target == "GetSecretValue" && in.VersionStage == "" {
			in.VersionStage = "of " + in.SecretId
		}
		if in.SecretId == serviceSecret {
			in.VersionStage += " of " + serviceSecret
		}
		return strings.TrimSpace(target + " " + in.VersionStage)
	}
	if list := req.URL.Path == "/api/v2/data-app/api-tokens"; list && req.Method == http.MethodGet {
		return opListKeys
	}
	return map[string]string{
		"GET /api/v2/data-app/embeds?isPagination=true&pageNumber=1": opProbeKey,
		"GET /api/v2/data-app?isPagination=false":                    opListApps,
		"POST /api/v2/data-app/api-tokens":                           opCreateKey,
		"POST /api/v2/data-app/rotate-api":                           opRotateKey,

		"GET /api/v2/data-app?isPagination=true&pageNumber=1": opProbe,
		"POST /api/v2/admin-account/jwt":                      opSignIn,
		"POST /api/v2/service-token":                          opSave,
		"POST /api/v2/service-token/rotate":                   opRotate,
	}[req.Method+" "+req.URL.RequestURI()]
}

// wire is the [http.RoundTripper] in front of both services.
type wire struct {
	watch *watch
	hosts map[string]http.Handler
	gate  func(*invocation) // waits for the invocation's turn; nil = it is always its turn

	reversed bool // calls that are made at the same time arrive the other way round

	mu     sync.Mutex
	faults map[int]fault
	events map[int]func() // what others do just before a call
	calls  []*call
	late   []lateRequest
}

type lateRequest struct {
	call *call
	at   int
}

// RoundTrip implements [http.RoundTripper].
func (w *wire) RoundTrip(req *http.Request) (*http.Response, error) {
	inv := req.Context().Value(invocationKey{}).(*invocation)
	var body []byte
	if req.Body != nil {
		body = must(io.ReadAll(req.Body))
		req.Body.Close()
	}
	op := operation(req, body)
	w.queue(op)
	if w.gate != nil {
		w.gate(inv)
	}
	if inv.dead.Load() {
		return nil, errDied
	}
	c := w.number(&call{inv: inv, op: op, req: req, body: body, seen: "nothing"})
	w.deliverLate(c.n)
	if event := w.events[c.n]; event != nil {
		event()
	}
	w.watch.beforeCall(c)
	return w.strike(c)
}

// queue lets calls that an invocation makes at the same time come one after the other,
// in an order that is always the same, or in the opposite one: all goroutines of a bubble
// have to wait before its clock goes on.
func (w *wire) queue(op string) {
	place := 1 + slices.Index(atOnce, op)
	if w.reversed {
		place = len(atOnce) - place
	}
	time.Sleep(time.Duration(place) * time.Nanosecond)
}

// atOnce are the operations that an invocation may make at the same time as another.
var atOnce = []string{
	opDescribe, "GetSecretValue AWSPENDING", "GetSecretValue AWSCURRENT",
	opProbe, opProve, "GetSecretValue of databrain/admin", opSignIn,
}

func (w *wire) number(c *call) *call {
	w.mu.Lock()
	defer w.mu.Unlock()
	c.n = len(w.calls) + 1
	c.fault = w.faults[c.n]
	w.calls = append(w.calls, c)
	return c
}

// deliverLate lets the late requests arrive whose time has come.
func (w *wire) deliverLate(now int) {
	w.mu.Lock()
	var due []lateRequest
	w.late = slices.DeleteFunc(w.late, func(l lateRequest) bool {
		if l.at > now {
			return false
		}
		due = append(due, l)
		return true
	})
	w.mu.Unlock()
	for _, l := range due {
		w.deliver(l.call)
	}
}

var (
	errReset  = &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
	errNoDial = &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
)

// strike carries out the call with its fault.
func (w *wire) strike(c *call) (*http.Response, error) {
	if c.probes() && c.fault.kind != "" && c.fault.kind != twice && c.fault.kind != otherOK {
		w.watch.probed(c, nil)
	}
	switch c.fault.kind {
	case dieAfter, lostAnswer, errorAfter, hangAfter, twice:
		w.deliver(c)
	case late:
		w.mu.Lock()
		w.late = append(w.late, lateRequest{c, c.n + c.fault.delay})
		w.mu.Unlock()
	}
	standin.Report(c.req, c.fault.kind != unreachable && c.fault.kind != noConnect)
	switch c.fault.kind {
	case die, dieAfter:
		c.inv.die()
		return c.see(reply{err: errDied})
	case unreachable:
		return c.see(reply{err: errNoDial})
	case lost, lostAnswer:
		return c.see(reply{err: errReset})
	case failed:
		return c.see(c.internalError())
	case errorAfter:
		return c.see(
			reply{status: 502, contentType: "text/html", body: "<html><body>Bad Gateway: " + c.echo() + "</body></html>"},
		)
	case throttled:
		return c.see(c.throttle())
	case denied:
		return c.see(c.deny())
	case hang, hangAfter, late, noConnect:
		<-c.req.Context().Done()
		return c.see(reply{err: c.req.Context().Err()})
	case truncated:
		r := w.deliver(c)
		r.cut = true
		return c.see(r)
	}
	r := w.deliver(c)
	if c.fault.kind == otherOK && !c.toAWS() && r.status == http.StatusOK {
		r.status = http.StatusCreated
	}
	switch {
	case c.probes():
		w.watch.probed(c, &r)
	case c.op == opDescribe:
		w.watch.described(c.inv)
	}
	return c.see(r)
}

// reply is an answer read to its end, so that nothing is left running when its caller
// dies.
type reply struct {
	status            int
	contentType, body string
	cut               bool // the second half of the body is lost
	err               error
}

// deliver lets the call take effect, also when its caller is gone.
func (w *wire) deliver(c *call) reply {
	host := w.hosts[c.req.URL.Host]
	if host == nil {
		return reply{err: errors.New("no such host")}
	}
	req := c.req.Clone(context.WithoutCancel(c.req.Context()))
	req.Body = io.NopCloser(bytes.NewReader(c.body))
	pending := w.watch.holder(secretsmanagertest.Pending)
	answer := httptest.NewRecorder()
	host.ServeHTTP(answer, req)
	w.watch.delivered(c, pending, answer.Body.Bytes())
	return reply{status: answer.Code, contentType: answer.Header().Get("Content-Type"), body: answer.Body.String()}
}

// see is what the caller gets.
func (c *call) see(r reply) (*http.Response, error) {
	if r.err != nil {
		c.seen = r.err.Error()
		return nil, r.err
	}
	c.seen = strconv.Itoa(r.status)
	var body io.Reader = strings.NewReader(r.body)
	if r.cut {
		body = io.MultiReader(strings.NewReader(r.body[:len(r.body)/2]), brokenReader{})
	}
	return &http.Response{
		Status: strconv.Itoa(r.status) + " " + http.StatusText(r.status), StatusCode: r.status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, ContentLength: int64(len(r.body)),
		Header: http.Header{"Content-Type": {r.contentType}}, Body: io.NopCloser(body), Request: c.req,
	}, nil
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, errReset }

// echo is the request with all its secrets, as a careless server quotes it.
func (c *call) echo() string { return c.req.Header.Get("Authorization") + " " + string(c.body) }

func (c *call) toAWS() bool { return c.req.URL.Host == secretsHost }

func (c *call) internalError() reply {
	if c.toAWS() {
		return reply{status: 500, contentType: "application/x-amz-json-1.1",
			body: jsonObject("__type", "InternalServiceError", "Message", "failed on "+c.echo())}
	}
	return reply{status: 500, contentType: "application/json",
		body: `{"error":` + jsonObject("code", "INTERNAL_SERVER_ERROR", "message", c.echo()) + `}`}
}

// deny is AWS's refusal, whose words name no value, or a firewall's.
func (c *call) deny() reply {
	if c.toAWS() {
		return reply{status: 400, contentType: "application/x-amz-json-1.1",
			body: jsonObject("__type", "AccessDeniedException", "Message", "User: rotate is not authorized to perform: "+c.op)}
	}
	return reply{status: 403, contentType: "text/html", body: "<html><body>Forbidden: " + c.echo() + "</body></html>"}
}

func (c *call) throttle() reply {
	if c.toAWS() {
		return reply{status: 400, contentType: "application/x-amz-json-1.1",
			body: jsonObject("__type", "ThrottlingException", "message", "Rate exceeded for "+c.echo())}
	}
	return reply{status: 429, contentType: "text/plain", body: "Too many requests: " + c.echo()}
}
