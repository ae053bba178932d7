package main

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"databrain-rotation/pkg/standin/labtest"
)

// distances are the round trips between a function and what it talks to.
type distances struct{ aws, databrain time.Duration }

// network is a way to the stand-ins of a lab that is as long as the way to the
// services themselves: HTTP/1.1 over TLS, with the latency of a link. It notes what
// goes by.
type network struct {
	lab         *labtest.Lab
	urls        map[string]string // by the variable that a function reads
	trusted     *x509.Certificate // of all servers
	certificate string            // its file
	closers     []func()

	mu        sync.Mutex
	exchanges []exchange
}

// exchange is a request and its answer. The times are the client's, derived from
// those of the server and the length of the link.
type exchange struct {
	operation  string
	sent       time.Time     // the first byte of the request
	answered   time.Time     // the last byte of the answer
	effective  time.Time     // the service had done its work, half a round trip before
	connecting time.Duration // TCP and TLS before the request; 0 on a connection that was kept
}

// reach makes a network to lab. Its certificate is written into the folder dir.
func reach(lab *labtest.Lab, far distances, dir string) (*network, error) {
	n := &network{lab: lab, urls: make(map[string]string), certificate: filepath.Join(dir, "certificate.pem")}
	for _, end := range []struct {
		variable  string
		service   http.Handler
		roundTrip time.Duration
	}{
		{"AWS_ENDPOINT_URL_SECRETS_MANAGER", lab.Secrets, far.aws},
		{"AWS_ENDPOINT_URL_EVENTBRIDGE", lab.Events, far.aws},
		{"AWS_ENDPOINT_URL_S3", lab.Objects, far.aws},
		{"DATABRAIN_BASE_URL", lab.Databrain, far.databrain},
	} {
		url, err := n.serve(end.service, end.roundTrip)
		if err != nil {
			n.close()
			return nil, err
		}
		n.urls[end.variable] = url
	}
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: n.trusted.Raw})
	return n, os.WriteFile(n.certificate, certificate, 0o600)
}

// serve returns the URL under which service is a round trip away.
func (n *network) serve(service http.Handler, roundTrip time.Duration) (string, error) {
	server := httptest.NewUnstartedServer(n.note(service, roundTrip))
	server.Config.ConnContext = func(ctx context.Context, _ net.Conn) context.Context {
		return context.WithValue(ctx, connection{}, &connection{opened: time.Now()})
	}
	server.StartTLS()
	n.closers = append(n.closers, server.Close)
	n.trusted = server.Certificate()
	l, err := newLink(server.Listener.Addr().String(), roundTrip)
	if err != nil {
		return "", err
	}
	n.closers = append(n.closers, func() { l.Close() })
	return "https://" + l.Addr().String(), nil
}

// connection is what the server knows of a connection, and the key under which the
// contexts of its requests have it.
type connection struct {
	opened time.Time
	used   bool
}

// note serves requests and keeps each as an exchange.
func (n *network) note(service http.Handler, roundTrip time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e := exchange{operation: operation(r), sent: time.Now().Add(-roundTrip / 2)}
		if c := r.Context().Value(connection{}).(*connection); !c.used {
			c.used = true
			e.connecting = e.sent.Sub(c.opened)
		}
		service.ServeHTTP(w, r)
		e.effective = time.Now()
		e.answered = e.effective.Add(roundTrip / 2)
		n.mu.Lock()
		defer n.mu.Unlock()
		n.exchanges = append(n.exchanges, e)
	})
}

// operation returns the name of an AWS operation in the JSON protocol, or the method
// and the path of another request.
func operation(r *http.Request) string {
	if _, name, ok := strings.Cut(r.Header.Get("X-Amz-Target"), "."); ok {
		return name
	}
	return r.Method + " " + r.URL.Path
}

// taken returns the exchanges since it was called before.
func (n *network) taken() []exchange {
	n.mu.Lock()
	defer n.mu.Unlock()
	taken := n.exchanges
	n.exchanges = nil
	return taken
}

// lead changes the environment of a function, so that it takes this network and
// trusts its certificate alone: reading all roots of a machine takes some ten
// milliseconds.
func (n *network) lead(env map[string]string) {
	maps.Copy(env, n.urls)
	env["SSL_CERT_FILE"] = n.certificate
	env["SSL_CERT_DIR"] = n.certificate // which is no folder
}

func (n *network) close() {
	for _, end := range slices.Backward(n.closers) {
		end()
	}
}

// inSequence returns how many round trips had to wait for another: the largest number
// of exchanges of which no two overlapped.
func inSequence(exchanges []exchange) int {
	byEnd := slices.SortedFunc(slices.Values(exchanges), func(a, b exchange) int { return a.answered.Compare(b.answered) })
	count, last := 0, time.Time{}
	for _, e := range byEnd {
		if !e.sent.Before(last) {
			count, last = count+1, e.answered
		}
	}
	return count
}

// connecting returns how long at least one connection was being set up.
func connecting(exchanges []exchange) (total time.Duration) {
	begin := func(e exchange) time.Time { return e.sent.Add(-e.connecting) }
	byBegin := slices.SortedFunc(slices.Values(exchanges), func(a, b exchange) int { return begin(a).Compare(begin(b)) })
	var until time.Time
	for _, e := range byBegin {
		from := begin(e)
		if from.Before(until) {
			from = until
		}
		if e.sent.After(from) {
			total, until = total+e.sent.Sub(from), e.sent
		}
	}
	return total
}
