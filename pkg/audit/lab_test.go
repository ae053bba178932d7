package audit_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"log/slog"
	"math/rand/v2"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/google/uuid"

	"databrain-rotation/pkg/audit"
	"databrain-rotation/pkg/audit/finding"
	"databrain-rotation/pkg/audit/report"
	"databrain-rotation/pkg/databrain"
	"databrain-rotation/pkg/standin/databraintest"
	"databrain-rotation/pkg/standin/eventbridgetest"
	"databrain-rotation/pkg/standin/s3test"
	"databrain-rotation/pkg/standin/secretsmanagertest"
	"databrain-rotation/pkg/standin/securityhubtest"
)

const (
	labInstance = "https://databrain.example.com"
	labSecret   = "databrain/service-token"
	labBucket   = "bucket"
	labState    = labBucket + "/audit/state.json"
	labFunction = "arn:aws:lambda:us-east-1:123456789012:function:audit"
)

// lab is an instance and an AWS account with an audit, in the process, so that it
// also works in a synctest bubble.
type lab struct {
	t       testing.TB
	db      *databraintest.Server
	secrets *secretsmanagertest.Server
	bus     *eventbridgetest.Server
	s3      *s3test.Server
	hub     *securityhubtest.Server // [lab.withHub] has the audit import into it
	auditor *audit.Auditor
	log     bytes.Buffer
	metrics bytes.Buffer
	runs    int
	timeout time.Duration // of an invocation
	keys    []string      // that no output may hold
	outputs []string      // summaries and errors
}

func newLab(t testing.TB, c databraintest.Config) *lab {
	l := &lab{
		t: t, db: databraintest.New(c), secrets: secretsmanagertest.New(secretsmanagertest.Config{}),
		bus: eventbridgetest.New(eventbridgetest.Config{}), s3: s3test.New(s3test.Config{}),
		hub: securityhubtest.New(securityhubtest.Config{}), timeout: 15 * time.Minute,
	}
	t.Cleanup(func() {
		l.checkCanaries()
		l.secrets.Close()
		l.bus.Close()
		l.s3.Close()
		l.hub.Close()
	})
	l.guard(c.DataApps)
	l.putSecret(databraintest.ExampleServiceToken)
	base, err := url.Parse(labInstance)
	if err != nil {
		t.Fatal(err)
	}
	keys := sdkKeys()
	l.auditor = &audit.Auditor{
		Instance:  labInstance,
		Databrain: databrain.New(base, databrain.Options{Transport: l.db.Client().Transport, Timeout: 30 * time.Second}),
		Secret: audit.Secret{ID: labSecret, Client: secretsmanager.New(secretsmanager.Options{
			Region: "us-east-1", Credentials: keys, HTTPClient: l.secrets.Client(),
			BaseEndpoint: aws.String("http://secretsmanager.test"),
		})},
		Policy:            func(context.Context) (finding.Policy, error) { return finding.DefaultPolicy(), nil },
		RequestsPerMinute: 200, Concurrency: 4, MessagesPerRun: 10,
		Bus:     &audit.Bus{Name: "default", Client: newEventBridge(l.bus)},
		Store:   &audit.Store{Client: newS3(l.s3), Bucket: labBucket, Prefix: "audit/"},
		Metrics: &l.metrics, Log: slog.New(slog.NewJSONHandler(&l.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Now: time.Now,
	}
	return l
}

func sdkKeys() aws.CredentialsProvider {
	return credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", "")
}

func newEventBridge(server *eventbridgetest.Server) *eventbridge.Client {
	return eventbridge.New(eventbridge.Options{
		Region: "us-east-1", Credentials: sdkKeys(), HTTPClient: server.Client(),
		BaseEndpoint: aws.String("http://events.test"),
	})
}

func newS3(server *s3test.Server) *s3.Client {
	return s3.New(s3.Options{
		Region: "us-east-1", Credentials: sdkKeys(), HTTPClient: server.Client(), BaseEndpoint: aws.String("http://s3.test"),
		DisableLogOutputChecksumValidationSkipped: true,
	})
}

// sample returns one of so many cases as share says.
func sample[T any](cases []T) []T {
	var some []T
	for i := rand.IntN(share); i < len(cases); i += share {
		some = append(some, cases[i])
	}
	return some
}

// large skips under the race detector a test that takes long: others show it the same code.
func large(t *testing.T) {
	t.Helper()
	if share > 1 {
		t.Skip("it runs without the race detector")
	}
}

// putSecret makes or replaces the service token in Secrets Manager.
func (l *lab) putSecret(token string) {
	l.t.Helper()
	l.keys = append(l.keys, token)
	value := fmt.Sprintf(`{"token":%q}`, token)
	_, err := l.secrets.ManualPut(labSecret, value)
	if err != nil {
		_, err = l.secrets.Create(labSecret, value)
	}
	if err != nil {
		l.t.Fatal(err)
	}
}

func (l *lab) policy(text string) {
	l.t.Helper()
	p, err := finding.ParsePolicy([]byte(text), "test")
	if err != nil {
		l.t.Fatal(err)
	}
	l.auditor.Policy = func(context.Context) (finding.Policy, error) { return p, nil }
}

// run is one invocation under a request id of its own.
func (l *lab) run() (report.Summary, error) {
	l.runs++
	return l.runAs(fmt.Sprintf("run-%d", l.runs))
}

func (l *lab) runAs(id string) (report.Summary, error) {
	ctx, cancel := context.WithTimeout(l.t.Context(), l.timeout)
	defer cancel()
	s, err := l.auditor.Run(ctx, audit.Request{RunID: id, Start: time.Now(), FunctionARN: labFunction})
	encoded, marshalErr := json.Marshal(s)
	if marshalErr != nil {
		l.t.Error(marshalErr)
	}
	l.outputs = append(l.outputs, string(encoded), fmt.Sprintf("%v %+v %#v", err, err, err))
	for _, e := range l.bus.Entries() {
		l.outputs = append(l.outputs, e.Detail)
	}
	for _, f := range l.hub.Findings() {
		l.outputs = append(l.outputs, fmt.Sprint(f))
	}
	return s, err
}

// mustRun is run for runs that do not fail. It forgets the events of earlier ones.
func (l *lab) mustRun() report.Summary {
	l.t.Helper()
	l.bus.ClearEntries()
	s, err := l.run()
	if err != nil {
		l.t.Fatal(err)
	}
	return s
}

// details are the findings among the events, by detail type.
func (l *lab) details(detailType string) []report.Detail {
	l.t.Helper()
	var details []report.Detail
	for _, e := range l.bus.Entries() {
		if e.DetailType == detailType {
			details = append(details, decode[report.Detail](l.t, e.Detail))
		}
	}
	return details
}

func (l *lab) gaps() []report.GapDetail {
	l.t.Helper()
	var gaps []report.GapDetail
	for _, e := range l.bus.Entries() {
		if e.DetailType == report.CoverageGap {
			gaps = append(gaps, decode[report.GapDetail](l.t, e.Detail))
		}
	}
	return gaps
}

func decode[T any](t testing.TB, text string) (v T) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("decode %T: %v", v, err)
	}
	return v
}

