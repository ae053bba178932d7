package databraintest_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"databrain-rotation/pkg/standin/databraintest"

	"github.com/google/go-cmp/cmp"
)

// The reference's answer of list-data-apps, with the fields that it documents.
const exampleApps = `{"data":[
 {"name":"Customer Portal Analytics","type":"embedded","createdAt":"2024-01-15T10:30:00Z","updatedAt":"2024-01-20T14:45:00Z","embedCount":3,"embeds":[
  {"name":"Sales Dashboard Embed","embedId":"sales-dashboard-123","createdAt":"2024-01-15T11:00:00Z","updatedAt":"2024-01-18T09:30:00Z"},
  {"name":"Revenue Metrics Embed","embedId":"revenue-metrics-456","createdAt":"2024-01-16T14:15:00Z","updatedAt":"2024-01-19T16:00:00Z"},
  {"name":"Customer Overview","embedId":"customer-overview-789","createdAt":"2024-01-17T08:45:00Z","updatedAt":"2024-01-20T11:20:00Z"}]},
 {"name":"Partner Dashboard","type":"embedded","createdAt":"2024-01-10T09:00:00Z","updatedAt":"2024-01-15T12:30:00Z","embedCount":1,"embeds":[
  {"name":"Partner Analytics","embedId":"partner-analytics-001","createdAt":"2024-01-10T10:00:00Z","updatedAt":"2024-01-15T12:30:00Z"}]}]}`

func TestListDataApps(t *testing.T) {
	p := inProcess(t, databraintest.New(databraintest.Config{}))
	p.want("GET", appPath, service, "", 200, exampleApps)
	p.want("GET", "/api/v2/dataApp", service, "", 200, exampleApps)
	p.want("GET", appPath+"?isPagination=true", service, "", 200, exampleApps)
	p.want("GET", appPath+"?isPagination=true&pageNumber=2", service, "", 200, `{"data":[]}`)
}

func TestPagesPartitionTheList(t *testing.T) {
	for _, n := range []int{0, 1, 9, 10, 11, 20, 25} {
		created := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
		token := func(app, token int) databraintest.APIToken {
			return databraintest.APIToken{Key: "k", Name: fmt.Sprintf("%d/%d", app, token), CreatedAt: created}
		}
		db := databraintest.New(databraintest.Config{DataApps: databraintest.Many(n, 23, created, token)})
		p := inProcess(t, db)
		for target, want := range map[string]int{appPath: n, keyPath + "?dataAppName=Data+App+00000": 23 * min(n, 1)} {
			if want == 0 && n == 0 && target != appPath {
				continue // no app, no tokens
			}
			separator := "?"
			if target != appPath {
				separator = "&"
			}
			var paged []string
			for page := 1; ; page++ {
				names := p.names(fmt.Sprintf("%s%sisPagination=true&pageNumber=%d", target, separator, page), service)
				paged = append(paged, names...)
				if len(names) < 10 {
					break
				}
			}
			all := p.names(target+separator+"isPagination=false&pageNumber=2", service)
			if diff := cmp.Diff(all, paged); diff != "" || len(all) != want {
				t.Errorf("%d apps, %s: %d entries, want %d; %s", n, target, len(all), want, diff)
			}
		}
	}
}

func TestRawEntries(t *testing.T) {
	p := inProcess(t, databraintest.New(databraintest.Config{DataApps: []databraintest.DataApp{
		{
			Name:   "Odd",
			Raw:    `{"name":"Odd","embeds":null}`,
			Tokens: []databraintest.APIToken{{Raw: `{"name":"no key","createdAt":7}`}},
		},
		{Name: `<b>&"` + "\u0007", CreatedAt: time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)},
	}}))
	p.want(
		"GET",
		appPath,
		service,
		"",
		200,
		`{"data":[{"name":"Odd","embeds":null},{"name":"<b>&\"\u0007","type":"embedded",
		"createdAt":"0001-01-01T00:00:00Z","updatedAt":"0001-01-01T00:00:00Z","embedCount":0,"embeds":[]}]}`,
	)
	p.want("GET", keyPath+"?dataAppName=Odd", service, "", 200, `{"data":[{"name":"no key","createdAt":7}]}`)
	if _, got := p.do("GET", appPath, service, ""); !json.Valid([]byte(got)) || !slices.Contains([]byte(got), '<') {
		t.Errorf("HTML is escaped as JavaScript does not: %s", got)
	}
}

func TestSetDataApps(t *testing.T) {
	db := databraintest.New(databraintest.Config{})
	p := inProcess(t, db)
	const key = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
	if !db.APITokenWorks(key) {
		t.Error("the example's token does not work")
	}
	db.SetDataApps([]databraintest.DataApp{{Name: "B"}, {Name: "A"}})
	if db.APITokenWorks(key) {
		t.Error("a token outlived its app")
	}
	if diff := cmp.Diff([]string{"B", "A"}, p.names(appPath, service)); diff != "" {
		t.Error(diff)
	}
}

// TestListsStream reads the start of a list that would never end.
func TestListsStream(t *testing.T) {
	app := databraintest.DataApp{Name: "Endless", Generate: func(yield func(databraintest.APIToken) bool) {
		for yield(databraintest.APIToken{Key: "k", Name: "n"}) {
		}
	}}
	p := inProcess(t, databraintest.New(databraintest.Config{DataApps: []databraintest.DataApp{app}}))
	if got := p.names(keyPath+"?dataAppName=Endless&isPagination=true&pageNumber=1000", service); len(got) != 10 {
		t.Errorf("page 1000 has %d entries", len(got))
	}
	req, err := p.request(t.Context(), http.MethodGet, keyPath+"?dataAppName=Endless", service, "")
	if err != nil {
		t.Fatal(err)
	}
	resp, err := p.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if start, err := bufio.NewReader(resp.Body).Peek(1000); err != nil {
		t.Errorf("read %d bytes: %v", len(start), err)
	}
}
