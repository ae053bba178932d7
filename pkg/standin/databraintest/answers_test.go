package databraintest_test

import (
	"net/http"
	"strings"
	"testing"

	"databrain-rotation/pkg/standin/databraintest"
)

const (
	sel           = "SELFHOSTED_APP_ERROR"
	selMessage    = "This feature is only available for self-hosted instances"
	authError     = "AUTHENTICATION_ERROR"
	invalidBody   = "INVALID_REQUEST_BODY"
	spacedInvalid = "INVALID REQUEST BODY"
)

// TestErrors has a row for each error that the reference documents and for each
// inferred one, on the example instance in its default switches.
func TestErrors(t *testing.T) {
	const admin = "the admin's JWT"
	for _, row := range []struct {
		method, target, bearer, body string
		status                       int
		code, message                string // message "" = the code
	}{
		{"POST", jwtPath, "", "", 400, spacedInvalid, `"email" is required`},
		{"POST", jwtPath, "", `["admin@company.com"]`, 400, spacedInvalid, `"value" must be of type object`},
		{"POST", jwtPath, "", `{"email":"a@company.com","password":"SecureP@ss1"}`, 400, "USER_NOT_FOUND",
			"No User found with the given email"},
		{"POST", jwtPath, "", `{"email":"admin@company.com","password":"SecureP@ss2"}`, 400, "Invalid credentials", ""},

		{"POST", savePath, "", `{"token":"` + another + `"}`, 401, authError, ""},
		{"POST", savePath, service, `{"token":"` + another + `"}`, 401, authError, ""},
		{"POST", savePath, admin + "x", `{"token":"` + another + `"}`, 401, authError, ""},
		{"POST", savePath, admin, `{}`, 400, invalidBody, `"token" is required`},
		{"POST", savePath, admin, `{"token":"not-a-uuid"}`, 400, invalidBody, `"token" must be a valid GUID`},
		{"POST", savePath, admin, `{"token":null}`, 400, invalidBody, `"token" must be a string`},

		{"POST", rotatePath, "", `{"expireAt":3600}`, 400, authError, ""},
		{"POST", rotatePath, "not-a-uuid", `{"expireAt":3600}`, 400, authError, ""},
		{"POST", rotatePath, admin, `{"token":"` + service + `","expireAt":3600}`, 400, authError, ""},
		{"POST", rotatePath, "7c9e6679-7425-40de-944b-e07fc1f90ae7", `{"expireAt":3600}`, 400, authError, ""}, // an API token
		{"POST", rotatePath, another, `{"expireAt":3600}`, 401, authError, ""},
		{"POST", rotatePath, service, `{}`, 400, invalidBody, `"expireAt" is required`},
		{"POST", rotatePath, service, `{"expireAt":null}`, 400, invalidBody, `"expireAt" must be a number`},
		{"POST", rotatePath, service, `{"expireAt":"soon"}`, 400, invalidBody, `"expireAt" must be a number`},
		{"POST", rotatePath, service, `{"expireAt":-1}`, 400, invalidBody, `"expireAt" must be greater than or equal to 0`},
		{"POST", rotatePath, service, `{"expireAt":0.5}`, 400, invalidBody, `"expireAt" must be an integer`},
		{"POST", rotatePath, service, `{"expireAt":1e20}`, 400, invalidBody, `"expireAt" must be a safe number`},

		{"GET", appPath, "", "", 400, authError, ""},
		{"GET", appPath, another, "", 400, authError, ""},
		{"GET", appPath, admin, "", 400, authError, ""},
		{"GET", appPath + "?isPagination=yes", service, "", 400, invalidBody, `"isPagination" must be one of [true, false]`},
		{"GET", appPath + "?isPagination=true&pageNumber=one", service, "", 400, invalidBody,
			`"pageNumber" must be a number`},
		{"GET", appPath + "?isPagination=true&pageNumber=0", service, "", 400, invalidBody,
			`"pageNumber" must be greater than or equal to 1`},

		{"GET", keysQuery, "", "", 400, authError, ""},
		{"GET", keyPath, service, "", 400, invalidBody, `"dataAppName" is required`},
		{"GET", keysQuery + "&pageNumber=-1", service, "", 400, invalidBody,
			`"pageNumber" must be greater than or equal to 1`},
		{"GET", keyPath + "?dataAppName=customer+portal+analytics", service, "", 400, "DATA_APP_NOT_FOUND", ""},
		{"POST", keyPath, another, `{"dataAppName":"Partner Dashboard","name":"Key"}`, 400, authError, ""},
		{"POST", keyPath, service, `{"dataAppName":"Partner Dashboard"}`, 400, invalidBody, `"name" is required`},
		{"POST", keyPath, service, `{"name":"Key"}`, 400, invalidBody, `"dataAppName" is required`},
		{"POST", keyPath, service, `{"dataAppName":"None","name":"Key"}`, 400, "DATA_APP_NOT_FOUND", ""},

		{"POST", rotateAPI, "", `{"expireAt":0}`, 400, authError, ""},
		{"POST", rotateAPI, "not-a-uuid", `{"expireAt":0}`, 400, authError, ""},
		{"POST", rotateAPI, another, `{"expireAt":0}`, 401, authError, ""},
		{"POST", rotateAPI, "7c9e6679-7425-40de-944b-e07fc1f90ae7", `{}`, 400, invalidBody, `"expireAt" is required`},
	} {
		db := databraintest.New(databraintest.Config{})
		p := inProcess(t, db)
		row.bearer = strings.Replace(row.bearer, admin, p.signIn(), 1)
		if row.message == "" {
			row.message = row.code
		}
		p.want(row.method, row.target, row.bearer, row.body, row.status, failure(row.code, row.message))
		if db.Minted() != 0 || !db.TokenWorks(service) {
			t.Errorf("%s %s: a refused request took effect", row.method, row.target)
		}
	}
}

