package collect

import (
	"context"
	"errors"
	"iter"
	"slices"
	"sync"
	"time"

	"databrain-rotation/pkg/audit/finding"
	"databrain-rotation/pkg/databrain"
)

// Options say what to collect from, and how. All of them are required.
type Options struct {
	Databrain  *databrain.Client
	Evaluation *finding.Evaluation // takes the tokens as they arrive

	Token     databrain.Secret                                                  // the service token to begin with
	ReadToken func(ctx context.Context, label string) (databrain.Secret, error) // of a staging label, when Token is refused

	RequestsPerMinute int // ceiling towards the instance
	Concurrency       int // lists that are read at a time
	Now               func() time.Time
}

// Stats count what a run did.
type Stats struct {
	Requests, Retries, Throttled int
	TokenReplaced                bool // another service token than the first was used
}

// Run reads the list of the data apps, then the tokens of each, until the context
// ends. Without faults that is one request for the apps and one for each of them; if
// apps vanish meanwhile, one more for the apps. What could not be read is a gap. The
// error is that of the list of the apps; what could be had of it is read all the same.
func Run(ctx context.Context, o Options) (finding.Coverage, Stats, error) {
	g := newGate(o.RequestsPerMinute, o.Now)
	c := &collector{
		client: o.Databrain.WithWait(g.wait), evaluation: o.Evaluation, concurrency: o.Concurrency,
		requester: &requester{gate: g, credential: newCredential(o.Token, o.ReadToken)},
	}
	c.budget.Store(startBudget)
	coverage, err := c.collect(ctx)
	_, number := c.credential.current()
	stats := Stats{
		Requests: int(g.requests.Load()), Retries: int(c.retries.Load()), Throttled: int(c.throttled.Load()),
		TokenReplaced: number > 0,
	}
	return coverage, stats, err
}

// collector is one run.
type collector struct {
	client      *databrain.Client
	evaluation  *finding.Evaluation
	concurrency int // lists that are read at a time
	*requester
}

// collect reads everything until the context ends. What it could not read is a
// gap. The error is that of the list of the apps; what could be had of it is read
// all the same. A list whose pages disagree is incomplete, which is no error.
func (c *collector) collect(ctx context.Context) (finding.Coverage, error) {
	names, gap, err := c.listApps(ctx)
	coverage := finding.Coverage{Complete: err == nil, Apps: make(map[string]finding.AppRead, len(names))}
	if gap != nil {
		coverage.Gaps = append(coverage.Gaps, *gap)
	}
	for _, name := range names {
		coverage.Apps[name] = finding.Unread
	}
	c.budget.Add(int64(len(names) / 5))
	if missing := c.listTokens(ctx, names, &coverage); len(missing) > 0 {
		c.listAgain(ctx, missing, &coverage)
	}
	coverage.SortGaps()
	if errors.Is(err, errDisagree) {
		err = nil
	}
	return coverage, err
}

// listApps returns the names of the apps, each once.
func (c *collector) listApps(ctx context.Context) ([]string, *finding.Gap, error) {
	l := list[databrain.DataApp]{
		whole: c.client.DataApps,
		pages: c.client.DataAppPages,
		key:   func(app databrain.DataApp) string { return app.Name },
	}
	var names []string
	effort := 0
	err := l.read(ctx, c.requester, &effort, func() func(databrain.DataApp) {
		names = nil
		return func(app databrain.DataApp) { names = append(names, app.Name) }
	})
	slices.Sort(names)
	names = slices.Compact(names)
	if err != nil {
		return names, newGap("", effort, err), err
	}
	return names, nil, nil
}

