package finding_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"databrain-rotation/pkg/audit/finding"
	"databrain-rotation/pkg/databrain"
)

// world is an instance for the pure parts: apps with the days of their tokens.
type world map[string][]string // app → fingerprints of stale tokens

// observe evaluates what a run sees of w if it cannot read the apps in unread and
// does not see the ones in unlisted, for which the list is incomplete.
func (w world) observe(
	t testing.TB,
	policy string,
	now time.Time,
	unread map[string]bool,
	complete bool,
) ([]finding.Finding, finding.Coverage) {
	t.Helper()
	e := finding.NewEvaluation(mustPolicy(t, policy), labInstance, now)
	c := finding.Coverage{
		Complete: complete,
		Apps:     map[string]finding.AppRead{},
		Tokens:   1, // a young one beside those of w: never are all tokens gone at once
		Posture:  finding.Posture{Read: true, Rotation: true},
	}
	for name, tokens := range w {
		if unread[name] {
			c.Apps[name] = finding.Unread
			c.Gaps = append(c.Gaps, finding.Gap{DataApp: name, Class: finding.GapServer, Attempts: 1})
			continue
		}
		c.Apps[name] = finding.Read
		a := e.App(name)
		for _, token := range tokens {
			a.Token(databrain.APIToken{Fingerprint: token, Name: token, CreatedAt: evalAt.Add(-days(100))})
		}
		a.Commit()
	}
	return e.Finish(c).Findings, c
}

// TestAnAppIsThereSinceItWasFirstListed, whether or not its tokens can be read later.
func TestAnAppIsThereSinceItWasFirstListed(t *testing.T) {
	memory := finding.Memory{Kind: finding.FirstRun}
	for run := range 3 {
		now := evalAt.Add(days(run))
		w := world{"old": nil}
		if run > 0 {
			w["new"] = nil
		}
		found, c := w.observe(t, `{}`, now, map[string]bool{"old": run == 2}, true)
		_, next := finding.Transition(memory, found, c, labInstance, now)
		want := map[string]finding.AppMemory{"old": {Since: evalAt, ReadAt: evalAt.Add(days(min(run, 1)))}}
		if run > 0 {
			want["new"] = finding.AppMemory{Since: evalAt.Add(days(1)), ReadAt: now}
		}
		if diff := cmp.Diff(want, next.Apps); diff != "" {
			t.Errorf("after run %d: %s", run+1, diff)
		}
		memory = through(t, next)
	}
}

// TestAResolvedFindingIsForgotten half a year after it was resolved, to the nanosecond.
func TestAResolvedFindingIsForgotten(t *testing.T) {
	for ago, kept := range map[time.Duration]int{days(180) - 1: 1, days(180): 0} {
		m := finding.Memory{Kind: finding.Remembered, Snapshot: finding.Snapshot{Findings: []finding.Record{
			{Finding: finding.Finding{ID: "a", Check: finding.TokenAge}, ResolvedAt: evalAt.Add(-ago)},
		}}}
		_, next := finding.Transition(m, nil, finding.Coverage{Complete: true}, labInstance, evalAt)
		if len(next.Findings) != kept {
			t.Errorf("after %v %d are remembered", ago, len(next.Findings))
		}
	}
}

// states are those of the findings on tokens, by fingerprint.
func states(findings []finding.Finding) map[string]finding.State {
	states := make(map[string]finding.State)
	for _, f := range findings {
		if f.Token != nil {
			states[f.Token.Fingerprint] = f.State
		}
	}
	return states
}

// through encodes and decodes a snapshot, as S3 does between two runs.
func through(t testing.TB, s finding.Snapshot) finding.Memory {
	t.Helper()
	var stored bytes.Buffer
	if err := finding.WriteSnapshot(&stored, s); err != nil {
		t.Fatal(err)
	}
	again, err := finding.ReadSnapshot(&stored, 0)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(s, again, cmpopts.EquateEmpty(), cmpopts.IgnoreUnexported(finding.Finding{})); diff != "" {
		t.Fatalf("the snapshot comes back as another: %s", diff)
	}
	return finding.Memory{Kind: finding.Remembered, Snapshot: again}
}

