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
		Name: "counter",
		Route: func(r *http.Request, _ []byte) (string, string, func() standin.Answer) {
			return "Add", r.URL.Path, func() standin.Answer {
				c.n.Add(1)
				return standin.Answer{Status: http.StatusOK, Body: []byte("answered")}
			}
		},
		Fail: func(_ *http.Request, code string) standin.Answer {
			if code == "" {
				code = "Internal"
			}
			return standin.Answer{Status: http.StatusInternalServerError, Body: []byte(code)}
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
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return string(body) + "gave up"
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

// A row is a fault, what the client sees of it, and how often the call took effect.
type row struct {
	fault  standin.Fault
	leaves bool // the client gives up, once the fault has struck
	seen   string
	effect int64
}

var rows = map[string]row{
	"error":                       {standin.Fault{Do: standin.Error("")}, false, "500 Internal", 0},
	"error after the effect":      {standin.Fault{AfterEffect: true, Do: standin.Error("")}, false, "500 Internal", 1},
	"error of another code":       {standin.Fault{Do: standin.Error("SlowDown")}, false, "500 SlowDown", 0},
	"another answer":              {standin.Fault{Do: standin.Reply(418, "text/plain", "tea")}, false, "418 tea", 0},
	"another answer, with effect": {standin.Fault{AfterEffect: true, Do: standin.Reply(200, "", "")}, false, "200 ", 1},
	"cut":                         {standin.Fault{Do: standin.Cut()}, false, "cut", 0},
	"cut after the effect":        {standin.Fault{AfterEffect: true, Do: standin.Cut()}, false, "cut", 1},
	"cut in the body":             {standin.Fault{Do: standin.CutBody()}, false, "answ and cut", 1},
	"truncated body":              {standin.Fault{Do: standin.TruncateBody()}, false, "200 answ", 1},
	"slow body":                   {standin.Fault{Do: standin.SlowBody(time.Microsecond)}, false, "200 answered", 1},
	"slow body, impatient client": {standin.Fault{Do: standin.SlowBody(time.Hour)}, true, "gave up", 1},
	"hang":                        {standin.Fault{Do: standin.Hang()}, true, "gave up", 0},
	"hang after the effect":       {standin.Fault{AfterEffect: true, Do: standin.Hang()}, true, "gave up", 1},
	"delay":                       {standin.Fault{Do: standin.Delay(time.Microsecond)}, false, "200 answered", 1},
}

func TestFaultsInProcess(t *testing.T) {
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCounter()
				c.Inject(row.fault)
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				seen := call(ctx, c.Client(), "http://any.test/x")
				synctest.Wait()
				if seen != row.seen || c.n.Load() != row.effect || c.Struck() != 1 {
					t.Errorf("saw %q with effect %d, want %q with %d", seen, c.n.Load(), row.seen, row.effect)
				}
				if got := call(t.Context(), c.Client(), "http://any.test/x"); got != "200 answered" {
					t.Errorf("the next call saw %q", got)
				}
			})
		})
	}
}

func TestFaultsOverSockets(t *testing.T) {
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCounter()
			url, err := c.Start("127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			c.Inject(row.fault)
			ctx, giveUp := context.WithCancel(t.Context())
			defer giveUp()
			if row.leaves {
				go func() {
					until(t, func() bool { return c.Struck() == 1 && c.n.Load() == row.effect })
					giveUp()
				}()
			}
			seen := call(ctx, http.DefaultClient, url+"/x")
			c.Close()
			if seen != row.seen || c.n.Load() != row.effect {
				t.Errorf("saw %q with effect %d, want %q with %d", seen, c.n.Load(), row.seen, row.effect)
			}
			if got := call(t.Context(), http.DefaultClient, url+"/x"); got != "cut" {
				t.Errorf("after Close a call saw %q", got)
			}
		})
	}
}

// TestPagesOfProxies: they are what no service of its own would answer.
func TestPagesOfProxies(t *testing.T) {
	c := newCounter()
	c.Inject(standin.Fault{Do: standin.BadGateway()})
	c.Inject(standin.Fault{Skip: 1, Do: standin.LoginPage()})
	for i, want := range []string{"502 <html>", "200 <!DOCTYPE html>"} {
		if got := call(t.Context(), c.Client(), "http://any.test/"); !strings.HasPrefix(got, want) {
			t.Errorf("call %d: %q", i, got)
		}
	}
}

