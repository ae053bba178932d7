package rotation_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"databrain-rotation/pkg/rotation"
	"databrain-rotation/pkg/standin/leaktest"
	"databrain-rotation/pkg/standin/secretsmanagertest"
)

// watch checks the invariants of a rotation and collects what breaks them:
//
//   - once a token works, the token of AWSCURRENT or of AWSPENDING works, after
//     every call with an effect, late ones included: nothing can lock the owner out;
//   - Databrain is only ever given the token that AWSPENDING holds already, and the
//     value of a version never changes: the pending version is a write-ahead log;
//   - AWSCURRENT moves only to a token whose last probe accepted it, in this rotation;
//   - AWSPENDING is never taken away; no other secret, host or address is written;
//   - nothing is written before DescribeSecret has answered, which the guards need;
//   - no answer is never read as rejected: after a probe without an answer an
//     invocation writes nothing but, in finishSecret, the label;
//   - Databrain is not asked to rotate by an invocation that finds a value in AWSPENDING;
//   - an invocation signs in once, saves twice, rotates or creates once, at the most;
//   - an API token is made once in a rotation, unless the network delivered the request
//     again or the list did not tell of the lost answer;
//   - an invocation ends half a second before its deadline, whatever hangs;
//   - a failure is one of the package's named errors;
//   - every byte of a value but the token survives;
//   - no credential is in a log, an error or a metric, in any encoding.
//
// What the world around a rotation does is not the rotation's fault: [watch.foreign].
// One limit shows here. A value that an operator stores between setSecret's first
// and last call ends the rotation, which learns of it only in the next step: if
// that value was Databrain's token, it is dead by then, and the new token is in a
// version without labels. Likewise a token that somebody saves in Databrain between
// finishSecret's probe and its move: AWSCURRENT moves to a token that has just died.
// So the first invariant pauses from such a change on.
type watch struct {
	w *world

	mu       sync.Mutex
	problems []string
	alive    bool              // AWSCURRENT or AWSPENDING worked
	settled  bool              // nothing foreign happened since the rotation began
	byHand   bool              // a value was stored, or a token saved, by others since the rotation began
	current  string            // the version with AWSCURRENT
	origin   string            // the value that the rotation starts from
	values   map[string]string // by version, as first stored
	proven   map[string]bool   // by token: what its last probe said
	bystand  string            // the secrets that no rotation may change
	password string            // the admin's
	secrets  map[string]string // the canaries and what was made since, and what they are
	errors   []string
}

func newWatch(w *world) *watch {
	return &watch{
		w:        w,
		password: adminPassword,
		values:   make(map[string]string),
		proven:   make(map[string]bool),
		secrets:  maps.Clone(canaries),
	}
}

// canaries are the credentials that worlds begin with, and what they are.
var canaries = map[string]string{
	adminPassword: "the admin's password", firstToken: "the first token", previousToken: "the previous token",
	pendingToken: "the old pending token", bystanderToken: "another secret", foreignToken: "a foreign token",
	serviceToken: "the service token", firstKey: "the first key", otherAppKey: "another app's key",
}

// searchCanaries is made once, because it takes longer than the search.
var searchCanaries = leaktest.For(slices.Collect(maps.Keys(canaries))...)

// begin takes the state that a rotation starts from.
func (o *watch) begin() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.rebase()
	clear(o.proven)
	o.settled, o.byHand = true, false
	if o.bystand == "" {
		o.bystand = o.others()
	}
}

// foreign lets somebody else change the world, and takes the result as given.
func (o *watch) foreign(change func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	change()
	o.rebase()
	o.bystand = o.others()
	o.settled = false
}

// rebase: o.mu is held.
func (o *watch) rebase() {
	o.current = o.holder(secretsmanagertest.Current)
	o.origin, _ = o.w.sm.Value(o.w.secret, o.current)
	o.alive = o.anyWorks()
	for _, v := range o.w.sm.Snapshot(o.w.secret) {
		if value, ok := o.w.sm.Value(o.w.secret, v.ID); ok {
			o.values[v.ID] = value
			o.secrets[tokenOf(value)] = "a stored token"
		}
	}
}

func (o *watch) holder(label string) string { return o.w.sm.Holder(o.w.secret, label) }

func (o *watch) works(version string) bool {
	value, ok := o.w.sm.Value(o.w.secret, version)
	return ok && o.opens(tokenOf(value))
}

// opens reports whether the instance accepts a token of the kind that the world rotates.
func (o *watch) opens(token string) bool {
	if o.w.setup.ofKey() {
		return o.w.db.APITokenWorks(token)
	}
	return o.w.db.TokenWorks(token)
}

func (o *watch) anyWorks() bool {
	return o.works(o.holder(secretsmanagertest.Current)) || o.works(o.holder(secretsmanagertest.Pending))
}

