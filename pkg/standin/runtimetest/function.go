package runtimetest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"
)

// ErrClosed is returned by [Function.Invoke] when the function was closed before
// or during the invocation.
var ErrClosed = errors.New("runtimetest: the function is closed")

// Function is a function ready to be invoked: the pool of its execution
// environments. It is safe for concurrent use.
type Function struct {
	config Config
	once   sync.Once
	busy   sync.WaitGroup

	mu     sync.Mutex
	closed bool
	idle   []*environment
	live   map[*environment]struct{}
	logMu  sync.Mutex
}

// Start checks the configuration and returns the function. No process runs until
// the first invocation, which is the cold start. The end of ctx closes the
// function.
func Start(ctx context.Context, c Config) (*Function, error) {
	c, err := c.complete()
	if err != nil {
		return nil, err
	}
	f := &Function{config: c, live: make(map[*environment]struct{})}
	context.AfterFunc(ctx, f.Close)
	return f, nil
}

// Close kills every process of the function together with its descendants, waits
// until they are gone and removes what they were given. Invocations under way
// return [ErrClosed].
func (f *Function) Close() {
	f.once.Do(func() {
		f.mu.Lock()
		f.closed = true
		f.mu.Unlock()
		f.Kill()
		f.busy.Wait()
		for _, e := range f.idle {
			f.copyLog(f.discard(e))
		}
	})
}

// Kill kills the function's processes, idle ones and those in the middle of an
// invocation, and returns when they are gone. An invocation under way ends with
// Runtime.ExitError; the next one starts afresh.
func (f *Function) Kill() {
	f.mu.Lock()
	live := make([]*environment, 0, len(f.live))
	for e := range f.live {
		live = append(live, e)
	}
	f.mu.Unlock()
	for _, e := range live {
		e.kill()
	}
}

// Invoke runs the function once on the payload, in a warm environment when one is
// free and in a new one otherwise. The end of ctx kills the environment and is
// returned as an error: it is the test that gives up, not Lambda.
func (f *Function) Invoke(ctx context.Context, payload []byte, o Options) (Result, error) {
	e, err := f.take()
	if err != nil {
		return Result{}, err
	}
	defer f.busy.Done()
	res, again, err := e.run(ctx, f.newInvocation(payload, o))
	if again {
		res.Log = e.drain()
	} else {
		res.Log = f.discard(e)
	}
	f.copyLog(res.Log)

	f.mu.Lock()
	defer f.mu.Unlock()
	if again {
		f.idle = append(f.idle, e)
	}
	if f.closed {
		return Result{}, ErrClosed
	}
	return res, err
}

// take finds a warm environment or prepares a new one.
func (f *Function) take() (*environment, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil, ErrClosed
	}
	f.busy.Add(1)
	for n := len(f.idle) - 1; n >= 0; n-- {
		e := f.idle[n]
		f.idle = f.idle[:n]
		if !e.gone() {
			return e, nil
		}
		delete(f.live, e)
		f.copyLog(e.close())
	}
	e, err := newEnvironment(f.config)
	if err != nil {
		f.busy.Done()
		return nil, err
	}
	f.live[e] = struct{}{}
	return e, nil
}

// discard ends the environment and returns what it had left to say.
func (f *Function) discard(e *environment) string {
	last := e.close()
	f.mu.Lock()
	delete(f.live, e)
	f.mu.Unlock()
	return last
}

func (f *Function) copyLog(text string) {
	if f.config.Log == nil || text == "" {
		return
	}
	f.logMu.Lock()
	defer f.logMu.Unlock()
	fmt.Fprint(f.config.Log, text)
}

// invocation is one event on its way through an environment.
type invocation struct {
	id, arn, trace string
	payload        []byte
	timeout        time.Duration
	deadline       time.Time
}

func (f *Function) newInvocation(payload []byte, o Options) *invocation {
	random := make([]byte, 20)
	rand.Read(random)
	inv := &invocation{
		id: o.RequestID, arn: f.config.arn(), payload: payload, timeout: o.Timeout,
		trace: fmt.Sprintf("Root=1-%08x-%x;Parent=%x;Sampled=0", time.Now().Unix(), random[:12], random[12:]),
	}
	if inv.id == "" {
		inv.id = uuid.NewString()
	}
	if inv.timeout == 0 {
		inv.timeout = f.config.Timeout
	}
	return inv
}
