package secretsmanagertest

import (
	"errors"
	"fmt"
	"net"
	"net/http"
)

// Start serves s on a TCP address of the loopback interface, such as
// "127.0.0.1:8080", until [Server.Close]; "" is any free port. It returns the
// endpoint URL.
func (s *Server) Start(addr string) (endpoint string, err error) {
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return "", fmt.Errorf("secretsmanagertest: start: %w", err)
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return "", fmt.Errorf("secretsmanagertest: start on %q: not a loopback address", addr)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.http != nil {
		return "", errors.New("secretsmanagertest: start: already started")
	}
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return "", fmt.Errorf("secretsmanagertest: start: %w", err)
	}
	s.http = &http.Server{Handler: s, ConnState: s.count}
	go s.http.Serve(listener) // ends with http.ErrServerClosed
	return "http://" + listener.Addr().String(), nil
}

// Close ends the listener, hanging calls and background rotations, and waits for
// the latter. The Server can not be used afterwards.
func (s *Server) Close() error {
	s.mu.Lock()
	s.cancel() // under the lock: no rotation begins from here on
	s.mu.Unlock()
	s.rotations.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.http == nil {
		return nil
	}
	return s.http.Close()
}

// NewConnections is the number of connections that clients have opened; requests
// in process open none.
func (s *Server) NewConnections() int { return int(s.connections.Load()) }

func (s *Server) count(_ net.Conn, state http.ConnState) {
	if state == http.StateNew {
		s.connections.Add(1)
	}
}
