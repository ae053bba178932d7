package main

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"databrain-rotation/pkg/standin/labtest"
)

// at is an exchange between two instants, in milliseconds. It takes effect at its end.
func at(operation string, sent, answered int) exchange {
	instant := func(ms int) time.Time { return time.UnixMilli(int64(ms)) }
	return exchange{operation: operation, sent: instant(sent), answered: instant(answered), effective: instant(answered)}
}

func TestInSequence(t *testing.T) {
	for name, c := range map[string]struct {
		exchanges []exchange
		want      int
	}{
		"none":                         {nil, 0},
		"each after the other":         {[]exchange{at("", 0, 10), at("", 10, 20), at("", 25, 30)}, 3},
		"two at once, then one":        {[]exchange{at("", 0, 10), at("", 1, 11), at("", 11, 20)}, 2},
		"a long one beside two":        {[]exchange{at("", 0, 30), at("", 0, 10), at("", 10, 20)}, 2},
		"overlaps that form a chain":   {[]exchange{at("", 0, 10), at("", 5, 15), at("", 10, 20)}, 2},
		"in no order":                  {[]exchange{at("", 20, 30), at("", 0, 10), at("", 10, 20)}, 3},
		"all at once, of any duration": {[]exchange{at("", 0, 10), at("", 0, 30), at("", 9, 12)}, 1},
	} {
		if got := inSequence(c.exchanges); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}

func TestConnecting(t *testing.T) {
	opening := func(sent, took int) exchange {
		e := at("", sent, sent+10)
		e.connecting = time.Duration(took) * time.Millisecond
		return e
	}
	// From 0 to 25 and from 30 to 40; the one inside another counts once.
	exchanges := []exchange{opening(40, 10), opening(20, 20), opening(25, 10), opening(18, 3), opening(50, 0)}
	if got := connecting(exchanges); got != 35*time.Millisecond {
		t.Errorf("%v, want 35ms", got)
	}
}

func TestWindow(t *testing.T) {
	exchanges := []exchange{
		at(moveRequest, 0, 9), at("sign in", 0, 10), at(saveRequest, 10, 20), at("probe", 20, 30),
		at("GetSecretValue", 30, 40), at("probe", 31, 41), at(moveRequest, 41, 51), at("later", 51, 60),
	}
	want := stretch{requests: 4, inSequence: 3, took: 31 * time.Millisecond}
	if got, err := window(exchanges); err != nil || got != want {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
	if _, err := window(exchanges[:6]); err == nil {
		t.Error("a rotation that does not move the label has a window")
	}
}

// TestNetwork asks an instance at a distance twice, on one connection.
func TestNetwork(t *testing.T) {
	lab, err := labtest.Start(labtest.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer lab.Close()
	const roundTrip = 20 * time.Millisecond
	n, err := reach(lab, distances{databrain: roundTrip}, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer n.close()
	env := lab.Rotate()
	n.lead(env)
	trusted, err := os.ReadFile(env["SSL_CERT_FILE"])
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(trusted)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	var began []time.Time
	for range 2 {
		began = append(began, time.Now())
		answer, err := client.Get(env["DATABRAIN_BASE_URL"] + "/health/live")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, answer.Body); err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
	}
	ended := time.Now()

	seen := n.taken()
	var operations []string
	for _, e := range seen {
		operations = append(operations, e.operation)
	}
	if diff := cmp.Diff([]string{"GET /health/live", "GET /health/live"}, operations); diff != "" {
		t.Fatal(diff)
	}
	first, second := seen[0], seen[1]
	if first.connecting < 2*roundTrip || second.connecting != 0 {
		t.Errorf("connecting took %v and %v, want two round trips and nothing", first.connecting, second.connecting)
	}
	if second.sent.Before(began[1]) || second.answered.After(ended) || second.answered.Sub(second.sent) < roundTrip {
		t.Errorf("the second request was sent at %v and answered at %v; the client says %v and %v",
			second.sent, second.answered, began[1], ended)
	}
	if got := inSequence(seen); got != 2 {
		t.Errorf("%d round trips in sequence, want 2", got)
	}
	if len(n.taken()) != 0 {
		t.Error("exchanges are taken twice")
	}
}
