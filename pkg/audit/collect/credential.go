package collect

import (
	"context"
	"sync"

	"databrain-rotation/pkg/databrain"
)

// Staging labels of the secret's versions.
const (
	LabelCurrent = "AWSCURRENT"
	LabelPending = "AWSPENDING"
)

// credential is the service token of a run. A rotation may replace the token while the
// run reads. The run then reads the secret again, but only once.
type credential struct {
	read func(ctx context.Context, label string) (databrain.Secret, error)

	mu     sync.Mutex
	token  databrain.Secret
	number int                // of the token, counted from the run's first
	next   []databrain.Secret // further tokens to try

	turn   chan struct{} // holds one value while the secret is read; guards reread
	reread bool
}

func newCredential(token databrain.Secret, read func(context.Context, string) (databrain.Secret, error)) *credential {
	return &credential{read: read, token: token, turn: make(chan struct{}, 1)}
}

// current returns the token to use and its number.
func (c *credential) current() (databrain.Secret, int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.token, c.number
}

// worked records that the instance accepted the token of that number, and drops the other
// tokens. If the instance refuses a single request later, the run must not fall back to a
// token that a rotation has replaced.
func (c *credential) worked(number int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if number == c.number {
		c.next = nil
	}
}

// renew moves on to another token after the instance refused the token of that number. It
// returns false if there is no other token. During a rotation the instance may already
// accept the new token while AWSCURRENT is still on the old version, so renew also tries
// the token of AWSPENDING.
func (c *credential) renew(ctx context.Context, refused int) bool {
	select {
	case c.turn <- struct{}{}:
	case <-ctx.Done():
		return false
	}
	defer func() { <-c.turn }()
	token, number := c.current()
	if number > refused {
		return true
	}
	var others []databrain.Secret
	if !c.reread {
		c.reread = true
		others = c.others(ctx, token)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.next = append(c.next, others...)
	if len(c.next) == 0 {
		return false
	}
	c.token, c.next = c.next[0], c.next[1:]
	c.number++
	return true
}

// others returns the tokens of AWSCURRENT and AWSPENDING that differ from the refused
// token. A token that cannot be read is left out, because outside a rotation no version
// has AWSPENDING. The refused token comes last: if the instance refuses the others too,
// it may have refused a single request and not the token.
func (c *credential) others(ctx context.Context, refused databrain.Secret) []databrain.Secret {
	var found []databrain.Secret
	for _, label := range []string{LabelCurrent, LabelPending} {
		token, err := c.read(ctx, label)
		if err != nil || token.Equal(refused) || len(found) > 0 && token.Equal(found[0]) {
			continue
		}
		found = append(found, token)
	}
	if len(found) > 0 {
		found = append(found, refused)
	}
	return found
}
