package rotation_test

// The proof that a rotation survives anything, in these files:
//
//	world_test.go       a whole world in a testing/synctest bubble: both services as
//	                    stand-ins, the real SDK client, a Rotator run as Lambda runs it
//	setups_test.go      what a world starts from: strategies, states, undocumented switches
//	wire_test.go        the wire between the Rotator and the services: it numbers every
//	                    call and breaks those that it is told to
//	watch_test.go       the invariants, checked at every call and after every step
//	schedule_test.go    a rotation with its faults as one line of text, which replays it
//	fork_test.go        where a schedule may begin: an undisturbed rotation has been there
//	known_test.go       where it may end early: another has been in the same state
//	faults_test.go      every single fault at every call
//	absorb_test.go      the faults that an invocation has to survive by itself
//	pairs_test.go       pairs of faults
//	interleave_test.go  two invocations at once, and requests that arrive late
//	history_test.go     random long histories
//	requests_test.go    the fewest requests; wait_test.go: in the fewest round trips
//	identical_test.go   a rotation that cannot finish
//	advice_test.go      what the errors advise, carried out; troubles_test.go has the errors
//
// Secrets Manager's part (order of the steps, retries from createSecret with the
// same ClientRequestToken) is played by secretsmanagertest.

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"databrain-rotation/pkg/databrain"
	"databrain-rotation/pkg/rotation"
	"databrain-rotation/pkg/standin/databraintest"
	"databrain-rotation/pkg/standin/secretsmanagertest"
	"databrain-rotation/pkg/transport"
)

const (
	functionARN   = "arn:aws:lambda:us-east-1:123456789012:function:rotate"
	secretsHost   = "secretsmanager.test"
	databrainHost = "databrain.test"
	lambdaTime    = time.Minute            // the template's timeout
	reportTime    = 500 * time.Millisecond // that every invocation has to leave
	requestTime   = 10 * time.Second       // as functions/rotate sets it
	attemptTime   = 5 * time.Second        // as pkg/bootstrap sets it
	gracePeriod   = 24 * time.Hour
	adminEmail    = "ops@example.com"
	adminPassword = `Pa55/+"<word>&?` // differs from itself in JSON and in a URL
)

// A world is small and soon gone, so that the collector may wait for many.
var _ = debug.SetGCPercent(1600)

// errDied is the end of an invocation whose sandbox died.
var errDied = errors.New("the sandbox died")

// world is made inside a bubble and used by the bubble's goroutines.
type world struct {
	setup   setup
	sm      *secretsmanagertest.Server
	db      *databraintest.Server
	rotator *rotation.Rotator
	wire    *wire
	watch   *watch

	secret, admin, bystander string        // ARNs
	service                  string        // ARN of the service token's secret, in a world of API tokens
	lambda                   time.Duration // the function's timeout
	log, metrics             safeBuffer

	stops   bool     // where the state is [known]
	states  []string // that the undisturbed invocations of this attempt began in
	stopped bool     // in a known state
	skip    int      // steps that were done before the [fork]
	before  func()   // each step
}

// invocation is one run of the function.
type invocation struct {
	event      rotation.Event
	step       string
	counts     map[string]int // calls by operation
	stored     bool           // AWSPENDING had a value when it began
	described  bool           // DescribeSecret has answered
	unanswered bool           // a probe had no answer
	turn       chan struct{}  // to make one call; nil unless two take turns
	waiting    atomic.Int32   // calls, for their turn
	ended      atomic.Bool
	dead       atomic.Bool // no call of it has an effect any more
	cancel     context.CancelFunc
}

// die is the end of the sandbox. Its goroutines find out at their next call or pause.
func (inv *invocation) die() {
	inv.dead.Store(true)
	inv.cancel()
}

type invocationKey struct{}

func newWorld(s setup) *world {
	o := s.options()
	w := &world{setup: s, lambda: lambdaTime}
	w.sm = secretsmanagertest.New(secretsmanagertest.Config{RotationToken: secretsmanagertest.RotationTokenRequired})
	w.db = databraintest.New(databraintest.Config{
		Fresh: true, Switches: o.switches, DataApps: dataApps(),
		Admin: databraintest.Account{Email: adminEmail, Password: adminPassword},
	})
	w.connect(o)
	w.furnish(o)
	return w
}

