package databrain_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"databrain-rotation/pkg/databrain"
	"databrain-rotation/pkg/standin"
	"databrain-rotation/pkg/standin/databraintest"
)

// rotations are the two forms of the call that must not be repeated.
func rotations() (both []operation) {
	for _, o := range operations() {
		if o.endpoint == "POST /api/v2/service-token/rotate" {
			both = append(both, o)
		}
	}
	return both
}

// TestRotateHasItsOwnConnection: other calls share one connection, each rotation
// has its own, and leaves none behind.
func TestRotateHasItsOwnConnection(t *testing.T) {
	for _, o := range rotations() {
		t.Run(o.name, func(t *testing.T) {
			db := o.server()
			c := overSocket(t, db, databrain.Options{})
			jwt := o.jwt(t, c)
			current := serviceToken()
			for i := range 3 {
				for range 3 {
					if err := c.Probe(t.Context(), current); err != nil {
						t.Fatal(err)
					}
				}
				if got, want := db.NewConnections(), 1+i; got != want {
					t.Errorf("after %d rotations: %d connections, want %d", i, got, want)
				}
				var err error
				if current, err = rotate(t.Context(), c, o, jwt, current); err != nil {
					t.Fatal(err)
				}
			}
			if got := db.Count(o.endpoint); got != 3 {
				t.Errorf("3 rotations were %d requests", got)
			}
		})
	}
}

func rotate(
	ctx context.Context,
	c *databrain.Client,
	o operation,
	jwt, current databrain.Secret,
) (databrain.Secret, error) {
	if o.admin {
		return c.RotateServiceTokenAsAdmin(ctx, jwt, current, time.Hour)
	}
	return c.RotateServiceToken(ctx, current, time.Hour)
}

// TestListsShareAConnection: an answer that is read to its end gives its
// connection back.
func TestListsShareAConnection(t *testing.T) {
	db := databraintest.New(databraintest.Config{DataApps: databraintest.Many(25, 300, time.Unix(0, 0), manyToken)})
	c := overSocket(t, db, databrain.Options{})
	for range 3 {
		apps := 0
		for app, err := range c.DataApps(t.Context(), serviceToken(), databrain.Whole) {
			if err != nil {
				t.Fatal(err)
			}
			apps++
			_ = app
		}
		if err := drain(c.APITokens(t.Context(), serviceToken(), "Data App 00003", databrain.Whole)); err != nil ||
			apps != 25 {
			t.Fatal(err, apps)
		}
		if err := drain(c.DataApps(t.Context(), serviceToken(), 1)); err != nil {
			t.Fatal(err)
		}
	}
	if n := db.NewConnections(); n != 1 {
		t.Errorf("%d connections for calls one after the other", n)
	}
}

// TestRotateIsSentOnce counts at the server: with a kept-alive connection at hand
// that dies under the request, nothing is sent a second time.
func TestRotateIsSentOnce(t *testing.T) {
	for _, after := range []bool{false, true} {
		for _, o := range rotations() {
			t.Run(o.name, func(t *testing.T) {
				db := o.server()
				c := overSocket(t, db, databrain.Options{})
				jwt := o.jwt(t, c)
				if err := c.Probe(t.Context(), serviceToken()); err != nil {
					t.Fatal(err)
				}
				f := o.fault(standin.Cut())
				f.Times, f.AfterEffect = -1, after
				db.Inject(f)
				_, err := rotate(t.Context(), c, o, jwt, serviceToken())
				if diff := cmp.Diff(outcome{Class: databrain.ClassNetwork, Unknown: true}, outcomeOf(t, err)); diff != "" {
					t.Error(diff)
				}
				minted := 0
				if after {
					minted = 1
				}
				if db.Count(o.endpoint) != 1 || db.Minted() != minted {
					t.Errorf("%d requests, %d tokens minted", db.Count(o.endpoint), db.Minted())
				}
			})
		}
	}
}

