package audit

import (
	"context"
	"errors"
	"iter"
	"slices"
	"sync"

	"databrain-rotation/pkg/databrain"
)

// collector reads an instance: the list of the data apps, then the tokens of each,
// which it hands to the evaluation as they arrive. Without faults that is one
// request for the apps and one for each of them.
type collector struct {
	client      *databrain.Client
	evaluation  *Evaluation
	concurrency int // lists that are read at a time
	*requester
}

// collect reads everything until the context ends. What it could not read is a
// gap. The error is that of the list of the apps; what could be had of it is read
// all the same. A list whose pages disagree is incomplete, which is no error.
func (c *collector) collect(ctx context.Context) (Coverage, error) {
	names, gap, err := c.listApps(ctx)
	coverage := Coverage{Complete: err == nil, Apps: make(map[string]AppRead, len(names))}
	if gap != nil {
		coverage.Gaps = append(coverage.Gaps, *gap)
	}
	for _, name := range names {
		coverage.Apps[name] = Unread
	}
	c.budget.Add(int64(len(names) / 5))
	c.listTokens(ctx, names, &coverage)
	coverage.sortGaps()
	if errors.Is(err, errDisagree) {
		err = nil
	}
	return coverage, err
}

// listApps returns the names of the apps, each once.
func (c *collector) listApps(ctx context.Context) ([]string, *Gap, error) {
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

// listTokens reads the tokens of all apps, some at a time.
func (c *collector) listTokens(ctx context.Context, names []string, coverage *Coverage) {
	var mu sync.Mutex // guards coverage
	var workers sync.WaitGroup
	queue := make(chan string)
	for range min(c.concurrency, len(names)) {
		workers.Go(func() {
			for name := range queue {
				how, gap := c.readApp(ctx, name)
				mu.Lock()
				coverage.Apps[name] = how
				if gap != nil {
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
}

// readApp reads the tokens of one app. What it saw counts even if that is not all.
func (c *collector) readApp(ctx context.Context, name string) (AppRead, *Gap) {
	if ctx.Err() != nil {
		return Unread, newGap(name, 0, errNoTime)
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
	if err == nil {
		return Read, nil
	}
	if databrain.ClassOf(err) == databrain.ClassNotFound {
		return Deleted, nil
	}
	return Unread, newGap(name, effort, err)
}

// newGap is the gap of an app, or of the list of the apps if app is "".
func newGap(app string, effort int, err error) *Gap {
	g := &Gap{DataApp: CleanName(app), Class: gapClass(err), Attempts: effort, app: app}
	if e, ok := errors.AsType[*databrain.Error](err); ok {
		g.Status = e.Status
	}
	return g
}

func gapClass(err error) GapClass {
	switch {
	case errors.Is(err, errNoTime):
		return GapDeadline
	case errors.Is(err, errStopped):
		return GapAuth
	case errors.Is(err, errDisagree):
		return GapDecode
	}
	switch databrain.ClassOf(err) {
	case databrain.ClassAuth:
		return GapAuth
	case databrain.ClassForbidden:
		return GapForbidden
	case databrain.ClassRateLimited:
		return GapRateLimited
	case databrain.ClassServer, databrain.ClassPermanent:
		return GapServer
	case databrain.ClassTimeout:
		return GapTimeout
	case databrain.ClassDecode, databrain.ClassInvalid, databrain.ClassNotFound, databrain.ClassLogin:
		return GapDecode
	}
	return GapNetwork
}
