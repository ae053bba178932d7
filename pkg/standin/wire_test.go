package standin_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"databrain-rotation/pkg/standin"
)

// counter is a service with one operation: it adds one and answers in eight bytes.
type counter struct {
	*standin.Wire
	n atomic.Int64
}

func newCounter() *counter {
	c := &counter{}
	c.Wire = standin.New(standin.Service{
		Name: "counter", ThrottleCode: "SlowDown",
		Route: func(r *http.Request, _ []byte) (string, string, func() standin.Answer) {
			return "Add", r.URL.Path, func() standin.Answer {
				c.n.Add(1)
				return standin.Answer{Status: http.StatusOK, Body: []byte("answered")}
			}
		},
		Fail: func(_ *http.Request, code, message string) standin.Answer {
			if code == "" {
				code = "Internal"
			}
			return standin.Answer{Status: http.StatusInternalServerError, Body: []byte(code + message)}
		},
	})
	return c
}

// call is what a client sees: the status and body, or the name of the failure.
func call(ctx context.Context, client *http.Client, url string) string {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader("body"))
	if err != nil {
		return err.Error()
	}
	// A new connection each time: net/http would repeat the request on a stale one.
	req.Close = true
	resp, err := client.Do(req)
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return "gave up"
	}
	if err != nil {
		return "cut"
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return string(body) + " and cut"
	}
	if err != nil {
		return err.Error()
	}
	return strconv.Itoa(resp.StatusCode) + " " + string(body)
}

// until waits for something that happens in another goroutine.
func until(t *testing.T, happened func() bool) {
	for begin := time.Now(); !happened(); time.Sleep(time.Millisecond) {
		if time.Since(begin) > 30*time.Second {
			t.Error("waited in vain")
			return
		}
	}
}

var kinds = map[standin.Kind]struct {
	seen   string
	effect int64
}{
	standin.None:        {"200 answered", 1},
	standin.ErrorBefore: {"500 Internal", 0},
	standin.ErrorAfter:  {"500 Internal", 1},
	standin.Throttle:    {"500 SlowDown", 0},
	standin.CutBefore:   {"cut", 0},
	standin.CutAfter:    {"cut", 1},
	standin.CutHalfway:  {"answ and cut", 1},
	standin.HangBefore:  {"gave up", 0},
	standin.HangAfter:   {"gave up", 1},
	standin.LateEffect:  {"gave up", 1},
	standin.Twice:       {"200 answered", 2},
}

func TestFaultsInProcess(t *testing.T) {
	for kind, want := range kinds {
		t.Run(kind.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCounter()
				c.Inject(standin.Fault{Kind: kind})
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				seen := call(ctx, c.Client(), "http://any.test/x")
				synctest.Wait()
				if seen != want.seen || c.n.Load() != want.effect {
					t.Errorf("saw %q with effect %d, want %q with %d", seen, c.n.Load(), want.seen, want.effect)
				}
				if got := call(t.Context(), c.Client(), "http://any.test/x"); got != "200 answered" {
					t.Errorf("the next call saw %q", got)
				}
			})
		})
	}
}

