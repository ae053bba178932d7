package databrain_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"databrain-rotation/pkg/databrain"
	"databrain-rotation/pkg/standin"
	"databrain-rotation/pkg/standin/leaktest"
)

const (
	canaryPassword = "c4n4ry-P@ss w0rd+%/"
	canaryToken    = "ca9a4700-1111-4222-8333-444455556666"
	canaryJWT      = "eyJc4n4ry.eyJqd3Q.c4n4rySignature"
	canaryAnswer   = "c4n4ry-from-the-4nswer"
)

func canaries() []string {
	return []string{canary, canaryPassword, canaryToken, canaryJWT, canaryAnswer}
}

// canaryCalls are all operations with canaries for credentials.
func canaryCalls() map[string]func(context.Context, *databrain.Client) error {
	token, jwt := databrain.NewSecret(canaryToken), databrain.NewSecret(canaryJWT)
	return map[string]func(context.Context, *databrain.Client) error{
		"SignIn": func(ctx context.Context, c *databrain.Client) error {
			_, err := c.SignIn(ctx,
				databrain.Credentials{Email: "admin@company.com", Password: databrain.NewSecret(canaryPassword)})
			return err
		},
		"Save": func(ctx context.Context, c *databrain.Client) error { return c.SaveServiceToken(ctx, jwt, token) },
		"Rotate": func(ctx context.Context, c *databrain.Client) error {
			_, err := c.RotateServiceToken(ctx, token, time.Hour)
			return err
		},
		"RotateAsAdmin": func(ctx context.Context, c *databrain.Client) error {
			_, err := c.RotateServiceTokenAsAdmin(ctx, jwt, token, time.Hour)
			return err
		},
		"Rotate at once": func(ctx context.Context, c *databrain.Client) error {
			_, err := c.RotateServiceTokenAsAdmin(ctx, jwt, token, 0)
			return err
		},
		"Probe": func(ctx context.Context, c *databrain.Client) error { return c.Probe(ctx, token) },
		"unsendable": func(ctx context.Context, c *databrain.Client) error {
			return c.Probe(ctx,
				databrain.NewSecret(canary))
		},
		"DataApps": func(ctx context.Context, c *databrain.Client) error {
			return drain(c.DataApps(ctx, token, databrain.Whole))
		},
		"DataAppPages": func(ctx context.Context, c *databrain.Client) error { return drain(c.DataApps(ctx, token, 1)) },
		"APITokens": func(ctx context.Context, c *databrain.Client) error {
			return drain(c.APITokens(ctx, token, canaryAnswer, databrain.Whole))
		},
		"APITokenPages": func(ctx context.Context, c *databrain.Client) error {
			return drain(c.APITokens(ctx, token, canaryAnswer, 1))
		},
	}
}

// searched looks into all that err shows and wraps.
func searched(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		t.Error("no failure")
		return
	}
	var text strings.Builder
	for e := err; e != nil; e = errors.Unwrap(e) {
		fmt.Fprintf(&text, "%v\n%+v\n%#v\n%q\n", e, e, e, e)
	}
	if e, ok := errors.AsType[*databrain.Error](err); ok {
		encoded, _ := json.Marshal(e)
		fmt.Fprintf(&text, "%s\n%s\n%+v", e.Code, encoded, *e)
	}
	if secret, form := leaktest.For(canaries()...).Find(text.String()); secret != "" {
		t.Errorf("%s (%s) in %s", secret, form, text.String())
	}
}

