package databrain

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"databrain-rotation/pkg/jsonobject"
	"databrain-rotation/pkg/transport"
)

const (
	maxAnswer     = 1 << 20  // bytes read of an answer that is decoded as a whole
	maxListAnswer = 64 << 20 // bytes read of a list that is decoded entry by entry
)

// errUnreadable stands for every way in which an answer is not the documented
// one. encoding/json's own errors quote the input, which may hold a credential.
var errUnreadable = errors.New("the answer is not what the API documents (truncated, too large, HTML or a redirect?)")

// Options are the optional parts of a [Client].
type Options struct {
	// Transport carries the requests. Nil means a transport of the client's own,
	// which ignores the proxy variables of the environment and sends each rotation
	// on a connection of its own. A given transport carries rotations, too.
	Transport http.RoundTripper
	// Timeout bounds one request with the reading of its answer; 0 means 30 s.
	Timeout time.Duration
	// Now is the clock that a Retry-After date is read against; nil means time.Now.
	Now func() time.Time
	// UserAgent is sent with each request; "" means "databrain-rotation".
	UserAgent string
}

// Client speaks to one instance. It is safe for concurrent use and keeps no
// credential.
type Client struct {
	base    *url.URL
	host    string // for the header Host
	pooled  http.RoundTripper
	single  http.RoundTripper // a new connection each time; see rotate
	options Options
	wait    func(context.Context) error // nil for none
}

