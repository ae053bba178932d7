package standin

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Listener serves a handler on a loopback address. The zero value is ready; it is
// safe for concurrent use.
type Listener struct {
	mu          sync.Mutex
	server      *http.Server
	done        chan struct{}
	connections atomic.Int64
}

// Listen serves h on a TCP address of the loopback interface, such as
// "127.0.0.1:8080", until [Listener.Close]; "" is any free port. It returns the URL
// of the listener's root.
func (l *Listener) Listen(addr string, h http.Handler) (url string, err error) {
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return "", fmt.Errorf("listen on %q: %w", addr, err)
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return "", fmt.Errorf("listen on %q: not a loopback address", addr)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.server != nil {
		return "", errors.New("listen: already listening")
	}
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return "", err
	}
	server, done := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute, ConnState: l.count}, make(chan struct{})
	l.server, l.done = server, done
	go func() {
		defer close(done)
		server.Serve(listener) // ends with http.ErrServerClosed
	}()
	return "http://" + listener.Addr().String(), nil
}

// Close ends the listener and cuts the open connections. It may listen again.
func (l *Listener) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.server == nil {
		return nil
	}
	err := l.server.Close()
	<-l.done
	l.server = nil
	return err
}

// NewConnections is the number of connections that clients have opened; requests
// in the process open none.
func (l *Listener) NewConnections() int { return int(l.connections.Load()) }

func (l *Listener) count(_ net.Conn, state http.ConnState) {
	if state == http.StateNew {
		l.connections.Add(1)
	}
}
