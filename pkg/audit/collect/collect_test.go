package collect_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"databrain-rotation/pkg/audit/collect"
	"databrain-rotation/pkg/audit/finding"
	"databrain-rotation/pkg/databrain"
	"databrain-rotation/pkg/standin"
	"databrain-rotation/pkg/standin/databraintest"
)

const instance = "https://databrain.example.com"

// collected runs one collection of an instance that has, in each app, that many tokens.
func collected(t *testing.T, tokens []int, switches databraintest.Switches) (finding.Coverage, collect.Stats) {
	t.Helper()
	var all []databraintest.DataApp
	for i, n := range tokens {
		app := databraintest.DataApp{Name: fmt.Sprintf("App %02d", i)}
		for j := range n {
			app.Tokens = append(app.Tokens, databraintest.APIToken{
				Key: fmt.Sprintf("%08d-0000-4000-8000-%012d", i, j), Name: fmt.Sprint(j), CreatedAt: time.Now(),
			})
		}
		all = append(all, app)
	}
	server := databraintest.New(databraintest.Config{DataApps: all, Switches: switches})
	coverage, stats, err := collect.Run(t.Context(), options(t, server))
	if err != nil {
		t.Fatal(err)
	}
	return coverage, stats
}

// options are those of a collection without a limit from an instance.
func options(t *testing.T, server *databraintest.Server) collect.Options {
	t.Helper()
	base, err := url.Parse(instance)
	if err != nil {
		t.Fatal(err)
	}
	return collect.Options{
		Databrain:  databrain.New(base, databrain.Options{Transport: server.Client().Transport, Timeout: 30 * time.Second}),
		Evaluation: finding.NewEvaluation(finding.DefaultPolicy(), instance, time.Now()),
		Token:      databrain.NewSecret(databraintest.ExampleServiceToken),
		ReadToken: func(context.Context, string) (databrain.Secret, error) {
			return databrain.Secret{}, errors.New("there is no other token")
		},
		RequestsPerMinute: 60_000, Concurrency: 2, Now: time.Now,
	}
}

// TestAPauseIsToldOfOnce: two requests are refused at a time, and then one more.
func TestAPauseIsToldOfOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := databraintest.New(databraintest.Config{DataApps: []databraintest.DataApp{{Name: "A"}, {Name: "B"}}})
		server.Inject(standin.Fault{
			When: func(*http.Request) bool { time.Sleep(time.Second); return true }, // for requests to meet
			Skip: 2,                                                                 // the list of the apps
			Do:   databraintest.TooManyRequests("60"), Times: 3,
		})
		o := options(t, server)
		var told []time.Duration
		o.Paused = func(d time.Duration) { told = append(told, d) }
		_, stats, err := collect.Run(t.Context(), o)
		if err != nil || stats.Throttled != 3 || !slices.Equal(told, []time.Duration{time.Minute, time.Minute}) {
			t.Errorf("told of %v: %+v, %v", told, stats, err)
		}
	})
}

// TestWhatIsBelievedOfAList goes through the rules of the package's documentation: a
// list is read in full, or its app is a gap.
func TestWhatIsBelievedOfAList(t *testing.T) {
	for name, c := range map[string]struct {
		tokens   []int
		switches databraintest.Switches
		gaps     int // apps that are not believed
	}{
		"a short list is believed":              {[]int{1, 3, 9}, databraintest.Switches{}, 0},
		"a long list is checked at its end":     {[]int{11, 23}, databraintest.Switches{}, 0},
		"an instance that pages by default":     {[]int{25, 3}, databraintest.Switches{IgnoreWhole: true}, 0},
		"an instance that ignores pages":        {[]int{23}, databraintest.Switches{IgnorePagination: true}, 0},
		"… and gives a length that a limit has": {[]int{50}, databraintest.Switches{IgnorePagination: true}, 1},
		"pages of another length":               {[]int{25}, databraintest.Switches{PageSize: 7}, 0},
		"a whole list that a limit cuts":        {[]int{25}, databraintest.Switches{Cap: 10}, 0},
		"entries without a key are counted":     {[]int{12}, databraintest.Switches{MaskKeys: "********"}, 1},
		"an order that changes with each reading": {[]int{35}, databraintest.Switches{Order: databraintest.Reshuffled,
			Seed: 3, IgnoreWhole: true}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				coverage, stats := collected(t, c.tokens, c.switches)
				total := 0
				for _, n := range c.tokens {
					total += n
				}
				if len(coverage.Gaps) != c.gaps || c.gaps == 0 && coverage.Tokens != total {
					t.Errorf("%d of %d tokens, gaps %+v, %d requests; want %d gaps",
						coverage.Tokens, total, coverage.Gaps, stats.Requests, c.gaps)
				}
				for _, g := range coverage.Gaps {
					if g.Class != finding.GapDecode || coverage.Apps[g.DataApp] != finding.Unread {
						t.Errorf("%+v is %v", g, coverage.Apps[g.DataApp])
					}
				}
			})
		})
	}
}
