package databrain

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"databrain-rotation/pkg/jsonobject"
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
	// Wait is called before each request, for a rate limit. Its error becomes the
	// request's, which is then not sent.
	Wait func(context.Context) error
	// Now is the clock that a Retry-After date is read against; nil means time.Now.
	Now func() time.Time
	// UserAgent is sent with each request; "" means "databrain-rotation".
	UserAgent string
}

// Client speaks to one instance. It is safe for concurrent use and keeps no
// credential.
type Client struct {
	base    *url.URL
	pooled  *http.Client
	single  *http.Client // a new connection each time; see rotate
	options Options
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
	pooled, single := o.Transport, o.Transport
	if pooled == nil {
		pooled, single = newTransport(), newTransport()
		single.(*http.Transport).DisableKeepAlives = true
	}
	return &Client{
		base: base, options: o,
		pooled: &http.Client{Transport: inert{pooled}}, single: &http.Client{Transport: inert{single}},
	}
}

// WithWait returns a client that shares c's connections and calls wait before each
// request, as [Options].Wait does: what limits one run does not outlive it.
func (c *Client) WithWait(wait func(context.Context) error) *Client {
	limited := *c
	limited.options.Wait = wait
	return &limited
}

func newTransport() http.RoundTripper {
	return &http.Transport{
		ForceAttemptHTTP2:   true,
		MaxIdleConnsPerHost: 64, // as many as requests in flight, so that none is set up twice
		IdleConnTimeout:     90 * time.Second,
		TLSHandshakeTimeout: 10 * time.Second,
	}
}

// inert keeps from net/http's client what it would act on by itself: a redirect,
// whose Location it parses even where it is told not to follow, and the
// connection that a 101 hands over as a body, whose reading no context ends.
type inert struct{ http.RoundTripper }

func (t inert) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := t.RoundTripper.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	resp.Header = resp.Header.Clone()
	resp.Header.Del("Location")
	if resp.StatusCode == http.StatusSwitchingProtocols {
		resp.Body.Close() // reading it fails from here on
	}
	return resp, nil
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

// do sends r and returns the answer if its status is 200, body open. Every
// failure is an [*Error].
func (c *Client) do(ctx context.Context, r request) (*http.Response, error) {
	if c.options.Wait != nil {
		if err := c.options.Wait(ctx); err != nil {
			return nil, &Error{Op: r.op, Class: ClassTimeout, err: err}
		}
	}
	ctx, cancel := context.WithTimeout(ctx, c.options.Timeout)
	req, err := c.build(ctx, r)
	if err != nil {
		cancel()
		return nil, &Error{Op: r.op, Class: ClassInvalid, err: errors.New("the request could not be built from these values")}
	}
	client := c.pooled
	if r.once {
		client = c.single
	}
	resp, err := client.Do(req)
	if err != nil {
		cancel()
		return nil, transportError(r.op, 0, err)
	}
	resp.Body = &cancelBody{resp.Body, cancel}
	if resp.StatusCode != http.StatusOK {
		defer resp.Body.Close()
		return nil, c.refusal(r.op, resp)
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

// fetch is do for answers that are small: it returns the members of the JSON
// object in the answer.
func (c *Client) fetch(ctx context.Context, r request) (jsonobject.Object, error) {
	resp, err := c.do(ctx, r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := readAll(resp.Body)
	if err != nil {
		return nil, transportError(r.op, resp.StatusCode, err)
	}
	answer, err := jsonobject.Parse(body)
	if err != nil {
		return nil, transportError(r.op, resp.StatusCode, errUnreadable)
	}
	if err := reported(r.op, resp.StatusCode, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// reported is the error that an answer with a good status reports in its body, or
// nil. Absent and null are no error ({docs}/list-datasources has both).
func reported(op string, status int, answer jsonobject.Object) error {
	if detail := answer.Raw("error"); detail == nil || string(detail) == "null" {
		return nil
	}
	code, ours := apiError(answer)
	if !ours {
		return transportError(op, status, errUnreadable)
	}
	e := &Error{Op: op, Status: status, Code: normalise(code)}
	e.classify(ours)
	return e
}

// refusal is the error of an answer that is not a 200.
func (c *Client) refusal(op string, resp *http.Response) error {
	e := &Error{Op: op, Status: resp.StatusCode, RetryAfter: retryAfter(resp.Header, c.options.Now())}
	ours := false
	if body, err := readAll(resp.Body); err == nil {
		if answer, err := jsonobject.Parse(body); err == nil {
			var code string
			code, ours = apiError(answer)
			e.Code = normalise(code)
		}
	}
	e.classify(ours)
	return e
}

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
// RateLimit-Reset in seconds. What it can not read or lies in the past is 0.
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
