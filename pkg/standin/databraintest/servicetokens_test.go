package databraintest_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"databrain-rotation/pkg/standin/databraintest"

	"github.com/google/go-cmp/cmp"
)

func TestSaveReplacesAtOnce(t *testing.T) {
	db := databraintest.New(databraintest.Config{})
	p := inProcess(t, db)
	jwt := p.signIn()
	for range 2 { // the second time is harmless
		p.want("POST", savePath, jwt, `{"token":"`+another+`"}`, 200, `{"key":"`+another+`"}`)
	}
	if p.accepts(service) || !p.accepts(another) {
		t.Error("the old token still works, or the new one does not")
	}
	if db.CurrentToken() != another || db.Minted() != 1 {
		t.Errorf("current %s, %d minted", db.CurrentToken(), db.Minted())
	}
	p.want("POST", rotatePath, service, `{"expireAt":60}`, 401, failure("AUTHENTICATION_ERROR", "AUTHENTICATION_ERROR"))

	p.want("POST", savePath, jwt, `{"token":"`+service+`"}`, 200, `{"key":"`+service+`"}`)
	if !p.accepts(service) || p.accepts(another) {
		t.Error("a value that came back does not work")
	}
	if db.Minted() != 1 {
		t.Error("a value that was there at the start counts as minted")
	}
}

func TestRotateKeepsTheOldTokenForTheGrace(t *testing.T) {
	for _, contract := range []databraintest.Contract{databraintest.ServiceTokenContract, databraintest.AdminContract} {
		for _, grace := range []time.Duration{0, time.Second, 24 * time.Hour} {
			synctest.Test(t, func(t *testing.T) {
				db := databraintest.New(databraintest.Config{Switches: databraintest.Switches{RotateContract: contract}})
				p := inProcess(t, db)
				bearer, body := service, fmt.Sprintf(`{"expireAt":%d}`, grace/time.Second)
				if contract == databraintest.AdminContract {
					bearer, body = p.signIn(), fmt.Sprintf(`{"token":%q,"expireAt":%d}`, service, grace/time.Second)
				}
				minted := p.key("POST", rotatePath, bearer, body)
				if grace > 0 {
					time.Sleep(grace - 1)
					if !p.accepts(service) || len(db.LiveTokens()) != 2 {
						t.Errorf("%v: the old token died early", grace)
					}
					time.Sleep(time.Nanosecond)
				}
				if p.accepts(service) || db.TokenWorks(service) {
					t.Errorf("%v: the old token outlived its grace", grace)
				}
				time.Sleep(1000 * time.Hour)
				if !p.accepts(minted) || db.CurrentToken() != minted || db.Minted() != 1 {
					t.Errorf("%v: the new token does not work on", grace)
				}
				if diff := cmp.Diff([]string{minted}, db.LiveTokens()); diff != "" {
					t.Error(diff)
				}
			})
		}
	}
}

func TestExpireAtForms(t *testing.T) {
	for _, value := range []string{"3600", `"3600"`, "3600.0", "3.6e3", "9007199254740991"} {
		db := databraintest.New(databraintest.Config{})
		inProcess(t, db).key("POST", rotatePath, service, `{"expireAt":`+value+`}`)
		if !db.TokenWorks(service) {
			t.Errorf("%s: no grace", value)
		}
	}
}

func TestAdminContractErrors(t *testing.T) {
	var now time.Time
	db := databraintest.New(databraintest.Config{
		Now:      func() time.Time { return now },
		Switches: databraintest.Switches{RotateContract: databraintest.AdminContract},
	})
	p := inProcess(t, db)
	jwt := p.signIn()
	p.want(
		"POST",
		rotatePath,
		service,
		`{"expireAt":60}`,
		401,
		failure(authError, authError),
	) // the newer contract's request
	p.want("POST", rotatePath, jwt, `{"expireAt":60}`, 400, failure(invalidBody, `"token" is required`))
	p.want(
		"POST",
		rotatePath,
		jwt,
		`{"token":"x","expireAt":60}`,
		400,
		failure(invalidBody, `"token" must be a valid GUID`),
	)
	p.want("POST", rotatePath, jwt, `{"token":"`+service+`"}`, 400, failure(invalidBody, `"expireAt" is required`))
	p.want(
		"POST",
		rotatePath,
		jwt,
		`{"token":"`+service+`","expireAt":"60"}`,
		400,
		failure(invalidBody, `"expireAt" must be a number`),
	)
	p.want(
		"POST",
		rotatePath,
		jwt,
		`{"token":"`+another+`","expireAt":60}`,
		400,
		failure(authError, "Invalid Service Token"),
	)
	p.key("POST", rotatePath, jwt, `{"token":"`+service+`","expireAt":60}`)
	now = now.Add(time.Minute)
	p.want(
		"POST",
		rotatePath,
		jwt,
		`{"token":"`+service+`","expireAt":60}`,
		400,
		failure("EXPIRED_SERVICE_TOKEN", "Service token is already expired"),
	)
}

func TestForeignChanges(t *testing.T) {
	db := databraintest.New(databraintest.Config{Fresh: true, ServiceToken: third})
	if diff := cmp.Diff([]string{third}, db.LiveTokens()); diff != "" {
		t.Error(diff)
	}
	db.SetToken(another)
	if db.TokenWorks(third) || !db.TokenWorks(another) || db.Minted() != 0 {
		t.Error("a foreign token is not in force, or counts as minted")
	}
	db.SetToken("")
	if len(db.LiveTokens()) != 0 || db.CurrentToken() != "" || inProcess(t, db).accepts("") {
		t.Error("a token is left")
	}
}