func TestStatesFromRunToRun(t *testing.T) {
	const (
		plain      = `{}`
		suppressed = `{"exceptions":[{"id":"e","token":"t*","reason":"r","owner":"o","expiresAt":"2030-01-01"}]}`
		longer     = `{"maxAgeDays":365,"dueWithinDays":0}`
	)
	type step struct {
		world    world
		policy   string
		unread   string // an app
		partial  bool   // the list of the apps is incomplete
		pass     time.Duration
		want     map[string]finding.State
		resolved []string
	}
	st := func(s finding.State) map[string]finding.State { return map[string]finding.State{"t1": s} }
	here, empty, gone := world{"A": {"t1"}, "B": nil}, world{"A": nil, "B": nil}, world{"B": nil}
	none := map[string]finding.State{}
	for name, steps := range map[string][]step{
		"new, ongoing, resolved, silent, reopened": {
			{world: here, want: st(finding.New)}, {world: here, want: st(finding.Ongoing)},
			{world: empty, want: none, resolved: []string{"t1"}}, {world: empty, want: none}, {world: here,
				want: st(finding.Reopened)},
		},
		"an app that was not read resolves nothing": {
			{world: here, want: st(finding.New)}, {world: empty, unread: "A", want: none}, {world: here,
				want: st(finding.Ongoing)},
			{world: empty, unread: "A", want: none}, {world: empty, want: none, resolved: []string{"t1"}},
		},
		"an app that is gone resolves": {
			{world: here, want: st(finding.New)}, {world: gone, want: none, resolved: []string{"t1"}},
		},
		"an app that is gone resolves though a known one was not read": {
			{world: here, want: st(finding.New)}, {world: gone, unread: "B", want: none, resolved: []string{"t1"}},
		},
		"an app that is gone may be the new one that was not read": {
			{world: here, want: st(finding.New)},
			{world: world{"B": nil, "C": {"t1"}}, unread: "C", want: none},
			{world: world{"B": nil, "C": {"t1"}}, want: st(finding.Ongoing)},
		},
		"and still may be after another run": {
			{world: here, want: st(finding.New)},
			{world: world{"B": nil, "C": {"t1"}}, unread: "C", want: none},
			{world: world{"B": nil, "C": {"t1"}}, unread: "C", want: none},
			{world: world{"B": nil, "C": nil}, want: none, resolved: []string{"t1"}},
		},
		"an app that was never read was there all along": {
			{world: here, unread: "B", want: st(finding.New)}, {world: gone, unread: "B", want: none, resolved: []string{"t1"}},
		},
		"an incomplete list resolves nothing": {
			{world: here, want: st(finding.New)}, {world: gone, partial: true, want: none}, {world: empty, partial: true,
				want: none},
			{world: gone, want: none, resolved: []string{"t1"}},
		},
		"a renamed app": {
			{world: here, want: st(finding.New)}, {world: world{"C": {"t1"}}, want: st(finding.Ongoing)},
		},
		"suppressed and back": {
			{world: here, want: st(finding.New)}, {world: here, policy: suppressed, want: st(finding.Suppressed)},
			{world: here, policy: suppressed, want: st(finding.Suppressed)}, {world: here, want: st(finding.Reopened)},
			{world: here, want: st(finding.Ongoing)},
		},
		"suppressed at first sight, then gone": {
			{world: here, policy: suppressed, want: st(finding.Suppressed)}, {world: empty, policy: suppressed,
				want: none, resolved: []string{"t1"}},
		},
		"another limit": {
			{world: here, want: st(finding.New)}, {world: here, policy: longer, want: none, resolved: []string{"t1"}},
			{world: here, want: st(finding.Reopened)},
		},
		"forgotten half a year after it was resolved": {
			{world: here, want: st(finding.New)}, {world: empty, want: none, resolved: []string{"t1"}},
			{world: empty, pass: days(179), want: none}, {world: here, pass: days(0), want: st(finding.Reopened)},
			{world: empty, want: none, resolved: []string{"t1"}},
			{world: empty, pass: days(180), want: none}, {world: here, want: st(finding.New)},
		},
	} {
		t.Run(name, func(t *testing.T) {
			memory, now := finding.Memory{Kind: finding.FirstRun}, evalAt
			var first time.Time
			for i, s := range steps {
				now = now.Add(time.Hour + s.pass)
				if s.policy == "" {
					s.policy = plain
				}
				findings, coverage := s.world.observe(t, s.policy, now, map[string]bool{s.unread: true}, !s.partial)
				resolved, next := finding.Transition(memory, findings, coverage, labInstance, now)
				if diff := cmp.Diff(s.want, states(findings)); diff != "" {
					t.Errorf("step %d: %s", i, diff)
				}
				var got []string
				for _, f := range resolved {
					if f.Token == nil {
						continue
					}
					got = append(got, f.Token.Fingerprint)
					if f.State != finding.Resolved || f.Compliance() != finding.Pass || f.DataApp != "A" ||
						f.Token.CreatedAt.IsZero() ||
						!f.LastSeen.Before(now) {
						t.Errorf("step %d: what was last observed is lost: %+v", i, f)
					}
				}
				if diff := cmp.Diff(s.resolved, got); diff != "" {
					t.Errorf("step %d: resolved: %s", i, diff)
				}
				for _, f := range findings {
					switch {
					case f.Token == nil:
					case f.State == finding.New:
						first = now
					case f.State == finding.Ongoing && !f.FirstSeen.Equal(first):
						t.Errorf("step %d: first seen %v, want %v", i, f.FirstSeen, first)
					}
				}
				memory = through(t, next)
			}
		})
	}
}

