package diagnosis

import (
	"slices"
	"strings"
	"time"
)

// Judge says what is wrong, who feels it, and what to do.
func Judge(f Facts) Report {
	j := judge{Facts: f, run: f.commands(), next: Predict(f)}
	r := Report{
		Schema: Schema, Problems: append([]Problem{}, j.problems()...), Secret: Secret{f.Secret.ARN, f.Secret.Name},
		Tokens: tokens(f.Versions), APIToken: f.apiToken(), Admin: f.Admin, Rotation: j.rotation(),
		Instance: Instance{
			URL: f.Instance.URL, Reachable: f.Instance.Answers, TookMs: f.Instance.Took.Milliseconds(),
			Why: f.Instance.Why, AnswersAt: f.Instance.AnswersAt,
		},
		Settings: Settings{Strategy: string(f.Strategy), Takeover: string(f.Takeover)},
	}
	if f.Key != nil {
		r.Admin = Admin{}
	}
	r.Verdict = verdict(r.Problems)
	r.Summary = j.summary(r)
	return r
}

// judge is one judgement.
type judge struct {
	Facts
	run  commands
	next Outcome
}

// problems returns what is wrong, first what has to be repaired first. A command that
// takes an unfinished rotation up ends with an error: whoever is not told repeats it,
// and the token changes twice.
func (j judge) problems() []Problem {
	all := j.ordered()
	if v := j.pending(); v == nil || !j.resumes(v) {
		return all
	}
	const answers = `rotate-secret answers "A previous rotation isn't complete", and has begun all the same`
	for i := range all {
		p := &all[i]
		if slices.Contains(p.Do, j.run.rotate()) {
			p.Text += " Run it once: " + answers + "."
		}
		for k := range p.Decide { // nobody is told to rotate before the choice
			if c := &p.Decide[k]; slices.Contains(c.Do, j.run.rotate()) {
				c.When += "; run it once, because " + answers
			}
		}
	}
	return all
}

func (j judge) ordered() []Problem {
	if p := j.secretProblem(); p != nil {
		return []Problem{*p}
	}
	all := slices.Concat(j.settingProblems(), j.instanceProblems())
	if j.Key != nil {
		return append(all, j.keyProblems()...)
	}
	current, pending, admin := j.currentProblem(), j.pendingProblem(), j.adminProblem()
	var blocker *Problem // a value that stops every rotation
	if pending != nil && pending.Code == PendingMalformed {
		blocker = pending
	}
	switch {
	case current == nil:
		all = append(all, list(admin, pending)...)
	case current.Decide != nil && !j.expendable(j.pending()): // a rotation, which is a way out, stops at its value
		all = append(all, list(pending, current, admin)...)
	case current.Decide != nil && admin != nil && admin.Do == nil: // a rotation would fail for want of the admin
		all = append(all, list(admin, current, blocker)...)
	case current.Decide != nil || j.standing(labelPending) == Accepted: // the way out ends an unfinished rotation as well
		all = append(all, list(current, admin, blocker)...)
	default:
		all = append(all, list(current, admin, pending)...)
	}
	return append(all, j.scheduleProblems(current)...)
}

func list(problems ...*Problem) []Problem {
	var found []Problem
	for _, p := range problems {
		if p != nil {
			found = append(found, *p)
		}
	}
	return found
}

func verdict(problems []Problem) Verdict {
	for _, v := range []Verdict{Broken, Unknown, Attention} {
		if slices.ContainsFunc(problems, func(p Problem) bool { return p.verdict == v }) {
			return v
		}
	}
	return Healthy
}

// summary is one sentence: what is wrong, who feels it, what to do first.
func (j judge) summary(r Report) string {
	if len(r.Problems) == 0 {
		return "All is well: " + r.means() + "; there is nothing to do"
	}
	first := r.Problems[0]
	what, _, _ := strings.Cut(first.Text, ". ")
	what = strings.TrimSuffix(what, ".")
	feels := map[Verdict]string{
		Broken:    "whoever reads AWSCURRENT fails now",
		Attention: "whoever reads AWSCURRENT works",
		Unknown:   "whether the token of AWSCURRENT works is not known",
	}[r.Verdict]
	if r.Verdict == Attention && j.next.Fails != "" {
		feels += ", and the next rotation would end with " + string(j.next.Fails)
	}
	do := "first read the text of the problem"
	switch {
	case len(first.Do) > 0:
		do = "first: " + first.Do[0]
	case len(first.Decide) > 0:
		do = "a person has to decide"
	case r.Verdict == Unknown:
		do = "change nothing until it is known"
	}
	return what + "; " + feels + "; " + do
}

func tokens(versions []Version) []Token {
	all := []Token{}
	for _, v := range versions {
		t := Token{
			Label: v.Label, Version: v.ID, CreatedAt: stamp(v.Created), Fingerprint: v.Fingerprint,
			Standing: v.Standing, Why: v.Why,
		}
		if t.Label == "" {
			t.Label = "none"
		}
		all = append(all, t)
	}
	return all
}

func (j judge) rotation() Rotation {
	s := j.Secret
	r := Rotation{
		Enabled: s.RotationEnabled, Schedule: s.Schedule, Last: stamp(s.Last), Next: stamp(s.Next),
		Would: j.next.Would, WouldFail: string(j.next.Fails),
	}
	if p := j.pending(); p != nil {
		r.InProgress = "version " + p.ID
		if !p.Created.IsZero() {
			r.InProgress += " since " + stamp(p.Created)
		}
	}
	if s.Obstacle != "" || s.Kind != "" {
		r.Would, r.WouldFail = "", ""
	}
	return r
}

// stamp writes a time in whole seconds, "" for none.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
