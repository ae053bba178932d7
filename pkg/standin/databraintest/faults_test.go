package databraintest_test

import (
	"io"
	"net/http"
	"testing"

	"databrain-rotation/pkg/standin"
	"databrain-rotation/pkg/standin/databraintest"
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

// TestFaults are those in the API's own words; package standin has the others.
func TestFaults(t *testing.T) {
	for name, row := range map[string]struct {
		fault  standin.Fault
		minted int
		status int
		retry  string
		body   string
	}{
		"error": {
			fault:  standin.Fault{Do: databraintest.Error(403, "FORBIDDEN", "no")},
			status: 403, body: failure("FORBIDDEN", "no"),
		},
		"error after the effect": {
			fault:  standin.Fault{AfterEffect: true, Do: databraintest.Error(500, "ODD", "why")},
			status: 500, body: failure("ODD", "why"), minted: 1,
		},
		"error by its code": {
			fault:  standin.Fault{Do: standin.Error("INVALID_REQUEST_BODY")},
			status: 400, body: failure("INVALID_REQUEST_BODY", "INVALID_REQUEST_BODY"),
		},
		"internal error": {
			fault:  standin.Fault{Do: standin.Error("")},
			status: 500, body: failure("INTERNAL_SERVER_ERROR", "INTERNAL_SERVER_ERROR"),
		},
		"too many requests": {
			fault:  standin.Fault{Do: databraintest.TooManyRequests("")},
			status: 429, body: "Too many requests, please try again later.",
		},
		"too many requests, wait": {
			fault:  standin.Fault{Do: databraintest.TooManyRequests("-1 soon")},
			status: 429, retry: "-1 soon", body: "Too many requests, please try again later.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			db := databraintest.New(databraintest.Config{})
			p := inProcess(t, db)
			row.fault.Operation, row.fault.Target = "POST", rotatePath
			db.Inject(row.fault)
			req, err := p.request(t.Context(), "POST", rotatePath, service, `{"expireAt":60}`)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := p.client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			if err != nil || resp.StatusCode != row.status || string(body) != row.body ||
				resp.Header.Get("Retry-After") != row.retry || db.Minted() != row.minted {
				t.Errorf("%d %q %q, %v; %d minted", resp.StatusCode, resp.Header.Get("Retry-After"), body, err, db.Minted())
			}
			p.key("POST", rotatePath, service, `{"expireAt":60}`) // the fault is used up
		})
	}
}

// TestAFaultMayBreakAStreamedList: half of it comes, however it is made.
func TestAFaultMayBreakAStreamedList(t *testing.T) {
	db := databraintest.New(databraintest.Config{})
	p := inProcess(t, db)
	_, whole := p.do("GET", appPath, service, "")
	db.Inject(standin.Fault{Target: appPath, Do: standin.TruncateBody()})
	if _, half := p.do("GET", appPath, service, ""); half != whole[:len(whole)/2] {
		t.Errorf("read %q", half)
	}
}

// TestBothSpellingsAreOneTarget: a fault strikes a path in its older spelling too.
func TestBothSpellingsAreOneTarget(t *testing.T) {
	db := databraintest.New(databraintest.Config{})
	db.Inject(standin.Fault{Target: appPath, Times: -1, Do: databraintest.Error(403, "FORBIDDEN", "no")})
	for _, path := range []string{appPath, "/api/v2/dataApp"} {
		inProcess(t, db).want("GET", path, service, "", 403, failure("FORBIDDEN", "no"))
	}
}
