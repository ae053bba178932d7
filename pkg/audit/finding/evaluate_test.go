package finding_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
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

const labInstance = "https://databrain.example.com"

// evalAt is the instant of the evaluations in these tests.
var evalAt = time.Date(2026, time.May, 4, 3, 2, 1, 987654321, time.UTC)

func mustPolicy(t testing.TB, text string) finding.Policy {
	t.Helper()
	p, err := finding.ParsePolicy([]byte(text), "test")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// evaluate judges the tokens of one app, of which everything was read.
func evaluate(t testing.TB, policy, app string, tokens ...databrain.APIToken) finding.Result {
	t.Helper()
	e := finding.NewEvaluation(mustPolicy(t, policy), labInstance, evalAt)
	a := e.App(app)
	for _, token := range tokens {
		a.Token(token)
	}
	a.Commit()
	return e.Finish(finding.Coverage{Complete: true, Apps: map[string]finding.AppRead{app: finding.Read}})
}

func asError[T error](t testing.TB, err error) T {
	t.Helper()
	e, ok := errors.AsType[T](err)
	if !ok {
		t.Fatalf("error is %T (%v), want %T", err, err, e)
	}
	return e
}

func days(n int) time.Duration { return time.Duration(n) * 24 * time.Hour }

func TestChecksOfATokenByItsAge(t *testing.T) {
	const none = finding.Check("none")
	for _, c := range []struct {
		name     string
		created  time.Time
		check    finding.Check
		severity finding.Severity
	}{
		{"new", evalAt, none, ""},
		{"a day before it is due", evalAt.Add(-days(75)), none, ""},
		{"due, less a nanosecond", evalAt.Add(-days(76) + 1), none, ""},
		{"due", evalAt.Add(-days(76)), finding.TokenAgeApproaching, finding.Informational},
		{"at the limit, less a nanosecond", evalAt.Add(-days(90) + 1), finding.TokenAgeApproaching, finding.Informational},
		{"at the limit", evalAt.Add(-days(90)), finding.TokenAgeApproaching, finding.Informational},
		{"past the limit", evalAt.Add(-days(90) - 1), finding.TokenAge, finding.Medium},
		{"at the second tier", evalAt.Add(-days(180)), finding.TokenAge, finding.Medium},
		{"past the second tier", evalAt.Add(-days(180) - 1), finding.TokenAge, finding.High},
		{"at the third tier", evalAt.Add(-days(365)), finding.TokenAge, finding.High},
		{"past the third tier", evalAt.Add(-days(365) - 1), finding.TokenAge, finding.Critical},
		{"in another zone", evalAt.Add(-days(90)).In(time.FixedZone("", -12*3600)), finding.TokenAgeApproaching,
			finding.Informational},
		{"before the epoch", time.Date(1, 1, 1, 0, 0, 0, 1, time.UTC), finding.TokenDateInvalid, finding.Medium},
		{"unreadable", time.Time{}, finding.TokenDateInvalid, finding.Medium},
		{"after the last year that JSON knows", time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC),
			finding.TokenDateInvalid, finding.Medium},
		{"ahead by the skew", evalAt.Add(5 * time.Minute), none, ""},
		{"ahead by more", evalAt.Add(5*time.Minute + 1), finding.TokenDateFuture, finding.Medium},
		{"far ahead", time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), finding.TokenDateFuture, finding.Medium},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := evaluate(t, `{}`, "A", databrain.APIToken{Fingerprint: "f", CreatedAt: c.created})
			got, severity := none, finding.Severity("")
			if len(r.Findings) == 1 {
				got, severity = r.Findings[0].Check, r.Findings[0].Severity
			}
			if got != c.check || severity != c.severity || len(r.Findings) > 1 {
				t.Errorf("%s (%s) and %d findings, want %s (%s)", got, severity, len(r.Findings), c.check, c.severity)
			}
			total := r.Undated
			for _, bin := range r.Ages {
				total += bin.Tokens
			}
			if total != 1 {
				t.Errorf("the ages hold %d tokens, want 1", total)
			}
		})
	}
}

