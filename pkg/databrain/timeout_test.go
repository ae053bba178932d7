package databrain_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"databrain-rotation/pkg/databrain"
	"databrain-rotation/pkg/standin"
)

// stall answers with status and start, and then nothing more. Status 0 is no
// answer at all.
func stall(status int, start string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		if status != 0 {
			w.WriteHeader(status)
			io.WriteString(w, start)
			w.(http.Flusher).Flush()
		}
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	})
}

var stalls = map[string]struct {
	status int
	start  string
	want   outcome
}{
	"no answer":   {0, "", outcome{Class: databrain.ClassTimeout, Unknown: true}},
	"no body":     {200, "", outcome{Class: databrain.ClassTimeout, Unknown: true, Status: 200}},
	"half a body": {200, `{"data":[{"na`, outcome{Class: databrain.ClassTimeout, Unknown: true, Status: 200}},
	"half an error": {
		500,
		`{"error":{"code":"SELFHOSTED_`,
		outcome{Class: databrain.ClassServer, Unknown: true, Status: 500},
	},
	"half a 401": {401, `{"error":{"code":"AUTHENTICATION_`, outcome{Class: databrain.ClassAuth, Status: 401}},
	"half a 400": {
		400,
		`{"error":{"code":"INVALID_REQUEST_`,
		outcome{Class: databrain.ClassDecode, Unknown: true, Status: 400},
	},
	"half a 429": {429, "Too many", outcome{Class: databrain.ClassRateLimited, Status: 429}},
}

// TestTimeout: the time runs over the whole exchange, the answer's body included.
func TestTimeout(t *testing.T) {
	const timeout = 7 * time.Second
	for _, o := range operations() {
		for name, s := range stalls {
			t.Run(o.name+"/"+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					c := inProcess(t, standin.Transport{Handler: stall(s.status, s.start)}, databrain.Options{Timeout: timeout})
					start := time.Now()
					err := o.call(t.Context(), c, databrain.NewSecret("jwt"))
					if diff := cmp.Diff(s.want, outcomeOf(t, err)); diff != "" {
						t.Errorf("-want +got\n%s\n%v", diff, err)
					}
					if took := time.Since(start); took != timeout {
						t.Errorf("took %v", took)
					}
				})
			})
		}
	}
}

func TestTimeoutOverSocket(t *testing.T) {
	for name, s := range stalls {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(stall(s.status, s.start))
			defer server.Close()
			var wg sync.WaitGroup
			for _, o := range operations() {
				wg.Go(func() {
					var err error
					for timeout := 300 * time.Millisecond; timeout < time.Minute; timeout *= 10 {
						c := databrain.New(parse(t, server.URL), databrain.Options{Timeout: timeout})
						err = o.call(t.Context(), c, databrain.NewSecret("jwt"))
						if outcomeOf(t, err).Status == s.status { // else the machine was slower than the timeout
							break
						}
					}
					if diff := cmp.Diff(s.want, outcomeOf(t, err)); diff != "" {
						t.Errorf("%s: -want +got\n%s\n%v", o.name, diff, err)
					}
				})
			}
			wg.Wait()
		})
	}
}

func TestDefaultTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		c := inProcess(t, standin.Transport{Handler: stall(0, "")}, databrain.Options{})
		if err := c.Probe(t.Context(), serviceToken()); databrain.ClassOf(err) != databrain.ClassTimeout {
			t.Error(err)
		}
		if took := time.Since(start); took != 30*time.Second {
			t.Errorf("took %v, documented are 30 s", took)
		}
	})
}

// TestContext: the caller's own deadline and cancellation count as well, and both
// stay visible to errors.Is.
func TestContext(t *testing.T) {
	for name, tt := range map[string]struct {
		end  func(context.Context) (context.Context, context.CancelFunc)
		is   error
		want outcome
	}{
		"deadline": {func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, time.Second)
		}, context.DeadlineExceeded, outcome{Class: databrain.ClassTimeout, Unknown: true}},
		"cancelled on the way": {func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			time.AfterFunc(time.Second, cancel)
			return ctx, cancel
		}, context.Canceled, outcome{Class: databrain.ClassNetwork, Unknown: true}},
	} {
		for _, o := range operations() {
			t.Run(o.name+"/"+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					c := inProcess(t, standin.Transport{Handler: stall(0, "")}, databrain.Options{})
					ctx, cancel := tt.end(t.Context())
					defer cancel()
					err := o.call(ctx, c, databrain.NewSecret("jwt"))
					if diff := cmp.Diff(tt.want, outcomeOf(t, err)); diff != "" {
						t.Error(diff)
					}
					if !errors.Is(err, tt.is) {
						t.Errorf("%v is not %v", err, tt.is)
					}
				})
			})
		}
	}
}

// TestWait: the limiter comes before every request, pages included, and what it
// refuses is not sent.
func TestWait(t *testing.T) {
	errFull := errors.New("would exceed the deadline")
	for _, o := range operations() {
		t.Run(o.name, func(t *testing.T) {
			db := o.server()
			waited, refuse := 0, false
			c := inProcess(t, db.Client().Transport, databrain.Options{}).WithWait(func(context.Context) error {
				waited++
				if refuse {
					return errFull
				}
				return nil
			})
			jwt := o.jwt(t, c)
			refuse = true
			err := o.call(t.Context(), c, jwt)
			if diff := cmp.Diff(outcome{Class: databrain.ClassTimeout}, outcomeOf(t, err)); diff != "" ||
				!errors.Is(err, errFull) {
				t.Errorf("%v\n%s", err, diff)
			}
			if sent := len(db.Calls()); sent != waited-1 {
				t.Errorf("waited %d times, the last one in vain, and sent %d requests", waited, sent)
			}
			refuse = false
			if err := o.call(t.Context(), c, jwt); err != nil || len(db.Calls()) != waited-1 {
				t.Errorf("%v: waited %d times, sent %d requests", err, waited, len(db.Calls()))
			}
		})
	}
}

// TestWithWait: the copy waits, the original does not, and both share what they
// know of the instance.
func TestWithWait(t *testing.T) {
	errFull := errors.New("full")
	db := operations()[0].server()
	c := overSocket(t, db, databrain.Options{})
	limited := c.WithWait(func(context.Context) error { return errFull })
	patient := limited.WithWait(func(context.Context) error { return nil })
	if err := limited.Probe(t.Context(), serviceToken()); !errors.Is(err, errFull) || len(db.Calls()) != 0 {
		t.Errorf("limited: %v, %d requests", err, len(db.Calls()))
	}
	for name, c := range map[string]*databrain.Client{"original": c, "copy of the copy": patient} {
		if err := c.Probe(t.Context(), serviceToken()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := db.NewConnections(); n != 1 {
		t.Errorf("%d connections", n)
	}
}

// TestSlowIsNotLate: an answer in small pieces is fine while it keeps to the time.
func TestSlowIsNotLate(t *testing.T) {
	for _, o := range operations() {
		t.Run(o.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := inProcess(t, standin.Transport{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					for _, piece := range strings.SplitAfter(o.right(), "") {
						io.WriteString(w, piece)
						time.Sleep(10 * time.Millisecond)
					}
				})}, databrain.Options{Timeout: 2 * time.Second})
				if err := o.call(t.Context(), c, databrain.NewSecret("jwt")); err != nil {
					t.Error(err)
				}
			})
		})
	}
}
