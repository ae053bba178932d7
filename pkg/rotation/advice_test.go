package rotation_test

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"databrain-rotation/pkg/rotation"
	"databrain-rotation/pkg/rotation/diagnosis"
	"databrain-rotation/pkg/standin/secretsmanagertest"
)

// TestAdviceOfErrors makes each trouble, does what the error says to the letter, and
// rotates. At no moment may the last token that works be lost.
func TestAdviceOfErrors(t *testing.T) {
	oneAtATime(t)
	for name, trouble := range troubles() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, trouble.check)
		})
	}
}

func (tr trouble) check(t *testing.T) {
	s := tr.setup
	if s.mode == "" {
		s = setup{"replace", "normal", "default"}
	}
	w := newWorld(s)
	version := "4f1d9a52-6c1e-4b37-9d0a-2f5e8c7b1a60"
	if pending := w.sm.Holder(w.secret, "AWSPENDING"); pending != "" {
		version = pending
	} else {
		must(0, w.sm.SetLabels(w.secret, version, "AWSPENDING"))
	}
	if tr.before {
		w.watch.foreign(func() { tr.brew(w) })
		must(0, w.sm.SetLabels(w.secret, version, "AWSPENDING"))
	}
	for _, step := range allSteps[:tr.steps] {
		if err := w.run(w.invocation(step, version)); err != nil {
			t.Fatal(err)
		}
	}
	if !tr.before {
		w.watch.foreign(func() { tr.brew(w) })
	}
	var err error
	for _, step := range allSteps[tr.steps:] {
		if err = w.run(w.invocation(step, version)); err != nil {
			break
		}
	}
	if nameOf(err) != tr.want {
		t.Fatalf("got %v, want a %s", err, tr.want)
	}
	// A person who follows one advice may meet another.
	for round := 1; err != nil; round++ {
		named, ok := errors.AsType[*rotation.Error](err)
		if !ok || round > 3 {
			t.Fatalf("after the advice: %v", err)
		}
		p := &person{t: t, w: w, live: w.liveSomewhere(), said: err.Error()}
		p.obey(named)
		w.sm.ClearFaults()
		w.watch.begin()
		_, err = w.rotate(1)
	}
	if report := w.diagnose(t); report.Verdict != diagnosis.Healthy {
		t.Errorf("after the advice and a rotation: %s", report.Text)
	}
	for _, problem := range w.watch.end() {
		t.Error(problem)
	}
}

// TestAdviceOfThePreflight: a new stack has an empty secret, while consumers use a token
// that nobody has stored yet. What a pre-flight advises must not end that token.
func TestAdviceOfThePreflight(t *testing.T) {
	for name, tr := range map[string]trouble{
		"admin's password changed": {brew: troubles()["admin's password changed"].brew, want: rotation.AdminSignInRefused},
		"admin unknown": {brew: func(w *world) {
			must(w.sm.ManualPut(w.admin, jsonObject("email", "x@y.z", "password", w.watch.password)))
		}, want: rotation.AdminSignInRefused},
		"admin's secret damaged": {brew: troubles()["admin's secret damaged"].brew, want: rotation.MalformedAdminSecret},
		"rotation off": {brew: func(w *world) {
			in := secretsmanager.CancelRotateSecretInput{SecretId: &w.secret}
			must(w.operator().CancelRotateSecret(context.Background(), &in))
		}, want: rotation.RotationNotEnabled},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(setup{"replace", "empty-token", "default"})
				w.db.SetToken(foreignToken)
				version := "4f1d9a52-6c1e-4b37-9d0a-2f5e8c7b1a60"
				must(0, w.sm.SetLabels(w.secret, version, "AWSPENDING"))
				w.watch.foreign(func() { tr.brew(w) })
				err := w.run(w.invocation(rotation.StepTest, version))
				must(0, w.sm.SetLabels(w.secret, version))
				named, _ := errors.AsType[*rotation.Error](err)
				if named == nil || named.Name != tr.want {
					t.Fatalf("got %v, want a %s", err, tr.want)
				}
				(&person{t: t, w: w, said: err.Error()}).obey(named)
				if !w.db.TokenWorks(foreignToken) {
					t.Errorf("the token in use is dead; it was advised: %v", err)
				}
			})
		})
	}
}

// liveSomewhere reports whether a version with a staging label holds a token that
// works, behind whatever damage. AWS may delete a version without labels at any time.
func (w *world) liveSomewhere() bool {
	return slices.ContainsFunc(w.sm.Snapshot(w.secret), func(v secretsmanagertest.VersionState) bool {
		value, _ := w.sm.Value(w.secret, v.ID)
		return len(v.Labels) > 0 && slices.ContainsFunc(w.db.LiveTokens(), func(token string) bool {
			return strings.Contains(value, token)
		})
	})
}

