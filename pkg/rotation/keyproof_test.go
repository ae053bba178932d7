package rotation_test

import (
	"slices"
	"strings"
	"time"

	"databrain-rotation/pkg/rotation"
	"databrain-rotation/pkg/standin/secretsmanagertest"
)

// keyConverges is for the schedules of an API token after which the list does not tell
// which key is in force. The rotation has to stop by name and make nothing more; time
// decides, or an operator does what the error says.
func (w *world) keyConverges(res secretsmanagertest.Result, err error) (secretsmanagertest.Result, error) {
	o := w.setup.options().switches
	if err == nil || !w.lostKey() {
		return res, err
	}
	switch name := nameOf(err); {
	case name == rotation.APITokenAmbiguous && o.KeepCreatedAt:
		// Another key of the same date may be older than AWSPREVIOUS's, until its end.
		w.watch.foreign(func() { time.Sleep(2 * gracePeriod) })
		return w.rotate(1)
	case name == rotation.APITokenAmbiguous && w.repeated():
		// Two keys were made in the same second: the operator stores one of them. While
		// AWSPREVIOUS works, the other may be older than that.
		w.storeLiveKey()
		if _, err := w.rotate(1); nameOf(err) != rotation.APITokenAmbiguous {
			w.watch.note("with a second key of one date: %v", err)
		}
		w.watch.foreign(func() { time.Sleep(2 * gracePeriod) })
		return w.rotate(1)
	case (name == rotation.APITokenNotListed || name == rotation.APITokenInGrace || name == rotation.APITokenRejected) &&
		o.RenameRotated:
		w.storeLiveKey() // the successor has another name
		return w.rotate(1)
	}
	return res, err
}

// storeLiveKey is what the errors advise: an operator stores a key of the data app that
// works, and that is not the one in AWSCURRENT.
func (w *world) storeLiveKey() {
	current, _ := w.sm.Value(w.secret, w.sm.Holder(w.secret, secretsmanagertest.Current))
	live := slices.DeleteFunc(w.db.LiveAPITokens(portal), func(key string) bool {
		return slices.Contains([]string{otherNameKey, tokenOf(current)}, key)
	})
	w.watch.foreign(func() { must(w.sm.ManualPut(w.secret, keyDocument(keyName, live[0]))) })
}

// repeated reports whether a request for a key reached Databrain twice, or so late that
// another may have come meanwhile.
func (w *world) repeated() bool {
	return slices.ContainsFunc(w.wire.calls, func(c *call) bool {
		return c.makesKey() && (c.fault.kind == twice || c.fault.kind == late)
	})
}

// lostKey reports whether an answer with a key was lost.
func (w *world) lostKey() bool {
	return slices.ContainsFunc(w.wire.calls, func(c *call) bool {
		return c.losesKey() || c.fault.kind == late && c.makesKey()
	})
}

// losesKey reports whether nobody has learned of the key that Databrain made: the
// answer is lost, or its reader died before it stored the key.
func (c *call) losesKey() bool {
	return c.makesKey() && c.fault.kind.tookEffect() || c.op == opPut && c.fault.kind == die
}

// share is 1/n of a proof that is for make proof: what the kinds of token have in common
// is proven with the service token, so that make test draws fewer of an API token.
func (s setup) share() int {
	if !s.ofKey() || *complete {
		return 1
	}
	return 24
}

func (c *call) makesKey() bool { return c.op == opRotateKey || c.op == opCreateKey }

// keysMade checks after a rotation how many keys were made: one, but for requests that
// the network delivered again or late, and for answers that were lost where the list
// does not tell. Each key that lives is in a version of the secret or listed.
func (o *watch) keysMade() {
	o.mu.Lock()
	defer o.mu.Unlock()
	s := o.w.setup
	most := 1
	invocations := make(map[*invocation]bool)
	for _, c := range o.w.wire.calls {
		switch {
		case c.makesKey() && (c.fault.kind == twice || c.fault.kind == late):
			most++
		case strings.HasPrefix(s.variant, "rename") && c.losesKey():
			most += 2 // once more, and once more for the operator
		}
		if c.inv.turn != nil {
			invocations[c.inv] = true
		}
	}
	most += max(0, len(invocations)-1) // two invocations that both ask
	if strings.HasPrefix(s.start, "import") {
		most-- // nothing is made
	}
	if made := o.w.db.MintedAPITokens(); made > most {
		o.broken("%d keys were made, %d at the most", made, most)
	}
}
