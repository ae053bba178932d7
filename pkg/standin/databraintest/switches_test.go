package databraintest_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"databrain-rotation/pkg/standin/databraintest"

	"github.com/google/go-cmp/cmp"
)

func withSwitches(t *testing.T, s databraintest.Switches) (*databraintest.Server, peer) {
	db := databraintest.New(databraintest.Config{Switches: s})
	return db, inProcess(t, db)
}

func TestCloud(t *testing.T) {
	refused := failure(sel, selMessage)
	_, p := withSwitches(t, databraintest.Switches{Cloud: true})
	for _, target := range []string{jwtPath, savePath} {
		p.want("POST", target, "", `{}`, 500, refused)
	}
	p.want("GET", appPath, service, "", 200, exampleApps)
	p.key("POST", rotatePath, service, `{"expireAt":60}`)

	_, p = withSwitches(t, databraintest.Switches{Cloud: true, RotateContract: databraintest.AdminContract})
	p.want("POST", rotatePath, "", `{}`, 500, refused)
}

func TestKebabOnly(t *testing.T) {
	for kebabOnly, want := range map[bool]int{false: 200, true: 404} {
		_, p := withSwitches(t, databraintest.Switches{KebabOnly: kebabOnly})
		for _, target := range []string{"/api/v2/dataApp", "/api/v2/dataApp/api-tokens?dataAppName=Partner+Dashboard"} {
			if status, _ := p.do("GET", target, service, ""); status != want {
				t.Errorf("%v %s: got %d", kebabOnly, target, status)
			}
		}
	}
}

// TestErrorSwitches compares answers to one request with a switch off and on.
func TestErrorSwitches(t *testing.T) {
	rotated := func(p peer) { p.key("POST", rotatePath, service, `{"expireAt":0}`) }
	for name, row := range map[string]struct {
		on                           databraintest.Switches
		before                       func(peer)
		method, target, bearer, body string
		offStatus, onStatus          int
		off, wantOn                  string
	}{
		"BadServiceToken401": {
			on:     databraintest.Switches{BadServiceToken401: true},
			method: "GET", target: appPath, bearer: another,
			offStatus: 400, off: failure(authError, authError), onStatus: 401, wantOn: failure(authError, authError),
		},
		"Expired400": {
			on: databraintest.Switches{Expired400: true}, before: rotated,
			method: "POST", target: rotatePath, bearer: service, body: `{"expireAt":0}`,
			offStatus: 401, off: failure(authError, authError),
			onStatus: 400, wantOn: failure("EXPIRED_SERVICE_TOKEN", "Service token is already expired"),
		},
		"Expired400 does not touch unknown tokens": {
			on:     databraintest.Switches{Expired400: true},
			method: "POST", target: rotatePath, bearer: another, body: `{"expireAt":0}`,
			offStatus: 401, off: failure(authError, authError), onStatus: 401, wantOn: failure(authError, authError),
		},
		"BadJWT400": {
			on:     databraintest.Switches{BadJWT400: true},
			method: "POST", target: savePath, bearer: "a.b.c", body: `{}`,
			offStatus: 401, off: failure(authError, authError), onStatus: 400, wantOn: failure(authError, authError),
		},
		"IgnoreUnknownKeys": {
			on:     databraintest.Switches{IgnoreUnknownKeys: true},
			method: "POST", target: keyPath, bearer: service, body: `{"dataAppName":"None","name":"Key","id":1,"b":2}`,
			offStatus: 400, off: failure(invalidBody, `"b" is not allowed`),
			onStatus: 400, wantOn: failure("DATA_APP_NOT_FOUND", "DATA_APP_NOT_FOUND"),
		},
		"ErrorStatus": {
			on:     databraintest.Switches{ErrorStatus: true},
			method: "GET", target: appPath, bearer: another,
			offStatus: 400, off: failure(authError, authError),
			onStatus: 400, wantOn: `{"error":{"code":"AUTHENTICATION_ERROR","message":"AUTHENTICATION_ERROR","status":400}}`,
		},
		"NullError on lists": {
			on:     databraintest.Switches{NullError: true},
			method: "GET", target: keyPath + "?dataAppName=Partner+Dashboard", bearer: service,
			offStatus: 200, off: `{"data":[]}`, onStatus: 200, wantOn: `{"data":[],"error":null}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, on := range []bool{false, true} {
				s, status, want := databraintest.Switches{}, row.offStatus, row.off
				if on {
					s, status, want = row.on, row.onStatus, row.wantOn
				}
				_, p := withSwitches(t, s)
				if row.before != nil {
					row.before(p)
				}
				p.want(row.method, row.target, row.bearer, row.body, status, want)
			}
		})
	}
}

func TestNullErrorBesideAKey(t *testing.T) {
	for _, null := range []bool{false, true} {
		_, p := withSwitches(t, databraintest.Switches{NullError: null})
		_, got := p.do("POST", keyPath, service, `{"dataAppName":"Partner Dashboard","name":"Key"}`)
		if strings.Contains(got, `"error":null`) != null || !strings.Contains(got, `"key":"`) {
			t.Errorf("%t: got %s", null, got)
		}
	}
}

