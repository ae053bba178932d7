package databraintest_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"databrain-rotation/pkg/standin/databraintest"

	"github.com/google/go-cmp/cmp"
)

// everywhere runs f with a stand-in in process and with one on a socket.
func everywhere(t *testing.T, f func(*testing.T, *databraintest.Server, peer)) {
	t.Helper()
	t.Run("in process", func(t *testing.T) {
		db := databraintest.New(databraintest.Config{})
		f(t, db, inProcess(t, db))
	})
	t.Run("socket", func(t *testing.T) {
		db := databraintest.New(databraintest.Config{})
		url, err := db.Start("")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { db.Close() })
		transport := &http.Transport{}
		t.Cleanup(transport.CloseIdleConnections)
		f(t, db, peer{t, &http.Client{Transport: transport}, url})
	})
}

// outcome is what a client sees of a rotation that a fault strikes.
type outcome struct {
	Answered   bool // a header came
	Status     int
	Type       string
	RetryAfter string
	Whole      bool // the body came to its end
}

func (p peer) rotate(ctx context.Context, answered func()) (o outcome, body string) {
	p.t.Helper()
	req, err := p.request(ctx, "POST", rotatePath, service, `{"expireAt":60}`)
	if err != nil {
		p.t.Fatal(err)
	}
	resp, err := p.client.Do(req)
	if err != nil {
		return outcome{}, ""
	}
	defer resp.Body.Close()
	answered()
	raw, err := io.ReadAll(resp.Body)
	return outcome{true, resp.StatusCode, resp.Header.Get("Content-Type"), resp.Header.Get("Retry-After"), err == nil}, string(raw)
}

