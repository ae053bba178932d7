package transport_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"databrain-rotation/pkg/transport"
)

// TestProgress: what never left is told from what may have arrived, whatever the type
// of the error.
func TestProgress(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0") // accepts, and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	for base, nothingSent := range map[string]bool{
		"https://" + silent.Addr().String(): true,  // the handshake hangs
		"http://" + silent.Addr().String():  false, // the request is written
		"http://127.0.0.1:1":                true,  // refused
		"http://nobody.invalid":             true,  // no such name
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, base, strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		req, progress := transport.Follow(req)
		resp, err := transport.New().RoundTrip(req)
		if err == nil {
			resp.Body.Close()
			t.Errorf("%s answered", base)
		}
		if progress.NothingSent() != nothingSent {
			t.Errorf("%s: nothing sent %t, %v", base, progress.NothingSent(), err)
		}
		cancel()
	}
}

// TestSilentConnectionIsGivenUp: after a request that got no answer, the next one does
// not take the same connection of HTTP/2 again for long.
func TestSilentConnectionIsGivenUp(t *testing.T) {
	t.Parallel()
	proxy, base, client := silentServer(t)
	get := func(patience time.Duration) error {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, base, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.RoundTrip(req)
		if err != nil {
			return err
		}
		return resp.Body.Close()
	}
	if err := get(5 * time.Second); err != nil {
		t.Fatal(err)
	}
	proxy.mute()
	if err := get(10 * time.Second); err == nil || !strings.Contains(transport.Cause(err).Error(), "fell silent") {
		t.Errorf("on the silent connection: %v", err)
	}
	if err := get(5 * time.Second); err != nil {
		t.Errorf("the next request: %v", err)
	}
}

// silentServer is a server of HTTP/2 behind a proxy.
func silentServer(t *testing.T) (*proxy, string, *http.Transport) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor != 2 {
			t.Errorf("the request came by %s", r.Proto)
		}
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	p := newProxy(t, server.Listener.Addr().String())
	client := transport.New()
	client.TLSClientConfig = server.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	return p, "https://" + p.listener.Addr().String(), client
}

// TestBounded: an attempt that hangs ends, wherever it hangs; one that is slow goes on.
func TestBounded(t *testing.T) {
	const patience = 300 * time.Millisecond
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/header":
			<-r.Context().Done()
		case "/body":
			io.WriteString(w, "half")
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		case "/slow":
			for range 5 {
				io.WriteString(w, ".")
				w.(http.Flusher).Flush()
				time.Sleep(patience / 3)
			}
		}
	}))
	defer server.Close()
	client := transport.Bounded(server.Client(), patience)
	get := func(path string) error {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		_, err = io.ReadAll(resp.Body)
		return err
	}
	for path, hangs := range map[string]bool{"/header": true, "/body": true, "/slow": false} {
		err := get(path)
		if stalled, ok := errors.AsType[*transport.StalledError](err); ok != hangs || ok && !stalled.Timeout() {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// TestCauseShowsNothing: a text of net/http's may hold what was answered.
func TestCauseShowsNothing(t *testing.T) {
	for _, err := range []error{nil, errors.New("malformed HTTP response \"canary\""), io.EOF} {
		if got := transport.Cause(err); got != transport.ErrBroken {
			t.Errorf("%v shows %v", err, got)
		}
	}
	for _, known := range []error{context.DeadlineExceeded, context.Canceled, http.ErrSchemeMismatch} {
		if got := transport.Cause(known); got != known {
			t.Errorf("%v became %v", known, got)
		}
	}
	lookup := &net.OpError{Op: "dial", Err: &net.DNSError{Name: "db.example.com", Err: "no such host"}}
	if got := transport.Cause(lookup).Error(); !strings.Contains(got, "db.example.com") ||
		!strings.Contains(got, "no such host") {
		t.Errorf("a failed lookup became %q", got)
	}
}