func TestRefuseRotateInGrace(t *testing.T) {
	db, p := withSwitches(t, databraintest.Switches{})
	lost := p.key("POST", rotatePath, service, `{"expireAt":60}`)
	p.key("POST", rotatePath, service, `{"expireAt":60}`)
	if len(db.LiveTokens()) != 3 || !db.TokenWorks(lost) || db.Minted() != 2 {
		t.Error("each rotation mints one token more")
	}
	p.key("POST", rotateAPI, development, `{"expireAt":60}`)
	p.key("POST", rotateAPI, development, `{"expireAt":60}`)

	expired := failure("EXPIRED_SERVICE_TOKEN", "Service token is already expired")
	db, p = withSwitches(t, databraintest.Switches{RefuseRotateInGrace: true})
	p.key("POST", rotatePath, service, `{"expireAt":60}`)
	p.want("POST", rotatePath, service, `{"expireAt":60}`, 400, expired)
	if db.Minted() != 1 {
		t.Error("a refused rotation minted")
	}
	p.key("POST", rotateAPI, development, `{"expireAt":60}`)
	p.want(
		"POST",
		rotateAPI,
		development,
		`{"expireAt":60}`,
		400,
		failure("INVALID_DATA_APP_API_KEY", "INVALID_DATA_APP_API_KEY"),
	)

	_, p = withSwitches(t, databraintest.Switches{RefuseRotateInGrace: true, RotateContract: databraintest.AdminContract})
	jwt, body := p.signIn(), `{"token":"`+service+`","expireAt":60}`
	p.key("POST", rotatePath, jwt, body)
	p.want("POST", rotatePath, jwt, body, 400, expired)
}

func TestDropGraceOnSave(t *testing.T) {
	for _, drop := range []bool{false, true} {
		db, p := withSwitches(t, databraintest.Switches{DropGraceOnSave: drop})
		minted := p.key("POST", rotatePath, service, `{"expireAt":60}`)
		p.want("POST", savePath, p.signIn(), `{"token":"`+another+`"}`, 200, `{"key":"`+another+`"}`)
		if !db.TokenWorks(another) || db.TokenWorks(minted) || db.TokenWorks(service) == drop {
			t.Errorf("drop %v: the token in grace works: %v", drop, db.TokenWorks(service))
		}
	}
}

func TestTimestamps(t *testing.T) {
	for style, want := range map[databraintest.Timestamps]string{
		databraintest.WholeSeconds: "2024-01-10T09:00:00Z",
		databraintest.Milliseconds: "2024-01-10T09:00:00.000Z",
		databraintest.Offset:       "2024-01-10T14:30:00.000000+05:30",
	} {
		_, p := withSwitches(t, databraintest.Switches{Timestamps: style})
		if _, got := p.do("GET", appPath, service, ""); !strings.Contains(got, `"createdAt":"`+want+`"`) {
			t.Errorf("no %s in %s", want, got)
		}
		if _, err := time.Parse(time.RFC3339, want); err != nil {
			t.Error(err)
		}
	}
}

func TestOrder(t *testing.T) {
	var apps []databraintest.DataApp
	for i := range 30 {
		apps = append(apps, databraintest.DataApp{
			Name: fmt.Sprintf("%02d", i), CreatedAt: time.Date(2025, 1, 30-i, 0, 0, 0, 0, time.UTC),
			Tokens: []databraintest.APIToken{{Key: "k", Name: "n"}},
		})
	}
	slices.Reverse(apps)
	list := func(s databraintest.Switches) (first, second, paged []string) {
		db := databraintest.New(databraintest.Config{DataApps: apps, Switches: s})
		p := inProcess(t, db)
		first, second = p.names(appPath, service), p.names(appPath, service)
		for page := 1; page <= 3; page++ {
			paged = append(paged, p.names(fmt.Sprintf("%s?isPagination=true&pageNumber=%d", appPath, page), service)...)
		}
		return first, second, paged
	}
	newest, second, paged := list(databraintest.Switches{})
	if !slices.IsSorted(newest) || !slices.Equal(newest, second) || !slices.Equal(newest, paged) {
		t.Errorf("newest first: %v", newest)
	}
	shuffled, second, paged := list(databraintest.Switches{Order: databraintest.Shuffled, Seed: 1})
	if slices.IsSorted(shuffled) || !slices.Equal(shuffled, second) || !slices.Equal(shuffled, paged) {
		t.Errorf("shuffled: %v, %v, %v", shuffled, second, paged)
	}
	if other, _, _ := list(databraintest.Switches{Order: databraintest.Shuffled, Seed: 2}); slices.Equal(shuffled, other) {
		t.Error("two seeds gave one order")
	}
	first, second, paged := list(databraintest.Switches{Order: databraintest.Reshuffled, Seed: 1})
	if slices.Equal(first, second) || slices.Equal(slices.Sorted(slices.Values(paged)), newest) {
		t.Error("reshuffled: one order for all answers")
	}
	for _, names := range [][]string{shuffled, first, second} {
		if diff := cmp.Diff(newest, slices.Sorted(slices.Values(names))); diff != "" {
			t.Error(diff)
		}
	}
	again, _, _ := list(databraintest.Switches{Order: databraintest.Reshuffled, Seed: 1})
	if diff := cmp.Diff(first, again); diff != "" {
		t.Errorf("one seed, two outcomes: %s", diff)
	}
}

