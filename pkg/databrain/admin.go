package databrain

import (
	"context"
	"net/http"

	"databrain-rotation/pkg/jsonobject"
)

// Credentials are those of the instance's admin account.
type Credentials struct {
	Email    string
	Password Secret
}

// SignIn returns a JWT of the admin ({docs}/create-admin-jwt). Its lifetime is
// not documented: use it at once and do not keep it. Sign-ins are limited per
// minute, so one that was refused ([ClassLogin]) must not be repeated.
func (c *Client) SignIn(ctx context.Context, as Credentials) (Secret, error) {
	r := request{
		op: "sign in as admin", method: http.MethodPost, path: "/api/v2/admin-account/jwt",
		body: map[string]string{"email": as.Email, "password": as.Password.Reveal()},
	}
	answer, err := c.fetch(ctx, r)
	if err != nil {
		return Secret{}, err
	}
	if data, err := jsonobject.Parse(answer.Raw("data")); err == nil {
		if jwt, ok := data.Text("accessToken"); ok && Sendable(jwt) {
			return NewSecret(jwt), nil
		}
	}
	return Secret{}, transportError(r.op, http.StatusOK, errUnreadable)
}

// Sendable reports whether value can stand in an Authorization header: visible
// ASCII, not empty.
func Sendable(value string) bool {
	for i := range len(value) {
		if value[i] <= ' ' || value[i] > '~' {
			return false
		}
	}
	return value != ""
}
