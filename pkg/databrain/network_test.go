package databrain_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"databrain-rotation/pkg/databrain"
	"databrain-rotation/pkg/standin"
)

// listen gives every connection to serve, and then closes it.
func listen(t testing.TB, serve func(net.Conn)) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				serve(conn)
			}()
		}
	}()
	return l.Addr().String()
}

// rawServer reads one request of each connection and answers with raw bytes,
// after which it holds the connection open until the client leaves.
func rawServer(t testing.TB, answer string) (base string) {
	t.Helper()
	return "http://" + listen(t, func(conn net.Conn) {
		in := bufio.NewReader(conn)
		if r, err := http.ReadRequest(in); err == nil {
			io.Copy(io.Discard, r.Body)
		}
		io.WriteString(conn, answer)
		io.Copy(io.Discard, in)
	})
}

// each runs every operation against base with the client's own transport.
func each(t *testing.T, base string, o databrain.Options, want outcome) {
	t.Helper()
	for _, op := range operations() {
		t.Run(op.name, func(t *testing.T) {
			c := databrain.New(parse(t, base), o)
			err := op.call(t.Context(), c, databrain.NewSecret("jwt"))
			if diff := cmp.Diff(want, outcomeOf(t, err)); diff != "" {
				t.Errorf("-want +got\n%s\n%v", diff, err)
			}
		})
	}
}

func TestConnectionRefused(t *testing.T) {
	each(t, "http://127.0.0.1:1", databrain.Options{}, outcome{Class: databrain.ClassNetwork})
}

// TestTransportErrors are errors that a socket gives rarely, given by hand: by their
// type, and by what the transport reports to have done before.
func TestTransportErrors(t *testing.T) {
	refused := &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	for name, tt := range map[string]struct {
		err   error
		class databrain.Class
	}{
		"refused": {refused, databrain.ClassNetwork},
		"unknown host": {&net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host",
			IsNotFound: true}}, databrain.ClassNetwork},
		"dial timed out": {&net.OpError{Op: "dial", Net: "tcp", Err: syscall.ETIMEDOUT}, databrain.ClassTimeout},
		// As net/http gives it when a dial or a handshake is cut short by the context.
		"deadline":          {context.DeadlineExceeded, databrain.ClassTimeout},
		"not trusted":       {&tls.CertificateVerificationError{Err: io.ErrUnexpectedEOF}, databrain.ClassNetwork},
		"reset in writing":  {&net.OpError{Op: "write", Net: "tcp", Err: syscall.ECONNRESET}, databrain.ClassNetwork},
		"reset in reading":  {&net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}, databrain.ClassNetwork},
		"read timed out":    {&net.OpError{Op: "read", Net: "tcp", Err: syscall.ETIMEDOUT}, databrain.ClassTimeout},
		"end before answer": {io.EOF, databrain.ClassNetwork},
		"in process reset":  {standin.ErrReset, databrain.ClassNetwork},
	} {
		for progress, report := range map[string]func(*http.Request){
			"nothing written": func(r *http.Request) { standin.Report(r, false) },
			"header written":  func(r *http.Request) { standin.Report(r, true) },
			"not reported":    func(*http.Request) {},
		} {
			for _, op := range operations() {
				t.Run(op.name+"/"+name+"/"+progress, func(t *testing.T) {
					c := inProcess(t, failing{tt.err, report}, databrain.Options{})
					err := op.call(t.Context(), c, databrain.NewSecret("jwt"))
					want := outcome{Class: tt.class, Unknown: progress != "nothing written"}
					if diff := cmp.Diff(want, outcomeOf(t, err)); diff != "" {
						t.Errorf("-want +got\n%s\n%v", diff, err)
					}
				})
			}
		}
	}
}

type failing struct {
	err    error
	report func(*http.Request)
}

func (f failing) RoundTrip(r *http.Request) (*http.Response, error) {
	if f.report != nil {
		f.report(r)
	}
	return nil, f.err
}

func TestMalformedAnswers(t *testing.T) {
	broken := outcome{Class: databrain.ClassNetwork, Unknown: true}
	for name, tt := range map[string]struct {
		answer string
		want   outcome
	}{
		"no HTTP":     {"SSH-2.0-OpenSSH_9.6\r\n\r\n", broken},
		"bad status":  {"HTTP/1.1 2OO OK\r\n\r\n", broken},
		"bad header":  {"HTTP/1.1 200 OK\r\nno colon\r\n\r\n", broken},
		"two lengths": {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}", broken},
		"bad chunk": {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}",
			outcome{Class: databrain.ClassNetwork, Unknown: true, Status: 200}},
		"bad gzip": {"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
			outcome{Class: databrain.ClassNetwork, Unknown: true, Status: 200}},
		"switching protocols": {"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
			outcome{Class: databrain.ClassDecode, Unknown: true, Status: 101}},
		"redirect to no URL": {"HTTP/1.1 302 Found\r\nLocation: http://[::1/%zz\r\nContent-Length: 0\r\n\r\n",
			outcome{Class: databrain.ClassDecode, Unknown: true, Status: 302}},
		"redirect to a scheme": {"HTTP/1.1 307 Moved\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n",
			outcome{Class: databrain.ClassDecode, Unknown: true, Status: 307}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			each(t, rawServer(t, tt.answer), databrain.Options{}, tt.want)
		})
	}
}

