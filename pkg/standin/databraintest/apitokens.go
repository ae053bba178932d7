package databraintest

import (
	"iter"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

// APIToken is a data app's API token, which the reference also calls API key.
type APIToken struct {
	Key, Name string
	// Description: empty = "API key for data app " and the app's name.
	Description string
	CreatedAt   time.Time
	// Raw, unless empty, is the JSON that stands for the token in lists: for
	// entries that no documentation allows.
	Raw string
}

// apiKey is an API token as the server holds it.
type apiKey struct {
	APIToken
	rotated bool      // another has taken its place in lists
	until   time.Time // end of its grace, once rotated
}

func (k *apiKey) live(now time.Time) bool { return !k.rotated || now.Before(k.until) }

// listAPITokens is GET /api/v2/data-app/api-tokens?dataAppName= ({REF}/list-api-tokens).
func (s *Server) listAPITokens(c *call) answer {
	if !s.holdsServiceToken(c) {
		return s.badServiceToken()
	}
	query := c.r.URL.Query()
	name := query.Get("dataAppName")
	if name == "" {
		return s.invalidBody(`"dataAppName" is required`)
	}
	pages, text := parsePaging(query)
	if text != "" {
		return s.invalidBody(text)
	}
	a := s.byName[name]
	if a == nil {
		return s.bad("DATA_APP_NOT_FOUND")
	}
	var tokens []APIToken
	for _, k := range a.keys {
		if s.lists(k, c.now) {
			tokens = append(tokens, k.APIToken)
		}
	}
	arrange(s, tokens, func(t APIToken) time.Time { return t.CreatedAt })
	row := func(t APIToken) []byte { return s.tokenRow(name, t) }
	return s.list(s.answered(rows(s.paged(pages), s.pageSize(), spoil(s, pages, chain(tokens, a.Generate)), row)))
}

// lists reports whether the instance lists k, in the reading that the switches say.
func (s *Server) lists(k *apiKey, now time.Time) bool {
	return !k.rotated || s.switches.ListExpired || s.switches.ListInGrace && k.live(now)
}

// createAPIToken is POST /api/v2/data-app/api-tokens ({REF}/create-api-token).
func (s *Server) createAPIToken(c *call) answer {
	if !s.holdsServiceToken(c) {
		return s.badServiceToken()
	}
	if text := s.invalid(c, field{"dataAppName", isString}, field{"name", isString}); text != "" {
		return s.invalidBody(text)
	}
	a := s.byName[c.text("dataAppName")]
	if a == nil {
		return s.bad("DATA_APP_NOT_FOUND")
	}
	s.mintedKeys++
	return s.ok(map[string]any{"key": a.create(c.text("name"), c.now)})
}

// create makes a token and returns its key.
func (a *app) create(name string, now time.Time) (key string) {
	key = uuid.NewString()
	a.keys = append(a.keys, &apiKey{APIToken: APIToken{
		Key: key, Name: name, Description: describe(a.Name), CreatedAt: now,
	}})
	return key
}

// rotateAPIToken is POST /api/v2/data-app/rotate-api, in the contract that the
// switch says ({REF}/rotate-api-key).
func (s *Server) rotateAPIToken(c *call) answer {
	if s.switches.RotateAPIContract == AdminContract {
		return s.rotateAPITokenByService(c)
	}
	if !uuidForm(c.bearer()) {
		return s.bad("AUTHENTICATION_ERROR")
	}
	key := s.liveKey(c.bearer(), c.now)
	if key == nil {
		return s.fail(http.StatusUnauthorized, "AUTHENTICATION_ERROR", "AUTHENTICATION_ERROR")
	}
	var grace int64
	if text := s.invalid(c, field{"expireAt", isSeconds(ServiceTokenContract, &grace)}); text != "" {
		return s.invalidBody(text)
	}
	return s.replaceKey(key, grace, c.now)
}

// rotateAPITokenByService is the older contract: service token, and the API token
// in the body. Its error table is cut; that it is for self-hosted instances alone is
// not.
func (s *Server) rotateAPITokenByService(c *call) answer {
	if s.switches.Cloud {
		return s.selfHostedOnly()
	}
	if !s.holdsServiceToken(c) {
		return s.badServiceToken()
	}
	var grace int64
	if text := s.invalid(c, field{"key", isUUID}, field{"expireAt", isSeconds(AdminContract, &grace)}); text != "" {
		return s.invalidBody(text)
	}
	key := s.liveKey(c.text("key"), c.now)
	if key == nil {
		return s.bad("INVALID_DATA_APP_API_KEY")
	}
	return s.replaceKey(key, grace, c.now)
}

// replaceKey mints a token in place of old. "Invalid key state" is documented as a
// 400; its code is inferred.
func (s *Server) replaceKey(old *apiKey, grace int64, now time.Time) answer {
	if old.rotated && s.switches.RefuseRotateInGrace {
		return s.bad("INVALID_DATA_APP_API_KEY")
	}
	s.mintedKeys++
	return s.ok(map[string]any{"key": s.rotateKey(old, grace, now)})
}

// rotateKey returns the key of a new token in the app of old, which lives on for
// grace seconds.
func (s *Server) rotateKey(old *apiKey, grace int64, now time.Time) (key string) {
	fresh := &apiKey{APIToken: old.APIToken}
	fresh.Key, fresh.Raw = uuid.NewString(), ""
	if s.switches.RenameRotated {
		fresh.Name += " (rotated)"
	}
	if !s.switches.KeepCreatedAt {
		fresh.CreatedAt = now
	}
	owner := s.owner(old)
	owner.keys = append(owner.keys, fresh)
	old.rotated, old.until = true, time.Unix(now.Unix()+grace, int64(now.Nanosecond()))
	return fresh.Key
}

// owner is the data app that has the token.
func (s *Server) owner(key *apiKey) *app {
	for _, a := range s.apps {
		if slices.Contains(a.keys, key) {
			return a
		}
	}
	panic("databraintest: a token without a data app")
}

// liveKey is the API token of that value that still works, or nil.
func (s *Server) liveKey(value string, now time.Time) *apiKey {
	for _, a := range s.apps {
		for _, k := range a.keys {
			if k.Key == value && k.live(now) {
				return k
			}
		}
	}
	return nil
}

func (s *Server) tokenRow(appName string, t APIToken) []byte {
	if t.Raw != "" {
		return []byte(t.Raw)
	}
	if mask := s.switches.MaskKeys; mask != "" {
		t.Key = strings.ReplaceAll(mask, "%", t.Key[max(0, len(t.Key)-4):])
	}
	if t.Description == "" {
		t.Description = describe(appName)
	}
	return encode(struct {
		Key         string `json:"key"`
		Name        string `json:"name"`
		Description string `json:"description"`
		CreatedAt   string `json:"createdAt"`
	}{t.Key, t.Name, t.Description, s.date(t.CreatedAt)})
}

func describe(appName string) string { return "API key for data app " + appName }

// chain is the given tokens and then the generated ones.
func chain(given []APIToken, generated iter.Seq[APIToken]) iter.Seq[APIToken] {
	return func(yield func(APIToken) bool) {
		for _, t := range given {
			if !yield(t) {
				return
			}
		}
		if generated != nil {
			generated(yield)
		}
	}
}