// listAgain asks for the apps once more after the instance did not find some that it
// had listed. One that it lists still is there, and its tokens are not known. One
// that it does not list was deleted or renamed, so what has come since is read too.
func (c *collector) listAgain(ctx context.Context, missing []finding.Gap, coverage *finding.Coverage) {
	names, _, err := c.listApps(ctx)
	came := slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		_, known := coverage.Apps[name]
		return known
	})
	missing = append(missing, c.listTokens(ctx, came, coverage)...)
	for _, gap := range missing {
		if _, listed := slices.BinarySearch(names, gap.DataApp); listed || err != nil {
			coverage.Apps[gap.DataApp] = finding.Unread
			coverage.Gaps = append(coverage.Gaps, gap)
		}
	}
}

// listTokens reads the tokens of all apps, some at a time. Those that the instance
// does not find are Deleted for now, and missing has the gap that each else is.
func (c *collector) listTokens(ctx context.Context, names []string, coverage *finding.Coverage) (missing []finding.Gap) {
	var mu sync.Mutex // guards coverage and missing
	var workers sync.WaitGroup
	queue := make(chan string)
	for range min(c.concurrency, len(names)) {
		workers.Go(func() {
			for name := range queue {
				how, gap := c.readApp(ctx, name)
				mu.Lock()
				coverage.Apps[name] = how
				switch {
				case how == finding.Deleted:
					missing = append(missing, *gap)
				case how == finding.Unread:
					coverage.Gaps = append(coverage.Gaps, *gap)
				}
				mu.Unlock()
			}
		})
	}
	for _, name := range names {
		queue <- name
	}
	close(queue)
	workers.Wait()
	return missing
}

// readApp reads the tokens of one app, and gives a gap unless all were Read. What it
// saw counts even then.
func (c *collector) readApp(ctx context.Context, name string) (finding.AppRead, *finding.Gap) {
	if ctx.Err() != nil {
		return finding.Unread, newGap(name, 0, errNoTime)
	}
	l := list[databrain.APIToken]{
		whole: func(ctx context.Context, token databrain.Secret) iter.Seq2[databrain.APIToken, error] {
			return c.client.APITokens(ctx, token, name)
		},
		pages: func(ctx context.Context, token databrain.Secret, first int) iter.Seq2[[]databrain.APIToken, error] {
			return c.client.APITokenPages(ctx, token, name, first)
		},
		key: func(token databrain.APIToken) string { return token.Fingerprint },
	}
	effort := 0
	app := c.evaluation.App(name)
	err := l.read(ctx, c.requester, &effort, func() func(databrain.APIToken) {
		app = c.evaluation.App(name)
		return app.Token
	})
	app.Commit()
	switch {
	case err == nil:
		return finding.Read, nil
	case databrain.ClassOf(err) == databrain.ClassNotFound:
		return finding.Deleted, newGap(name, effort, err)
	}
	return finding.Unread, newGap(name, effort, err)
}

// newGap is the gap of an app, or of the list of the apps if app is "".
func newGap(app string, effort int, err error) *finding.Gap {
	g := &finding.Gap{DataApp: app, Class: gapClass(err), Attempts: effort}
	if e, ok := errors.AsType[*databrain.Error](err); ok {
		g.Status = e.Status
	}
	return g
}

func gapClass(err error) finding.GapClass {
	switch {
	case errors.Is(err, errNoTime):
		return finding.GapDeadline
	case errors.Is(err, errStopped):
		return finding.GapAuth
	case errors.Is(err, errDisagree):
		return finding.GapDecode
	}
	switch databrain.ClassOf(err) {
	case databrain.ClassAuth:
		return finding.GapAuth
	case databrain.ClassForbidden:
		return finding.GapForbidden
	case databrain.ClassRateLimited:
		return finding.GapRateLimited
	case databrain.ClassServer, databrain.ClassPermanent:
		return finding.GapServer
	case databrain.ClassTimeout:
		return finding.GapTimeout
	case databrain.ClassDecode, databrain.ClassInvalid, databrain.ClassNotFound, databrain.ClassLogin:
		return finding.GapDecode
	}
	return finding.GapNetwork
}