// others is the state of the secrets that a rotation only reads or never sees.
func (o *watch) others() string {
	var text strings.Builder
	for _, id := range []string{o.w.admin, o.w.bystander, o.w.service} {
		if id == "" {
			continue
		}
		for _, v := range o.w.sm.Snapshot(id) {
			value, _ := o.w.sm.Value(id, v.ID)
			fmt.Fprintln(&text, v, value)
		}
	}
	return text.String()
}

// note is broken for those who do not hold o.mu.
func (o *watch) note(format string, args ...any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.broken(format, args...)
}

// broken: o.mu is held.
func (o *watch) broken(format string, args ...any) {
	o.problems = append(o.problems, fmt.Sprintf(format, args...))
}

// beforeCall checks what a call asks for.
func (o *watch) beforeCall(c *call) {
	o.mu.Lock()
	defer o.mu.Unlock()
	c.inv.counts[c.op]++
	var in struct {
		SecretId, ClientRequestToken, RotationToken string
		MoveToVersionId, RemoveFromVersionId        string
		VersionStages                               []string
		SecretString, Token                         string
	}
	if len(c.body) > 0 {
		if err := json.Unmarshal(c.body, &in); err != nil {
			o.broken("call %d has a body that is no JSON", c.n)
		}
	}
	event := c.inv.event
	o.secrets[event.RotationToken.Reveal()] = "the RotationToken"
	if c.inv.unanswered && c.writes() && c.op != opMove {
		o.broken("call %d: %q after a probe that had no answer", c.n, c.op)
	}
	if c.writes() && !c.inv.described {
		o.broken("call %d: %q before the secret was described", c.n, c.op)
	}
	switch c.op {
	case opProbe,
		opProbeKey,
		opListKeys,
		opListApps,
		opCreateKey,
		opSignIn,
		"DescribeSecret",
		"GetSecretValue of databrain/admin",
		"GetSecretValue AWSCURRENT of " + serviceSecret,
		"GetSecretValue AWSPENDING of " + serviceSecret,
		"GetSecretValue AWSCURRENT",
		"GetSecretValue AWSPENDING",
		"GetSecretValue AWSPREVIOUS":
	case opRotate, opRotateKey:
		if c.inv.stored && o.w.setup.variant != "read-lag" {
			o.broken("call %d asks Databrain to rotate, although AWSPENDING has a value", c.n)
		}
		if !strings.Contains(string(c.body), fmt.Sprintf(`"expireAt":%d`, o.w.setup.options().grace/time.Second)) {
			o.broken("call %d does not give the grace period as a number of seconds", c.n)
		}
	case opPut:
		o.secrets[tokenOf(in.SecretString)] = "a minted token"
		if in.SecretId != event.SecretID || in.ClientRequestToken != event.Version ||
			in.RotationToken != event.RotationToken.Reveal() {
			o.broken("call %d stores a value in another version, or without the RotationToken", c.n)
		}
		if tokenOf(in.SecretString) == event.Version {
			o.broken("call %d makes the ClientRequestToken, which is in CloudTrail, the credential", c.n)
		}
		if o.settled && in.SecretString != withToken(o.origin, tokenOf(in.SecretString)) {
			o.broken("call %d stores a value that differs from AWSCURRENT in more than the token", c.n)
		}
	case opMove:
		if in.SecretId != event.SecretID || in.MoveToVersionId != event.Version {
			o.broken("call %d moves a label to another version", c.n)
		}
		c.proven = o.proven[tokenOf(o.values[event.Version])] // it may arrive late, when others have changed the token
	case opProve:
		if in.SecretId != event.SecretID || in.MoveToVersionId != event.Version || in.RemoveFromVersionId != event.Version {
			o.broken("call %d moves AWSPENDING to another version", c.n)
		}
	case opSave:
		if value := o.values[event.Version]; value == "" || tokenOf(value) != in.Token {
			o.broken("call %d saves a token that AWSPENDING does not hold", c.n)
		}
	default:
		o.broken("call %d is none that a rotation needs: %s %s %s", c.n, c.req.Method, c.req.URL.Path, c.op)
	}
	for op, most := range map[string]int{opSignIn: 1, opSave: 2, opRotate: 1, opCreateKey: 1, opRotateKey: 1,
		opMove:  o.w.wireTries(),
		opProve: o.w.wireTries(), opPut: 40} {
		if c.inv.counts[op] > most {
			o.broken("call %d: %q for the %d. time in one invocation", c.n, op, c.inv.counts[op])
		}
	}
}

// wireTries is how often the SDK may send one request.
func (w *world) wireTries() int {
	if w.setup.options().sdkRetry {
		return 3
	}
	return 1
}