// TestRedirects: none is followed, whatever it asks for, and the credential stays
// with the host that it is meant for.
func TestRedirects(t *testing.T) {
	var strayed atomic.Int64
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { strayed.Add(1) }))
	defer other.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		redirecting := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if "http://"+r.Host == other.URL {
				strayed.Add(1)
				return
			}
			http.Redirect(w, r, other.URL+"/", status)
		})
		server := httptest.NewServer(redirecting)
		defer server.Close()
		for _, op := range operations() {
			for where, c := range map[string]*databrain.Client{
				"in process":    inProcess(t, standin.Transport{Handler: redirecting}, databrain.Options{}),
				"over a socket": databrain.New(parse(t, server.URL), databrain.Options{}),
			} {
				t.Run(op.name+"/"+http.StatusText(status)+"/"+where, func(t *testing.T) {
					err := op.call(t.Context(), c, databrain.NewSecret("jwt"))
					want := outcome{Class: databrain.ClassDecode, Unknown: true, Status: status}
					if diff := cmp.Diff(want, outcomeOf(t, err)); diff != "" {
						t.Errorf("-want +got\n%s\n%v", diff, err)
					}
				})
			}
		}
	}
	if n := strayed.Load(); n != 0 {
		t.Errorf("the other host saw %d requests", n)
	}
}

// TestTLS: a certificate that is not trusted, and a server that speaks no TLS. It is
// certain that nothing was sent.
func TestTLS(t *testing.T) {
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	t.Run("not trusted", func(t *testing.T) {
		each(t, server.URL, databrain.Options{}, outcome{Class: databrain.ClassNetwork})
	})
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	t.Run("no TLS", func(t *testing.T) {
		each(t, strings.Replace(plain.URL, "http:", "https:", 1), databrain.Options{}, outcome{Class: databrain.ClassNetwork})
	})
}

// TestNotSendable: a value that fits in no header is the caller's fault and is
// never sent, rather than a broken connection that may be tried again.
func TestNotSendable(t *testing.T) {
	for _, bearer := range []string{"two\nlines", "a b", "tab\t", "é", "\x7f", " "} {
		sent := 0
		c := inProcess(t, standin.Transport{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { sent++ })},
			databrain.Options{})
		token := databrain.NewSecret(bearer)
		_, rotate := c.RotateServiceToken(t.Context(), token, time.Hour)
		for _, err := range []error{c.Probe(t.Context(), token), c.SaveServiceToken(t.Context(), token,
			serviceToken()), rotate, drain(c.DataApps(t.Context(), token, databrain.Whole))} {
			if diff := cmp.Diff(outcome{Class: databrain.ClassInvalid}, outcomeOf(t, err)); diff != "" || sent != 0 {
				t.Errorf("%q: sent %d\n%s\n%v", bearer, sent, diff, err)
			}
		}
	}
}

// TestSendable: all of visible ASCII is sendable, to both of its ends.
func TestSendable(t *testing.T) {
	for text, want := range map[string]bool{"!~": true, "": false, "\x1f": false, " ": false, "\x7f": false} {
		if got := databrain.Sendable(text); got != want {
			t.Errorf("%q: %t", text, got)
		}
	}
}

// TestLargestAnswer: an answer may have a mebibyte, and no byte more even if it is a blank.
func TestLargestAnswer(t *testing.T) {
	for _, op := range operations() {
		if op.name != "SignIn" && op.name != "SaveServiceToken" {
			continue // lists are decoded as they come
		}
		for size, want := range map[int]outcome{
			1 << 20:   {},
			1<<20 + 1: {Class: databrain.ClassDecode, Unknown: true, Status: 200},
		} {
			answer := op.right() + strings.Repeat(" ", size-len(op.right()))
			c := inProcess(t, standin.Transport{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				io.WriteString(w, answer)
			})}, databrain.Options{})
			if diff := cmp.Diff(want, outcomeOf(t, op.call(t.Context(), c, serviceToken()))); diff != "" {
				t.Errorf("%s, %d bytes: %s", op.name, size, diff)
			}
		}
	}
}

