package main

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"databrain-rotation/pkg/standin/databraintest"
	"databrain-rotation/pkg/standin/labtest"
	"databrain-rotation/pkg/standin/secretsmanagertest"
)

// network is the function between Secrets Manager and a Databrain that speaks HTTP/2
// over TLS on two addresses.
type network struct {
	t    *testing.T
	lab  *labtest.Lab
	dead []string    // addresses whose packets vanish
	deaf atomic.Bool // connections are accepted, and no handshake is answered
	hook map[string]func()
	log  strings.Builder
}

func newNetwork(t *testing.T, strategy string) *network {
	token := databraintest.Config{ServiceToken: "11111111-1111-4111-8111-111111111111"}
	n := &network{t: t, lab: lab(t, labtest.Config{Databrain: token}), hook: make(map[string]func())}
	t.Cleanup(n.up)
	listener, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(n.lab.Databrain)
	server.Listener.Close()
	server.Listener, server.EnableHTTP2 = deafListener{listener, &n.deaf}, true
	server.StartTLS()
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	authority := filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(authority, block, 0o600); err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	env := n.lab.Rotate()
	env["SSL_CERT_FILE"], env["ROTATION_STRATEGY"] = authority, strategy
	env["DATABRAIN_BASE_URL"] = "https://example.com:" + port
	f := start(t, env)
	n.lab.Secrets.SetRotationFunction(labtest.RotationARN, func(ctx context.Context, event []byte) error {
		var in struct{ Step string }
		if err := json.Unmarshal(event, &in); err != nil {
			return err
		}
		if hook := n.hook[in.Step]; hook != nil {
			hook()
		}
		return rotate(ctx, f, event, &n.log)
	})
	return n
}

// before has act run before each invocation of a step.
func (n *network) before(step string, act func()) { n.hook[step] = act }

// rotate drives a rotation, which has to succeed, and returns the number of invocations.
func (n *network) rotate(attempts int) int {
	n.t.Helper()
	options := secretsmanagertest.RotateOptions{Attempts: attempts}
	result, err := n.lab.Secrets.Rotate(n.t.Context(), labtest.TokenSecret, options)
	if err != nil {
		n.t.Fatalf("%v\n%s", err, n.log.String())
	}
	return len(result.Invocations)
}

// down lets all packets to an address vanish, those of open connections as well.
func (n *network) down(address string) {
	for _, dead := range n.dead {
		if dead == address {
			return
		}
	}
	ip(n.t, "address", "del", address+"/32", "dev", "lo")
	n.dead = append(n.dead, address)
}

// up repairs the network.
func (n *network) up() {
	for _, address := range n.dead {
		ip(n.t, "address", "add", address+"/32", "dev", "lo")
	}
	n.dead = nil
	n.deaf.Store(false)
}

// deafListener keeps what it accepts from the server while deaf is set.
type deafListener struct {
	net.Listener
	deaf *atomic.Bool
}

func (l deafListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil || !l.deaf.Load() {
			return conn, err
		}
	}
}
