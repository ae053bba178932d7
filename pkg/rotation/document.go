package rotation

import (
	"bytes"
	"encoding/json"
	"io"
	"strconv"

	"databrain-rotation/pkg/databrain"
)

const tokenField = "token"

// document is the value of one version of the rotated secret: a JSON object with
// the service token in its member "token", or a bare UUID. It keeps the value as
// it was written, and the place of the token in it, so that all else survives a
// rotation byte for byte.
type document struct {
	raw        string
	start, end int    // where the token's value stands in raw, or is to be inserted
	glue       string // what an inserted member needs before it
	token      databrain.Secret
}

// emptyDocument is what a rotation starts from when no version is AWSCURRENT.
func emptyDocument() document { return document{raw: "{}", start: 1, end: 1, glue: `"token":`} }

// empty reports whether the document holds no token yet.
func (d document) empty() bool { return d.token.Empty() }

// with returns the value with its token replaced. The same input gives the same
// bytes, which makes a repeated PutSecretValue of one version a repetition.
func (d document) with(token databrain.Secret) string {
	value := token.Reveal()
	if d.start == 0 { // a bare UUID
		return value
	}
	return d.raw[:d.start] + d.glue + strconv.Quote(value) + d.raw[d.end:]
}

// parseDocument reads the value of a version. The fault is "", or what is wrong
// with the value, which it does not show.
func parseDocument(raw string) (d document, fault string) {
	if databrain.IsUUID(raw) {
		return document{raw: raw, end: len(raw), token: databrain.NewSecret(raw)}, ""
	}
	return scan(raw)
}

// scan finds the member "token" of the JSON object raw. It reads token by token,
// since encoding/json's structs would match "Token" too and let the last of two
// win.
func scan(raw string) (d document, fault string) {
	const notObject = "is neither a JSON object nor a bare UUID"
	dec := json.NewDecoder(bytes.NewReader([]byte(raw)))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return d, notObject
	}
	d = document{raw: raw, start: int(dec.InputOffset()), glue: `"token":`}
	d.end = d.start
	found := false
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return d, notObject
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return d, notObject
		}
		after := int(dec.InputOffset())
		if name != tokenField {
			if !found {
				d.start, d.end, d.glue = after, after, `,"token":`
			}
			continue
		}
		if found {
			return d, `has the member "token" twice`
		}
		found = true
		if d.token, fault = tokenValue(value); fault != "" {
			return d, fault
		}
		d.start, d.end, d.glue = after-len(value), after, ""
	}
	if _, err := dec.Token(); err != nil {
		return d, notObject
	}
	if _, err := dec.Token(); err != io.EOF {
		return d, notObject
	}
	return d, ""
}

// tokenValue decodes the member: a string, empty before the first rotation, that
// can stand in an Authorization header.
func tokenValue(value json.RawMessage) (databrain.Secret, string) {
	var text *string
	if err := json.Unmarshal(value, &text); err != nil || text == nil {
		return databrain.Secret{}, `has a member "token" that is not a string`
	}
	for _, c := range []byte(*text) {
		if c <= ' ' || c > '~' {
			return databrain.Secret{}, `has a member "token" with white space or characters outside ASCII`
		}
	}
	return databrain.NewSecret(*text), ""
}

// adminCredentials reads {"email":"…","password":"…"}; other members are allowed.
func adminCredentials(raw string) (databrain.Credentials, error) {
	var in struct{ Email, Password *string }
	err := json.Unmarshal([]byte(raw), &in)
	if err != nil || in.Email == nil || *in.Email == "" || in.Password == nil || *in.Password == "" {
		return databrain.Credentials{}, &MalformedAdminSecret{problem{text: "the admin secret is not a JSON object with the " +
			`strings "email" and "password"; nothing was written. Correct the secret that DATABRAIN_ADMIN_SECRET_ID names`}}
	}
	return databrain.Credentials{Email: *in.Email, Password: databrain.NewSecret(*in.Password)}, nil
}