// TestKeptAliveConnectionDies has a server that closes each connection instead of
// answering its second request, as one does whose idle time is over. A read is
// repeated by net/http; a rotation must not even meet such a connection.
func TestKeptAliveConnectionDies(t *testing.T) {
	for _, o := range rotations() {
		t.Run(o.name, func(t *testing.T) {
			var mu sync.Mutex
			seen := make(map[string]int)
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				mu.Lock()
				defer mu.Unlock()
				if seen[r.RemoteAddr]++; seen[r.RemoteAddr] > 1 {
					panic(http.ErrAbortHandler)
				}
				seen[r.URL.Path]++
				if r.Method == http.MethodPost {
					io.WriteString(w, `{"key":"`+freshToken+`"}`)
					return
				}
				io.WriteString(w, `{"data":[]}`)
			}))
			defer server.Close()
			c := databrain.New(parse(t, server.URL), databrain.Options{})
			for range 3 {
				if err := c.Probe(t.Context(), serviceToken()); err != nil {
					t.Fatal(err)
				}
				if _, err := rotate(t.Context(), c, o, databrain.NewSecret("jwt"), serviceToken()); err != nil {
					t.Error(err)
				}
			}
			if n := seen["/api/v2/service-token/rotate"]; n != 3 {
				t.Errorf("3 rotations arrived %d times", n)
			}
		})
	}
}

// TestRefusedStreamIsNotRepeated: over HTTP/2 net/http repeats a request whose
// stream the server refuses, also on a new connection, as long as it can make the
// body again. A proxy may refuse what it has passed on already.
func TestRefusedStreamIsNotRepeated(t *testing.T) {
	for _, o := range rotations() {
		t.Run(o.name, func(t *testing.T) {
			server := httptest.NewUnstartedServer(http.NotFoundHandler())
			server.EnableHTTP2 = true
			server.StartTLS() // for its certificate alone
			roots := server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
			server.Close()
			var streams atomic.Int64
			addr := listen(t, func(conn net.Conn) {
				refuseStreams(tls.Server(conn, &tls.Config{Certificates: server.TLS.Certificates, NextProtos: []string{"h2"}}),
					&streams)
			})
			c := databrain.New(parse(t, "https://"+addr), databrain.Options{Transport: &http.Transport{
				ForceAttemptHTTP2: true, DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: roots},
			}})
			_, err := rotate(t.Context(), c, o, databrain.NewSecret("jwt"), serviceToken())
			if diff := cmp.Diff(outcome{Class: databrain.ClassNetwork, Unknown: true}, outcomeOf(t, err)); diff != "" {
				t.Error(diff)
			}
			if n := streams.Load(); n != 1 {
				t.Errorf("sent %d times", n)
			}
		})
	}
}

// refuseStreams is as much of an HTTP/2 server as it takes to refuse: it answers
// each end of a request (RFC 9113, section 6.1) with RST_STREAM REFUSED_STREAM.
func refuseStreams(conn net.Conn, streams *atomic.Int64) {
	io.CopyN(io.Discard, conn, int64(len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")))
	conn.Write([]byte{0, 0, 0, 4, 0, 0, 0, 0, 0}) // empty SETTINGS
	for {
		head := make([]byte, 9)
		if _, err := io.ReadFull(conn, head); err != nil {
			return
		}
		length := int64(head[0])<<16 | int64(binary.BigEndian.Uint16(head[1:3]))
		if _, err := io.CopyN(io.Discard, conn, length); err != nil {
			return
		}
		kind, flags, stream := head[3], head[4], head[5:9]
		switch {
		case kind == 4 && flags&1 == 0:
			conn.Write([]byte{0, 0, 0, 4, 1, 0, 0, 0, 0}) // SETTINGS, acknowledged
		case kind == 0 && flags&1 != 0: // DATA, END_STREAM
			streams.Add(1)
			conn.Write(bytes.Join([][]byte{{0, 0, 4, 3, 0}, stream, {0, 0, 0, 7}}, nil))
		}
	}
}

func manyToken(app, token int) databraintest.APIToken {
	return databraintest.APIToken{
		Key: fmt.Sprintf("%s%012x", foreignToken[:24],
			app*1_000_000+token), Name: "token", CreatedAt: time.Unix(int64(token), 0),
	}
}
