package databraintest_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"databrain-rotation/pkg/standin/databraintest"
)

func TestAdminLife(t *testing.T) {
	db := databraintest.New(databraintest.Config{Fresh: true})
	p := inProcess(t, db)
	p.want("POST", jwtPath, "", login, 400, failure("USER_NOT_FOUND", "No User found with the given email"))

	const account = `{"firstName":"Admin","email":"admin@company.com","password":"SecureP@ss1","companyName":"My Company"}`
	status, got := p.do("POST", "/api/v2/admin-account", "", account)
	const start = `{"data":{"accessToken":"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.` // as in the reference's example
	if status != 200 || !strings.HasPrefix(got, start) {
		t.Fatalf("create: got %d %s", status, got)
	}
	p.want("POST", "/api/v2/admin-account", "", account, 400,
		failure("INVALID_REQUEST", "Your company account is already created, please sign in"))

	jwt := p.signIn()
	p.want("POST", savePath, jwt, `{"token":"`+another+`"}`, 200, `{"key":"`+another+`"}`)
	p.want("POST", resetPath, jwt, `{"currentPassword":"SecureP@ss1","password":"NewSecureP@ss2"}`, 200, `{"data":{"success":true}}`)
	p.want("POST", jwtPath, "", login, 400, failure("Invalid credentials", "Invalid credentials"))
	if !db.TokenWorks(another) {
		t.Error("the service token did not survive the new password")
	}
	p.want("POST", jwtPath, "", `{"email":7,"password":"x"}`, 400, failure("INVALID REQUEST BODY", `"email" must be a string`))
	db.SetAdminPassword("SecureP@ss1")
	if p.signIn() == jwt {
		t.Error("two sign-ins gave one JWT")
	}
	if n := db.SignIns(); n != 2 {
		t.Errorf("counted %d sign-ins", n)
	}
}

func TestJWTLifetime(t *testing.T) {
	for name, row := range map[string]struct{ lifetime, lasts time.Duration }{
		"default": {0, time.Hour},
		"set":     {time.Minute, time.Minute},
		"none":    {-1, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			p := inProcess(t, databraintest.New(databraintest.Config{JWTLifetime: row.lifetime}))
			jwt := p.signIn()
			save := func(status int) {
				t.Helper()
				if got, _ := p.do("POST", savePath, jwt, `{"token":"`+another+`"}`); got != status {
					t.Errorf("%s: got %d, want %d", name, got, status)
				}
			}
			if row.lasts == 0 {
				time.Sleep(24 * 365 * time.Hour)
				save(200)
				return
			}
			time.Sleep(row.lasts - 1)
			save(200)
			time.Sleep(time.Nanosecond)
			save(401)
		})
	}
}

func TestJWTOfAnotherInstance(t *testing.T) {
	theirs := inProcess(t, databraintest.New(databraintest.Config{})).signIn()
	p := inProcess(t, databraintest.New(databraintest.Config{}))
	p.want("POST", savePath, theirs, `{"token":"`+another+`"}`, 401, failure("AUTHENTICATION_ERROR", "AUTHENTICATION_ERROR"))
}
