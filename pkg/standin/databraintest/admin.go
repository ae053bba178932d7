package databraintest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"
)

// Account is the admin of an instance, which has one company and so one account.
type Account struct{ Email, Password string }

// signIn is POST /api/v2/admin-account/jwt ({REF}/create-admin-jwt). The page
// lists no code for a body that is not valid; the sibling page's is inferred.
func (s *Server) signIn(c *call) answer {
	if s.switches.Cloud {
		return s.selfHostedOnly()
	}
	if text := s.invalid(c, field{"email", isEmail}, field{"password", isString}); text != "" {
		return s.spacedInvalidBody(text)
	}
	if c.text("email") != s.admin.Email {
		return s.fail(http.StatusBadRequest, "USER_NOT_FOUND", "No User found with the given email")
	}
	if c.text("password") != s.admin.Password {
		return s.bad("Invalid credentials")
	}
	s.signIns++
	return s.accessToken(c)
}

func (s *Server) accessToken(c *call) answer {
	return s.ok(map[string]any{"data": map[string]any{"accessToken": s.newJWT(c.now)}})
}

// jwtLifetime is how long an admin JWT works. It is inferred, not documented.
const jwtLifetime = time.Hour

// claims of the JWT are inferred: the documentation shows its header alone.
type claims struct {
	ID      string `json:"jti"`
	Issued  int64  `json:"iat"`
	Expires int64  `json:"exp"`
}

func (s *Server) newJWT(now time.Time) string {
	cl := claims{ID: uuid.NewString(), Issued: now.Unix(), Expires: now.Add(jwtLifetime).Unix()}
	unsigned := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." +
		base64.RawURLEncoding.EncodeToString(encode(cl))
	return unsigned + "." + base64.RawURLEncoding.EncodeToString(s.sign(unsigned))
}

func (s *Server) sign(unsigned string) []byte {
	h := hmac.New(sha256.New, s.signing)
	h.Write([]byte(unsigned))
	return h.Sum(nil)
}

// isAdmin reports whether c carries a JWT of this server that has not expired.
func (s *Server) isAdmin(c *call) bool {
	token := c.bearer()
	end := strings.LastIndexByte(token, '.')
	if end < 0 {
		return false
	}
	unsigned := token[:end]
	signature, err := base64.RawURLEncoding.DecodeString(token[end+1:])
	if err != nil || !hmac.Equal(signature, s.sign(unsigned)) {
		return false
	}
	_, payload, _ := strings.Cut(unsigned, ".")
	raw, _ := base64.RawURLEncoding.DecodeString(payload) // signed here, so well formed
	var cl claims
	if err := json.Unmarshal(raw, &cl); err != nil {
		return false
	}
	return c.now.Unix() < cl.Expires
}