// TestRaisedSeverity: a finding grows worse while it is ongoing, and says so in the
// one run that first sees it, but not where an exception covers it.
func TestRaisedSeverity(t *testing.T) {
	const covered = `{"exceptions":[{"id":"e","token":"t1","reason":"r","owner":"o","expiresAt":"2090-01-01"}]}`
	type seen struct{ Severity, RaisedFrom finding.Severity }
	for name, c := range map[string]struct {
		from int // the day from which it is covered
		want []seen
	}{
		"open": {1000, []seen{{finding.Medium, ""}, {finding.Medium, ""}, {finding.High, finding.Medium},
			{finding.High, ""}, {finding.Critical, finding.High}, {finding.Critical, ""}}},
		"covered": {81, []seen{{finding.Medium, ""}, {finding.Medium, ""}, {finding.High, ""}, {finding.High, ""},
			{finding.Critical, ""}, {finding.Critical, ""}}},
	} {
		memory := finding.Memory{Kind: finding.FirstRun}
		var got []seen
		for _, day := range []int{0, 79, 81, 82, 266, 267} { // the token is 100 days old on day 0
			now := evalAt.Add(days(day))
			policy := `{}`
			if day >= c.from {
				policy = covered
			}
			findings, coverage := world{"A": {"t1"}}.observe(t, policy, now, nil, true)
			_, next := finding.Transition(memory, findings, coverage, labInstance, now)
			for _, f := range findings {
				if f.Token != nil {
					got = append(got, seen{f.Severity, f.RaisedFrom})
				}
			}
			memory = through(t, next)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// TestWhatGrewWorseIsNotResolved: a finding that is no longer observed because a
// worse one took its place is closed, and says so. One on an age that can no longer
// be read stays open.
func TestWhatGrewWorseIsNotResolved(t *testing.T) {
	token := func(age int) databrain.APIToken {
		return databrain.APIToken{Fingerprint: "f", Name: "t", CreatedAt: evalAt.Add(-days(age))}
	}
	const exception = `{"exceptions":[{"id":"e","token":"x","reason":"r","owner":"o","expiresAt":"%s"}]}`
	type outcome struct {
		Check, Superseded finding.Check
		Compliance        finding.Compliance
	}
	for name, c := range map[string]struct {
		before, after   databrain.APIToken
		policy, changed string
		want            []outcome
		open            int // records that stay open
	}{
		"over its limit": {token(85), token(95), `{}`, `{}`, []outcome{{finding.TokenAgeApproaching,
			finding.TokenAge, finding.Warning}}, 1},
		"young again": {token(85), token(10), `{}`, `{}`, []outcome{{finding.TokenAgeApproaching, "", finding.Pass}}, 0},
		"a higher limit": {token(95), token(95), `{}`, `{"maxAgeDays":100}`, []outcome{{finding.TokenAge, "",
			finding.Pass}}, 1},
		"no date":        {token(95), databrain.APIToken{Fingerprint: "f"}, `{}`, `{}`, nil, 2},
		"a date to come": {token(85), token(-10), `{}`, `{}`, nil, 2},
		"a date once more": {databrain.APIToken{Fingerprint: "f"}, token(95), `{}`, `{}`,
			[]outcome{{finding.TokenDateInvalid, "", finding.Pass}}, 1},
		"an exception that lapses": {token(1), token(2), fmt.Sprintf(exception, "2030-01-01"), fmt.Sprintf(exception,
			"2020-01-01"),
			[]outcome{{finding.ExceptionUnused, finding.ExceptionExpired, finding.Warning}}, 1},
		"an exception that is used": {token(1), databrain.APIToken{Fingerprint: "f", Name: "x", CreatedAt: evalAt},
			fmt.Sprintf(exception, "2030-01-01"), fmt.Sprintf(exception, "2030-01-01"),
			[]outcome{{finding.ExceptionUnused, "", finding.Pass}}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			coverage := finding.Coverage{Complete: true, Tokens: 1, Apps: map[string]finding.AppRead{"A": finding.Read}}
			_, next := finding.Transition(finding.Memory{Kind: finding.FirstRun},
				evaluate(t, c.policy, "A", c.before).Findings, coverage, labInstance, evalAt)
			resolved, next := finding.Transition(through(t, next), evaluate(t, c.changed, "A", c.after).Findings, coverage,
				labInstance, evalAt)
			var got []outcome
			for _, f := range resolved {
				got = append(got, outcome{f.Check, f.Superseded, f.Compliance()})
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
			open := 0
			for _, r := range next.Findings {
				if r.ResolvedAt.IsZero() {
					open++
				}
			}
			if open != c.open {
				t.Errorf("%d records stay open, want %d", open, c.open)
			}
		})
	}
}

func TestWithoutMemoryEverythingIsOngoing(t *testing.T) {
	for kind, want := range map[finding.MemoryKind]finding.State{
		finding.NoMemory: finding.Ongoing, finding.Forgotten: finding.Ongoing, finding.FirstRun: finding.New,
		finding.Remembered: finding.New,
	} {
		findings, coverage := world{"A": {"t1"}}.observe(t, `{}`, evalAt, nil, true)
		resolved, next := finding.Transition(finding.Memory{Kind: kind, LastRun: evalAt.Add(-time.Hour)}, findings,
			coverage, labInstance, evalAt)
		if findings[0].State != want || len(resolved) != 0 || len(next.Findings) != 1 {
			t.Errorf("kind %d: state %s, %d resolved, %d kept; want %s", kind, findings[0].State, len(resolved),
				len(next.Findings), want)
		}
		seen := evalAt
		if want == finding.Ongoing {
			seen = evalAt.Add(-days(10)) // since it is stale
		}
		if !findings[0].FirstSeen.Equal(seen) {
			t.Errorf("kind %d: first seen %v, want %v", kind, findings[0].FirstSeen, seen)
		}
	}
}

func TestResolvingWhatIsNotAboutTokens(t *testing.T) {
	type facts struct {
		unread  bool
		partial bool
		posture bool
		policy  string
	}
	const lapsed = `{"exceptions":[{"id":"e","dataApp":"A","reason":"r","owner":"o","expiresAt":"2020-01-01"}]}`
	const unused = `{"exceptions":[{"id":"e","dataApp":"X","reason":"r","owner":"o","expiresAt":"2030-01-01"}]}`
	observe := func(f facts, rotation bool) ([]finding.Finding, finding.Coverage) {
		if f.policy == "" {
			f.policy = `{}`
		}
		w := world{"A": {"t1"}, "B": {"t2"}}
		findings, c := w.observe(t, f.policy, evalAt, map[string]bool{"B": f.unread}, !f.partial)
		c.Posture = finding.Posture{Read: f.posture, Rotation: rotation}
		if f.posture && !rotation {
			findings = append(
				findings,
				finding.NewEvaluation(finding.DefaultPolicy(), labInstance, evalAt).
					Finish(finding.Coverage{Complete: true, Posture: c.Posture}).
					Findings...)
		}
		return findings, c
	}
	for _, c := range []struct {
		name          string
		before, after facts
		check         finding.Check
		resolves      bool
	}{
		{"an app that is read again", facts{unread: true}, facts{}, finding.DataAppUnlistable, true},
		{"an app whose list is still incomplete", facts{unread: true}, facts{partial: true},
			finding.DataAppUnlistable, false},
		{"rotation that is on again", facts{posture: true}, facts{posture: true}, finding.ServiceTokenRotationOff, true},
		{"rotation that is not known", facts{posture: true}, facts{}, finding.ServiceTokenRotationOff, false},
		{"an exception that is taken out", facts{policy: lapsed}, facts{}, finding.ExceptionExpired, true},
		{"an unused exception that is taken out", facts{policy: unused}, facts{}, finding.ExceptionUnused, true},
		{"an exception that may be in use", facts{policy: unused}, facts{policy: unused, unread: true},
			finding.ExceptionUnused, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			findings, coverage := observe(c.before, false)
			_, next := finding.Transition(finding.Memory{Kind: finding.FirstRun}, findings, coverage, labInstance, evalAt)
			findings, coverage = observe(c.after, true)
			resolved, _ := finding.Transition(through(t, next), findings, coverage, labInstance, evalAt.Add(time.Hour))
			got := false
			for _, f := range resolved {
				got = got || f.Check == c.check
			}
			if got != c.resolves {
				t.Errorf("resolved is %t, want %t", got, c.resolves)
			}
		})
	}
}

// TestResolveRule runs histories of an instance in which apps and tokens come, go
// and are renamed, and of which each run sees a part. It holds them against the
// truth: nothing that is there is ever resolved, and once a run has seen
// everything, what is not there is no longer open.
func TestResolveRule(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		w, now := world{"A": {"t0", "t1"}, "B": {"t2"}, "C": nil}, evalAt
		memory := finding.Memory{Kind: finding.FirstRun}
		open := map[string]bool{}
		for i := range rapid.IntRange(2, 12).Draw(rt, "runs") {
			now = now.Add(time.Hour)
			w = w.change(rt, i)
			unread := map[string]bool{}
			for _, name := range slices.Sorted(maps.Keys(w)) {
				unread[name] = rapid.IntRange(0, 3).Draw(rt, "unread "+name) == 0
			}
			complete := rapid.IntRange(0, 4).Draw(rt, "complete") > 0
			seen := w
			if !complete {
				seen = world{}
				for _, name := range slices.Sorted(maps.Keys(w)) {
					if rapid.Bool().Draw(rt, "listed "+name) {
						seen[name] = w[name]
					}
				}
			}
			findings, coverage := seen.observe(t, `{}`, now, unread, complete)
			resolved, next := finding.Transition(memory, findings, coverage, labInstance, now)
			for token := range states(findings) {
				open[token] = true
			}
			there := map[string]bool{}
			for _, tokens := range w {
				for _, token := range tokens {
					there[token] = true
				}
			}
			for token := range states(resolved) {
				if there[token] {
					rt.Fatalf("run %d: %s was resolved, and is there: %v, unread %v, complete %t", i, token, w, unread, complete)
				}
				if !open[token] {
					rt.Fatalf("run %d: %s was resolved and was not open", i, token)
				}
				delete(open, token)
			}
			if complete && len(coverage.Gaps) == 0 && !next.Emptied {
				for token := range open {
					if !there[token] {
						rt.Fatalf("run %d saw everything, and %s is still open", i, token)
					}
				}
			}
			memory = through(t, next)
		}
	})
}

