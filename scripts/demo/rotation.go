package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"

	"databrain-rotation/pkg/standin"
	"databrain-rotation/pkg/standin/labtest"
	"databrain-rotation/pkg/standin/runtimetest"
	"databrain-rotation/pkg/standin/secretsmanagertest"
	"databrain-rotation/scripts/console"
)

const (
	savePath  = "/api/v2/service-token"
	probePath = "/api/v2/data-app"
)

// rotationAct is one rotation by the built function.
type rotationAct struct {
	*stage
	version string            // ClientRequestToken
	env     map[string]string // beyond the lab's
	faults  []standin.Fault
	lives   bool // the old token must go on working, for a grace period
}

// play rotates and shows each step, then checks the promises.
func (a rotationAct) play(ctx context.Context) error {
	env := a.lab.Rotate()
	maps.Copy(env, a.env)
	function, err := a.function(ctx, "rotate", env)
	if err != nil {
		return err
	}
	defer function.Close()
	before := a.token()
	a.showLabels("before", labtest.TokenSecret, tokenOf, a.lab.Databrain.TokenWorks)
	for _, fault := range a.faults {
		a.lab.Databrain.Inject(fault)
	}

	a.stepsBelow()
	a.lab.Secrets.SetRotationFunction(labtest.RotationARN, func(ctx context.Context, event []byte) error {
		return a.stepOf(ctx, function, event, labtest.Payload)
	})
	result, err := a.lab.Secrets.Rotate(ctx, labtest.TokenSecret,
		secretsmanagertest.RotateOptions{ClientRequestToken: a.version})
	if err != nil {
		a.promise(false, "the rotation succeeds: %v", err)
		return nil
	}
	a.printf("\n")
	a.showLabels("after", labtest.TokenSecret, tokenOf, a.lab.Databrain.TokenWorks)
	a.printf("\n")
	a.checkPromises(result, before)
	return nil
}

// stepOf runs the step of an event from its payload in events/, which read finds.
func (st *stage) stepOf(
	ctx context.Context, function *runtimetest.Function, event []byte,
	read func(dir, step, version string) ([]byte, error),
) error {
	var in struct{ Step, ClientRequestToken string }
	if err := json.Unmarshal(event, &in); err != nil {
		return err
	}
	payload, err := read("events", in.Step, in.ClientRequestToken)
	if err != nil {
		return err
	}
	return st.step(ctx, function, in.Step, payload)
}

// step runs one step of a rotation and shows how it ended.
func (st *stage) step(ctx context.Context, function *runtimetest.Function, step string, payload []byte) error {
	result, err := function.Invoke(ctx, payload, runtimetest.Options{})
	if err != nil {
		return err
	}
	cold, outcome := "", st.in(green, "succeeded")
	if result.ColdStart {
		cold = ms(result.InitDuration)
	}
	if result.Err != nil {
		outcome = st.in(red, "failed: "+result.Err.Type)
	}
	words := said(result.Log)
	if len(words) > 0 && result.Err == nil {
		outcome += ": " + words[0]
		words = words[1:]
	}
	st.printf("  %-14s %9s %10s  %s\n", step, ms(result.Duration), cold, outcome)
	for _, line := range words {
		st.printf("  %35s  %s\n", "", line)
	}
	if result.Err != nil {
		st.note("               Secrets Manager begins again at createSecret, with the same ClientRequestToken")
		return result.Err
	}
	return nil
}

// stepsBelow shows the header of what [stage.step] shows.
func (st *stage) stepsBelow() {
	st.printf("\n  %-14s %9s %10s  %s\n", "step", "duration", "cold start", "outcome")
}

// said is the function's own words: the messages that it logged in the step, in lines
// that fit behind the columns.
func said(log string) []string {
	var words []string
	for line := range strings.Lines(log) {
		var entry struct{ Level, Message string }
		if json.Unmarshal([]byte(line), &entry) != nil {
			continue
		}
		switch entry.Message {
		case "", "cold start", "step ended", "step failed":
		default:
			words = append(words, console.Wrap(entry.Message, 61)...)
		}
	}
	return words
}

func (a rotationAct) token() string {
	value, _ := a.lab.Secrets.Value(labtest.TokenSecret,
		a.lab.Secrets.Holder(labtest.TokenSecret, secretsmanagertest.Current))
	return tokenOf(value)
}

// empty stands for a token that a value does not have. No instance accepts it.
const empty = "(empty)"

func tokenOf(value string) string {
	var document struct{ Token string }
	if err := json.Unmarshal([]byte(value), &document); err != nil || document.Token == "" {
		return empty
	}
	return document.Token
}

// showLabels shows each labelled version of a secret, and whether Databrain accepts
// the token that read finds in its value.
func (st *stage) showLabels(when, secret string, read func(value string) string, works func(token string) bool) {
	for _, version := range st.lab.Secrets.Snapshot(secret) {
		if len(version.Labels) == 0 {
			continue
		}
		value, _ := st.lab.Secrets.Value(secret, version.ID)
		accepted := st.in(dim, "Databrain rejects its token")
		switch token := read(value); {
		case token == empty:
			accepted = st.in(dim, "its token is empty")
		case works(token):
			accepted = st.in(green, "Databrain accepts its token")
		}
		st.printf("  %-7s version %s  %-24s %s\n", when, short(version.ID), strings.Join(version.Labels, " "), accepted)
		when = ""
	}
}

func (a rotationAct) checkPromises(result secretsmanagertest.Result, before string) {
	now := a.token()
	holder := a.lab.Secrets.Holder(labtest.TokenSecret, secretsmanagertest.Current)
	a.promise(holder == result.VersionID, "AWSCURRENT is on the new version, after %s",
		console.Count(result.Attempts(), "attempt"))
	a.promise(now != before && a.lab.Databrain.TokenWorks(now),
		"AWSCURRENT holds another token than before, and Databrain accepts it")
	if a.lives {
		a.promise(a.lab.Databrain.TokenWorks(before), "the old token still works, for the grace period")
	} else {
		a.promise(!a.lab.Databrain.TokenWorks(before), "the old token is dead")
	}
	value, _ := a.lab.Secrets.Value(labtest.TokenSecret, holder)
	a.promise(value == fmt.Sprintf(documentForm, now), "the other members of the secret are as they were, byte for byte")
}

// lostAnswer breaks a rotation at its worst moment: Databrain saves the token and
// its answer is lost, and so is the answer to the question whether it was saved.
func lostAnswer() []standin.Fault {
	saved := func(r *http.Request) bool { return r.URL.Path == savePath }
	return []standin.Fault{
		{Operation: http.MethodPost, When: saved, AfterEffect: true, Do: standin.Cut()},
		{Operation: http.MethodGet, Target: probePath, Skip: 2, Do: standin.BadGateway()},
	}
}