// TestStaleBoundary: a token is stale exactly if it is older than its limit, to
// the nanosecond, whatever the limit and the instant.
func TestStaleBoundary(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.IntRange(0, 36500).Draw(t, "limit")
		const first = 347155200 // 1981: what is older is no date
		created := time.Unix(rapid.Int64Range(first, 4102444800).Draw(t, "seconds"),
			rapid.Int64Range(0, 999999999).Draw(t, "nanoseconds"))
		off := time.Duration(rapid.Int64Range(-2, 2).Draw(t, "off"))
		now := created.UTC().AddDate(0, 0, limit).Add(off)
		p := finding.DefaultPolicy()
		p.MaxAgeDays, p.DueWithinDays = limit, 0
		e := finding.NewEvaluation(p, labInstance, now)
		a := e.App("A")
		a.Token(databrain.APIToken{Fingerprint: "f", CreatedAt: created.UTC()})
		a.Commit()
		r := e.Finish(finding.Coverage{Complete: true})
		if stale := r.Stale == 1; stale != (off > 0) {
			t.Fatalf("older than %d days by %dns at %v: stale is %t", limit, off, now, stale)
		}
		if r.Stale == 1 && (r.Findings[0].Token.AgeDays != limit || !r.Findings[0].Token.StaleSince.Before(now)) {
			t.Fatalf("%+v", r.Findings[0].Token)
		}
	})
}

// TestEvaluationDoesNotDependOnOrder: the same tokens in another order, some of
// them twice, give the same result.
func TestEvaluationDoesNotDependOnOrder(t *testing.T) {
	const policy = `{"rules":[{"id":"r","dataApp":"App 1*","maxAgeDays":10}],"exceptions":[{"id":"e","token":"t ` +
		`3*","reason":"r","owner":"o","expiresAt":"2030-01-01"}]}`
	type entry struct {
		app   string
		token databrain.APIToken
	}
	var entries []entry
	for i := range 200 {
		entries = append(entries, entry{fmt.Sprintf("App %d", i%20), databrain.APIToken{
			Fingerprint: fmt.Sprintf("%016x", i), Name: fmt.Sprintf("t %d", i%7), CreatedAt: evalAt.Add(-days(i % 40 * 10)),
		}})
	}
	judge := func(entries []entry) finding.Result {
		e := finding.NewEvaluation(mustPolicy(t, policy), labInstance, evalAt)
		apps := make(map[string]*finding.App)
		for _, entry := range entries {
			if apps[entry.app] == nil {
				apps[entry.app] = e.App(entry.app)
			}
			apps[entry.app].Token(entry.token)
			apps[entry.app].Token(entry.token)
		}
		for _, a := range apps { // in no order
			a.Commit()
		}
		return e.Finish(finding.Coverage{Complete: true})
	}
	want := judge(entries)
	if len(want.Findings) == 0 {
		t.Fatal("nothing to compare")
	}
	for seed := range uint64(20) {
		rand.New(rand.NewPCG(seed, 0)).
			Shuffle(len(entries), func(i, j int) { entries[i], entries[j] = entries[j], entries[i] })
		if diff := cmp.Diff(want, judge(entries), cmpopts.IgnoreUnexported(finding.Finding{})); diff != "" {
			t.Fatal(diff)
		}
	}
}

