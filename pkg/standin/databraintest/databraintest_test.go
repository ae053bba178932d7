package databraintest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"databrain-rotation/pkg/standin/databraintest"

	"github.com/google/go-cmp/cmp"
)

const (
	service  = databraintest.ExampleServiceToken
	another  = "11111111-1111-4111-8111-111111111111"
	third    = "22222222-2222-4222-8222-222222222222"
	customer = "Customer Portal Analytics"
	login    = `{"email":"admin@company.com","password":"SecureP@ss1"}`

	jwtPath    = "/api/v2/admin-account/jwt"
	savePath   = "/api/v2/service-token"
	rotatePath = "/api/v2/service-token/rotate"
	appPath    = "/api/v2/data-app"
	keyPath    = "/api/v2/data-app/api-tokens"
	rotateAPI  = "/api/v2/data-app/rotate-api"
	keysQuery  = keyPath + "?dataAppName=Customer%20Portal%20Analytics"
)

// peer is a client of one stand-in.
type peer struct {
	t      *testing.T
	client *http.Client
	base   string
}

func inProcess(t *testing.T, db *databraintest.Server) peer {
	return peer{t, db.Client(), "http://databrain.test"}
}

func (p peer) request(ctx context.Context, method, target, bearer, body string) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, method, p.base+target, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	if bearer != "" {
		req.Header.Set("Authorization", "Bearer "+bearer)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	return req, nil
}

// do is one exchange that has to bring an answer.
func (p peer) do(method, target, bearer, body string) (status int, answer string) {
	p.t.Helper()
	req, err := p.request(p.t.Context(), method, target, bearer, body)
	if err != nil {
		p.t.Fatal(err)
	}
	resp, err := p.client.Do(req)
	if err != nil {
		p.t.Fatalf("%s %s: %v", method, target, err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		p.t.Fatalf("%s %s: %v", method, target, err)
	}
	return resp.StatusCode, string(raw)
}

// want is do with its answer compared as JSON.
func (p peer) want(method, target, bearer, body string, status int, answer string) {
	p.t.Helper()
	gotStatus, got := p.do(method, target, bearer, body)
	if gotStatus != status || !sameJSON(p.t, got, answer) {
		p.t.Errorf("%s %s %s: got %d %s, want %d %s", method, target, body, gotStatus, got, status, answer)
	}
}

// key is do where the answer has to be a 200 with a fresh key.
func (p peer) key(method, target, bearer, body string) string {
	p.t.Helper()
	status, got := p.do(method, target, bearer, body)
	var answer struct{ Key string }
	if err := json.Unmarshal([]byte(got), &answer); err != nil || status != http.StatusOK ||
		!uuidV4.MatchString(answer.Key) {
		p.t.Fatalf("%s %s: got %d %s, want a key", method, target, status, got)
	}
	return answer.Key
}

var uuidV4 = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

func (p peer) signIn() (jwt string) {
	p.t.Helper()
	status, got := p.do("POST", jwtPath, "", login)
	var answer struct{ Data struct{ AccessToken string } }
	if err := json.Unmarshal([]byte(got), &answer); err != nil || status != http.StatusOK ||
		answer.Data.AccessToken == "" {
		p.t.Fatalf("sign-in: got %d %s", status, got)
	}
	return answer.Data.AccessToken
}

// accepts reports whether a data app page takes the token, and fails unless it is
// refused as documented otherwise.
func (p peer) accepts(token string) bool {
	p.t.Helper()
	status, got := p.do("GET", appPath+"?isPagination=true&pageNumber=1", token, "")
	if status != http.StatusOK && got != failure("AUTHENTICATION_ERROR", "AUTHENTICATION_ERROR") {
		p.t.Errorf("probe: got %d %s", status, got)
	}
	return status == http.StatusOK
}

func failure(code, message string) string {
	raw, _ := json.Marshal(map[string]any{"error": map[string]string{"code": code, "message": message}})
	return string(raw)
}

func sameJSON(t *testing.T, a, b string) bool {
	t.Helper()
	return cmp.Equal(parse(t, a), parse(t, b))
}

func parse(t *testing.T, s string) (v any) {
	t.Helper()
	if err := json.NewDecoder(bytes.NewBufferString(s)).Decode(&v); err != nil {
		t.Errorf("not JSON: %q", s)
	}
	return v
}

// names are the names in a list answer.
func (p peer) names(target, token string) (names []string) {
	p.t.Helper()
	status, got := p.do("GET", target, token, "")
	var answer struct{ Data []struct{ Name string } }
	if err := json.Unmarshal([]byte(got), &answer); err != nil || status != http.StatusOK {
		p.t.Fatalf("%s: got %d %s", target, status, got)
	}
	for _, d := range answer.Data {
		names = append(names, d.Name)
	}
	return names
}
