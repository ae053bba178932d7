// Package transport makes the connections of the functions, towards Databrain and
// towards AWS, and knows how far a request came.
//
// net/http leaves the health of its connections to the operating system, whose
// patience is longer than an invocation: it sends a SYN for two minutes, and data on
// a connection that has fallen silent for a quarter of an hour. Here every wait is
// short enough that another attempt fits into the same step.
package transport

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"time"
)

const (
	connectTime   = 5 * time.Second        // to look a host up and connect to one of its addresses
	connectGap    = 300 * time.Millisecond // before the next address is tried as well
	handshakeTime = 5 * time.Second
	idleTime      = 90 * time.Second

	// A connection of HTTP/2 outlives a request that got no answer, and the next one
	// would take it again (golang/go#36026). One on which nothing has arrived for
	// silence is asked for a sign of life, and closed if none comes within pingTime:
	// together less than a request may take.
	silence  = 4 * time.Second
	pingTime = 3 * time.Second
)

// New returns a transport that ignores the proxy variables of the environment.
func New() *http.Transport {
	t := &http.Transport{
		ForceAttemptHTTP2:   true,
		MaxIdleConnsPerHost: 64, // as many as requests in flight, so that none is set up twice
	}
	Set(t)
	return t
}

// Set gives t the ways of [New] to connect and to watch over connections.
func Set(t *http.Transport) {
	t.Proxy = nil
	t.DialContext = dial
	t.TLSHandshakeTimeout = handshakeTime
	t.IdleConnTimeout = idleTime
	t.HTTP2 = &http.HTTP2Config{SendPingTimeout: silence, PingTimeout: pingTime}
}

var errNoAddress = errors.New("the host has no address")

// dial connects to the first address of a host that accepts: a dead address must not
// keep the ones behind it from being tried (kubernetes/kubernetes#63454).
func dial(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTime)
	defer cancel()
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: err}
	}
	found, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: err}
	}
	return race(ctx, network, port, found)
}

type attempt struct {
	conn net.Conn
	err  error
}

// race starts to connect to one address after the other, the next one when an attempt
// has failed or has taken connectGap, and returns the first connection.
func race(ctx context.Context, network, port string, addresses []netip.Addr) (net.Conn, error) {
	attempts := make(chan attempt, len(addresses)) // so that the losers can end
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var failure error = &net.OpError{Op: "dial", Net: network, Err: errNoAddress}
	for started, ended := 0, 0; started < len(addresses) || ended < started; {
		var next <-chan time.Time
		if started < len(addresses) {
			address := net.JoinHostPort(addresses[started].Unmap().String(), port)
			go func() {
				conn, err := new(net.Dialer).DialContext(ctx, network, address)
				attempts <- attempt{conn, err}
			}()
			started++
			if started < len(addresses) {
				next = time.After(connectGap)
			}
		}
		select {
		case <-next:
		case a := <-attempts:
			ended++
			if a.err == nil {
				go closeOthers(attempts, started-ended)
				return a.conn, nil
			}
			if failure = a.err; ctx.Err() != nil {
				go closeOthers(attempts, started-ended)
				return nil, failure
			}
		}
	}
	return nil, failure
}

// closeOthers closes the connections of n attempts that came too late.
func closeOthers(attempts <-chan attempt, n int) {
	for range n {
		if a := <-attempts; a.err == nil {
			a.conn.Close()
		}
	}
}