// TestRequests: what goes on the wire.
func TestRequests(t *testing.T) {
	for _, prefix := range []string{"", "/databrain", "/a/b"} {
		for _, op := range operations() {
			var got *http.Request
			c := databrain.New(parse(t, "https://databrain.test"+prefix+"/"), databrain.Options{
				UserAgent: "tests/1", Transport: standin.Transport{Handler: http.HandlerFunc(func(w http.ResponseWriter,
					r *http.Request) {
					got = r
					io.WriteString(w, op.right())
				})},
			})
			if err := op.call(t.Context(), c, databrain.NewSecret("jwt")); err != nil {
				t.Fatal(err)
			}
			method, path, _ := strings.Cut(op.endpoint, " ")
			want := http.Header{"User-Agent": {"tests/1"}, "Accept": {"application/json"}}
			if method == http.MethodPost {
				want.Set("Content-Type", "application/json")
			}
			switch {
			case op.admin:
				want.Set("Authorization", "Bearer jwt")
			case op.name == "RotateAPIToken", op.name == "ProbeAPIToken":
				want.Set("Authorization", "Bearer "+exampleKey)
			case op.name != "SignIn":
				want.Set("Authorization", "Bearer "+serviceToken().Reveal())
			}
			got.Header.Del("Accept-Encoding")
			if diff := cmp.Diff(want, got.Header); diff != "" || got.Method != method || got.URL.Path != prefix+path ||
				got.Host != "databrain.test" {
				t.Errorf("%s: %s %s\n%s", op.name, got.Method, got.URL, diff)
			}
		}
	}
}

// TestHostHeader: what a host may have more than its name in a router's table is left out.
func TestHostHeader(t *testing.T) {
	for base, want := range map[string]string{
		"https://databrain.test:443/a": "databrain.test", "https://databrain.test": "databrain.test",
		"https://databrain.test:8443": "databrain.test:8443", "https://databrain.test:80": "databrain.test:80",
		"https://[2001:db8::1]:443": "[2001:db8::1]", "http://127.0.0.1:80": "127.0.0.1",
		"http://127.0.0.1:443": "127.0.0.1:443", "https://DataBrain.test": "databrain.test",
		"https://databrain.test.": "databrain.test", "https://databrain.test.:443/a": "databrain.test",
		"https://databrain.test.:8443": "databrain.test:8443", "https://databrain.test:": "databrain.test",
		"https://[2001:DB8::1]": "[2001:db8::1]", "http://[::1]:80": "[::1]",
	} {
		got := ""
		c := databrain.New(parse(t, base), databrain.Options{Transport: standin.Transport{
			Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.Host })}})
		if err := c.Probe(t.Context(), serviceToken()); err == nil || got != want {
			t.Errorf("%s: Host %q, want %q", base, got, want)
		}
	}
}

// TestRedirectsAreNamed: an operator learns which host answers with a redirect to another,
// and nothing else of the address.
func TestRedirectsAreNamed(t *testing.T) {
	for location, want := range map[string]string{
		"https://login.example.com/sso?token=" + freshToken: "a redirect to https://login.example.com, which",
		"HTTPS://Login.Example.com.:8443/":                  "a redirect to https://login.example.com, which",
		"//login.example.com/":                              "a redirect, which",
		"http://[2001:DB8::1]/":                             "a redirect to http://[2001:db8::1], which",
		"http://10.0.0.1/":                                  "a redirect to http://10.0.0.1, which",
		"/login?next=" + freshToken:                         "a redirect to another path of the same host, which",
		"https://" + freshToken + "/":                       "a redirect, which",
		"":                                                  "a redirect, which",
	} {
		c := databrain.New(parse(t, "https://databrain.test"), databrain.Options{Transport: standin.Transport{
			Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", location)
				w.WriteHeader(http.StatusFound)
			})}})
		err := c.Probe(t.Context(), serviceToken())
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), freshToken) {
			t.Errorf("%q: %v does not say %q, or too much", location, err, want)
		}
	}
}

// TestBaseIsNotShared: the caller's URL stays as it was.
func TestBaseIsNotShared(t *testing.T) {
	base := parse(t, "https://databrain.test/a")
	before := *base
	c := databrain.New(base, databrain.Options{Transport: failing{err: io.EOF}})
	for _, op := range operations() {
		op.call(t.Context(), c, databrain.NewSecret("jwt"))
	}
	if diff := cmp.Diff(before, *base, cmp.AllowUnexported(url.Userinfo{})); diff != "" {
		t.Error(diff)
	}
}
