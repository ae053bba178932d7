package transport_test

import (
	"io"
	"net"
	"sync"
	"testing"
)

// proxy passes connections on to a server, until it is muted: then the connections
// that it has stay open and carry nothing, and new ones are passed on again.
type proxy struct {
	listener net.Listener
	mu       sync.Mutex
	silent   chan struct{} // closed by mute; of the connections that come before
}

func newProxy(t *testing.T, target string) *proxy {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: listener, silent: make(chan struct{})}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			upstream, err := net.Dial("tcp", target)
			if err != nil {
				conn.Close()
				continue
			}
			p.mu.Lock()
			silent := p.silent
			p.mu.Unlock()
			go io.Copy(mutable{upstream, silent}, conn)
			go io.Copy(mutable{conn, silent}, upstream)
		}
	}()
	return p
}

func (p *proxy) mute() {
	p.mu.Lock()
	defer p.mu.Unlock()
	close(p.silent)
	p.silent = make(chan struct{})
}

// mutable is a writer that swallows what it gets once silent is closed.
type mutable struct {
	io.Writer
	silent <-chan struct{}
}

func (m mutable) Write(b []byte) (int, error) {
	select {
	case <-m.silent:
		return len(b), nil
	default:
		return m.Writer.Write(b)
	}
}
