package databraintest

import "fmt"

// Start serves s on a TCP address of the loopback interface, such as
// "127.0.0.1:8080", until [Server.Close]. "" is any free port. It gives the base
// URL, prefix included.
func (s *Server) Start(addr string) (url string, err error) {
	url, err = s.listener.Listen(addr, s)
	if err != nil {
		return "", fmt.Errorf("start the Databrain stand-in: %w", err)
	}
	return url + s.prefix, nil
}

// Close ends what [Server.Start] began and cuts the open connections. The state
// stays; s can be started again.
func (s *Server) Close() error { return s.listener.Close() }

// NewConnections is the number of connections that clients have opened; requests
// in process open none.
func (s *Server) NewConnections() int { return s.listener.NewConnections() }
