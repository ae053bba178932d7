package databraintest_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"databrain-rotation/pkg/standin/databraintest"

	"github.com/google/go-cmp/cmp"
)

func TestRequestLog(t *testing.T) {
	now := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	db := databraintest.New(databraintest.Config{PathPrefix: "/db", Now: func() time.Time { return now }})
	p := inProcess(t, db)
	p.do("GET", "/db/api/v2/dataApp?pageNumber=1&isPagination=true&token="+service, service, "")
	p.do("DELETE", "/db"+appPath+"?name=None", service, "")
	want := []databraintest.Request{
		{At: now, Endpoint: "GET /api/v2/data-app", Method: "GET", Path: "/db/api/v2/dataApp", Query: "isPagination=true&pageNumber=1&token=hidden"},
		{At: now, Endpoint: "DELETE /api/v2/data-app", Method: "DELETE", Path: "/db/api/v2/data-app", Query: "name=None"},
	}
	if diff := cmp.Diff(want, db.Requests()); diff != "" {
		t.Error(diff)
	}
	if db.Count("GET /api/v2/data-app") != 1 || db.Count("GET /none") != 0 {
		t.Error("miscounted")
	}
}

func TestPeakInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := databraintest.New(databraintest.Config{})
		db.Inject(databraintest.Fault{Times: -1, Do: databraintest.Delay(time.Second)})
		p := inProcess(t, db)
		for _, n := range []int{3, 5, 2} {
			var wg sync.WaitGroup
			for range n {
				wg.Go(func() { p.accepts(service) })
			}
			wg.Wait()
		}
		if db.PeakInFlight() != 5 {
			t.Errorf("got %d", db.PeakInFlight())
		}
	})
}

func TestPeakRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := databraintest.New(databraintest.Config{})
		p := inProcess(t, db)
		for _, wait := range []time.Duration{0, 30, 30, 1, 60, 0, 0} {
			time.Sleep(wait * time.Second)
			p.accepts(service)
		}
		// At 0, 30, 60, 61, 121, 121, 121 s.
		for window, want := range map[time.Duration]int{
			1: 3, 30 * time.Second: 3, 31 * time.Second: 3, 60*time.Second + 1: 4, 61 * time.Second: 4, 62 * time.Second: 5, time.Hour: 7,
		} {
			if got := db.PeakRate(window); got != want {
				t.Errorf("%v: got %d, want %d", window, got, want)
			}
		}
	})
	if databraintest.New(databraintest.Config{}).PeakRate(time.Second) != 0 {
		t.Error("a rate without requests")
	}
}

func TestStart(t *testing.T) {
	db := databraintest.New(databraintest.Config{PathPrefix: "/databrain"})
	if _, err := db.Start("0.0.0.0:0"); err == nil {
		t.Error("started beyond loopback")
	}
	for range 2 { // it can be started again
		url, err := db.Start("127.0.0.1:0")
		if err != nil || !strings.HasPrefix(url, "http://127.0.0.1:") || !strings.HasSuffix(url, "/databrain") {
			t.Fatalf("%q, %v", url, err)
		}
		if _, err := db.Start(""); err == nil {
			t.Error("started twice")
		}
		before := db.NewConnections()
		for range 2 {
			askOnOneConnection(t, url, 3)
		}
		if got := db.NewConnections() - before; got != 2 {
			t.Errorf("%d connections", got)
		}
		for range 2 { // so is Close
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		}
		if _, err := http.Get(url + "/health/live"); err == nil {
			t.Error("still listening")
		}
	}
}

// askOnOneConnection sends n requests one after the other. An http.Client would open
// another connection when the machine is slow.
func askOnOneConnection(t *testing.T, url string, n int) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "GET", url+"/health/live", nil)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", req.URL.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	answers := bufio.NewReader(conn)
	for range n {
		if err := req.Write(conn); err != nil {
			t.Fatal(err)
		}
		resp, err := http.ReadResponse(answers, req)
		if err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(resp.Body); err != nil || string(body) != `{"status":"live"}` {
			t.Errorf("%q, %v", body, err)
		}
	}
}
