package databraintest

import (
	"net/http"
	"time"

	"github.com/google/uuid"
)

// saveServiceToken is POST /api/v2/service-token ({REF}/create-service-token): the
// caller chooses the value, and what was in force is replaced at once.
func (s *Server) saveServiceToken(c *call) answer {
	if s.switches.Cloud {
		return s.selfHostedOnly()
	}
	if !s.isAdmin(c) {
		return s.badJWT()
	}
	if text := s.invalid(c, field{"token", isUUID}); text != "" {
		return s.invalidBody(text)
	}
	token := c.text("token")
	if s.tokens.all[token] == nil {
		s.tokens.minted++
	}
	s.tokens.save(token, c.now, s.switches.DropGraceOnSave)
	return s.ok(map[string]any{"key": token})
}

// rotateServiceToken is POST /api/v2/service-token/rotate, in the contract that
// the switch says ({REF}/rotate-service-token).
func (s *Server) rotateServiceToken(c *call) answer {
	if s.switches.RotateContract == AdminContract {
		return s.rotateAsAdmin(c)
	}
	old := c.bearer()
	if !uuidForm(old) {
		return s.bad("AUTHENTICATION_ERROR")
	}
	token := s.tokens.known(old)
	switch {
	case s.tokens.all[old] == nil && s.liveKey(old, c.now) != nil:
		// The page has 400 for "not a service token"; its code is inferred.
		return s.bad("AUTHENTICATION_ERROR")
	case token == nil:
		return s.fail(http.StatusUnauthorized, "AUTHENTICATION_ERROR", "AUTHENTICATION_ERROR")
	case !token.live(c.now) && !s.switches.Expired400:
		return s.fail(http.StatusUnauthorized, "AUTHENTICATION_ERROR", "AUTHENTICATION_ERROR")
	case !token.live(c.now) || !token.until.IsZero() && s.switches.RefuseRotateInGrace:
		return s.expiredServiceToken()
	}
	var grace int64
	if text := s.invalid(c, field{"expireAt", isSeconds(ServiceTokenContract, &grace)}); text != "" {
		return s.invalidBody(text)
	}
	return s.ok(map[string]any{"key": s.tokens.rotate(token, grace, c.now)})
}

// rotateAsAdmin is the older contract: admin JWT, and the token in the body.
func (s *Server) rotateAsAdmin(c *call) answer {
	if s.switches.Cloud {
		return s.selfHostedOnly()
	}
	if !s.isAdmin(c) {
		return s.badJWT()
	}
	var grace int64
	if text := s.invalid(c, field{"token", isUUID}, field{"expireAt", isSeconds(AdminContract, &grace)}); text != "" {
		return s.invalidBody(text)
	}
	token := s.tokens.known(c.text("token"))
	switch {
	case token == nil:
		return s.fail(http.StatusBadRequest, "AUTHENTICATION_ERROR", "Invalid Service Token")
	case !token.live(c.now) || !token.until.IsZero() && s.switches.RefuseRotateInGrace:
		return s.expiredServiceToken()
	}
	return s.ok(map[string]any{"key": s.tokens.rotate(token, grace, c.now)})
}

// expiredServiceToken: the page's text is cut after "expire"; the rest is inferred.
func (s *Server) expiredServiceToken() answer {
	return s.fail(http.StatusBadRequest, "EXPIRED_SERVICE_TOKEN", "Service token is already expired")
}

// holdsServiceToken reports whether c may use the data app pages. Reads come from
// the replica, writes go to the primary.
func (s *Server) holdsServiceToken(c *call) bool {
	token := s.tokens.all[c.bearer()]
	if token == nil {
		return false
	}
	if c.r.Method == http.MethodGet {
		return token.seenLive(c.now, s.switches.PropagationDelay)
	}
	return token.live(c.now)
}

// serviceToken is a token that is or was in force.
type serviceToken struct {
	from     time.Time // when it came into force; zero = before the server started
	until    time.Time // end of its grace, or when it was replaced; zero = no end
	untilSet time.Time // when until was decided
	replaced bool      // the instance has forgotten it
}

// live reports whether the primary accepts t: until the end of its grace,
// exclusive, so that a grace of 0 ends with the answer.
func (t *serviceToken) live(now time.Time) bool {
	return !t.replaced && (t.until.IsZero() || now.Before(t.until))
}

// seenLive reports whether a replica accepts t that learns everything delay late.
func (t *serviceToken) seenLive(now time.Time, delay time.Duration) bool {
	if delay <= 0 {
		return t.live(now)
	}
	if !t.from.IsZero() && now.Before(t.from.Add(delay)) {
		return false
	}
	return t.live(now) || now.Before(t.untilSet.Add(delay))
}

func (t *serviceToken) end(at, now time.Time) { t.until, t.untilSet = at, now }

// tokenStore is the service tokens of the company. Only one is stored as its
// token; others live on in their grace.
type tokenStore struct {
	all     map[string]*serviceToken
	current string
	minted  int // values that requests brought into being
}

// known is the token of that value unless the instance has forgotten it.
func (ts *tokenStore) known(value string) *serviceToken {
	if t := ts.all[value]; t != nil && !t.replaced {
		return t
	}
	return nil
}

// save makes value the token in force; "" leaves none. Tokens without an end die
// at once, those in grace only if dropGrace says so.
func (ts *tokenStore) save(value string, now time.Time, dropGrace bool) {
	for v, t := range ts.all {
		if v != value && t.live(now) && (dropGrace || t.until.IsZero()) {
			t.end(now, now)
			t.replaced = true
		}
	}
	ts.current = value
	if value == "" {
		return
	}
	from := now
	if t := ts.all[value]; t != nil && t.live(now) {
		from = t.from
	}
	ts.all[value] = &serviceToken{from: from}
}

// rotate mints a token without an end and lets old live for grace seconds more. A
// third token is not touched; that is inferred, not documented.
func (ts *tokenStore) rotate(old *serviceToken, grace int64, now time.Time) string {
	old.end(time.Unix(now.Unix()+grace, int64(now.Nanosecond())), now)
	value := uuid.NewString()
	ts.all[value] = &serviceToken{from: now}
	ts.minted++
	ts.current = value
	return value
}
