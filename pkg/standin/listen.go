package standin

import "fmt"

// Start listens on a loopback address, such as "127.0.0.1:8080", and returns the
// endpoint's URL; "" is any free port. [Wire.Close] ends it.
func (s *Wire) Start(addr string) (url string, err error) {
	url, err = s.listener.Listen(addr, s)
	if err != nil {
		return "", fmt.Errorf("start the %s stand-in: %w", s.service.Name, err)
	}
	return url, nil
}

// Close ends the listener and hanging calls. What was recorded stays readable.
func (s *Wire) Close() error {
	s.cancel()
	return s.listener.Close()
}

// NewConnections is the number of connections that clients have opened; requests
// in the process open none.
func (s *Wire) NewConnections() int { return s.listener.NewConnections() }