// person is an operator who does what an error says, and nothing else.
type person struct {
	t        *testing.T
	w        *world
	live     bool // a stored token worked
	said     string
	did      int
	diagnose bool
}

var command = regexp.MustCompile(`aws secretsmanager ([a-z-]+)((?: --[a-z-]+(?: [^\s,;-][^\s,;]*)?)+)`)

// obey reads an advice sentence by sentence, and does what it finds where the
// condition of the sentence holds.
func (p *person) obey(err *rotation.Error) {
	works := p.w.currentWorks()
	skip := false
	consider := func(words string) {
		for n, sentence := range strings.SplitAfter(words, ". ") {
			switch {
			case strings.Contains(sentence, "If AWSCURRENT works"):
				skip = !works
			case strings.Contains(sentence, "If it does not"):
				skip = works
			case n > 0:
				skip = false
			}
			if !skip {
				p.read(sentence)
			}
		}
	}
	rest := err.Next
	for at := command.FindStringSubmatchIndex(rest); at != nil; at = command.FindStringSubmatchIndex(rest) {
		line := rest[at[0]:at[1]]
		consider(rest[:at[0]])
		rest = rest[at[1]:]
		if !skip && !strings.HasPrefix(line, "aws secretsmanager describe-secret") {
			line = strings.Replace(line, "VERSION", p.w.sm.Holder(p.w.secret, "AWSCURRENT"), 1)
			if p.w.command(p.t, line) && !strings.Contains(p.said, "isn't complete") {
				p.t.Errorf("nothing says that the command ends with an error and is not to be repeated: %s", p.said)
			}
			p.done(line)
		}
	}
	consider(rest)
	if p.diagnose { // outside the watch's lock
		p.w.follow(p.t, p.w.diagnose(p.t))
		p.done("the diagnosis")
	}
	if p.did == 0 {
		p.t.Errorf("nobody knows how to do that: %s", p.said)
	}
}

func (w *world) currentWorks() bool { return w.watch.works(w.sm.Holder(w.secret, "AWSCURRENT")) }

func (p *person) done(what string) {
	p.did++
	if p.live && !p.w.liveSomewhere() {
		p.t.Errorf("%s\nlost the token that works; it was advised by: %s", what, p.said)
	}
}

// read does what the words of an advice ask for.
func (p *person) read(words string) {
	for phrase, do := range deeds {
		if strings.Contains(words, phrase) {
			p.w.watch.foreign(func() { do(p) })
			p.done(phrase)
		}
	}
}

// deeds are what people do about the words of an advice.
var deeds = map[string]func(*person){
	"store the token that Databrain accepts":   (*person).storeWhatLives,
	"store its token as AWSCURRENT":            (*person).storeWhatLives,
	"Store the token that works as AWSCURRENT": (*person).storeWhatLives,
	`as the member "token" of AWSCURRENT, beside its other members`: func(p *person) {
		if live := p.w.db.LiveTokens(); len(live) > 0 {
			value, _ := p.w.sm.Value(p.w.secret, p.w.sm.Holder(p.w.secret, "AWSCURRENT"))
			must(p.w.sm.ManualPut(p.w.secret, withToken(value, live[0])))
		}
	},
	"if the organisation has none, set the parameter to empty": func(p *person) { p.takeover(rotation.TakeoverEmpty) },
	"only if nobody has it, set the parameter RotationTakeover to invalid": func(p *person) {
		if !p.w.liveSomewhere() {
			p.takeover(rotation.TakeoverInvalid)
		}
	},
	"Correct the": func(p *person) {
		must(p.w.sm.ManualPut(p.w.admin, jsonObject("email", adminEmail, "password", p.w.watch.password)))
	},
	"Check what the function's role": func(p *person) { p.w.sm.ClearFaults() },
	"see whether the instance runs":  func(p *person) { p.w.db.ClearFaults() },
	"to the other value (service-token, admin-jwt)": func(p *person) {
		o := p.w.setup.options()
		o.contract = map[rotation.Contract]rotation.Contract{
			rotation.ContractServiceToken: rotation.ContractAdminJWT, rotation.ContractAdminJWT: rotation.ContractServiceToken,
		}[o.contract]
		p.w.rotator = p.w.newRotator(o)
	},
	"do what the diagnosis says":   func(p *person) { p.diagnose = true },
	"no action is needed":          func(*person) {},
	"Secrets Manager retries":      func(*person) {},
	"Secrets Manager starts again": func(*person) {},
	"Raise the function's timeout": func(p *person) { p.w.lambda = lambdaTime },
}

// storeWhatLives stores the token that works, wherever the person sees it; a person
// who sees none stores nothing.
func (p *person) storeWhatLives() {
	if live := p.w.db.LiveTokens(); len(live) > 0 {
		p.w.put(secretDocument(live[0]))
	}
}

func (p *person) takeover(takeover rotation.Takeover) { p.w.rotator = p.w.rotatorWith(takeover) }