// change adds, removes and renames, and never gives an old name to another app.
func (w world) change(t *rapid.T, run int) world {
	next := world{}
	for _, name := range slices.Sorted(maps.Keys(w)) {
		tokens := w[name]
		switch rapid.IntRange(0, 7).Draw(t, "fate of "+name) {
		case 0: // deleted
		case 1:
			next[fmt.Sprintf("%s'%d", name, run)] = tokens
		case 2:
			next[name] = append([]string{fmt.Sprintf("%s-%d", name, run)}, tokens...)
		case 3:
			next[name] = tokens[:len(tokens)/2]
		default:
			next[name] = tokens
		}
	}
	if rapid.Bool().Draw(t, "new app") {
		next[fmt.Sprintf("N%d", run)] = []string{fmt.Sprintf("n%d", run)}
	}
	return next
}

// TestAgesNeedNoMemory: when the memory was lost, what an age crossed since the last
// run is told of, and nothing else.
func TestAgesNeedNoMemory(t *testing.T) {
	at := func(age time.Duration) databrain.APIToken {
		return databrain.APIToken{Fingerprint: "f", Name: "t", CreatedAt: evalAt.Add(-age)}
	}
	const hour = time.Hour
	for name, c := range map[string]struct {
		token  databrain.APIToken
		policy string
		state  finding.State
		raised finding.Severity
	}{
		"stale for an hour":          {at(days(90) + hour), `{}`, finding.New, ""},
		"stale for two days":         {at(days(92)), `{}`, finding.Ongoing, ""},
		"high for an hour":           {at(days(180) + hour), `{}`, finding.Ongoing, finding.Medium},
		"high for two days":          {at(days(182)), `{}`, finding.Ongoing, ""},
		"critical for an hour":       {at(days(365) + hour), `{}`, finding.Ongoing, finding.High},
		"near its limit for an hour": {at(days(76) + hour), `{}`, finding.New, ""},
		"near its limit for a week":  {at(days(83)), `{}`, finding.Ongoing, ""},
		"stale beyond a tier":        {at(days(200) + hour), `{"maxAgeDays":200}`, finding.New, ""},
		"no date":                    {databrain.APIToken{Fingerprint: "f"}, `{}`, finding.Ongoing, ""},
	} {
		findings := evaluate(t, c.policy, "A", c.token).Findings
		memory := finding.Memory{Kind: finding.Forgotten, LastRun: evalAt.Add(-days(1))}
		coverage := finding.Coverage{Complete: true, Apps: map[string]finding.AppRead{"A": finding.Read}}
		finding.Transition(memory, findings, coverage, labInstance, evalAt)
		if f := findings[0]; f.State != c.state || f.RaisedFrom != c.raised {
			t.Errorf("%s: %s, raised from %q, want %s, %q", name, f.State, f.RaisedFrom, c.state, c.raised)
		}
	}
}