// New returns a client of the instance at base; see [ParseBaseURL].
func New(base *url.URL, o Options) *Client {
	if o.Timeout == 0 {
		o.Timeout = 30 * time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.UserAgent == "" {
		o.UserAgent = "databrain-rotation"
	}
	c := &Client{base: base, host: hostHeader(base), pooled: o.Transport, single: o.Transport, options: o}
	if o.Transport == nil {
		single := transport.New()
		single.DisableKeepAlives = true
		c.pooled, c.single = transport.New(), single
	}
	return c
}

// hostHeader returns the host of base as routers that compare the header as text know
// it (envoyproxy/envoy#886): in lower case, without the dot that ends a full name, and
// without a port that the scheme means anyway.
func hostHeader(base *url.URL) string {
	port := ":" + base.Port()
	host := strings.TrimSuffix(strings.ToLower(base.Host), port)
	host = strings.TrimSuffix(host, ".")
	if port == ":" || base.Scheme == "https" && port == ":443" || base.Scheme == "http" && port == ":80" {
		return host
	}
	return host + port
}

// WithWait returns a client that shares c's connections and calls wait before each
// request, for a rate limit. An error of wait becomes the request's, which is then
// not sent. What limits one run does not outlive it.
func (c *Client) WithWait(wait func(context.Context) error) *Client {
	limited := *c
	limited.wait = wait
	return &limited
}

// request is one call of the API.
type request struct {
	op     string // for errors
	method string
	path   string
	query  url.Values
	bearer Secret // the zero Secret sends no Authorization
	body   any    // encoded as JSON; nil sends none
	once   bool   // never on a kept-alive connection, and never sent again
}

// do sends r and returns the answer if its status is a 2xx, body open. Every failure
// is an [*Error]. It hands the request to the transport itself: an [http.Client]
// would act on a redirect, whose Location it parses even where it is told not to
// follow.
func (c *Client) do(ctx context.Context, r request) (*http.Response, error) {
	if c.wait != nil {
		if err := c.wait(ctx); err != nil {
			return nil, c.failure(r, Error{Class: ClassTimeout, err: err})
		}
	}
	if err := ctx.Err(); err != nil { // so that a transport that fails has been asked for a connection
		return nil, c.failure(r, Error{Class: ClassTimeout, err: err})
	}
	ctx, cancel := context.WithTimeout(ctx, c.options.Timeout)
	req, err := c.build(ctx, r)
	if err != nil {
		cancel()
		return nil, c.failure(
			r,
			Error{Class: ClassInvalid, err: errors.New("the request could not be built from these values")},
		)
	}
	carrier := c.pooled
	if r.once {
		carrier = c.single
	}
	req, progress := transport.Follow(req)
	resp, err := carrier.RoundTrip(req)
	if err != nil {
		cancel()
		e := c.broken(r, 0, err)
		e.unknown = !progress.NothingSent()
		return nil, e
	}
	resp.Body = &cancelBody{resp.Body, cancel}
	if resp.StatusCode/100 != 2 {
		defer resp.Body.Close()
		return nil, c.refusal(r, resp)
	}
	return resp, nil
}

func (c *Client) build(ctx context.Context, r request) (*http.Request, error) {
	target := c.base.JoinPath(r.path)
	target.RawQuery = r.query.Encode()
	var body io.Reader
	if r.body != nil {
		encoded, err := json.Marshal(r.body)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(encoded)
	}
	req, err := http.NewRequestWithContext(ctx, r.method, target.String(), body)
	if err != nil {
		return nil, err
	}
	if r.once {
		// net/http sends again, without end over HTTP/2, what a server refuses to
		// process, if it can make the body again.
		req.GetBody = nil
	}
	req.Host = c.host
	req.Header.Set("Accept", "application/json") // without it, firewalls with the usual rules answer 403
	req.Header.Set("User-Agent", c.options.UserAgent)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if !r.bearer.Empty() {
		if !Sendable(r.bearer.Reveal()) {
			return nil, errors.New("the bearer is not visible ASCII")
		}
		req.Header.Set("Authorization", "Bearer "+r.bearer.Reveal())
	}
	return req, nil
}

// fetch is do for answers that are small. It hands the JSON object in the answer to
// documented, which reports whether it is what the API documents: the body decides,
// and not which 2xx it comes with.
func (c *Client) fetch(ctx context.Context, r request, documented func(jsonobject.Object) bool) error {
	resp, err := c.do(ctx, r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := readAll(resp.Body)
	if err != nil {
		return c.broken(r, resp.StatusCode, err)
	}
	answer, err := jsonobject.Parse(body)
	if err != nil {
		return c.broken(r, resp.StatusCode, errUnreadable)
	}
	if err := c.reported(r, resp.StatusCode, answer); err != nil {
		return err
	}
	if !documented(answer) {
		return c.broken(r, resp.StatusCode, errUnreadable)
	}
	return nil
}

// reported is the error that an answer with a good status reports in its body, or
// nil. Absent and null are no error ({docs}/list-datasources has both).
func (c *Client) reported(r request, status int, answer jsonobject.Object) error {
	if detail := answer.Raw("error"); detail == nil || string(detail) == "null" {
		return nil
	}
	code, ours := apiError(answer)
	if !ours {
		return c.broken(r, status, errUnreadable)
	}
	e := c.failure(r, Error{Status: status, Code: normalise(code)})
	e.classify(ours)
	return e
}

// refusal is the error of an answer that is not a 2xx.
func (c *Client) refusal(r request, resp *http.Response) error {
	e := c.failure(r, Error{Status: resp.StatusCode, RetryAfter: retryAfter(resp.Header, c.options.Now())})
	ours := false
	// The body of a 101 is the connection, whose reading no context ends.
	if resp.StatusCode != http.StatusSwitchingProtocols {
		if body, err := readAll(resp.Body); err == nil {
			if answer, err := jsonobject.Parse(body); err == nil {
				var code string
				code, ours = apiError(answer)
				e.Code = normalise(code)
			}
		}
	}
	e.classify(ours)
	e.err = redirect(resp)
	return e
}

// redirect names the host that a redirect points to, nil for other answers.
func redirect(resp *http.Response) error {
	if resp.StatusCode/100 != 3 {
		return nil
	}
	unnamed := errors.New("a redirect, which is not followed")
	to, err := url.Parse(resp.Header.Get("Location"))
	if err != nil {
		return unnamed
	}
	host := strings.TrimSuffix(strings.ToLower(to.Hostname()), ".")
	switch _, notIP := netip.ParseAddr(host); {
	case to.Scheme == "" && to.Host == "" && to.Path != "":
		return errors.New("a redirect to another path of the same host, which is not followed")
	case to.Scheme != "http" && to.Scheme != "https", notIP != nil && !hostName.MatchString(host):
		return unnamed
	case strings.Contains(host, ":"):
		host = "[" + host + "]"
	}
	return fmt.Errorf("a redirect to %s://%s, which is not followed", to.Scheme, host)
}

// hostName is what is shown of an address that an answer names: a credential in its
// place does not look like this.
var hostName = regexp.MustCompile(`^([a-z0-9-]{1,40}\.){1,6}[a-z]{2,20}$|^localhost$`)

// apiError returns the code in an answer's member "error", and whether it has
// the API's form: {"error":{"code":"…","message":"…"}}.
func apiError(answer jsonobject.Object) (code string, ours bool) {
	detail, err := jsonobject.Parse(answer.Raw("error"))
	if err != nil {
		return "", false
	}
	code, ok := detail.Text("code")
	return code, ok && code != ""
}

// retryAfter reads how long to wait: Retry-After in seconds or as a date, else
// RateLimit-Reset in seconds. What it cannot read or lies in the past is 0.
func retryAfter(h http.Header, now time.Time) time.Duration {
	value := h.Get("Retry-After")
	if value == "" {
		value = h.Get("RateLimit-Reset")
	}
	const longest = 24 * 60 * 60
	if seconds, err := strconv.ParseUint(value, 10, 64); err == nil || errors.Is(err, strconv.ErrRange) {
		return time.Duration(min(seconds, longest)) * time.Second
	}
	if date, err := http.ParseTime(value); err == nil {
		return max(0, min(date.Sub(now), longest*time.Second))
	}
	return 0
}

func readAll(r io.Reader) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r, maxAnswer+1))
	if err == nil && len(body) > maxAnswer {
		err = errUnreadable
	}
	return body, err
}

type cancelBody struct {
	io.ReadCloser
	cancel context.CancelFunc
}

func (b *cancelBody) Close() error {
	defer b.cancel()
	return b.ReadCloser.Close()
}
