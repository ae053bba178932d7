package databraintest_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"databrain-rotation/pkg/standin"
	"databrain-rotation/pkg/standin/databraintest"

	"github.com/google/go-cmp/cmp"
)

// TestCallLog: a call is logged under the name that the API has for it.
func TestCallLog(t *testing.T) {
	now := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	db := databraintest.New(databraintest.Config{PathPrefix: "/db", Now: func() time.Time { return now }})
	p := inProcess(t, db)
	p.do("GET", "/db/api/v2/dataApp?isPagination=true", service, "")
	p.do("GET", "/elsewhere", service, "")
	want := []standin.Call{
		{Time: now, Operation: "GET", Target: "/api/v2/data-app", Query: "isPagination=true"},
		{Time: now, Operation: "GET", Target: "/elsewhere (outside the prefix)"},
	}
	if diff := cmp.Diff(want, db.Calls()); diff != "" {
		t.Error(diff)
	}
	if db.Count("GET /api/v2/data-app") != 1 || db.Count("GET /none") != 0 {
		t.Error("miscounted")
	}
}

// TestStart: the URL has the prefix.
func TestStart(t *testing.T) {
	db := databraintest.New(databraintest.Config{PathPrefix: "/databrain"})
	defer db.Close()
	url, err := db.Start("")
	if err != nil || !strings.HasPrefix(url, "http://127.0.0.1:") || !strings.HasSuffix(url, "/databrain") {
		t.Fatalf("%q, %v", url, err)
	}
	peer{t, http.DefaultClient, url}.want("GET", "/health/live", "", "", 200, `{"status":"live"}`)
	if _, err := db.Start(""); err == nil {
		t.Error("started twice")
	}
}
