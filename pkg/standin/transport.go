package standin

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"sync"
	"syscall"
)

// ErrReset is what a client sees when the handler cut the connection before the
// first byte: the request may or may not have taken effect. It matches
// [syscall.ECONNRESET].
var ErrReset = fmt.Errorf("standin: connection cut by the handler: %w", syscall.ECONNRESET)

// Transport is an [http.RoundTripper] that serves every request with Handler,
// whatever its host, without a socket: a goroutine blocked on a real socket would
// stop the clock of a testing/synctest bubble. Bodies stream: the response arrives as
// soon as the handler has written a header, and a handler that stalls stalls its
// reader.
//
// A handler shows network faults the way it would to net/http's server: it panics
// with [http.ErrAbortHandler] to cut the connection, declares a longer
// Content-Length than it writes to truncate a body, and waits on the request's
// context to be slow.
//
// As on a real connection, a client that goes away does not undo what the
// handler did.
type Transport struct {
	Handler http.Handler
}

// RoundTrip implements [http.RoundTripper]. It returns [ErrReset] when the
// handler aborts before its first byte, and the context's error when that ends
// first; an abort after the first byte is an [io.ErrUnexpectedEOF] of the body.
func (t Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx := req.Context()
	in, err := serverRequest(req)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	Report(req, true)
	pr, pw := io.Pipe()
	w := &writer{pipe: pw, header: make(http.Header), started: make(chan struct{})}
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		w.serve(t.Handler, in)
	}()

	select {
	case <-w.started:
	case <-ctx.Done():
		pr.CloseWithError(ctx.Err())
		return nil, ctx.Err()
	}
	if w.aborted {
		return nil, ErrReset
	}
	closed := make(chan struct{})
	go func() {
		select {
		case <-ctx.Done():
			pw.CloseWithError(ctx.Err())
		case <-closed:
		case <-finished:
		}
	}()
	return &http.Response{
		Status:     strconv.Itoa(w.status) + " " + http.StatusText(w.status),
		StatusCode: w.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.sent, ContentLength: contentLength(w.sent), Request: req,
		Body: &body{PipeReader: pr, closed: closed},
	}, nil
}

// Report tells the request's [httptrace.ClientTrace] what a real transport would: that
// a connection was looked for, and, if wrote, that the header was written to one.
func Report(req *http.Request, wrote bool) {
	trace := httptrace.ContextClientTrace(req.Context())
	if trace == nil {
		return
	}
	if trace.GetConn != nil {
		trace.GetConn(req.URL.Host)
	}
	if wrote && trace.WroteHeaders != nil {
		trace.WroteHeaders()
	}
}

// serverRequest is req as a server would see it, its body read to the end.
func serverRequest(req *http.Request) (*http.Request, error) {
	var sent []byte
	if req.Body != nil {
		defer req.Body.Close()
		var err error
		if sent, err = io.ReadAll(req.Body); err != nil {
			return nil, err
		}
	}
	in := req.Clone(req.Context())
	in.Body = io.NopCloser(bytes.NewReader(sent))
	in.ContentLength = int64(len(sent))
	in.RequestURI = req.URL.RequestURI()
	in.RemoteAddr = "127.0.0.1:1"
	if in.Host == "" {
		in.Host = req.URL.Host
	}
	return in, nil
}

func contentLength(h http.Header) int64 {
	n, err := strconv.ParseInt(h.Get("Content-Length"), 10, 64)
	if err != nil {
		return -1
	}
	return n
}

type body struct {
	*io.PipeReader
	once   sync.Once
	closed chan struct{}
}

func (b *body) Close() error {
	b.once.Do(func() { close(b.closed) })
	return b.PipeReader.Close()
}

// writer is the [http.ResponseWriter] of one request. Its fields below started
// are written before started is closed and only read after it.
type writer struct {
	pipe    *io.PipeWriter
	header  http.Header
	written int64

	length int64 // that the header states; -1 if it does not

	started chan struct{}
	status  int
	sent    http.Header
	aborted bool
}

func (w *writer) serve(h http.Handler, in *http.Request) {
	defer func() {
		fault := recover()
		if fault != nil && fault != http.ErrAbortHandler {
			panic(fault)
		}
		if fault != nil && w.status == 0 {
			w.aborted = true
			close(w.started)
			return
		}
		w.WriteHeader(http.StatusOK)
		if err := in.Context().Err(); err != nil {
			w.pipe.CloseWithError(err)
			return
		}
		want := w.length
		if in.Method == http.MethodHead { // which states the length of a body that does not follow
			want = 0
		}
		if fault != nil || w.written < want {
			w.pipe.CloseWithError(io.ErrUnexpectedEOF)
			return
		}
		w.pipe.Close()
	}()
	h.ServeHTTP(w, in)
}

// Header implements [http.ResponseWriter].
func (w *writer) Header() http.Header { return w.header }

// WriteHeader implements [http.ResponseWriter]; later calls change nothing.
func (w *writer) WriteHeader(status int) {
	if w.status != 0 {
		return
	}
	w.status, w.sent = status, w.header.Clone()
	w.length = contentLength(w.sent) // the client owns sent from here on
	close(w.started)
}

// Write implements [http.ResponseWriter].
func (w *writer) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	n, err := w.pipe.Write(p)
	w.written += int64(n)
	return n, err
}

// Flush implements [http.Flusher].
func (w *writer) Flush() { w.WriteHeader(http.StatusOK) }
