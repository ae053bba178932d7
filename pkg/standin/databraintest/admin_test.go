package databraintest_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"databrain-rotation/pkg/standin/databraintest"
)

func TestSignIn(t *testing.T) {
	fresh := inProcess(t, databraintest.New(databraintest.Config{Fresh: true}))
	fresh.want("POST", jwtPath, "", login, 400, failure("USER_NOT_FOUND", "No User found with the given email"))

	db := databraintest.New(databraintest.Config{})
	p := inProcess(t, db)
	jwt := p.signIn()
	const start = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9." // as in the reference's example
	if !strings.HasPrefix(jwt, start) {
		t.Errorf("got %s", jwt)
	}
	db.SetAdminPassword("another")
	p.want("POST", jwtPath, "", login, 400, failure("Invalid credentials", "Invalid credentials"))
	p.want("POST", savePath, jwt, `{"token":"`+another+`"}`, 200, `{"key":"`+another+`"}`)
	p.want(
		"POST",
		jwtPath,
		"",
		`{"email":7,"password":"x"}`,
		400,
		failure("INVALID REQUEST BODY", `"email" must be a string`),
	)
	db.SetAdminPassword(databraintest.ExamplePassword)
	if p.signIn() == jwt {
		t.Error("two sign-ins gave one JWT")
	}
	if n := db.SignIns(); n != 2 {
		t.Errorf("counted %d sign-ins", n)
	}
}

func TestJWTLifetime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := inProcess(t, databraintest.New(databraintest.Config{}))
		jwt := p.signIn()
		for _, row := range []struct {
			wait   time.Duration
			status int
		}{{time.Hour - 1, 200}, {1, 401}} {
			time.Sleep(row.wait)
			if got, _ := p.do("POST", savePath, jwt, `{"token":"`+another+`"}`); got != row.status {
				t.Errorf("got %d, want %d", got, row.status)
			}
		}
	})
}

func TestJWTOfAnotherInstance(t *testing.T) {
	theirs := inProcess(t, databraintest.New(databraintest.Config{})).signIn()
	p := inProcess(t, databraintest.New(databraintest.Config{}))
	p.want(
		"POST",
		savePath,
		theirs,
		`{"token":"`+another+`"}`,
		401,
		failure("AUTHENTICATION_ERROR", "AUTHENTICATION_ERROR"),
	)
}