// delivered checks the state after a call has taken effect; pending is the version
// that had AWSPENDING before it.
func (o *watch) delivered(c *call, pending string, body []byte) {
	if !c.writes() {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	var answer struct {
		Key  string
		Data json.RawMessage
	}
	if json.Unmarshal(body, &answer) == nil {
		var data struct{ AccessToken string }
		_ = json.Unmarshal(answer.Data, &data) // most answers have none
		o.secrets[answer.Key], o.secrets[data.AccessToken] = "a token of Databrain", "a JWT"
	}
	if alive := o.anyWorks(); alive || o.alive {
		if !alive && !o.byHand && o.w.setup.options().grace > 0 {
			o.broken("after call %d neither AWSCURRENT nor AWSPENDING works", c.n)
		}
		o.alive = alive
	}
	if now := o.holder(secretsmanagertest.Pending); now != pending && now != c.inv.event.Version {
		o.broken("call %d took AWSPENDING away", c.n)
	}
	o.moved(c)
	for _, v := range o.w.sm.Snapshot(o.w.secret) {
		value, ok := o.w.sm.Value(o.w.secret, v.ID)
		switch old := o.values[v.ID]; {
		case ok && old == "":
			o.values[v.ID] = value
		case value != old:
			o.broken("call %d changed the value of a version", c.n)
		}
	}
}

// moved checks a move of AWSCURRENT; o.mu is held.
func (o *watch) moved(c *call) {
	current := o.holder(secretsmanagertest.Current)
	if current == o.current {
		return
	}
	old, token := tokenOf(o.values[o.current]), tokenOf(o.values[current])
	o.current = current
	if current != c.inv.event.Version {
		o.broken("call %d moved AWSCURRENT to a version of another rotation", c.n)
	}
	if token == old {
		o.broken("call %d moved AWSCURRENT to an identical token", c.n)
	}
	if !c.proven {
		o.broken("call %d moved AWSCURRENT to a token that the last probe did not prove", c.n)
	}
}

// probed takes note of what the caller has learned from a probe; nil = nothing.
func (o *watch) probed(c *call, answer *reply) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if answer == nil {
		c.inv.unanswered = true
		return
	}
	if o.w.setup.ofKey() && c.op == opProbe { // it asks whether a key is a service token
		return
	}
	o.proven[strings.TrimPrefix(c.req.Header.Get("Authorization"), "Bearer ")] = answer.status/100 == 2
}

// described takes note that the invocation knows the labels.
func (o *watch) described(inv *invocation) {
	o.mu.Lock()
	defer o.mu.Unlock()
	inv.described = true
}

// afterStep checks the end of an invocation.
func (o *watch) afterStep(inv *invocation, took time.Duration, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if took > o.w.lambda-reportTime {
		o.broken("%s ended after %v, too late to report before the deadline", inv.step, took)
	}
	if err == nil || errors.Is(err, errDied) {
		return
	}
	o.errors = append(o.errors, err.Error(), fmt.Sprintf("%+v", err))
	if _, named := err.(*rotation.Error); !named {
		o.broken("%s failed with a %T, which names nothing that an alarm could match", inv.step, err)
	}
}

// succeeded checks the state that a rotation of version leaves.
func (o *watch) succeeded(version string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.holder(secretsmanagertest.Current) != version {
		o.broken("the rotation succeeded, and AWSCURRENT is not on its version")
	}
	value, _ := o.w.sm.Value(o.w.secret, version)
	if !o.opens(tokenOf(value)) {
		o.broken("the rotation succeeded, and AWSCURRENT does not work")
	}
	if o.w.setup.ofKey() && strings.HasPrefix(o.w.db.APITokenName(tokenOf(value)), otherName) {
		o.broken("the rotation succeeded with the key of another token")
	}
	if value != withToken(o.origin, tokenOf(value)) || tokenOf(value) == tokenOf(o.origin) {
		o.broken("the rotation changed more or less than the token")
	}
}

// end checks what no step may have touched or printed, and returns all problems.
func (o *watch) end() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.others() != o.bystand {
		o.broken("another secret was changed")
	}
	if o.w.setup.ofKey() {
		for _, key := range o.w.db.LiveAPITokens(portal) {
			o.secrets[key] = "a listed key"
		}
	}
	texts := map[string]string{
		"the log": o.w.log.String(), "a metric": o.w.metrics.String(), "an error": strings.Join(o.errors, "\n"),
	}
	var others []string
	for secret := range o.secrets {
		if canaries[secret] == "" {
			others = append(others, secret)
		}
	}
	for _, search := range []*leaktest.Search{searchCanaries, leaktest.For(others...)} {
		for where, text := range texts {
			if secret, form := search.Find(text); secret != "" {
				o.broken("%s is in %s (%s)", o.secrets[secret], where, form)
			}
		}
	}
	slices.Sort(o.problems)
	return slices.Compact(o.problems)
}
