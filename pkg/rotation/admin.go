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
		return databrain.Credentials{}, secretsManager("GetSecretValue of the admin secret (DATABRAIN_ADMIN_SECRET_ID)", err)
	}
	return adminCredentials(aws.ToString(out.SecretString))
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
		return jwt, &AdminSignInRefused{problem{"Databrain refused the admin's sign-in; nothing was written. Correct the e-mail " +
			"address and password in the secret that DATABRAIN_ADMIN_SECRET_ID names; the rotation is then retried", err}}
	case class == databrain.ClassPermanent, class == databrain.ClassRateLimited, class == databrain.ClassForbidden:
		return jwt, refused("sign in as admin", err)
	}
	return jwt, unavailable("sign in as admin", err)
}

// adminCredentials reads {"email":"…","password":"…"}; other members are allowed.
func adminCredentials(raw string) (databrain.Credentials, error) {
	object, err := jsonobject.Parse([]byte(raw))
	if repeated, ok := errors.AsType[*jsonobject.RepeatedError](err); ok {
		for _, name := range repeated.Names {
			if name == "email" || name == "password" {
				return databrain.Credentials{}, &MalformedAdminSecret{problem{text: fmt.Sprintf("the admin secret has the member %q "+
					"twice; nothing was written. Correct the secret that DATABRAIN_ADMIN_SECRET_ID names", name)}}
			}
		}
	}
	email, _ := object.Text("email")
	password, _ := object.Text("password")
	if email == "" || password == "" {
		return databrain.Credentials{}, &MalformedAdminSecret{problem{text: "the admin secret is not a JSON object with the " +
			`strings "email" and "password"; nothing was written. Correct the secret that DATABRAIN_ADMIN_SECRET_ID names`}}
	}
	return databrain.Credentials{Email: email, Password: databrain.NewSecret(password)}, nil
}