func TestIdentity(t *testing.T) {
	base := databrain.APIToken{Fingerprint: "0123456789abcdef", Name: "n", CreatedAt: evalAt.Add(-days(100))}
	id := func(policy, instance, app string, token databrain.APIToken) string {
		e := finding.NewEvaluation(mustPolicy(t, policy), instance, evalAt)
		a := e.App(app)
		a.Token(token)
		a.Commit()
		r := e.Finish(finding.Coverage{Complete: true})
		if len(r.Findings) != 1 {
			t.Fatalf("%d findings", len(r.Findings))
		}
		return r.Findings[0].ID
	}
	want := id(`{}`, labInstance, "A", base)
	if !strings.HasPrefix(want, "dbt1-") || len(want) != len("dbt1-")+32 ||
		strings.Trim(want[5:], "0123456789abcdef") != "" {
		t.Errorf("id %q", want)
	}
	renamed, older, other, invalid := base, base, base, base
	renamed.Name = "m"
	older.CreatedAt = evalAt.Add(-days(400))
	other.Fingerprint = "fedcba9876543210"
	invalid.CreatedAt = time.Time{}
	for name, c := range map[string]struct {
		got  string
		same bool
	}{
		"a renamed token": {id(`{}`, labInstance, "A", renamed), true},
		"an older token":  {id(`{}`, labInstance, "A", older), true},
		"another policy": {id(`{"maxAgeDays":7,"severities":[{"afterDays":0,"severity":"low"}]}`, labInstance,
			"A", base), true},
		"a renamed app":       {id(`{}`, labInstance, "B", base), true},
		"another key":         {id(`{}`, labInstance, "A", other), false},
		"another instance":    {id(`{}`, labInstance+"/x", "A", base), false},
		"another check on it": {id(`{}`, labInstance, "A", invalid), false},
	} {
		if (c.got == want) != c.same {
			t.Errorf("%s: the same id is %t, want %t", name, c.got == want, c.same)
		}
	}
}

func TestExceptions(t *testing.T) {
	const form = `{"exceptions":[{"id":"e",%s,"reason":"r","owner":"o","expiresAt":"%s"}]}`
	token := databrain.APIToken{Fingerprint: "0123456789abcdef", Name: "nightly", CreatedAt: evalAt.Add(-days(100))}
	young := databrain.APIToken{Fingerprint: "fedcba9876543210", Name: "young", CreatedAt: evalAt}
	const (
		holds, expiring, lapsed, unused = "holds", "expiring", "lapsed", "unused"
	)
	for _, c := range []struct{ name, match, expires, want string }{
		{"by app", `"dataApp":"ETL"`, "2026-12-31", holds},
		{"by token", `"token":"night*"`, "2026-12-31", holds},
		{"by fingerprint", `"fingerprint":"0123456789abcdef"`, "2026-12-31", holds},
		{"by all three", `"dataApp":"E*","token":"*","fingerprint":"0123456789abcdef"`, "2026-12-31", holds},
		{"on its last day", `"dataApp":"ETL"`, "2026-05-04", expiring},
		{"two weeks before", `"dataApp":"ETL"`, "2026-05-17", expiring},
		{"a day before that", `"dataApp":"ETL"`, "2026-05-18", holds},
		{"a day too late", `"dataApp":"ETL"`, "2026-05-03", lapsed},
		{"no date", `"dataApp":"ETL"`, "31.12.2026", lapsed},
		{"no such day", `"dataApp":"ETL"`, "2026-02-30", lapsed},
		{"lapsed, and matches nothing", `"dataApp":"Gone"`, "2026-05-03", lapsed},
		{"another app", `"dataApp":"ETL2","token":"nightly"`, "2026-12-31", unused},
		{"another token", `"dataApp":"ETL","token":"Nightly"`, "2026-12-31", unused},
		{"another fingerprint", `"dataApp":"ETL","fingerprint":"fedcba9876543211"`, "2026-12-31", unused},
		{"a token without a finding", `"token":"young"`, "2026-12-31", "idle"},
		{"by check", `"check":"token-age"`, "2026-12-31", holds},
		{"by check and app", `"check":"token-age","dataApp":"ETL"`, "2026-12-31", holds},
		{"by check, too late", `"check":"token-age"`, "2026-05-03", lapsed},
		{"another check", `"check":"token-age-approaching","token":"nightly"`, "2026-12-31", "idle"},
		{"a check of another subject", `"check":"data-app-unlistable"`, "2026-12-31", unused},
		{"a check that has no app", `"check":"data-apps-unlistable","dataApp":"ETL"`, "2026-12-31", unused},
		{"a check of what was not asked for", `"check":"service-token-rotation-off"`, "2026-12-31", "idle"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := evaluate(t, fmt.Sprintf(form, c.match, c.expires), "ETL", token, young)
			got := map[finding.Check]finding.State{}
			for _, f := range r.Findings {
				got[f.Check] = f.State
			}
			want := map[string]map[finding.Check]finding.State{
				holds:    {finding.TokenAge: finding.Suppressed},
				expiring: {finding.TokenAge: finding.Suppressed, finding.ExceptionExpiring: finding.Ongoing},
				lapsed:   {finding.TokenAge: finding.Ongoing, finding.ExceptionExpired: finding.Ongoing},
				unused:   {finding.TokenAge: finding.Ongoing, finding.ExceptionUnused: finding.Ongoing},
				"idle":   {finding.TokenAge: finding.Ongoing},
			}[c.want]
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			if s := r.Exceptions[0]; s.Lapsed != (c.want == lapsed) {
				t.Errorf("status %+v", s)
			}
			if r.Stale != 1 {
				t.Error("a suppressed token is no longer counted as stale")
			}
		})
	}
}