func days(n int) time.Duration { return time.Duration(n) * 24 * time.Hour }

// fingerprint is what the audit keeps of a key.
func fingerprint(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:8])
}

var markup = regexp.MustCompile(`(?s)<style>.*?</style>|<[^>]*>`)

// text is what a person reads of a page.
func text(page string) string {
	return strings.Join(strings.Fields(html.UnescapeString(markup.ReplaceAllString(page, " "))), " ")
}

// app is a data app whose tokens have the given ages in days.
func app(name string, ages ...int) databraintest.DataApp {
	d := databraintest.DataApp{Name: name, CreatedAt: time.Now().AddDate(-1, 0, 0), UpdatedAt: time.Now()}
	for i, age := range ages {
		d.Tokens = append(d.Tokens, databraintest.APIToken{
			Key:  uuid.NewSHA1(uuid.NameSpaceURL, fmt.Appendf(nil, "%s/%d", name, i)).String(),
			Name: fmt.Sprintf("token %d", i), CreatedAt: time.Now().Add(-time.Duration(age) * 24 * time.Hour),
		})
	}
	return d
}

// apps are n data apps with one stale and one young token each.
func apps(n int) []databraintest.DataApp {
	all := make([]databraintest.DataApp, n)
	for i := range all {
		all[i] = app(fmt.Sprintf("App %03d", i), 100+i, 10)
	}
	return all
}

// staleTokens are the fingerprints of the tokens that are older than 90 days, each
// with its app.
func staleTokens(all []databraintest.DataApp) map[string]string {
	stale := make(map[string]string)
	for _, a := range all {
		for _, k := range a.Tokens {
			if time.Since(k.CreatedAt) > 90*24*time.Hour {
				stale[fingerprint(k.Key)] = a.Name
			}
		}
	}
	return stale
}

func asError[T error](t testing.TB, err error) T {
	t.Helper()
	e, ok := errors.AsType[T](err)
	if !ok {
		t.Fatalf("error is %T (%v), want %T", err, err, e)
	}
	return e
}

// putPending stores token in a version that carries AWSPENDING alone.
func (l *lab) putPending(token string) {
	l.t.Helper()
	_, err := l.auditor.Secret.Client.(*secretsmanager.Client).PutSecretValue(
		context.Background(),
		&secretsmanager.PutSecretValueInput{
			SecretId:     aws.String(labSecret),
			SecretString: aws.String(fmt.Sprintf(`{"token":%q}`, token)), VersionStages: []string{"AWSPENDING"},
		},
		func(o *secretsmanager.Options) { o.AppID = "operator" },
	)
	if err != nil {
		l.t.Error(err)
	}
}