func TestFaults(t *testing.T) {
	const (
		asJSON = "application/json; charset=utf-8"
		asText = "text/plain; charset=utf-8"
		page   = "text/html; charset=utf-8"
	)
	key := `{"key":"` + another + `"}` // stands for a fresh one
	half := key[:len(key)/2]
	for name, row := range map[string]struct {
		fault  databraintest.Fault
		leave  bool // the client goes away once the fault has struck, or once a header has come
		minted int
		want   outcome
		body   string // a part of it
	}{
		"error before effect": {
			fault: databraintest.Fault{Do: databraintest.Error(500, "INTERNAL_SERVER_ERROR", "INTERNAL_SERVER_ERROR")},
			want:  outcome{true, 500, asJSON, "", true}, body: failure("INTERNAL_SERVER_ERROR", "INTERNAL_SERVER_ERROR"),
		},
		"error after effect": {
			fault:  databraintest.Fault{AfterEffect: true, Do: databraintest.Error(500, "INTERNAL_SERVER_ERROR", "INTERNAL_SERVER_ERROR")},
			minted: 1, want: outcome{true, 500, asJSON, "", true}, body: failure("INTERNAL_SERVER_ERROR", "INTERNAL_SERVER_ERROR"),
		},
		"cut before effect": {fault: databraintest.Fault{Do: databraintest.Cut()}},
		"cut after effect":  {fault: databraintest.Fault{AfterEffect: true, Do: databraintest.Cut()}, minted: 1},
		"cut in the body": {
			fault:  databraintest.Fault{Do: databraintest.CutBody()},
			minted: 1, want: outcome{true, 200, asJSON, "", false}, body: `{"key":"`,
		},
		"truncated body": {
			fault:  databraintest.Fault{Do: databraintest.TruncateBody()},
			minted: 1, want: outcome{true, 200, asJSON, "", true}, body: `{"key":"`,
		},
		"hang before effect": {fault: databraintest.Fault{Do: databraintest.Hang()}, leave: true},
		"hang after effect":  {fault: databraintest.Fault{AfterEffect: true, Do: databraintest.Hang()}, leave: true, minted: 1},
		"slow body, patient client": {
			fault:  databraintest.Fault{Do: databraintest.SlowBody(time.Microsecond)},
			minted: 1, want: outcome{true, 200, asJSON, "", true}, body: `"}`,
		},
		"slow body, impatient client": {
			fault: databraintest.Fault{Do: databraintest.SlowBody(time.Hour)}, leave: true,
			minted: 1, want: outcome{true, 200, asJSON, "", false},
		},
		"bad gateway": {
			fault: databraintest.Fault{Do: databraintest.BadGateway()},
			want:  outcome{true, 502, "text/html", "", true}, body: "<h1>502 Bad Gateway</h1>",
		},
		"bad gateway after effect": {
			fault:  databraintest.Fault{AfterEffect: true, Do: databraintest.BadGateway()},
			minted: 1, want: outcome{true, 502, "text/html", "", true}, body: "<h1>502 Bad Gateway</h1>",
		},
		"login page": {
			fault: databraintest.Fault{Do: databraintest.LoginPage()},
			want:  outcome{true, 200, page, "", true}, body: "<title>Sign in</title>",
		},
		"another key": {
			fault:  databraintest.Fault{AfterEffect: true, Do: databraintest.Answer(200, asJSON, key)},
			minted: 1, want: outcome{true, 200, asJSON, "", true}, body: key,
		},
		"no key": {
			fault: databraintest.Fault{Do: databraintest.Answer(200, asJSON, `{}`)},
			want:  outcome{true, 200, asJSON, "", true}, body: `{}`,
		},
		"too many requests": {
			fault: databraintest.Fault{Do: databraintest.TooManyRequests("")},
			want:  outcome{true, 429, asText, "", true}, body: "Too many requests",
		},
		"too many requests, wait": {
			fault: databraintest.Fault{Do: databraintest.TooManyRequests("-1 soon")},
			want:  outcome{true, 429, asText, "-1 soon", true}, body: "Too many requests",
		},
		"late": {
			fault:  databraintest.Fault{Do: databraintest.Delay(time.Microsecond)},
			minted: 1, want: outcome{true, 200, asJSON, "", true}, body: `"}`,
		},
		"twice": {
			fault:  databraintest.Fault{Do: databraintest.Twice()},
			minted: 2, want: outcome{true, 200, asJSON, "", true}, body: `"}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			everywhere(t, func(t *testing.T, db *databraintest.Server, p peer) {
				db.Inject(row.fault)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				answered := func() {}
				switch {
				case row.leave && row.want.Answered:
					answered = cancel
				case row.leave:
					go func() {
						for db.Struck() == 0 || db.Minted() < row.minted {
							time.Sleep(100 * time.Microsecond)
						}
						cancel()
					}()
				}
				got, body := p.rotate(ctx, answered)
				if diff := cmp.Diff(row.want, got); diff != "" || !strings.Contains(body, row.body) {
					t.Errorf("%s; body %q", diff, body)
				}
				truncated := strings.HasPrefix(name, "truncated") || strings.HasPrefix(name, "cut in")
				if truncated && len(body) != len(half) {
					t.Errorf("%d bytes came, want %d", len(body), len(half))
				}
				if db.Minted() != row.minted || db.Struck() != 1 {
					t.Errorf("%d minted, %d struck", db.Minted(), db.Struck())
				}
				// The fault is used up.
				if got, _ := p.rotate(t.Context(), func() {}); got.Status != 200 || !got.Whole {
					t.Errorf("the next request: %+v", got)
				}
			})
		})
	}
}

func TestBrokenLists(t *testing.T) {
	everywhere(t, func(t *testing.T, db *databraintest.Server, p peer) {
		_, whole := p.do("GET", appPath, service, "")
		for i, do := range []databraintest.Action{databraintest.TruncateBody(), databraintest.CutBody()} {
			db.Inject(databraintest.Fault{Path: appPath, Do: do})
			req, err := p.request(t.Context(), "GET", appPath, service, "")
			if err != nil {
				t.Fatal(err)
			}
			resp, err := p.client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if cut := i == 1; string(got) != whole[:len(whole)/2] || errors.Is(err, io.ErrUnexpectedEOF) != cut {
				t.Errorf("action %d: read %q, %v", i, got, err)
			}
		}
	})
}

func TestEndlessEndsWithItsReader(t *testing.T) {
	everywhere(t, func(t *testing.T, db *databraintest.Server, p peer) {
		db.Inject(databraintest.Fault{Do: databraintest.Endless(`{"data":[{}`, `,{}`)})
		req, err := p.request(t.Context(), "GET", appPath, service, "")
		if err != nil {
			t.Fatal(err)
		}
		resp, err := p.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
		resp.Body.Close()
		if err != nil || len(got) != 1<<20 || !strings.HasPrefix(string(got), `{"data":[{},{},{}`) {
			t.Errorf("read %d bytes, %v", len(got), err)
		}
	})
	synctest.Test(t, func(t *testing.T) { // fails when the handler outlives its reader
		db := databraintest.New(databraintest.Config{})
		db.Inject(databraintest.Fault{Do: databraintest.Endless("{", " ")})
		resp, err := db.Client().Get("http://databrain.test" + appPath)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	})
}

func TestALateRequestTakesEffectAfterItsClientLeft(t *testing.T) {
	everywhere(t, func(t *testing.T, db *databraintest.Server, p peer) {
		release := make(chan struct{})
		db.Inject(databraintest.Fault{Do: databraintest.Hold(release)})
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			for db.Struck() == 0 {
				time.Sleep(100 * time.Microsecond)
			}
			cancel()
		}()
		if got, _ := p.rotate(ctx, func() {}); got.Answered || db.Minted() != 0 {
			t.Errorf("%+v, %d minted", got, db.Minted())
		}
		close(release)
		for end := time.Now().Add(30 * time.Second); db.Minted() == 0; time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatal("the held request has no effect")
			}
		}
	})
	synctest.Test(t, func(t *testing.T) {
		db := databraintest.New(databraintest.Config{})
		db.Inject(databraintest.Fault{Do: databraintest.Delay(time.Minute)})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if got, _ := inProcess(t, db).rotate(ctx, func() {}); got.Answered || db.Minted() != 0 {
			t.Errorf("%+v, %d minted", got, db.Minted())
		}
		time.Sleep(time.Minute)
		if db.Minted() != 1 {
			t.Error("the delayed request has no effect")
		}
	})
}

func TestFaultMatching(t *testing.T) {
	teapot := databraintest.Answer(http.StatusTeapot, "text/plain", "")
	for name, row := range map[string]struct {
		faults []databraintest.Fault
		struck []bool // of the calls below, in order
	}{
		"any":         {[]databraintest.Fault{{Do: teapot}}, []bool{true, false, false, false}},
		"method":      {[]databraintest.Fault{{Method: "POST", Do: teapot}}, []bool{false, false, true, false}},
		"path":        {[]databraintest.Fault{{Path: appPath, Times: -1, Do: teapot}}, []bool{true, true, true, false}},
		"both":        {[]databraintest.Fault{{Method: "GET", Path: keyPath, Do: teapot}}, []bool{false, false, false, true}},
		"skip":        {[]databraintest.Fault{{Method: "GET", Skip: 1, Do: teapot}}, []bool{false, true, false, false}},
		"skip, times": {[]databraintest.Fault{{Skip: 1, Times: 2, Do: teapot}}, []bool{false, true, true, false}},
		"body": {[]databraintest.Fault{{When: func(r *http.Request) bool {
			raw, _ := io.ReadAll(r.Body)
			return strings.Contains(string(raw), "New")
		}, Do: teapot}}, []bool{false, false, true, false}},
		"two":         {[]databraintest.Fault{{Skip: 1, Do: teapot}, {Skip: 3, Do: teapot}}, []bool{false, true, false, true}},
		"two at once": {[]databraintest.Fault{{Do: teapot}, {Do: teapot}}, []bool{true, false, false, false}},
		"none":        {[]databraintest.Fault{{Path: "/none", Times: -1, Do: teapot}}, []bool{false, false, false, false}},
	} {
		t.Run(name, func(t *testing.T) {
			db := databraintest.New(databraintest.Config{})
			p := inProcess(t, db)
			for _, f := range row.faults {
				db.Inject(f)
			}
			p.do("GET", appPath, service, "")
			p.do("GET", "/api/v2/dataApp", service, "")
			p.do("POST", appPath, service, `{"name":"New"}`)
			p.do("GET", keysQuery, service, "")
			var struck []bool
			for _, r := range db.Requests() {
				struck = append(struck, r.Struck)
			}
			if diff := cmp.Diff(row.struck, struck); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAMatcherMayChangeTheServer(t *testing.T) {
	db := databraintest.New(databraintest.Config{})
	p := inProcess(t, db)
	db.Inject(databraintest.Fault{Do: databraintest.Cut(), When: func(*http.Request) bool {
		db.SetToken(another)
		return false
	}})
	if p.accepts(service) {
		t.Error("the token of before the request was accepted")
	}
	db.ClearFaults()
	db.SetToken(service)
	if !p.accepts(service) {
		t.Error("the matcher still runs")
	}
}

func TestInjectNeedsAnAction(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	databraintest.New(databraintest.Config{}).Inject(databraintest.Fault{})
}

func TestHangObeysADeadlineInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := databraintest.New(databraintest.Config{})
		db.Inject(databraintest.Fault{Do: databraintest.Hang()})
		client := db.Client()
		client.Timeout = 10 * time.Second
		began := time.Now()
		_, err := client.Get("http://databrain.test" + appPath)
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != 10*time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})
}