// TestEverythingGoneAtOnce is believed when a second run sees it.
func TestEverythingGoneAtOnce(t *testing.T) {
	read := func(tokens int, apps ...string) finding.Coverage {
		c := finding.Coverage{Complete: true, Tokens: tokens, Apps: map[string]finding.AppRead{}}
		for _, app := range apps {
			c.Apps[app] = finding.Read
		}
		return c
	}
	but := func(c finding.Coverage, app string) finding.Coverage {
		c.Apps[app] = finding.Unread
		c.Gaps = []finding.Gap{{DataApp: app, Class: finding.GapServer, Attempts: 1}}
		return c
	}
	for name, after := range map[string]finding.Coverage{
		"no app": read(0), "other apps": read(3, "X", "Y"), "no token": read(0, "A", "B"),
		"no token in what was read": but(read(0, "A", "B"), "B"),
	} {
		t.Run(name, func(t *testing.T) {
			token := databrain.APIToken{Fingerprint: "f", CreatedAt: evalAt.Add(-days(100))}
			findings := evaluate(t, `{}`, "A", token).Findings
			_, state := finding.Transition(finding.Memory{Kind: finding.FirstRun}, findings, read(1, "A", "B"), labInstance,
				evalAt)
			now := evalAt.Add(time.Hour)
			resolved, state := finding.Transition(through(t, state), nil, after, labInstance, now)
			if len(resolved) != 0 || !state.Emptied {
				t.Fatalf("%d resolved at once, emptied is %t", len(resolved), state.Emptied)
			}
			partial := finding.Coverage{Gaps: []finding.Gap{{Class: finding.GapServer}}}
			resolved, again := finding.Transition(through(t, state), nil, partial, labInstance, now)
			if len(resolved) != 0 || !again.Emptied {
				t.Errorf("a run that read nothing resolves %d and remembers %t", len(resolved), again.Emptied)
			}
			back := evaluate(t, `{}`, "A", token).Findings
			_, whole := finding.Transition(through(t, state), back, read(1, "A", "B"), labInstance, now)
			if back[0].State != finding.Ongoing || whole.Emptied {
				t.Errorf("what came back is %s, emptied is %t", back[0].State, whole.Emptied)
			}
			resolved, state = finding.Transition(through(t, state), nil, after, labInstance, now)
			if len(resolved) != 1 || state.Emptied {
				t.Errorf("the second run resolves %d, emptied is %t", len(resolved), state.Emptied)
			}
		})
	}
}

