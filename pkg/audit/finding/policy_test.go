package finding_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"databrain-rotation/pkg/audit/finding"
	"databrain-rotation/pkg/databrain"
)

const exampleException = `{"id":"legacy-etl","dataApp":"ETL","token":"nightly","fingerprint":"",` +
	`"reason":"vendor","owner":"data-platform","expiresAt":"2027-03-31"}`

func TestParsePolicyInheritsWhatIsOmitted(t *testing.T) {
	with := func(change func(*finding.Policy)) finding.Policy {
		p := finding.DefaultPolicy()
		change(&p)
		return p
	}
	for text, want := range map[string]finding.Policy{
		`{}`:                           with(func(*finding.Policy) {}),
		`{"maxAgeDays":30}`:            with(func(p *finding.Policy) { p.MaxAgeDays = 30 }),
		"\n{\"maxAgeDays\":0}\n":       with(func(p *finding.Policy) { p.MaxAgeDays = 0 }),
		`{"dueWithinDays":0}`:          with(func(p *finding.Policy) { p.DueWithinDays = 0 }),
		`{"rules":[],"exceptions":[]}`: with(func(*finding.Policy) {}),
		`{"rules":[{"id":"x","maxAgeDays":1}]}`: with(func(p *finding.Policy) {
			p.Rules = []finding.Rule{{ID: "x",
				MaxAgeDays: 1}}
		}),
		`{"severities":[{"afterDays":10,"severity":"low"}]}`: with(func(p *finding.Policy) {
			p.Severities = []finding.Tier{{AfterDays: 10, Severity: finding.Low}}
		}),
		`{"exceptions":[` + exampleException + `]}`: with(func(p *finding.Policy) {
			p.Exceptions = []finding.Exception{{ID: "legacy-etl", DataApp: "ETL", Token: "nightly", Reason: "vendor",
				Owner: "data-platform", ExpiresAt: "2027-03-31"}}
		}),
		`{"exceptions":[{"id":"a","token":"*","reason":"r","owner":"o","expiresAt":"whenever"}]}`: with(func(
			p *finding.Policy,
		) {
			p.Exceptions = []finding.Exception{{ID: "a", Token: "*", Reason: "r", Owner: "o", ExpiresAt: "whenever"}}
		}),
	} {
		t.Run(text, func(t *testing.T) {
			got, err := finding.ParsePolicy([]byte(text), "test")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestTheLimitsOfAPolicyAreValid: the most days, and the least severity.
func TestTheLimitsOfAPolicyAreValid(t *testing.T) {
	p := mustPolicy(t, `{"maxAgeDays":36500,"severities":[{"afterDays":0,"severity":"informational"}]}`)
	want := []finding.Tier{{AfterDays: 0, Severity: finding.Informational}}
	if diff := cmp.Diff(want, p.Severities); p.MaxAgeDays != 36500 || diff != "" {
		t.Errorf("%d days, %s", p.MaxAgeDays, diff)
	}
}

func TestParsePolicyNamesEveryFault(t *testing.T) {
	exceptionWith := func(old, new string) string {
		return `{"exceptions":[` + strings.Replace(exampleException, old, new, 1) + `]}`
	}
	for text, want := range map[string][]string{
		`{"maxAge":1}`:     {"maxAge is unknown"},
		`{"MaxAgeDays":1}`: {"MaxAgeDays is unknown"},
		`{"550e8400-e29b-41d4-a716-446655440000":1}`: {"(a member whose name is not shown) is unknown"},
		`{"` + strings.Repeat("x", 33) + `":1}`:      {"(a member whose name is not shown) is unknown"},
		`{"` + strings.Repeat("x", 32) + `":1}`:      {strings.Repeat("x", 32) + " is unknown"},
		`{"maxAgeDays":1,"maxAgeDays":2}`:            {"maxAgeDays is given twice"},
		`{"maxAgeDays":null,"dueWithinDays":"x"}`: {
			"maxAgeDays must be a whole number of days from 0 to 36500",
			"dueWithinDays must be a whole number of days from 0 to 36500"},
		`{"maxAgeDays":-1}`:    {"maxAgeDays must be a whole number of days from 0 to 36500"},
		`{"maxAgeDays":1.5}`:   {"maxAgeDays must be a whole number of days from 0 to 36500"},
		`{"maxAgeDays":36501}`: {"maxAgeDays must be a whole number of days from 0 to 36500"},
		`{"maxAgeDays":1e99}`:  {"maxAgeDays must be a whole number of days from 0 to 36500"},
		`{"severities":[]}`:    {"severities must hold at least one tier"},
		`{"severities":null}`:  {"severities must be a list"},
		`{"severities":[1]}`: {"severities[0] is not a JSON object", "severities[0].afterDays is required",
			"severities[0].severity is required"},
		`{"severities":[{"afterDays":1,"severity":"bad"}]}`: {"severities[0].severity must be one of informational, " +
			"low, medium, high, critical"},
		`{"severities":[{"afterDays":9,"severity":"low"},{"afterDays":9,"severity":"high"}]}`: {
			"severities[1].afterDays must be greater than the one before it"},
		`{"rules":{}}`: {"rules must be a list"},
		`{"rules":[{"id":"a","maxAgeDays":1},{"id":"a","maxAgeDays":2},{"id":"default","maxAgeDays":3},{}]}`: {
			"rules[1].id is taken already", "rules[2].id is taken already", "rules[3].id is required",
			"rules[3].maxAgeDays is required"},
		`{"rules":[{"id":" ","maxAgeDays":1,"dataapp":"x"}]}`: {"rules[0].dataapp is unknown",
			"rules[0].id is required"},
		exceptionWith(`"owner":"data-platform",`, ``):     {"exceptions[0].owner is required"},
		exceptionWith(`"reason":"vendor"`, `"reason":""`): {"exceptions[0].reason is required"},
		exceptionWith(`"vendor"`, `7`):                    {"exceptions[0].reason must be a string"},
		exceptionWith(`"vendor"`, `"`+strings.Repeat("x",
			257)+`"`): {"exceptions[0].reason is longer than 256 characters"},
		exceptionWith(`"fingerprint":""`, `"check":"token-rage"`): {"exceptions[0].check is the name of no check"},
		exceptionWith(`"fingerprint":""`, `"check":"Token-Age"`):  {"exceptions[0].check is the name of no check"},
		exceptionWith(`"fingerprint":""`, `"check":7`):            {"exceptions[0].check must be a string"},
		exceptionWith(`"fingerprint":""`, `"check":"exception-unused"`): {"exceptions[0].check is a check of the " +
			"policy itself: correct the policy instead"},
		exceptionWith(`"fingerprint":""`, `"check":"rule-unused"`): {"exceptions[0].check is a check of the " +
			"policy itself: correct the policy instead"},
		exceptionWith(`"fingerprint":""`, `"fingerprint":"550E8400E29B41D4"`): {
			"exceptions[0].fingerprint must be 16 hex digits in lower case"},
		exceptionWith(`"dataApp":"ETL","token":"nightly"`, `"dataApp":""`): {
			"exceptions[0] needs at least one of dataApp, token, fingerprint, check"},
		`{"exceptions":[` + exampleException + `,` + exampleException + `]}`: {"exceptions[1].id is taken already"},
		`{"x":1,"maxAgeDays":-1,"severities":[{"afterDays":-1}],"rules":[{"maxAgeDays":-1}],"exceptions":[{"id":"e"}]}`: {
			"x is unknown", "maxAgeDays must be a whole number of days from 0 to 36500",
			"severities[0].afterDays must be a whole number of days from 0 to 36500", "severities[0].severity is required",
			"rules[0].maxAgeDays must be a whole number of days from 0 to 36500", "rules[0].id is required",
			"exceptions[0].reason is required", "exceptions[0].owner is required", "exceptions[0].expiresAt is required",
			"exceptions[0] needs at least one of dataApp, token, fingerprint, check"},
	} {
		t.Run(text, func(t *testing.T) {
			_, err := finding.ParsePolicy([]byte(text), "test")
			if diff := cmp.Diff(want, asError[*finding.InvalidPolicy](t, err).Faults); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestMostSpecificRuleWins(t *testing.T) {
	const text = `{"rules":[
		{"id":"all","maxAgeDays":80},
		{"id":"token","token":"ci-*","maxAgeDays":70},
		{"id":"app","dataApp":"Customer *","maxAgeDays":60},
		{"id":"app-longer","dataApp":"Customer A*","maxAgeDays":50},
		{"id":"both","dataApp":"Customer *","token":"ci-*","maxAgeDays":40},
		{"id":"both-exact","dataApp":"Customer A","token":"ci-main","maxAgeDays":30},
		{"id":"both-exact-again","dataApp":"Customer A","token":"ci-main","maxAgeDays":20},
		{"id":"literal","dataApp":"a.b[c]?","maxAgeDays":10},
		{"id":"middle","dataApp":"Team/*/*ops","maxAgeDays":5},
		{"id":"more-stars","dataApp":"*/d*v*","maxAgeDays":4},
		{"id":"more-letters","dataApp":"*/dev","maxAgeDays":3}
	]}`
	for _, c := range []struct{ app, token, rule string }{
		{"Other", "x", "all"},
		{"Other", "ci-main", "token"},
		{"Customer B", "x", "app"},
		{"Customer A", "x", "app-longer"},
		{"Customer A", "ci-other", "both"},
		{"Customer A", "ci-main", "both-exact"},
		{"customer A", "CI-main", "all"},
		{"Customer ", "x", "app"},
		{"Customer", "x", "all"},
		{"a.b[c]?", "x", "literal"},
		{"aXb[c]?", "x", "all"},
		{"Team/x/y/z/devops", "x", "middle"},
		{"Team//ops", "x", "middle"},
		{"Team/ops", "x", "all"},
		{"Team/x/opsx", "x", "all"},
		{"Partner/dev", "x", "more-letters"},
		{"Partner/drive", "x", "more-stars"},
	} {
		t.Run(c.app+"/"+c.token, func(t *testing.T) {
			findings := evaluate(t, text, c.app,
				databrain.APIToken{Fingerprint: "f", Name: c.token, CreatedAt: evalAt.AddDate(-2, 0, 0)}).Findings
			if f := findings[0]; f.Check != finding.TokenAge || f.Rule != c.rule {
				t.Errorf("%s by rule %q, want rule %q", f.Check, f.Rule, c.rule)
			}
		})
	}
}

// FuzzParsePolicy: whatever the text, the answer is a policy that can be applied
// or a list of faults.
func FuzzParsePolicy(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"maxAgeDays":90,"dueWithinDays":14,"severities":[{"afterDays":90,"severity":"medium"}],` +
			`"rules":[{"id":"a","dataApp":"C *","token":"*","maxAgeDays":30}]}`,
		`{"exceptions":[` + exampleException + `]}`, `{"maxAgeDays":-1}`, `{"a":{"a":{"a":[`,
		`{"rules":[{"id":"***","dataApp":"***a***","maxAgeDays":0}]}`,
		`{"maxAgeDays":36500,"severities":[{"afterDays":36500,"severity":"low"}]}`, "\xff", `{"\u0000":1}`,
		`{"a":[1,],}`, `{a}`, "{]", "}{", `{"a":tru}`, "// x",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := finding.ParsePolicy(text, "fuzz")
		if err != nil {
			if len(asError[*finding.InvalidPolicy](t, err).Faults) == 0 {
				t.Error("refused without a fault")
			}
			return
		}
		e := finding.NewEvaluation(p, labInstance, evalAt)
		a := e.App("Customer A")
		for days := range 400 {
			a.Token(
				databrain.APIToken{Fingerprint: time.Duration(days).String(), Name: "x", CreatedAt: evalAt.AddDate(0, 0, -days)},
			)
		}
		a.Commit()
		r := e.Finish(finding.Coverage{Complete: true})
		if len(r.Ages) == 0 || r.Tokens != 400 {
			t.Errorf("%+v", r)
		}
		for _, f := range r.Findings {
			if f.Severity == "" || f.Check == finding.TokenAge && f.Token.AgeDays < f.MaxAgeDays {
				t.Errorf("%+v", f)
			}
		}
	})
}

// TestRulesThatDecideForNothing are told of, but only where everything was read.
func TestRulesThatDecideForNothing(t *testing.T) {
	const policy = `{"rules":[{"id":"used","dataApp":"Customer ` +
		`*","maxAgeDays":30},{"id":"misspelt","dataApp":"customer *","maxAgeDays":30},` +
		`{"id":"shadowed","token":"t","maxAgeDays":7}]}`
	for name, c := range map[string]struct {
		gaps []finding.Gap
		want []string
	}{
		"everything was read": {nil, []string{"misspelt", "shadowed"}},
		"an app was not":      {[]finding.Gap{{DataApp: "X", Class: finding.GapServer}}, nil},
	} {
		e := finding.NewEvaluation(mustPolicy(t, policy), labInstance, evalAt)
		a := e.App("Customer A")
		a.Token(databrain.APIToken{Fingerprint: "f", Name: "t", CreatedAt: evalAt})
		a.Commit()
		var got []string
		for _, f := range e.Finish(finding.Coverage{Complete: true, Gaps: c.gaps}).Findings {
			if f.Check == finding.RuleUnused {
				got = append(got, f.Rule)
			}
		}
		slices.Sort(got)
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}