func TestFaultsOverSockets(t *testing.T) {
	for kind, want := range kinds {
		t.Run(kind.String(), func(t *testing.T) {
			t.Parallel()
			c := newCounter()
			url, err := c.Start("127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			c.Inject(standin.Fault{Kind: kind})
			ctx, giveUp := context.WithCancel(t.Context())
			defer giveUp()
			if want.seen == "gave up" {
				go func() {
					until(t, func() bool { return c.Count("") == 1 && (kind != standin.HangAfter || c.n.Load() == 1) })
					giveUp()
				}()
			}
			seen := call(ctx, http.DefaultClient, url+"/x")
			if kind == standin.LateEffect {
				until(t, func() bool { return c.n.Load() == 1 })
			}
			c.Close()
			if seen != want.seen || c.n.Load() != want.effect {
				t.Errorf("saw %q with effect %d, want %q with %d", seen, c.n.Load(), want.seen, want.effect)
			}
			if got := call(t.Context(), http.DefaultClient, url+"/x"); got != "cut" {
				t.Errorf("after Close a call saw %q", got)
			}
		})
	}
}

func TestFaultsAreCounted(t *testing.T) {
	tests := map[string]struct {
		faults []standin.Fault
		want   string // one letter a call: . is answered, F failed
	}{
		"the next":               {[]standin.Fault{{}}, "F....."},
		"the third":              {[]standin.Fault{{Skip: 2}}, "..F..."},
		"two in a row":           {[]standin.Fault{{Skip: 1, Times: 2}}, ".FF..."},
		"all from the second on": {[]standin.Fault{{Skip: 1, Times: -1}}, ".FFFFF"},
		"one beside another":     {[]standin.Fault{{Skip: 0}, {Skip: 1}}, "FF...."},
		"one on top of another":  {[]standin.Fault{{Skip: 1}, {Skip: 1}}, ".F...."},
		"its target":             {[]standin.Fault{{Target: "/4"}}, "....F."},
		"another target":         {[]standin.Fault{{Target: "/none"}}, "......"},
		"another operation":      {[]standin.Fault{{Operation: "Subtract"}}, "......"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := newCounter()
			for _, f := range tt.faults {
				f.Kind = standin.ErrorBefore
				c.Inject(f)
			}
			got := ""
			for i := range 6 {
				if call(t.Context(), c.Client(), "http://any.test/"+strconv.Itoa(i)) == "200 answered" {
					got += "."
				} else {
					got += "F"
				}
			}
			if got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestClearFaultsAndDetails(t *testing.T) {
	c := newCounter()
	c.Inject(standin.Fault{Kind: standin.ErrorBefore, Times: -1, Code: "Odd", Message: ": why", Status: 418})
	if got := call(t.Context(), c.Client(), "http://any.test/"); got != "418 Odd: why" {
		t.Errorf("got %q", got)
	}
	c.ClearFaults()
	if got := call(t.Context(), c.Client(), "http://any.test/"); got != "200 answered" {
		t.Errorf("after ClearFaults: %q", got)
	}
}

func TestDelayAndPeakInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCounter()
		c.Inject(standin.Fault{Times: 3, Delay: time.Minute})
		begin := time.Now()
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() { call(t.Context(), c.Client(), "http://any.test/") })
		}
		wg.Wait()
		if took := time.Since(begin); took != time.Minute {
			t.Errorf("three calls at once took %v", took)
		}
		call(t.Context(), c.Client(), "http://any.test/")
		if c.PeakInFlight() != 3 {
			t.Errorf("peak in flight %d", c.PeakInFlight())
		}
		c.ClearCalls()
		if c.PeakInFlight() != 0 || len(c.Calls()) != 0 {
			t.Errorf("after ClearCalls: peak %d, calls %v", c.PeakInFlight(), c.Calls())
		}
	})
}

func TestCallLog(t *testing.T) {
	c := newCounter()
	c.Inject(standin.Fault{Kind: standin.CutBefore})
	call(t.Context(), c.Client(), "http://any.test/a")
	call(t.Context(), c.Client(), "http://any.test/b")
	want := []standin.Call{
		{Operation: "Add", Target: "/a", Bytes: 4, Fault: standin.CutBefore},
		{Operation: "Add", Target: "/b", Bytes: 4, Status: 200},
	}
	if diff := cmp.Diff(want, c.Calls(), cmpopts.IgnoreFields(standin.Call{}, "Time")); diff != "" {
		t.Errorf("call log (-want +got):\n%s", diff)
	}
	if c.Calls()[0].Time.IsZero() {
		t.Error("a call without a time")
	}
	if c.Count("") != 2 || c.Count("Add") != 2 || c.Count("Subtract") != 0 {
		t.Errorf("counts %d, %d, %d", c.Count(""), c.Count("Add"), c.Count("Subtract"))
	}
}

// TestEffectsOfHangingCalls: which call takes effect while its client waits, and
// which only after the client gave up.
func TestEffectsOfHangingCalls(t *testing.T) {
	for kind, want := range map[standin.Kind][2]int64{
		standin.HangBefore: {0, 0}, standin.HangAfter: {1, 1}, standin.LateEffect: {0, 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			c := newCounter()
			c.Inject(standin.Fault{Kind: kind})
			ctx, giveUp := context.WithCancel(t.Context())
			go call(ctx, c.Client(), "http://any.test/")
			synctest.Wait()
			waiting := c.n.Load()
			giveUp()
			synctest.Wait()
			if got := [2]int64{waiting, c.n.Load()}; got != want {
				t.Errorf("%v: effect while the client waits and in the end %v, want %v", kind, got, want)
			}
		})
	}
}

func TestCloseEndsHangingCalls(t *testing.T) {
	c := newCounter()
	url, err := c.Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c.Inject(standin.Fault{Kind: standin.HangBefore})
	seen := make(chan string)
	go func() { seen <- call(context.Background(), http.DefaultClient, url) }()
	until(t, func() bool { return c.Count("") == 1 })
	c.Close()
	if got := <-seen; got != "cut" {
		t.Errorf("got %q", got)
	}
}

func TestNewConnections(t *testing.T) {
	c := newCounter()
	defer c.Close()
	url, err := c.Start("")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Start(""); err == nil {
		t.Error("started twice")
	}
	call(t.Context(), c.Client(), url) // in the process
	for range 3 {
		call(t.Context(), http.DefaultClient, url)
	}
	if n := c.NewConnections(); n != 3 {
		t.Errorf("%d connections, want one for each of the 3 calls on the socket", n)
	}
}