// TestNoTokenWhereNoneWas: lists that were empty before say nothing about the tokens of an
// app that was not read.
func TestNoTokenWhereNoneWas(t *testing.T) {
	token := databrain.APIToken{Fingerprint: "f", CreatedAt: evalAt.Add(-days(100))}
	coverage := finding.Coverage{
		Complete: true, Tokens: 1, Apps: map[string]finding.AppRead{"A": finding.Read, "B": finding.Read},
	}
	_, state := finding.Transition(finding.Memory{Kind: finding.FirstRun}, evaluate(t, `{}`, "A", token).Findings,
		coverage, labInstance, evalAt)
	coverage = finding.Coverage{
		Complete: true, Apps: map[string]finding.AppRead{"A": finding.Unread, "B": finding.Read},
		Gaps: []finding.Gap{{DataApp: "A", Class: finding.GapServer, Attempts: 1}},
	}
	resolved, state := finding.Transition(through(t, state), nil, coverage, labInstance, evalAt.Add(time.Hour))
	if len(resolved) != 0 || state.Emptied {
		t.Errorf("%d resolved, emptied is %t", len(resolved), state.Emptied)
	}
}

// TestATokenUnderAnotherKey: a release that shows keys in another form makes no token
// go away.
func TestATokenUnderAnotherKey(t *testing.T) {
	created := evalAt.Add(-days(100))
	before := evaluate(t, `{}`, "A", databrain.APIToken{Fingerprint: "f", Name: "t", CreatedAt: created}).Findings
	coverage := finding.Coverage{Complete: true, Tokens: 1, Apps: map[string]finding.AppRead{"A": finding.Read}}
	_, state := finding.Transition(finding.Memory{Kind: finding.FirstRun}, before, coverage, labInstance, evalAt)
	for name, c := range map[string]struct {
		token databrain.APIToken
		gone  int
	}{
		"the same but for the key": {databrain.APIToken{Fingerprint: "g", Name: "t",
			CreatedAt: created.Truncate(time.Second)}, 0},
		"another name": {databrain.APIToken{Fingerprint: "g", Name: "u", CreatedAt: created}, 1},
		"another time": {databrain.APIToken{Fingerprint: "g", Name: "t", CreatedAt: evalAt}, 1},
	} {
		memory := through(t, state)
		e := finding.NewEvaluation(finding.DefaultPolicy(), labInstance, evalAt)
		e.Expect(memory)
		a := e.App("A")
		a.Token(c.token)
		if !a.Lacks() {
			t.Errorf("%s: the missing key is not missed", name)
		}
		a.Commit()
		seen := coverage
		e.Seen(&seen)
		resolved, _ := finding.Transition(memory, e.Finish(seen).Findings, seen, labInstance, evalAt)
		if len(resolved) != c.gone {
			t.Errorf("%s: %d resolved, want %d", name, len(resolved), c.gone)
		}
	}
}

