package standin

import (
	"fmt"
	"net"
	"net/http"
	"time"
)

// Start listens on a loopback address, such as "127.0.0.1:0", and returns the
// endpoint's URL. [Wire.Close] ends it.
func (s *Wire) Start(addr string) (url string, err error) {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return "", fmt.Errorf("start the %s stand-in: %w", s.service.Name, err)
	}
	if !listener.Addr().(*net.TCPAddr).IP.IsLoopback() {
		listener.Close()
		return "", fmt.Errorf("start the %s stand-in on %s: only loopback addresses are served", s.service.Name, addr)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.http != nil {
		listener.Close()
		return "", fmt.Errorf("start the %s stand-in on %s: it was started before", s.service.Name, addr)
	}
	s.http = &http.Server{Handler: s, ReadHeaderTimeout: time.Minute, ConnState: s.count}
	go s.http.Serve(listener)
	return "http://" + listener.Addr().String(), nil
}

// Close ends the listener and hanging calls. What was recorded stays readable.
func (s *Wire) Close() error {
	s.cancel()
	s.mu.Lock()
	server := s.http
	s.mu.Unlock()
	if server == nil {
		return nil
	}
	return server.Close()
}

// NewConnections is the number of connections that clients have opened; requests
// in the process open none.
func (s *Wire) NewConnections() int { return int(s.connections.Load()) }

func (s *Wire) count(_ net.Conn, state http.ConnState) {
	if state == http.StateNew {
		s.connections.Add(1)
	}
}
