package databraintest_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"databrain-rotation/pkg/standin/databraintest"

	"github.com/google/go-cmp/cmp"
)

// listed is an API token in a list, by what the switches decide: whether it is the old
// one or the new one of a rotation, its name and its date.
type listed struct {
	Key, Name string
	CreatedAt time.Time
}

func (p peer) tokens(old, fresh string) (all []listed) {
	p.t.Helper()
	_, got := p.do("GET", keysQuery, service, "")
	var answer struct{ Data []listed }
	if err := json.Unmarshal([]byte(got), &answer); err != nil {
		p.t.Fatalf("%v: %s", err, got)
	}
	for _, l := range answer.Data {
		switch l.Key {
		case old:
			l.Key = "old"
		case fresh:
			l.Key = "fresh"
		default:
			continue
		}
		all = append(all, l)
	}
	return all
}

// TestListAfterARotation has a row for each reading of what no page says.
func TestListAfterARotation(t *testing.T) {
	created := time.Date(2024, 1, 10, 14, 15, 0, 0, time.UTC)
	rotated := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	old := listed{"old", "Development Token", created}
	fresh := listed{"fresh", "Development Token", rotated}
	for name, row := range map[string]struct {
		switches     databraintest.Switches
		grace, after []listed
	}{
		"default": {databraintest.Switches{}, []listed{fresh}, []listed{fresh}},
		"another name": {
			databraintest.Switches{RenameRotated: true},
			[]listed{{"fresh", "Development Token (rotated)", rotated}},
			[]listed{{"fresh", "Development Token (rotated)", rotated}},
		},
		"the old date": {
			databraintest.Switches{KeepCreatedAt: true},
			[]listed{{"fresh", "Development Token", created}},
			[]listed{{"fresh", "Development Token", created}},
		},
		"listed in grace": {databraintest.Switches{ListInGrace: true}, []listed{fresh, old}, []listed{fresh}},
		"listed for ever": {databraintest.Switches{ListExpired: true}, []listed{fresh, old}, []listed{fresh, old}},
		"both of the listing": {databraintest.Switches{ListInGrace: true, ListExpired: true}, []listed{fresh, old},
			[]listed{fresh, old}},
	} {
		for _, contract := range []databraintest.Contract{databraintest.ServiceTokenContract, databraintest.AdminContract} {
			now := rotated
			row.switches.RotateAPIContract = contract
			db := databraintest.New(databraintest.Config{Now: func() time.Time { return now }, Switches: row.switches})
			p := inProcess(t, db)
			bearer, body := development, `{"expireAt":60}`
			if contract == databraintest.AdminContract {
				bearer, body = service, `{"key":"`+development+`","expireAt":60}`
			}
			key := p.key("POST", rotateAPI, bearer, body)
			if diff := cmp.Diff(row.grace, p.tokens(development, key)); diff != "" {
				t.Errorf("%s, in the grace period: %s", name, diff)
			}
			now = now.Add(time.Minute)
			if diff := cmp.Diff(row.after, p.tokens(development, key)); diff != "" {
				t.Errorf("%s, after it: %s", name, diff)
			}
			if db.MintedAPITokens() != 1 || len(db.LiveAPITokens(customer)) != 3 || db.APITokenWorks(development) {
				t.Errorf("%s: %d minted, %d live", name, db.MintedAPITokens(), len(db.LiveAPITokens(customer)))
			}
		}
	}
}

// TestEmbedsProveAnAPIToken: with the documented answers, in either spelling.
func TestEmbedsProveAnAPIToken(t *testing.T) {
	const embeds = "/api/v2/data-app/embeds?isPagination=true&pageNumber=1"
	db := databraintest.New(databraintest.Config{ServiceToken: third})
	p := inProcess(t, db)
	for _, target := range []string{embeds, strings.Replace(embeds, "data-app", "dataApp", 1)} {
		if names := p.names(target, development); len(names) != 3 {
			t.Errorf("%s: %q", target, names)
		}
	}
	_, got := p.do("GET", embeds, development, "")
	if !strings.Contains(got, `"embedMetadata":{"dataAppName":"Customer Portal Analytics"}`) ||
		!strings.Contains(got, `"externalDashboard":null`) || strings.Contains(got, development) {
		t.Errorf("got %s", got)
	}
	p.want("GET", embeds+"0", development, "", 200, `{"data":[]}`) // page 10
	p.want("GET", "/api/v2/data-app/embeds?pageNumber=0", development, "", 400,
		failure(invalidBody, `"pageNumber" must be greater than or equal to 1`))
	for _, bearer := range []string{"", another, third} {
		p.want("GET", embeds, bearer, "", 401, failure("INVALID_DATA_APP_API_KEY", "INVALID_DATA_APP_API_KEY"))
	}
	fresh := p.key("POST", rotateAPI, development, `{"expireAt":0}`)
	p.want("GET", embeds, development, "", 401, failure("INVALID_DATA_APP_API_KEY", "INVALID_DATA_APP_API_KEY"))
	if names := p.names(embeds, fresh); len(names) != 3 {
		t.Errorf("the new token: %q", names)
	}

	db = databraintest.New(databraintest.Config{ServiceToken: third, Switches: databraintest.Switches{
		EmbedsByServiceToken: true, BadAPIKeyStatus: 400, BadAPIKeyCode: "AUTHENTICATION_ERR",
	}})
	p = inProcess(t, db)
	if names := p.names(embeds, third); len(names) != 4 {
		t.Errorf("by the service token: %q", names)
	}
	p.want("GET", embeds, another, "", 400, failure("AUTHENTICATION_ERR", "AUTHENTICATION_ERR"))
}

// TestAPITokensOfOthers: they are no calls, and do not count as minted.
func TestAPITokensOfOthers(t *testing.T) {
	db := databraintest.New(databraintest.Config{})
	p := inProcess(t, db)
	added := db.AddAPIToken(customer, "Development Token")
	replaced := db.ReplaceAPIToken(development, 0)
	if !db.APITokenWorks(added) || !db.APITokenWorks(replaced) || db.APITokenWorks(development) {
		t.Error("the tokens of others do not work, or the replaced one does")
	}
	if n := len(p.names(keysQuery, service)); n != 4 || db.MintedAPITokens() != 0 || len(db.Calls()) != 1 {
		t.Errorf("%d listed, %d minted, %d calls", n, db.MintedAPITokens(), len(db.Calls()))
	}
	p.key("POST", keyPath, service, `{"dataAppName":"`+customer+`","name":"Development Token"}`)
	if db.MintedAPITokens() != 1 || len(db.LiveAPITokens(customer)) != 5 || db.LiveAPITokens("none") != nil {
		t.Errorf("%d minted, %q live", db.MintedAPITokens(), db.LiveAPITokens(customer))
	}
	_, p = withSwitches(t, databraintest.Switches{Cloud: true, RotateAPIContract: databraintest.AdminContract})
	p.want("POST", rotateAPI, service, `{"key":"`+development+`","expireAt":0}`, 500, failure(sel, selMessage))
}