func TestWhatNoRouteAnswers(t *testing.T) {
	db := databraintest.New(databraintest.Config{})
	p := inProcess(t, db)
	for _, row := range []struct {
		method, target, body string
		status               int
		text                 string
	}{
		{"GET", "/api/v2/service-token", "", 404, "<pre>Cannot GET /api/v2/service-token</pre>"}, // tokens cannot be listed,
		{"DELETE", keysQuery, "", 404, "<pre>Cannot DELETE /api/v2/data-app/api-tokens</pre>"},   // nor deleted
		{"POST", "/api/v2/dataApp/rotate-api", "{}", 404, "<pre>Cannot POST /api/v2/dataApp/rotate-api</pre>"},
		{"GET", "/%3Cscript%3E", "", 404, "<pre>Cannot GET /%3Cscript%3E</pre>"},
		{"POST", jwtPath, `{"email":`, 400, "<pre>Bad Request</pre>"},
		{"POST", jwtPath, `"email"`, 400, "<pre>Bad Request</pre>"},
		{"POST", jwtPath, login + login, 400, "<pre>Bad Request</pre>"},
		{"POST", jwtPath, strings.Repeat(" ", 101<<10) + login, 413, "<pre>Payload Too Large</pre>"},
	} {
		status, got := p.do(row.method, row.target, service, row.body)
		if status != row.status || !strings.HasPrefix(got, "<!DOCTYPE html>") || !strings.Contains(got, row.text) {
			t.Errorf("%s %s: got %d %s", row.method, row.target, status, got)
		}
	}
}

func TestBodyOfAnotherTypeIsNotRead(t *testing.T) {
	p := inProcess(t, databraintest.New(databraintest.Config{}))
	req, err := p.request(t.Context(), "POST", jwtPath, "", login)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "text/plain")
	resp, err := p.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusBadRequest {
		t.Errorf("got %d", resp.StatusCode)
	}
}

func TestHealth(t *testing.T) {
	p := inProcess(t, databraintest.New(databraintest.Config{}))
	p.want("GET", "/health/live", "", "", 200, `{"status":"live"}`)
}

func TestPathPrefix(t *testing.T) {
	db := databraintest.New(databraintest.Config{PathPrefix: "/databrain/"})
	p := inProcess(t, db)
	for target, want := range map[string]int{
		"/databrain/health/live":    200,
		"/databrain" + appPath:      200,
		appPath:                     404,
		"/databrainer" + appPath:    404,
		"/databrain/api/v2/dataApp": 200,
	} {
		if status, _ := p.do("GET", target, service, ""); status != want {
			t.Errorf("%s: got %d, want %d", target, status, want)
		}
	}
	if n := db.Count("GET " + appPath); n != 2 {
		t.Errorf("counted %d", n)
	}
}
