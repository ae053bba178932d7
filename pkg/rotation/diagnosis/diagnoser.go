package diagnosis

import (
	"context"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"databrain-rotation/pkg/databrain"
	"databrain-rotation/pkg/rotation"
)

// Longest is the longest time that a diagnosis takes, whatever hangs. Each of the
// four looks that follow one another may take a share of it.
const (
	Longest   = 19 * time.Second
	look      = Longest/4 - 100*time.Millisecond
	reserve   = 500 * time.Millisecond // of the invocation's time, to answer
	atOnce    = 4                      // requests to one service
	mostOther = 20                     // versions without AWS's labels that are asked about
)

// SecretsManager is the part of the SDK's client that a diagnosis needs: it reads.
type SecretsManager interface {
	DescribeSecret(context.Context, *secretsmanager.DescribeSecretInput, ...func(*secretsmanager.Options)) (
		*secretsmanager.DescribeSecretOutput, error)
	GetSecretValue(context.Context, *secretsmanager.GetSecretValueInput, ...func(*secretsmanager.Options)) (
		*secretsmanager.GetSecretValueOutput, error)
	ListSecretVersionIds(context.Context, *secretsmanager.ListSecretVersionIdsInput, ...func(*secretsmanager.Options)) (
		*secretsmanager.ListSecretVersionIdsOutput, error)
}

// Diagnoser answers requests. It is safe for concurrent use and keeps nothing of one
// request for the next. All fields are required, but for
// Version and for one of Config and Key.
type Diagnoser struct {
	Secrets  SecretsManager
	Instance *url.URL
	Client   func(*url.URL) *databrain.Client // of an instance at an address
	Config   rotation.Config
	Key      *rotation.APITokenConfig // for secrets of API tokens, in place of Config
	Now      func() time.Time
	Version  string // of the build
}

// Diagnose answers r. It fails in no way: what could not be learned is said to be
// unknown. It makes no request but reads, and one sign-in.
func (d *Diagnoser) Diagnose(ctx context.Context, r Request) Report {
	limit := d.Now().Add(Longest)
	if deadline, ok := ctx.Deadline(); ok && deadline.Add(-reserve).Before(limit) {
		limit = deadline.Add(-reserve)
	}
	ctx, cancel := context.WithDeadline(ctx, limit)
	defer cancel()
	var report Report
	if r.fault != "" {
		report = d.refuse(r)
	} else {
		report = Judge(d.look(ctx, r))
	}
	report.Settings.Version = d.Version
	report.Text = report.Render()
	return report
}

// refuse answers a request that names no secret.
func (d *Diagnoser) refuse(r Request) Report {
	report := Judge(Facts{
		Key: d.outlook(),
		Secret: SecretFacts{
			Obstacle: Failed,
		}, Admin: Admin{Standing: NotAsked}, Instance: InstanceFacts{URL: address(d.Instance)},
		Strategy: d.Config.Strategy, Takeover: d.Config.Takeover,
	})
	report.Problems = []Problem{{Code: RequestMalformed, verdict: Unknown,
		Text: "The request cannot be answered: " + r.fault + `. It has the form {"diagnose":"<name or ARN>"}`}}
	report.Summary = report.Problems[0].Text
	return report
}

// inquiry is one diagnosis under way.
type inquiry struct {
	*Diagnoser
	request Request
	client  *databrain.Client
	facts   Facts
	tokens  map[string]databrain.Secret // by version
	admin   databrain.Credentials
}

// look collects the facts: first what needs nothing else, then what follows from it.
func (d *Diagnoser) look(ctx context.Context, r Request) Facts {
	q := &inquiry{
		Diagnoser: d, request: r, client: d.Client(d.Instance), tokens: make(map[string]databrain.Secret),
		facts: Facts{
			Key: d.outlook(), Admin: Admin{Standing: NotAsked}, AdminID: d.Config.AdminSecretID,
			Instance: InstanceFacts{URL: address(d.Instance)},
			Strategy: d.Config.Strategy, Contract: d.Config.Contract, Takeover: d.Config.Takeover, Now: d.Now(),
		},
	}
	if d.Key != nil {
		return q.lookAtKey(ctx)
	}
	together(ctx, q.describe, q.readAdmin, q.control)
	if q.facts.Secret.Obstacle != "" {
		return q.facts
	}
	q.facts.AdminSame = rotation.Names(d.Config.AdminSecretID, q.facts.Secret.ARN, q.facts.Secret.Name)
	if q.facts.AdminSame {
		return q.facts
	}
	together(ctx, q.readLabelled, q.elsewhere)
	together(ctx, q.askTokens, q.signIn)
	if !slices.ContainsFunc(q.facts.Versions, func(v Version) bool { return v.Standing == Accepted }) {
		together(ctx, q.otherVersions)
	}
	return q.facts
}

// together runs looks at once, and each for a share of the time at the most.
func together(ctx context.Context, looks ...func(context.Context)) {
	ctx, cancel := context.WithTimeout(ctx, look)
	defer cancel()
	var all sync.WaitGroup
	for _, l := range looks {
		all.Go(func() { l(ctx) })
	}
	all.Wait()
}

// each calls do for every index below n, several at once.
func each(n int, do func(int)) {
	var all sync.WaitGroup
	turn := make(chan struct{}, atOnce)
	for i := range n {
		turn <- struct{}{}
		all.Go(func() {
			do(i)
			<-turn
		})
	}
	all.Wait()
}
