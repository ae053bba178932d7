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
	var jwt string
	err := c.fetch(ctx, r, func(answer jsonobject.Object) bool {
		data, err := jsonobject.Parse(answer.Raw("data"))
		jwt, _ = data.Text("accessToken")
		return err == nil && Sendable(jwt)
	})
	if err != nil {
		return Secret{}, err
	}
	return NewSecret(jwt), nil
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