func TestIgnorePagination(t *testing.T) {
	apps := databraintest.Many(12, 0, time.Time{}, nil)
	for ignore, want := range map[bool]int{false: 2, true: 12} {
		db := databraintest.New(
			databraintest.Config{DataApps: apps, Switches: databraintest.Switches{IgnorePagination: ignore}},
		)
		if got := inProcess(t, db).names(appPath+"?isPagination=true&pageNumber=2", service); len(got) != want {
			t.Errorf("ignore %v: page 2 has %d entries", ignore, len(got))
		}
	}
}

func TestPageSize(t *testing.T) {
	apps := databraintest.Many(12, 12, time.Time{}, func(_, n int) databraintest.APIToken {
		return databraintest.APIToken{Key: string(rune('a' + n)), Name: "t"}
	})
	for size, want := range map[int][]int{0: {10, 2, 0}, 5: {5, 5, 2, 0}, 12: {12, 0}, 20: {12, 0}} {
		db := databraintest.New(databraintest.Config{DataApps: apps, Switches: databraintest.Switches{PageSize: size}})
		for _, list := range []string{appPath + "?", keyPath + "?dataAppName=" + url.QueryEscape(apps[0].Name) + "&"} {
			var got []int
			for i := range want {
				got = append(got, len(inProcess(t, db).names(fmt.Sprintf("%sisPagination=true&pageNumber=%d", list, i+1), service)))
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("size %d, %s: %s", size, list, diff)
			}
		}
	}
}

func TestPropagationDelay(t *testing.T) {
	for _, delay := range []time.Duration{0, 3 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			db, p := withSwitches(t, databraintest.Switches{PropagationDelay: delay})
			check := func(when string, wantOld, wantNew bool) {
				t.Helper()
				if gotOld, gotNew := p.accepts(service), p.accepts(another); gotOld != wantOld || gotNew != wantNew {
					t.Errorf("delay %v, %s: old %v, new %v", delay, when, gotOld, gotNew)
				}
			}
			check("before", true, false)
			p.want("POST", savePath, p.signIn(), `{"token":"`+another+`"}`, 200, `{"key":"`+another+`"}`)
			if db.TokenWorks(service) || !db.TokenWorks(another) {
				t.Error("the primary lags")
			}
			p.key("POST", keyPath, another, `{"dataAppName":"`+customer+`","name":"New"}`) // writes see the primary
			if delay > 0 {
				time.Sleep(delay - 1)
				check("just before the replica knows", true, false)
				time.Sleep(time.Nanosecond)
			}
			check("once the replica knows", false, true)

			minted := p.key("POST", rotatePath, another, `{"expireAt":60}`)
			time.Sleep(delay)
			if !p.accepts(another) || !p.accepts(minted) {
				t.Error("in the grace both work")
			}
			time.Sleep(time.Minute)
			if p.accepts(another) || !p.accepts(minted) {
				t.Error("after the grace only the new one works")
			}
		})
	}
}

func TestRateLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, p := withSwitches(t, databraintest.Switches{RateLimit: 3})
		statuses := func(n int) (got []int) {
			for range n {
				status, _ := p.do("POST", rotatePath, db.CurrentToken(), `{"expireAt":0}`)
				got = append(got, status)
			}
			return got
		}
		if diff := cmp.Diff([]int{200, 200, 200, 429, 429}, statuses(5)); diff != "" {
			t.Error(diff)
		}
		time.Sleep(2*time.Minute - 1)
		if diff := cmp.Diff([]int{429}, statuses(1)); diff != "" {
			t.Error(diff)
		}
		time.Sleep(time.Nanosecond)
		if diff := cmp.Diff([]int{200, 200, 200, 429}, statuses(4)); diff != "" {
			t.Error(diff)
		}
		if db.Minted() != 6 {
			t.Errorf("%d minted: a 429 took effect", db.Minted())
		}
	})
	_, p := withSwitches(t, databraintest.Switches{})
	for range 600 {
		if status, _ := p.do("GET", "/health/live", "", ""); status != http.StatusOK {
			t.Fatalf("limited by default: %d", status)
		}
	}
}
