package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"databrain-rotation/pkg/databrain"
	"databrain-rotation/pkg/jsonobject"
	"databrain-rotation/pkg/tokensecret"
)

// storeToken makes a token that Databrain accepts the value of AWSCURRENT. Every
// other member of the secret stays byte for byte.
func (o *operator) storeToken(ctx context.Context, args []string) error {
	id := args[0]
	labels, err := o.labels(ctx, id)
	if err != nil {
		return err
	}
	holder := labels["AWSCURRENT"]
	value := tokensecret.Empty()
	if holder != "" {
		if value, err = o.value(ctx, id, holder); errors.Is(err, errNoValue) {
			value = tokensecret.Empty()
		} else if err != nil {
			return fmt.Errorf("AWSCURRENT of %s %w; nothing was stored%s", id, err, inTheConsole(err))
		}
	}
	line, err := o.ask("token in use", databrain.Sendable)
	if err != nil {
		return err
	}
	token := databrain.NewSecret(line)
	if err := o.databrain.Probe(ctx, token); err != nil {
		return fmt.Errorf("%s; nothing was stored: %w", o.verdict(err, "this token"), err)
	}
	if value.Token().Equal(token) {
		fmt.Fprintln(o.notes, "AWSCURRENT holds this token already; nothing was stored.")
		return nil
	}
	if err := o.pendingMayGo(ctx, id, labels, token); err != nil {
		return fmt.Errorf("nothing was stored: %w", err)
	}
	text := value.With(token)
	if again, err := tokensecret.Parse(&text, nil); err != nil || !again.Token().Equal(token) {
		return errors.New("the secret is a bare UUID and this token is none; nothing was stored")
	}
	put := &secretsmanager.PutSecretValueInput{SecretId: &id, SecretString: &text}
	if _, err := o.secrets.PutSecretValue(ctx, put); err != nil {
		return failed("store the token", err)
	}
	fmt.Fprintln(o.notes, "Databrain accepts the token, and AWSCURRENT holds it now.")
	return nil
}

// inTheConsole says what to do about a value into which no token can be written.
func inTheConsole(err error) string {
	if _, odd := errors.AsType[*malformed](err); odd {
		return ". Look at the value in the Secrets Manager console, and correct it there"
	}
	return ""
}

// pendingMayGo returns an error if storing token would lose another that works: a
// new AWSCURRENT abandons a rotation, and AWSPENDING comes off its version (user
// guide, CloudTrail entries, RotationAbandoned).
func (o *operator) pendingMayGo(
	ctx context.Context,
	id string,
	labels map[string]string,
	token databrain.Secret,
) error {
	version := labels["AWSPENDING"]
	if version == "" || version == labels["AWSCURRENT"] {
		return nil
	}
	if pending, err := o.value(ctx, id, version); err == nil && pending.Token().Equal(token) {
		return nil
	}
	return o.expendable(ctx, id, version, labels["AWSCURRENT"])
}

// verdict says what a failed question to Databrain means for what was asked about.
func (o *operator) verdict(err error, what string) string {
	if databrain.Rejected(err) || databrain.ClassOf(err) == databrain.ClassLogin {
		return fmt.Sprintf("%s is rejected by Databrain at %s", what, o.instance)
	}
	return fmt.Sprintf("%s was not judged: no usable answer came from Databrain at %s", what, o.instance)
}

// storeAdmin stores an e-mail address and a password with which Databrain signs in,
// and prints the secret's ARN. A secret that does not exist is created.
func (o *operator) storeAdmin(ctx context.Context, args []string) error {
	id, email := args[0], args[1]
	if !strings.Contains(email, "@") || strings.ContainsAny(email, " \t") {
		return errors.New("the second argument is no e-mail address; nothing was stored")
	}
	found, err := o.secrets.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &id})
	_, missing := errors.AsType[*types.ResourceNotFoundException](err)
	if err != nil && !missing {
		return failed("read "+id+"; nothing was stored", err)
	}
	old := "{}"
	if err == nil {
		if old, err = adminDocument(found.SecretString); err != nil {
			return fmt.Errorf("the value of %s %w; nothing was stored", id, err)
		}
	}
	password, err := o.ask("password", func(line string) bool { return line != "" })
	if err != nil {
		return err
	}
	as := databrain.Credentials{Email: email, Password: databrain.NewSecret(password)}
	if _, err := o.databrain.SignIn(ctx, as); err != nil {
		return fmt.Errorf("%s; nothing was stored: %w", o.verdict(err, "this pair of e-mail address and password"), err)
	}
	text, err := withMembers(old, "email", email, "password", password)
	if err != nil {
		return err
	}
	if missing {
		made, err := o.secrets.CreateSecret(ctx, &secretsmanager.CreateSecretInput{Name: &id, SecretString: &text})
		if err != nil {
			return failed("create "+id, err)
		}
		return o.stored(made.ARN)
	}
	if text == old {
		return o.stored(found.ARN)
	}
	put, err := o.secrets.PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{SecretId: &id, SecretString: &text})
	if err != nil {
		return failed("store the password", err)
	}
	return o.stored(put.ARN)
}

func (o *operator) stored(arn *string) error {
	fmt.Fprintln(o.notes, "Databrain signs in with this password, and the secret holds it now. Its ARN:")
	_, err := fmt.Fprintln(o.out, aws.ToString(arn))
	return err
}

// adminDocument returns the value that a password may be written into: an object
// with an e-mail address or a password, or an empty one. Anything else is another
// secret, and the error completes a sentence about it.
func adminDocument(text *string) (string, error) {
	if text == nil {
		return "", errors.New("is binary")
	}
	object, err := jsonobject.Parse([]byte(*text))
	if err != nil {
		return "", fmt.Errorf("is %w (look at it in the Secrets Manager console: if this is the admin's secret and no "+
			"password stands there that you need, put {} in its place and run this again)", err)
	}
	if object.Raw("token") != nil {
		return "", errors.New("holds a service token: this is not the admin's secret")
	}
	if len(object) > 0 && object.Raw("email") == nil && object.Raw("password") == nil {
		return "", errors.New("has members, but no e-mail address and no password: this is not the admin's secret")
	}
	return *text, nil
}

// withMembers returns the JSON object in text with string members replaced or added;
// pairs are names and values. All else stays byte for byte.
func withMembers(text string, pairs ...string) (string, error) {
	for pair := range slices.Chunk(pairs, 2) {
		name, value := quoted(pair[0]), quoted(pair[1])
		object, err := jsonobject.Parse([]byte(text))
		if err != nil {
			return "", err
		}
		start, end, glue := 1+strings.IndexByte(text, '{'), 0, name+":"
		if len(object) > 0 {
			start, glue = object[len(object)-1].End(), ","+name+":"
		}
		end = start
		for _, m := range object {
			if m.Name == pair[0] {
				start, end, glue = m.Start, m.End(), ""
			}
		}
		text = text[:start] + glue + value + text[end:]
	}
	return text, nil
}

// quoted returns value as a JSON string, with <, > and & as they are.
func quoted(value string) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(value) // a string always encodes
	return strings.TrimSuffix(b.String(), "\n")
}