// TestAStateOfANewerRelease is no corrupt one: its further checks are carried along.
func TestAStateOfANewerRelease(t *testing.T) {
	const record = `{"id":"dbt1-9","check":"token-colour","severity":"lurid","colour":{"hue":7}}`
	text := `{"schema":"databrain.token-audit.state/1","apps":{},"findings":[` + record + `],"moons":2}`
	s, err := finding.ReadSnapshot(strings.NewReader(text), 0)
	if err != nil {
		t.Fatal(err)
	}
	memory := finding.Memory{Kind: finding.Remembered, Snapshot: s}
	coverage := finding.Coverage{Complete: true, Posture: finding.Posture{Read: true}}
	resolved, next := finding.Transition(memory, nil, coverage, labInstance, evalAt)
	var stored bytes.Buffer
	if err := finding.WriteSnapshot(&stored, next); err != nil {
		t.Fatal(err)
	}
	if len(resolved) != 0 || !strings.Contains(stored.String(), record) {
		t.Errorf("%d resolved, stored %s", len(resolved), stored.String())
	}
	newer := strings.Replace(text, "state/1", "state/2", 1)
	if _, err := finding.ReadSnapshot(strings.NewReader(newer), 0); !errors.Is(err, finding.ErrSchema) {
		t.Errorf("another schema: %v", err)
	}
}
