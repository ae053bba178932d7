package main

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"

	"databrain-rotation/pkg/standin"
)

// recorder passes on the requests that deployed functions make to AWS and keeps what
// IAM would judge them by.
type recorder struct {
	url    string
	server *http.Server

	mu   sync.Mutex
	seen map[standin.Access]bool
}

func startRecorder(target string) (*recorder, error) {
	engine, err := url.Parse(target)
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &recorder{url: "http://" + l.Addr().String(), seen: map[standin.Access]bool{}}
	pass := httputil.NewSingleHostReverseProxy(engine)
	r.server = &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, in *http.Request) {
		body, err := io.ReadAll(in.Body)
		if err != nil {
			panic(http.ErrAbortHandler) // the function went away
		}
		in.Body = io.NopCloser(bytes.NewReader(body))
		r.keep(standin.Accesses(in, body))
		pass.ServeHTTP(w, in)
	})}
	go r.server.Serve(l) // ends with http.ErrServerClosed
	return r, nil
}

func (r *recorder) keep(accesses []standin.Access) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, a := range accesses {
		r.seen[a] = true
	}
}

func (r *recorder) close() { r.server.Close() }
