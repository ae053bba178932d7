package databraintest

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
)

type listener struct {
	mu   sync.Mutex
	http *http.Server
	done chan struct{}
}

// Start serves s on a TCP address of the loopback interface, such as
// "127.0.0.1:8080", until [Server.Close]. "" is any free port. It gives the base
// URL, prefix included.
func (s *Server) Start(addr string) (url string, err error) {
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return "", fmt.Errorf("databraintest: start: %w", err)
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return "", fmt.Errorf("databraintest: start on %q: not a loopback address", addr)
	}
	s.listener.mu.Lock()
	defer s.listener.mu.Unlock()
	if s.listener.http != nil {
		return "", errors.New("databraintest: start: already started")
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return "", fmt.Errorf("databraintest: start: %w", err)
	}
	server, done := &http.Server{Handler: s, ConnState: s.count}, make(chan struct{})
	s.listener.http, s.listener.done = server, done
	go func() {
		defer close(done)
		server.Serve(l) // ends with http.ErrServerClosed
	}()
	return "http://" + l.Addr().String() + s.prefix, nil
}

// Close ends what [Server.Start] began and cuts the open connections. The state
// stays; s can be started again.
func (s *Server) Close() error {
	s.listener.mu.Lock()
	defer s.listener.mu.Unlock()
	if s.listener.http == nil {
		return nil
	}
	err := s.listener.http.Close()
	<-s.listener.done
	s.listener.http = nil
	return err
}

// NewConnections is the number of connections that clients have opened; requests
// in process open none.
func (s *Server) NewConnections() int { return int(s.connections.Load()) }

func (s *Server) count(_ net.Conn, state http.ConnState) {
	if state == http.StateNew {
		s.connections.Add(1)
	}
}