// TestErrorsTellNoSecret has servers that throw back all they got, and a key of
// their own, at every place of an answer that an error could quote.
func TestErrorsTellNoSecret(t *testing.T) {
	for name, answer := range map[string]string{
		"status line":    "HTTP/1.1 500 %s\r\nContent-Length: 0\r\n\r\n",
		"status code":    "HTTP/1.1 %s\r\nContent-Length: 0\r\n\r\n",
		"protocol":       "%s\r\n\r\n",
		"header line":    "HTTP/1.1 200 OK\r\n%s\r\n\r\n{}",
		"header name":    "HTTP/1.1 401 No\r\n%s: x\r\n\r\n",
		"challenge":      "HTTP/1.1 401 No\r\nWWW-Authenticate: Bearer %s\r\nContent-Length: 0\r\n\r\n",
		"Retry-After":    "HTTP/1.1 429 No\r\nRetry-After: %s\r\nContent-Length: 0\r\n\r\n",
		"Location":       "HTTP/1.1 302 No\r\nLocation: https://%s/%[1]s\r\nContent-Length: 0\r\n\r\n",
		"bad Location":   "HTTP/1.1 302 No\r\nLocation: :%%zz%s\r\nContent-Length: 0\r\n\r\n",
		"length":         "HTTP/1.1 200 OK\r\nContent-Length: %s\r\n\r\n{}",
		"encoding":       "HTTP/1.1 200 OK\r\nTransfer-Encoding: %s\r\n\r\n{}",
		"chunk":          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%s\r\n{}",
		"trailer":        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n%s\r\n\r\n",
		"gzip":           "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 999\r\n\r\n%s",
		"upgrade":        "HTTP/1.1 101 No\r\nConnection: Upgrade\r\nUpgrade: %s\r\n\r\n%[1]s",
		"early hint":     "HTTP/1.1 103 Early Hints\r\nLink: %s\r\n\r\n",
		"cut":            "HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n%s",
		"text":           "HTTP/1.1 200 OK\r\n\r\n%s",
		"error page":     "HTTP/1.1 502 No\r\n\r\n<h1>%s</h1>",
		"message":        "HTTP/1.1 400 No\r\n\r\n" + `{"error":{"code":"INVALID_REQUEST_BODY","message":"%s is not valid"}}`,
		"code":           "HTTP/1.1 400 No\r\n\r\n" + `{"error":{"code":"%s","message":"x"}}`,
		"code of a 401":  "HTTP/1.1 401 No\r\n\r\n" + `{"error":{"code":"%s","message":"x"}}`,
		"code of a 200":  "HTTP/1.1 200 OK\r\n\r\n" + `{"error":{"code":"%s"},"data":null}`,
		"error text":     "HTTP/1.1 200 OK\r\n\r\n" + `{"error":"%s"}`,
		"wrong member":   "HTTP/1.1 200 OK\r\n\r\n" + `{"serviceToken":"%s"}`,
		"member twice":   "HTTP/1.1 200 OK\r\n\r\n" + `{"key":"%s","key":"%[1]s"}`,
		"number":         "HTTP/1.1 200 OK\r\n\r\n" + `{"key":1%s,"data":[1%[1]s]}`,
		"member's name":  "HTTP/1.1 200 OK\r\n\r\n" + `{"%s":1,"%[1]s":2}`,
		"key":            "HTTP/1.1 200 OK\r\n\r\n" + `{"key":"not the form: %s","data":{"x":"%[1]s"}}`,
		"entry":          "HTTP/1.1 200 OK\r\n\r\n" + `{"data":[{"name":7,"x":"%s"}],"error":1}`,
		"JWT":            "HTTP/1.1 200 OK\r\n\r\n" + `{"data":{"accessToken":"%s\n"}}`,
		"entry's number": "HTTP/1.1 200 OK\r\n\r\n" + `{"data":[{"name":"a","key":"a"},{"name":1%s}]}`,
	} {
		for call, do := range canaryCalls() {
			t.Run(name+"/"+call, func(t *testing.T) {
				t.Parallel()
				for _, thrown := range []string{canaryAnswer, canaryToken, canaryJWT} {
					c := databrain.New(parse(t, echoServer(t, fmt.Sprintf(answer, thrown))),
						databrain.Options{Timeout: 10 * time.Second})
					searched(t, do(t.Context(), c))
				}
			})
		}
	}
}

// echoServer gives one answer per connection, and closes it.
func echoServer(t *testing.T, answer string) (base string) {
	t.Helper()
	return "http://" + listen(t, func(conn net.Conn) {
		if r, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
			io.Copy(io.Discard, r.Body)
		}
		io.WriteString(conn, answer)
	})
}

// TestErrorsTellNoRequest has an instance that quotes the request in its answer.
func TestErrorsTellNoRequest(t *testing.T) {
	for _, status := range []int{200, 302, 400, 401, 403, 404, 429, 500, 502} {
		for _, frame := range []string{"%s", `{"error":%q}`, `{"error":{"code":%q,"message":"x"}}`,
			`{"error":{"code":"A","message":%q}}`, `{"key":%q,"key":1}`, `{"data":%q}`} {
			c := inProcess(t, standin.Transport{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				w.WriteHeader(status)
				fmt.Fprintf(w, frame, fmt.Sprint(r.Header, r.URL, string(body)))
			})}, databrain.Options{})
			for _, do := range canaryCalls() {
				searched(t, do(t.Context(), c))
			}
		}
	}
}

// TestErrorsTellNoTransport: also an error of the transport may quote anything.
func TestErrorsTellNoTransport(t *testing.T) {
	quoting := fmt.Errorf("malformed answer %q to %q with %q", canaryAnswer, canaryToken, canaryPassword)
	for _, err := range []error{
		quoting, errors.Join(io.ErrUnexpectedEOF, quoting), &url.Error{Op: "Post", URL: "https://x/?" + canaryToken,
			Err: quoting},
		fmt.Errorf("%w: %w", context.DeadlineExceeded, quoting), fmt.Errorf("%w: %w", context.Canceled, quoting),
	} {
		for _, do := range canaryCalls() {
			searched(t, do(t.Context(), inProcess(t, failing{err: err}, databrain.Options{})))
		}
	}
}
