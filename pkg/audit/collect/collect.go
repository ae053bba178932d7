package collect

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"maps"
	"slices"
	"sync"
	"time"

	"databrain-rotation/pkg/audit/finding"
	"databrain-rotation/pkg/databrain"
)

// Options say what to collect from, and how.
type Options struct {
	Databrain  *databrain.Client
	Evaluation *finding.Evaluation          // takes the tokens as they arrive
	Room       *finding.Room                // for what is read; nil has no end
	Apps       map[string]finding.AppMemory // what the last run knew, by name; may be nil

	Token databrain.Secret // the service token to begin with
	// ReadToken reads the token of a staging label, when Token is refused.
	ReadToken func(ctx context.Context, label string) (databrain.Secret, error)

	// Previous is a service token that the instance has to refuse. It is asked once, before
	// all else, because a large instance may take all the time of the run. Empty asks nothing.
	Previous databrain.Secret

	RequestsPerMinute int // ceiling towards the instance
	Concurrency       int // lists that are read at a time
	Now               func() time.Time

	// Progress is called after each app with the number of apps that were read or given
	// up, and that of all; calls do not overlap. It may be nil.
	Progress func(done, apps int)

	// Paused is called when the instance asks for a pause, with how long it will be, and not
	// again until that is over; calls do not overlap. It may be nil.
	Paused func(time.Duration)
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
	g.paused = o.Paused
	o.Databrain = o.Databrain.WithWait(g.wait)
	c := &collector{Options: o, requester: &requester{gate: g, credential: newCredential(o.Token, o.ReadToken)}}
	c.budget.Store(startBudget)
	previous := c.probe(ctx, o.Previous)
	coverage, err := c.collect(ctx)
	coverage.Previous.Answer = previous
	_, number := c.credential.current()
	stats := Stats{
		Requests: int(g.requests.Load()), Retries: int(c.retries.Load()), Throttled: int(c.throttled.Load()),
		TokenReplaced: number > 0,
	}
	return coverage, stats, err
}

// collector is one run.
type collector struct {
	Options
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
	if incomplete(err) && len(names) > 0 {
		err = nil
	}
	c.Evaluation.Seen(&coverage)
	return coverage, err
}

// listApps returns the names of the apps, each once, in the order in which they are to
// be read: the longest unread first, so that an instance which is larger than one run
// is covered over some runs.
func (c *collector) listApps(ctx context.Context) ([]string, *finding.Gap, error) {
	var names map[string]bool
	l := list[databrain.DataApp]{
		requester: c.requester, room: c.Room, ask: c.Databrain.DataApps,
		begin: func() {
			c.Room.Give(int64(len(names)) * appWeight)
			names = make(map[string]bool)
		},
		keep: func(app databrain.DataApp) bool {
			if names[app.Name] {
				return false
			}
			names[app.Name] = true
			c.Room.Take(appWeight)
			return true
		},
		knows: func(app databrain.DataApp) bool { return names[app.Name] },
		lacks: func() bool {
			for name := range c.Apps {
				if !names[name] {
					return true
				}
			}
			return false
		},
	}
	err := l.read(ctx, func(int) bool { return true })
	ordered := slices.SortedFunc(maps.Keys(names), func(a, b string) int {
		return cmp.Or(c.Apps[a].ReadAt.Compare(c.Apps[b].ReadAt), cmp.Compare(a, b))
	})
	if err != nil {
		return ordered, c.newGap("", l.effort, err), err
	}
	return ordered, nil, nil
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
		if slices.Contains(names, gap.DataApp) || err != nil {
			coverage.Apps[gap.DataApp] = finding.Unread
			coverage.Gaps = append(coverage.Gaps, gap)
		}
	}
}

// listTokens reads the tokens of all apps, some at a time. Those that the instance
// does not find are Deleted for now, and missing has the gap that each else is.
func (c *collector) listTokens(
	ctx context.Context, names []string, coverage *finding.Coverage,
) (missing []finding.Gap) {
	var mu sync.Mutex // guards coverage and missing
	var workers sync.WaitGroup
	queue := make(chan string)
	done := 0
	for range min(c.Concurrency, len(names)) {
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
				if done++; c.Progress != nil {
					c.Progress(done, len(names))
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
		return finding.Unread, c.newGap(name, 0, errNoTime)
	}
	if c.Room.Full() {
		return finding.Unread, c.newGap(name, 0, errNoRoom)
	}
	app := c.Evaluation.App(name)
	l := list[databrain.APIToken]{
		requester: c.requester, room: c.Room,
		ask: func(ctx context.Context, token databrain.Secret, page int) iter.Seq2[databrain.APIToken, error] {
			return c.Databrain.APITokens(ctx, token, name, page)
		},
		begin: func() {
			app.Drop()
			app = c.Evaluation.App(name)
		},
		keep:  func(token databrain.APIToken) bool { return app.Token(token) },
		knows: func(token databrain.APIToken) bool { return app.Knows(token) },
		lacks: func() bool { return app.Lacks() },
	}
	err := l.read(ctx, func(length int) bool { return length >= pageSize || length > 0 && length%5 == 0 })
	if odd := app.Odd(); err == nil && odd > 0 {
		err = &oddEntries{odd}
	}
	app.Commit()
	switch {
	case err == nil:
		return finding.Read, nil
	case databrain.ClassOf(err) == databrain.ClassNotFound:
		return finding.Deleted, c.newGap(name, l.effort, err)
	}
	return finding.Unread, c.newGap(name, l.effort, err)
}

// newGap returns the gap of an app, or of the list of the apps if app is "".
func (c *collector) newGap(app string, effort int, err error) *finding.Gap {
	g := &finding.Gap{DataApp: app, Class: gapClass(err), Attempts: effort, ReadAt: c.Apps[app].ReadAt}
	if e, ok := errors.AsType[*databrain.Error](err); ok {
		g.Status = e.Status
	}
	if e, ok := errors.AsType[*oddEntries](err); ok {
		g.OddEntries = e.count
	}
	return g
}

func gapClass(err error) finding.GapClass {
	switch {
	case errors.Is(err, errNoTime):
		return finding.GapDeadline
	case errors.Is(err, errNoRoom):
		return finding.GapMemory
	case errors.Is(err, errStopped):
		return finding.GapAuth
	case incomplete(err):
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
