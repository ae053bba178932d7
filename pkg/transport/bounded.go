package transport

import (
	"context"
	"io"
	"net/http"
	"sync/atomic"
	"time"
)

// Doer is the client that the AWS SDK sends an attempt with.
type Doer interface {
	Do(*http.Request) (*http.Response, error)
}

// Bounded returns a client that gives an attempt up once nothing has come forward for
// patience: no piece of the request was taken, and none of the answer arrived. So a
// call that hangs leaves the SDK time for another attempt, on a connection that works
// (aws/aws-sdk-go#1144), and a large object may take as long as it moves.
func Bounded(client Doer, patience time.Duration) Doer { return bounded{client, patience} }

type bounded struct {
	client   Doer
	patience time.Duration
}

// StalledError is the end of an attempt that hung. The SDK sees that it can be retried.
type StalledError struct{ After time.Duration }

func (e *StalledError) Error() string { return "no answer within " + e.After.String() }

// Timeout implements [net.Error].
func (*StalledError) Timeout() bool { return true }

// Temporary implements [net.Error].
func (*StalledError) Temporary() bool { return true }

func (b bounded) Do(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(req.Context())
	stalled := &StalledError{b.patience}
	timer := time.AfterFunc(b.patience, func() { cancel(stalled) })
	req = req.WithContext(ctx)
	var answered atomic.Bool // a transport may read the body of a request on when the answer has come
	if req.Body != nil && req.Body != http.NoBody {
		req.Body = &watchedBody{ReadCloser: req.Body, progress: func() {
			if !answered.Load() {
				timer.Reset(b.patience)
			}
		}}
	}
	resp, err := b.client.Do(req)
	answered.Store(true)
	timer.Stop()
	if err != nil {
		if context.Cause(ctx) == stalled {
			err = stalled
		}
		cancel(nil)
		return nil, err
	}
	resp.Body = &boundedBody{
		ReadCloser: resp.Body,
		timer:      timer,
		patience:   b.patience,
		cancel:     cancel,
		ctx:        ctx,
		stalled:    stalled,
	}
	return resp, nil
}

// watchedBody tells when the transport takes another piece of a request.
//
// It also hides the method WriteTo of the SDK's bodies. When the answer is there, the
// SDK closes the body, and its WriteTo returns io.EOF from then on, where io.WriterTo
// wants nil. If net/http has yet to look whether the body has an end, it takes that
// for a failed write and gives the connection up. A function that Lambda gives a
// fraction of a CPU is often late, and the next call pays for TLS.
type watchedBody struct {
	io.ReadCloser
	progress func()
}

func (b *watchedBody) Read(p []byte) (int, error) {
	b.progress()
	return b.ReadCloser.Read(p)
}

// boundedBody is an answer; the time runs while it is being read.
type boundedBody struct {
	io.ReadCloser
	timer    *time.Timer
	patience time.Duration
	ctx      context.Context
	cancel   context.CancelCauseFunc
	stalled  *StalledError
}

func (b *boundedBody) Read(p []byte) (int, error) {
	b.timer.Reset(b.patience)
	n, err := b.ReadCloser.Read(p)
	b.timer.Stop()
	if err != nil && err != io.EOF && context.Cause(b.ctx) == b.stalled {
		err = b.stalled
	}
	return n, err
}

func (b *boundedBody) Close() error {
	defer b.cancel(nil)
	return b.ReadCloser.Close()
}
