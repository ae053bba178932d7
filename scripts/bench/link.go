package main

import (
	"net"
	"sync"
	"time"
)

// link carries connections to a server that is a round trip away. Each byte takes
// half a round trip, whatever is sent beside it: a link has latency and no limit of
// its bandwidth.
type link struct {
	net.Listener
	server    string // its address
	roundTrip time.Duration
}

// newLink returns a link that takes connections on loopback until it is closed.
func newLink(server string, roundTrip time.Duration) (*link, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	l := &link{Listener: listener, server: server, roundTrip: roundTrip}
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return // closed
			}
			go l.carry(client)
		}
	}()
	return l, nil
}

// carry serves one connection. The kernel has answered the client's SYN at once, so
// the round trip of TCP's handshake is added to what the client sends first.
func (l *link) carry(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", l.server)
	if err != nil {
		return
	}
	defer server.Close()
	established := time.Now().Add(l.roundTrip)
	var directions sync.WaitGroup
	directions.Go(func() { l.copy(server, client, established) })
	directions.Go(func() { l.copy(client, server, established) })
	directions.Wait()
}

// copy delivers what arrives, half a round trip later, until from ends.
func (l *link) copy(to, from net.Conn, established time.Time) {
	type segment struct {
		due   time.Time
		bytes []byte
	}
	underWay := make(chan segment, 1024)
	go func() {
		defer close(underWay)
		for {
			buffer := make([]byte, 16<<10)
			n, err := from.Read(buffer)
			sent := time.Now()
			if sent.Before(established) {
				sent = established
			}
			if n > 0 {
				underWay <- segment{sent.Add(l.roundTrip / 2), buffer[:n]}
			}
			if err != nil {
				return
			}
		}
	}()
	for s := range underWay {
		time.Sleep(time.Until(s.due))
		to.Write(s.bytes) // if to is gone, its other direction ends the connection
	}
	to.(*net.TCPConn).CloseWrite()
}
