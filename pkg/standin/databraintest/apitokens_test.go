package databraintest_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"databrain-rotation/pkg/standin/databraintest"

	"github.com/google/go-cmp/cmp"
)

const development = "7c9e6679-7425-40de-944b-e07fc1f90ae7"

func TestListAPITokens(t *testing.T) {
	p := inProcess(t, databraintest.New(databraintest.Config{}))
	for _, target := range []string{keysQuery, strings.Replace(keysQuery, "data-app", "dataApp", 1)} {
		p.want("GET", target, service, "", 200, `{"data":[
			{"key":"550e8400-e29b-41d4-a716-446655440000","name":"Production API Key","description":"API key for data app Customer Portal Analytics","createdAt":"2024-01-15T10:30:00Z"},
			{"key":"7c9e6679-7425-40de-944b-e07fc1f90ae7","name":"Development Token","description":"API key for data app Customer Portal Analytics","createdAt":"2024-01-10T14:15:00Z"},
			{"key":"9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d","name":"Staging Environment","description":"API key for data app Customer Portal Analytics","createdAt":"2024-01-08T09:00:00Z"}]}`)
	}
	p.want("GET", keyPath+"?dataAppName=Partner%20Dashboard", service, "", 200, `{"data":[]}`)
}

func TestRotateAPIToken(t *testing.T) {
	for _, contract := range []databraintest.Contract{databraintest.ServiceTokenContract, databraintest.AdminContract} {
		synctest.Test(t, func(t *testing.T) {
			db := databraintest.New(databraintest.Config{Switches: databraintest.Switches{RotateAPIContract: contract}})
			p := inProcess(t, db)
			bearer, body := development, `{"expireAt":300}`
			if contract == databraintest.AdminContract {
				bearer, body = service, `{"key":"`+development+`","expireAt":300}`
			}
			fresh := p.key("POST", rotateAPI, bearer, body)
			want := []string{"Development Token", "Production API Key", "Staging Environment"}
			if diff := cmp.Diff(want, slices.Sorted(slices.Values(p.names(keysQuery, service)))); diff != "" {
				t.Error(diff)
			}
			time.Sleep(5*time.Minute - 1)
			if !db.APITokenWorks(development) || !db.APITokenWorks(fresh) {
				t.Error("within the grace both work")
			}
			time.Sleep(time.Nanosecond)
			if db.APITokenWorks(development) || !db.APITokenWorks(fresh) {
				t.Error("after the grace only the new one works")
			}
		})
	}
}

func TestRotateAPITokenByServiceErrors(t *testing.T) {
	p := inProcess(t, databraintest.New(databraintest.Config{
		Switches: databraintest.Switches{RotateAPIContract: databraintest.AdminContract},
	}))
	p.want("POST", rotateAPI, development, `{"key":"`+development+`","expireAt":0}`, 400, failure(authError, authError))
	p.want("POST", rotateAPI, service, `{"expireAt":0}`, 400, failure(invalidBody, `"key" is required`))
	p.want(
		"POST",
		rotateAPI,
		service,
		`{"key":"`+another+`","expireAt":0}`,
		400,
		failure("INVALID_DATA_APP_API_KEY", "INVALID_DATA_APP_API_KEY"),
	)
}
