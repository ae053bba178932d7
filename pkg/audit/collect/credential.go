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

// credential is the service token of a run. A rotation may replace it half-way:
// then the secret is read again, once.
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

// current is the token to use, with its number.
func (c *credential) current() (databrain.Secret, int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.token, c.number
}

// worked is called when the instance took the token of that number. What else there
// was to try is out of the question then: should a single request be refused later,
// the run must not fall back to a token that a rotation has replaced.
func (c *credential) worked(number int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if number == c.number {
		c.next = nil
	}
}

// renew is called when the instance refused the token of that number. It reports
// whether there is another one now. In the middle of a rotation the instance may
// know the new token while AWSCURRENT still is on the old one, so what AWSPENDING
// holds is tried as well.
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

// others reads the tokens of AWSCURRENT and AWSPENDING that are not the refused
// one. That one of them can not be read is usual: without a rotation there is no
// AWSPENDING. The refused one comes last: if the others are refused too, the
// instance may have refused a single request and not the token.
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