// TestAnExceptionEndsWithItsDay: to the nanosecond, and with what it says of itself.
func TestAnExceptionEndsWithItsDay(t *testing.T) {
	policy := mustPolicy(t, `{"exceptions":[{"id":"e","check":"service-token-rotation-off","reason":"r","owner":"o",`+
		`"expiresAt":"2026-05-04"}]}`)
	end := time.Date(2026, 5, 5, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		now    time.Time
		lapsed bool
		left   int
	}{{end.Add(-days(2)), false, 2}, {end.Add(-days(2) + 1), false, 1}, {end.Add(-1), false, 0}, {end, true, 0}} {
		r := finding.NewEvaluation(policy, labInstance, c.now).
			Finish(finding.Coverage{Complete: true, Posture: finding.Posture{Read: true}})
		want := finding.ExceptionStatus{
			Exception: policy.Exceptions[0], Lapsed: c.lapsed, DaysLeft: c.left, Matched: 1, Covered: 1,
		}
		if diff := cmp.Diff(want, r.Exceptions[0]); diff != "" {
			t.Errorf("at %v: %s", c.now, diff)
		}
	}
}

// TestAFindingNamesTheSecretOfItsToken, and a finding on a secret names that secret.
func TestAFindingNamesTheSecretOfItsToken(t *testing.T) {
	e := finding.NewEvaluation(finding.DefaultPolicy(), labInstance, evalAt)
	secret := finding.ManagedSecret{
		ManagedBy: finding.ManagedBy{Secret: "databrain/api-token/etl"}, Posture: finding.Posture{Read: true},
		Read: true, DataApp: "ETL", Token: "nightly", Fingerprint: "held",
	}
	managed := finding.Managed{Asked: true, Complete: true, Secrets: []finding.ManagedSecret{secret}}
	e.Manage(&managed)
	a := e.App("ETL")
	for _, fingerprint := range []string{"held", "free"} {
		a.Token(databrain.APIToken{Fingerprint: fingerprint, Name: fingerprint, CreatedAt: evalAt.Add(-days(100))})
	}
	a.Commit()
	r := e.Finish(finding.Coverage{
		Complete: true, Apps: map[string]finding.AppRead{"ETL": finding.Read}, Managed: managed,
	})
	got := map[finding.Check][]string{}
	for _, f := range r.Findings {
		name := ""
		if f.ManagedBy != nil {
			name = f.ManagedBy.Secret
		}
		got[f.Check] = append(got[f.Check], f.Token.Fingerprint+" "+name)
		if f.Check == finding.APITokenRotationOff && !strings.Contains(f.Prose().Description, secret.Secret) {
			t.Errorf("%s", f.Prose().Description)
		}
	}
	slices.Sort(got[finding.TokenAge])
	want := map[finding.Check][]string{
		finding.TokenAge:            {"free ", "held " + secret.Secret},
		finding.APITokenRotationOff: {"held " + secret.Secret},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestAnExceptionForASecret matches by the names of the token that the secret holds.
func TestAnExceptionForASecret(t *testing.T) {
	for match, want := range map[string]finding.State{
		`"token":"night*"`:                   finding.Suppressed,
		`"dataApp":"ETL"`:                    finding.Suppressed,
		`"fingerprint":"0123456789abcdef"`:   finding.Suppressed,
		`"token":"day*"`:                     finding.Ongoing,
		`"dataApp":"BI"`:                     finding.Ongoing,
		`"fingerprint":"fedcba9876543210"`:   finding.Ongoing,
		`"dataApp":"ETL","token":"nightly*"`: finding.Suppressed,
	} {
		policy := mustPolicy(t, `{"exceptions":[{"id":"e","check":"api-token-rotation-off",`+match+
			`,"reason":"r","owner":"o","expiresAt":"2026-12-31"}]}`)
		e := finding.NewEvaluation(policy, labInstance, evalAt)
		managed := finding.Managed{Asked: true, Complete: true, Secrets: []finding.ManagedSecret{{
			ManagedBy: finding.ManagedBy{Secret: "s"}, Posture: finding.Posture{Read: true},
			Read: true, DataApp: "ETL", Token: "nightly", Fingerprint: "0123456789abcdef",
		}}}
		e.Manage(&managed)
		got := map[finding.Check]finding.State{}
		for _, f := range e.Finish(finding.Coverage{Complete: true, Managed: managed}).Findings {
			got[f.Check] = f.State
		}
		if got[finding.APITokenRotationOff] != want {
			t.Errorf("with %s the finding is %q", match, got[finding.APITokenRotationOff])
		}
	}
}

// TestAFindingTakesRoom: that of a record, and of its token's name.
func TestAFindingTakesRoom(t *testing.T) {
	const name = 100
	room := finding.NewRoom(finding.RecordWeight + name + 1)
	e := finding.NewEvaluation(finding.DefaultPolicy(), labInstance, evalAt)
	e.Within(room)
	a := e.App("A")
	a.Token(databrain.APIToken{Fingerprint: "f", Name: strings.Repeat("n", name), CreatedAt: evalAt.Add(-days(100))})
	if room.Full() || !room.Take(1) || !room.Full() {
		t.Error("the finding took another room than its own")
	}
}

// TestExceptionsByCheck covers findings that are not about an API token.
func TestExceptionsByCheck(t *testing.T) {
	const form = `{"exceptions":[{"id":"e",%s,"reason":"r","owner":"o","expiresAt":"%s"}]}`
	type states map[finding.Check]finding.State
	off := finding.Posture{Read: true}
	locked := []finding.Gap{{DataApp: "Locked", Class: finding.GapForbidden, Attempts: 1}}
	for name, c := range map[string]struct {
		match, expires string
		posture        finding.Posture
		gaps           []finding.Gap
		want           states
	}{
		"rotation is off, and accepted": {
			`"check":"service-token-rotation-off"`, "2026-12-31", off, nil,
			states{finding.ServiceTokenRotationOff: finding.Suppressed},
		},
		"every pattern may match what has no name": {
			`"check":"service-token-rotation-off","dataApp":"*"`, "2026-12-31", off, nil,
			states{finding.ServiceTokenRotationOff: finding.Suppressed},
		},
		"the end is near": {
			`"check":"service-token-rotation-off"`, "2026-05-10", off, nil,
			states{finding.ServiceTokenRotationOff: finding.Suppressed, finding.ExceptionExpiring: finding.Ongoing},
		},
		"the end has come": {
			`"check":"service-token-rotation-off"`, "2026-05-03", off, nil,
			states{finding.ServiceTokenRotationOff: finding.Ongoing, finding.ExceptionExpired: finding.Ongoing},
		},
		"rotation is on again": {
			`"check":"service-token-rotation-off"`, "2026-12-31", finding.Posture{Read: true, Rotation: true}, nil,
			states{finding.ExceptionUnused: finding.Ongoing},
		},
		"the secret was not asked about": {
			`"check":"service-token-rotation-off"`, "2026-12-31", finding.Posture{}, nil, states{},
		},
		"not for every app": {
			`"check":"service-token-rotation-off","dataApp":"Locked"`, "2026-12-31", off, nil,
			states{finding.ServiceTokenRotationOff: finding.Ongoing, finding.ExceptionUnused: finding.Ongoing},
		},
		"an exception for tokens accepts nothing else": {
			`"dataApp":"*"`, "2026-12-31", off, locked,
			states{finding.ServiceTokenRotationOff: finding.Ongoing, finding.DataAppUnlistable: finding.Ongoing},
		},
		"an app that cannot be read": {
			`"check":"data-app-unlistable","dataApp":"Lock*"`, "2026-12-31", finding.Posture{}, locked,
			states{finding.DataAppUnlistable: finding.Suppressed},
		},
		"another app that cannot be read": {
			`"check":"data-app-unlistable","dataApp":"locked"`, "2026-12-31", finding.Posture{}, locked,
			states{finding.DataAppUnlistable: finding.Ongoing}, // and unused is not known
		},
	} {
		t.Run(name, func(t *testing.T) {
			policy := mustPolicy(t, fmt.Sprintf(form, c.match, c.expires))
			coverage := finding.Coverage{Complete: true, Gaps: c.gaps, Posture: c.posture}
			got := states{}
			for _, f := range finding.NewEvaluation(policy, labInstance, evalAt).Finish(coverage).Findings {
				got[f.Check] = f.State
				if accepted := f.State == finding.Suppressed; accepted && f.Exception.ID != "e" {
					t.Errorf("accepted by %+v", f.Exception)
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestUnusedExceptionOutlivesARunThatDidNotAsk: whether its check still finds nothing is
// not known to a run without Secrets Manager.
func TestUnusedExceptionOutlivesARunThatDidNotAsk(t *testing.T) {
	policy := mustPolicy(t, `{"exceptions":[
		{"id":"e","check":"service-token-rotation-off","reason":"r","owner":"o","expiresAt":"2030-01-01"}]}`)
	on := finding.Posture{Read: true, Rotation: true}
	memory := finding.Memory{Kind: finding.FirstRun}
	for i, posture := range []finding.Posture{on, {}, on} {
		coverage := finding.Coverage{Complete: true, Posture: posture}
		findings := finding.NewEvaluation(policy, labInstance, evalAt).Finish(coverage).Findings
		resolved, next := finding.Transition(memory, findings, coverage, labInstance, evalAt)
		if len(resolved) != 0 || posture.Read != (len(findings) == 1) {
			t.Errorf("run %d: %d findings, %d resolved", i, len(findings), len(resolved))
		}
		memory = through(t, next)
	}
}

func TestUnusedIsNotSaidOfWhatWasNotRead(t *testing.T) {
	policy := mustPolicy(t, `{"exceptions":[{"id":"e","dataApp":"X","reason":"r","owner":"o","expiresAt":"2030-01-01"}]}`)
	for name, c := range map[string]struct {
		coverage finding.Coverage
		want     int
	}{
		"everything was read": {finding.Coverage{Complete: true}, 1},
		"an app was not read": {finding.Coverage{Complete: true, Gaps: []finding.Gap{{DataApp: "X",
			Class: finding.GapServer, Attempts: 1}}}, 0},
		"the list was incomplete": {finding.Coverage{}, 0},
	} {
		n := 0
		for _, f := range finding.NewEvaluation(policy, labInstance, evalAt).Finish(c.coverage).Findings {
			if f.Check == finding.ExceptionUnused {
				n++
			}
		}
		if n != c.want {
			t.Errorf("%s: %d findings of an unused exception, want %d", name, n, c.want)
		}
	}
}

func TestPostureOfTheServiceToken(t *testing.T) {
	good := finding.Posture{Read: true, Rotation: true, RotatedAt: evalAt.Add(-days(10))}
	with := func(change func(*finding.Posture)) finding.Posture {
		p := good
		change(&p)
		return p
	}
	type facts map[finding.Check]finding.Severity
	for name, c := range map[string]struct {
		posture finding.Posture
		want    facts
	}{
		"good":         {good, facts{}},
		"not read":     {finding.Posture{}, facts{}},
		"at the limit": {with(func(p *finding.Posture) { p.RotatedAt = evalAt.Add(-days(90)) }), facts{}},
		"past the limit": {with(func(p *finding.Posture) { p.RotatedAt = evalAt.Add(-days(90) - 1) }),
			facts{finding.ServiceTokenAge: finding.Medium}},
		"years old": {with(func(p *finding.Posture) { p.RotatedAt = evalAt.Add(-days(1000)) }),
			facts{finding.ServiceTokenAge: finding.Critical}},
		"switched off": {with(func(p *finding.Posture) { p.Rotation = false }),
			facts{finding.ServiceTokenRotationOff: finding.High}},
		"pending for a day": {with(func(p *finding.Posture) { p.PendingSince = evalAt.Add(-days(1)) }), facts{}},
		"pending for longer": {with(func(p *finding.Posture) { p.PendingSince = evalAt.Add(-days(1) - 1) }),
			facts{finding.ServiceTokenRotationStuck: finding.High}},
		"nothing known of age": {with(func(p *finding.Posture) { p.RotatedAt = time.Time{} }), facts{}},
	} {
		t.Run(name, func(t *testing.T) {
			got := facts{}
			for _, f := range finding.NewEvaluation(finding.DefaultPolicy(), labInstance,
				evalAt).Finish(finding.Coverage{Complete: true, Posture: c.posture}).Findings {
				got[f.Check] = f.Severity
				if f.Compliance() != finding.Fail || f.DataApp != "" || f.Token != nil {
					t.Errorf("%+v", f)
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestAgeDays: a day counts when it is over, to the nanosecond.
func TestAgeDays(t *testing.T) {
	for passed, want := range map[time.Duration]int{
		-time.Hour: 0, 0: 0, days(1) - 1: 0, days(1): 1, days(1) + 1: 1, days(2) - 1: 1,
	} {
		for _, nanosecond := range []time.Duration{0, 5} {
			created := evalAt.Add(nanosecond)
			if got := finding.AgeDays(created.Add(passed), created); got != want {
				t.Errorf("%v after %v: %d days, want %d", passed, created, got, want)
			}
		}
	}
}

// TestAges: a token counts in the bin that its age begins or lies in.
func TestAges(t *testing.T) {
	var tokens []databrain.APIToken
	for i, age := range []int{0, 29, 30, 89, 90, 91, 179, 730, 4000} {
		fingerprint := fmt.Sprintf("%016d", i)
		tokens = append(tokens, databrain.APIToken{Fingerprint: fingerprint, CreatedAt: evalAt.Add(-days(age))})
	}
	r := evaluate(t, `{"maxAgeDays":90}`, "App", tokens...)
	want := []finding.AgeBin{
		{0, 30, 2, 0}, {30, 60, 1, 0}, {60, 90, 1, 0}, {90, 180, 3, 2}, {180, 365, 0, 0}, {365, 730, 0, 0}, {730, 0, 2, 2},
	}
	if diff := cmp.Diff(want, r.Ages); diff != "" || r.OldestAgeDays != 4000 || r.Stale != 4 || r.Unmanaged != 4 {
		t.Errorf("the oldest is %d, %d stale, %d of them unmanaged; bins (-want +got):\n%s",
			r.OldestAgeDays, r.Stale, r.Unmanaged, diff)
	}
}

// TestExceptionThatDecides: the first that holds, whatever has lapsed before it; all
// that name the token count it.
func TestExceptionThatDecides(t *testing.T) {
	token := databrain.APIToken{Fingerprint: "0123456789abcdef", CreatedAt: evalAt.Add(-days(100))}
	var exceptions []string
	for i, expires := range []string{"2026-05-03", "2026-05-02", "2030-01-01", "2031-01-01"} {
		exceptions = append(exceptions, fmt.Sprintf(
			`{"id":"e%d","dataApp":"*","reason":"r","owner":"o","expiresAt":%q}`, i, expires))
	}
	for n, want := range map[int]int{2: 0, 4: 2} { // exceptions, and which of them decides
		r := evaluate(t, `{"exceptions":[`+strings.Join(exceptions[:n], ",")+`]}`, "App", token)
		for i, status := range r.Exceptions {
			covered := 0
			if i == want {
				covered = 1
			}
			if status.Matched != 1 || status.Covered != covered {
				t.Errorf("%d exceptions: that of %d is %+v", n, i, status)
			}
		}
	}
}