// connect puts the wire between the services and a Rotator.
func (w *world) connect(o options) {
	w.watch = newWatch(w)
	w.wire = &wire{
		watch: w.watch, reversed: o.reversed,
		hosts: map[string]http.Handler{secretsHost: w.sm, databrainHost: w.db},
	}
	w.rotator = w.newRotator(o)
	w.sm.SetRotationFunction(functionARN, w.invoke)
}

func (w *world) newRotator(o options) *rotation.Rotator {
	log := slog.New(slog.NewJSONHandler(&w.log, nil))
	if w.setup.ofKey() {
		return rotation.NewAPIToken(w.sdk(o), w.databrain(), rotation.APITokenConfig{
			ServiceTokenSecretID: serviceSecret, GracePeriod: o.grace, Contract: o.byKey, Instance: "https://" + databrainHost,
		}, log, &w.metrics, time.Now)
	}
	return rotation.New(w.sdk(o), w.databrain(), rotation.Config{
		AdminSecretID: "databrain/admin", Strategy: o.strategy, GracePeriod: gracePeriod, Contract: o.contract,
		Takeover: o.takeover, Instance: "https://" + databrainHost,
	}, log, &w.metrics, time.Now)
}

func (w *world) sdk(o options) *secretsmanager.Client {
	so := secretsmanager.Options{
		Region: "us-east-1", BaseEndpoint: aws.String("http://" + secretsHost),
		HTTPClient:  transport.Bounded(&http.Client{Transport: w.wire}, attemptTime),
		Credentials: aws.AnonymousCredentials{}, // signing would be a tenth of the time
	}
	if !o.sdkRetry {
		so.Retryer = aws.NopRetryer{} // every fault reaches the code
	}
	return secretsmanager.New(so)
}

func (w *world) databrain() *databrain.Client {
	base := &url.URL{Scheme: "https", Host: databrainHost}
	return databrain.New(base, databrain.Options{Transport: w.wire, Timeout: requestTime, Now: time.Now})
}

// furnish makes the secrets, and lets the start make of them what it wants.
func (w *world) furnish(o options) {
	w.bystander = must(w.sm.Create("somebody/else", `{"token":"`+bystanderToken+`"}`))
	w.admin = must(w.sm.Create("databrain/admin", jsonObject("email", adminEmail, "password", adminPassword)))
	w.secret = o.prepare(w)
	time.Sleep(time.Hour) // whatever lags has caught up
	w.sm.SetReadLag(o.lag)
	w.enableRotation()
	w.watch.begin()
}

func (w *world) enableRotation() {
	if err := w.sm.ConfigureRotation(w.secret, functionARN,
		secretsmanagertest.RotationRules{AutomaticallyAfterDays: 30}); err != nil {
		panic(err)
	}
}

// rotate drives one rotation as Secrets Manager does.
func (w *world) rotate(attempts int) (secretsmanagertest.Result, error) {
	return w.sm.Rotate(context.Background(), w.secret, secretsmanagertest.RotateOptions{Attempts: attempts})
}

// invoke runs the function once.
func (w *world) invoke(_ context.Context, payload []byte) error {
	event, err := rotation.ParseEvent(payload)
	if err != nil {
		return err
	}
	if w.skip > 0 {
		w.skip--
		return nil
	}
	if w.before != nil {
		w.before()
	}
	if w.stopped || w.reached(event.Step) {
		return errKnown
	}
	if err = w.run(&invocation{event: event, step: event.Step}); err != nil {
		w.states = nil // their end takes another attempt
	}
	return err
}

// run is the Lambda service: the handler, which a fault may end at any call, and a
// deadline.
func (w *world) run(inv *invocation) error {
	inv.counts = make(map[string]int)
	_, inv.stored = w.sm.Value(w.secret, inv.event.Version)
	began := time.Now()
	ctx, cancel := context.WithTimeout(context.WithValue(context.Background(), invocationKey{}, inv), w.lambda)
	defer cancel()
	inv.cancel = cancel
	before := fmt.Sprint(*w.rotator)
	err := w.rotator.Handle(ctx, inv.event)
	if fmt.Sprint(*w.rotator) != before { // [known] relies on it
		w.watch.note("%s left something in the Rotator", inv.step)
	}
	if inv.dead.Load() {
		err = errDied
	}
	w.watch.afterStep(inv, time.Since(began), err)
	return err
}

// safeBuffer is a log that two invocations may write to.
type safeBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