func TestEndlessEndsWithItsReader(t *testing.T) {
	read := func(t *testing.T, client *http.Client, url string) {
		resp, err := client.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		got, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
		if err != nil || len(got) != 1<<20 || !strings.HasPrefix(string(got), `{"data":[{},{},{}`) {
			t.Errorf("read %d bytes, %v", len(got), err)
		}
	}
	endless := standin.Fault{Do: standin.Endless(`{"data":[{}`, `,{}`)}
	synctest.Test(t, func(t *testing.T) { // fails when the handler outlives its reader
		c := newCounter()
		c.Inject(endless)
		read(t, c.Client(), "http://any.test")
	})
	c := newCounter()
	defer c.Close()
	url, err := c.Start("")
	if err != nil {
		t.Fatal(err)
	}
	c.Inject(endless)
	read(t, http.DefaultClient, url)
}

// TestALateCallTakesEffectAfterItsClientLeft: a client that gives up undoes nothing.
func TestALateCallTakesEffectAfterItsClientLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCounter()
		c.Inject(standin.Fault{Do: standin.Delay(time.Minute)})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if got := call(ctx, c.Client(), "http://any.test"); got != "gave up" || c.n.Load() != 0 {
			t.Errorf("saw %q with effect %d", got, c.n.Load())
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if c.n.Load() != 1 {
			t.Error("no effect")
		}
	})
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
		"its operation":          {[]standin.Fault{{Operation: "Add"}}, "F....."},
		"both of two matchers":   {[]standin.Fault{{Operation: "Subtract", Target: "/4"}}, "......"},
		"what the body says": {[]standin.Fault{{Times: -1, When: func(r *http.Request) bool {
			body, err := io.ReadAll(r.Body)
			return err == nil && string(body) == "body" && r.URL.Path > "/3"
		}}}, "....FF"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := newCounter()
			for _, f := range tt.faults {
				f.Do = standin.Error("")
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

// TestAMatcherMayUseTheStandIn also shows that ClearFaults ends it.
func TestAMatcherMayUseTheStandIn(t *testing.T) {
	c := newCounter()
	c.Inject(standin.Fault{Do: standin.Cut(), When: func(*http.Request) bool {
		c.n.Add(10)
		return c.Struck() > 0
	}})
	for range 2 {
		if got := call(t.Context(), c.Client(), "http://any.test/"); got != "200 answered" || c.n.Load() != 11 {
			t.Errorf("saw %q with effect %d", got, c.n.Load())
		}
		c.ClearFaults()
		c.n.Store(10)
	}
}

func TestInjectNeedsAnAction(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	newCounter().Inject(standin.Fault{})
}

func TestDelayAndPeakInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCounter()
		c.Inject(standin.Fault{Times: 3, Do: standin.Delay(time.Minute)})
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
	})
}

func TestCallLog(t *testing.T) {
	c := newCounter()
	c.Inject(standin.Fault{Do: standin.Cut()})
	call(t.Context(), c.Client(), "http://any.test/a?b=c")
	call(t.Context(), c.Client(), "http://any.test/b")
	want := []standin.Call{
		{Operation: "Add", Target: "/a", Query: "b=c", Struck: true},
		{Operation: "Add", Target: "/b"},
	}
	if diff := cmp.Diff(want, c.Calls(), cmpopts.IgnoreFields(standin.Call{}, "Time")); diff != "" {
		t.Errorf("call log (-want +got):\n%s", diff)
	}
	if c.Calls()[0].Time.IsZero() {
		t.Error("a call without a time")
	}
	if c.Count("") != 2 || c.Count("Add") != 2 || c.Count("Subtract") != 0 || c.Struck() != 1 {
		t.Errorf("counts %d, %d, %d; %d struck", c.Count(""), c.Count("Add"), c.Count("Subtract"), c.Struck())
	}
}

func TestPeakRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCounter()
		if c.PeakRate(time.Second) != 0 {
			t.Error("a rate without calls")
		}
		for _, wait := range []time.Duration{0, 30, 30, 1, 60, 0, 0} {
			time.Sleep(wait * time.Second)
			call(t.Context(), c.Client(), "http://any.test/")
		}
		// At 0, 30, 60, 61, 121, 121, 121 s.
		for window, want := range map[time.Duration]int{
			1: 3, 30 * time.Second: 3, 31 * time.Second: 3, 60*time.Second + 1: 4, 61 * time.Second: 4,
			62 * time.Second: 5, time.Hour: 7,
		} {
			if got := c.PeakRate(window); got != want {
				t.Errorf("%v: got %d, want %d", window, got, want)
			}
		}
	})
}

func TestCloseEndsHangingCalls(t *testing.T) {
	c := newCounter()
	url, err := c.Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c.Inject(standin.Fault{Do: standin.Hang()})
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
