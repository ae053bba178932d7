package rotation

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"databrain-rotation/pkg/databrain"
	"databrain-rotation/pkg/jsonobject"
)

// admin reads the admin's credentials from their own secret.
func (s *step) admin(ctx context.Context) (databrain.Credentials, error) {
	out, err := s.secrets.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &s.config.AdminSecretID})
	if err != nil {
		return databrain.Credentials{}, s.secretsManager("GetSecretValue of the admin secret (DATABRAIN_ADMIN_SECRET_ID)", err)
	}
	return s.adminCredentials(aws.ToString(out.SecretString))
}

// signIn gets the admin's JWT, once: the instance limits sign-ins per minute.
func (s *step) signIn(ctx context.Context) (databrain.Secret, error) {
	credentials, err := s.admin(ctx)
	if err != nil {
		return databrain.Secret{}, err
	}
	jwt, err := s.databrain.SignIn(ctx, credentials)
	if err == nil {
		return jwt, nil
	}
	switch class := databrain.ClassOf(err); {
	case class == databrain.ClassLogin, class == databrain.ClassInvalid, databrain.Rejected(err):
		return jwt, s.fail(AdminSignInRefused, err, "Databrain refused the admin's sign-in", "Correct the e-mail address and "+
			"password in the secret that DATABRAIN_ADMIN_SECRET_ID names; the rotation is then retried")
	case class == databrain.ClassPermanent, class == databrain.ClassRateLimited, class == databrain.ClassForbidden:
		return jwt, s.refused("sign in as admin", err)
	}
	return jwt, s.unavailable("sign in as admin", err)
}

// adminCredentials reads {"email":"…","password":"…"}; other members are allowed.
func (s *step) adminCredentials(raw string) (databrain.Credentials, error) {
	object, err := jsonobject.Parse([]byte(raw))
	if repeated, ok := errors.AsType[*jsonobject.RepeatedError](err); ok {
		for _, name := range repeated.Names {
			if name == "email" || name == "password" {
				return databrain.Credentials{}, s.fail(MalformedAdminSecret, nil,
					fmt.Sprintf("the admin secret has the member %q twice", name), correctAdmin)
			}
		}
	}
	email, _ := object.Text("email")
	password, _ := object.Text("password")
	if email == "" || password == "" {
		return databrain.Credentials{}, s.fail(MalformedAdminSecret, nil, "the admin secret is not a JSON object with the "+
			`strings "email" and "password"`, correctAdmin)
	}
	return databrain.Credentials{Email: email, Password: databrain.NewSecret(password)}, nil
}

const correctAdmin = "Correct the secret that DATABRAIN_ADMIN_SECRET_ID names"
