package rotation

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"databrain-rotation/pkg/databrain"
	"databrain-rotation/pkg/jsonobject"
)

// admin returns the admin's credentials, which it reads once in a step.
func (s *serviceToken) admin(ctx context.Context) (databrain.Credentials, error) {
	s.adminRead.Do(func() { s.credentials, s.adminErr = s.readAdmin(ctx) })
	return s.credentials, s.adminErr
}

// readAdmin reads the admin's credentials from their own secret.
func (s *serviceToken) readAdmin(ctx context.Context) (databrain.Credentials, error) {
	out, err := s.secrets.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &s.config.AdminSecretID})
	if err != nil {
		return databrain.Credentials{}, s.secretsManager("GetSecretValue of the admin secret "+s.config.AdminSecretID+
			" (DATABRAIN_ADMIN_SECRET_ID, parameter AdminSecretArn)", err)
	}
	return s.adminCredentials(aws.ToString(out.SecretString))
}

// signIn gets the admin's JWT, once: the instance limits sign-ins per minute.
func (s *serviceToken) signIn(ctx context.Context) (databrain.Secret, error) {
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
		return jwt, s.signInRefused(credentials, err)
	case class == databrain.ClassPermanent, class == databrain.ClassRateLimited, class == databrain.ClassForbidden:
		return jwt, s.refused("sign in as admin", err)
	}
	return jwt, s.unavailable("sign in as admin", err)
}

// signInRefused says which half of the credentials is wrong, where Databrain tells.
func (s *serviceToken) signInRefused(as databrain.Credentials, cause error) error {
	found := "Databrain refused the admin's sign-in"
	e, _ := errors.AsType[*databrain.Error](cause)
	switch {
	case e != nil && e.Code == "USER_NOT_FOUND":
		found = "Databrain does not know the admin's e-mail address"
	case e != nil && e.Code == "INVALID_CREDENTIALS":
		found = "Databrain knows the admin's e-mail address but refuses the password"
	}
	if strings.TrimSpace(as.Email) != as.Email {
		found += " (the stored e-mail address has white space around it)"
	}
	if password := as.Password.Reveal(); strings.TrimSpace(password) != password {
		found += " (the stored password has white space around it)"
	}
	return s.fail(
		AdminSignInRefused,
		cause,
		found,
		"Correct the e-mail address and password in the secret "+s.config.AdminSecretID+
			" (DATABRAIN_ADMIN_SECRET_ID, parameter AdminSecretArn): scripts/secret.sh store-admin tries them first. Then "+
			s.again(),
	)
}

// adminCredentials reads the value of the admin's secret.
func (s *serviceToken) adminCredentials(raw string) (databrain.Credentials, error) {
	credentials, err := ReadAdmin(raw)
	if err != nil {
		return credentials, s.fail(MalformedAdminSecret, nil, "the admin secret "+err.Error(),
			"Correct the secret "+s.config.AdminSecretID+" (DATABRAIN_ADMIN_SECRET_ID, parameter AdminSecretArn). Then "+
				s.again())
	}
	return credentials, nil
}

// ReadAdmin reads {"email":"…","password":"…"}; other members are allowed. The error
// completes a sentence about the secret and shows nothing of its value.
func ReadAdmin(raw string) (databrain.Credentials, error) {
	object, err := jsonobject.Parse([]byte(raw))
	if repeated, ok := errors.AsType[*jsonobject.RepeatedError](err); ok {
		for _, name := range repeated.Names {
			if name == "email" || name == "password" {
				return databrain.Credentials{}, fmt.Errorf("has the member %q twice", name)
			}
		}
	}
	for _, mark := range []string{"\ufeff", "\u00ef\u00bb\u00bf"} {
		if strings.HasPrefix(raw, mark) {
			return databrain.Credentials{}, errors.New("begins with a byte order mark: store it again without the mark")
		}
	}
	email, _ := object.Text("email")
	password, _ := object.Text("password")
	if email == "" || password == "" {
		return databrain.Credentials{}, errors.New(`is not a JSON object with the strings "email" and "password"`)
	}
	return databrain.Credentials{Email: email, Password: databrain.NewSecret(password)}, nil
}
