package databraintest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"databrain-rotation/pkg/standin/databraintest"
)

// TestListsThatLackEntries: what each switch does to a list of 25 entries, whole and on
// its pages.
func TestListsThatLackEntries(t *testing.T) {
	for name, c := range map[string]struct {
		switches                      databraintest.Switches
		whole, distinct, first, third int
	}{
		"as documented":     {databraintest.Switches{}, 25, 25, 10, 5},
		"paging by default": {databraintest.Switches{IgnoreWhole: true}, 10, 10, 10, 5},
		"capped":            {databraintest.Switches{Cap: 15}, 15, 15, 10, 5},
		"left out":          {databraintest.Switches{LeaveOut: 5}, 20, 20, 10, 5},
		"repeated":          {databraintest.Switches{Repeat: true}, 25, 24, 10, 5},
		"masked":            {databraintest.Switches{MaskKeys: "***"}, 25, 1, 10, 5},
	} {
		db := databraintest.New(databraintest.Config{})
		db.SetSwitches(c.switches)
		db.SetDataApps(databraintest.Many(1, 25, time.Unix(0, 0), func(_, i int) databraintest.APIToken {
			return databraintest.APIToken{Key: strings.Repeat("k", i+1), Name: "t", CreatedAt: time.Unix(0, 0)}
		}))
		read := func(query string) (entries, distinct int) {
			const list = "http://databrain.test/api/v2/data-app/api-tokens?dataAppName=Data+App+00000"
			r, _ := http.NewRequest(http.MethodGet, list+query, nil)
			r.Header.Set("Authorization", "Bearer "+databraintest.ExampleServiceToken)
			resp, err := db.Client().Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			body, _ := io.ReadAll(resp.Body)
			var answer struct{ Data []struct{ Key string } }
			if err := json.Unmarshal(body, &answer); err != nil {
				t.Fatal(err, string(body))
			}
			keys := make(map[string]bool)
			for _, entry := range answer.Data {
				keys[entry.Key] = true
			}
			return len(answer.Data), len(keys)
		}
		whole, distinct := read("&isPagination=false")
		first, _ := read("&isPagination=true&pageNumber=1")
		third, _ := read("&isPagination=true&pageNumber=3")
		if whole != c.whole || distinct != c.distinct || first != c.first || third != c.third {
			t.Errorf("%s: %d entries, %d of them different, pages of %d and %d", name, whole, distinct, first, third)
		}
	}
}
