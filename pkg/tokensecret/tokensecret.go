// Package tokensecret reads and rewrites the value of a rotated secret: a JSON
// object with the service token in its member "token", or a bare UUID; or a JSON
// object with the API token of a data app in its member "key". Every reader of such a
// secret uses these parsers, so that the rotation and the audit never mean different
// tokens.
package tokensecret

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"databrain-rotation/pkg/databrain"
	"databrain-rotation/pkg/jsonobject"
)

const tokenField = "token"

// Value is the value of one version. It keeps the text as it was written, and the
// place of the token in it, so that all else survives a rotation byte for byte.
type Value struct {
	raw        string
	start, end int    // where the token stands in raw, or is to be inserted
	glue       string // what an inserted member needs before it
	token      databrain.Secret

	dataApp, name string // of an API token
}

// Empty returns the value that a rotation starts from when no version carries
// AWSCURRENT.
func Empty() Value { return Value{raw: "{}", start: 1, end: 1, glue: `"token":`} }

// Token returns the service token or API token; it is empty before the first rotation.
func (v Value) Token() databrain.Secret { return v.token }

// With returns the text with its token replaced. The same input gives the same
// bytes, so that a repeated PutSecretValue of one version is a repetition.
func (v Value) With(token databrain.Secret) string {
	text := token.Reveal()
	if v.start == 0 { // a bare UUID
		return text
	}
	return v.raw[:v.start] + v.glue + strconv.Quote(text) + v.raw[v.end:]
}

// Parse reads the value of a version: text and binary are SecretString and
// SecretBinary of GetSecretValue, of which Secrets Manager returns the one that was
// stored. White space around an object is allowed, as in any JSON.
//
// A value without a token is one that was made for the purpose: {} or a member
// "token" that is "". An object with other members alone is refused, because a live
// token may lie under one of them. The error completes a sentence about the version
// ("is binary …"); it names members and shows nothing of their values.
func Parse(text *string, binary []byte) (Value, error) {
	switch {
	case text != nil && databrain.IsUUID(*text):
		return Value{raw: *text, end: len(*text), token: databrain.NewSecret(*text)}, nil
	case text != nil:
		return parseObject(*text)
	case len(binary) > 0:
		return Value{}, errors.New("is binary (SecretBinary)")
	}
	return Value{}, errors.New("is neither text nor binary")
}

func parseObject(raw string) (Value, error) {
	object, err := jsonobject.Parse([]byte(raw))
	if _, repeated := errors.AsType[*jsonobject.RepeatedError](err); err != nil && !repeated {
		return Value{}, errors.New(damage(raw, err))
	}
	var found *jsonobject.Member
	for i, m := range object {
		if m.Name != tokenField {
			continue
		}
		if found != nil {
			return Value{}, errors.New(`has the member "token" twice`)
		}
		found = &object[i]
	}
	switch {
	case len(object) == 0:
		start := 1 + strings.IndexByte(raw, '{')
		return Value{raw: raw, start: start, end: start, glue: `"token":`}, nil
	case found == nil:
		return Value{}, &OtherMembersError{names(object)}
	}
	token, err := tokenIn(tokenField, found.Value)
	if err == nil && token.Empty() {
		err = twin(object)
	}
	return Value{raw: raw, start: found.Start, end: found.End(), token: token}, err
}

// OtherMembersError is the error of an object without a token that holds other members.
type OtherMembersError struct{ names string }

func (e *OtherMembersError) Error() string {
	return fmt.Sprintf(`has no member "token" but others (%s), one of which may hold a live token`, e.names)
}

// twin refuses an empty token beside a member, at any depth, that seems to hold the
// live one.
func twin(object jsonobject.Object) error {
	for _, m := range object {
		var value any
		if json.Unmarshal(m.Value, &value) == nil && holdsToken(m.Name, value) {
			return fmt.Errorf(`has an empty member "token" beside the member %s, which may hold the live token`, shown(m.Name))
		}
	}
	return nil
}

// holdsToken reports whether value, the member name of an object, has a UUID under a
// name that speaks of a token.
func holdsToken(name string, value any) bool {
	switch value := value.(type) {
	case string:
		return strings.Contains(strings.ToLower(name), tokenField) && databrain.IsUUID(strings.TrimSpace(value))
	case map[string]any:
		for inner := range value {
			if holdsToken(inner, value[inner]) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(value, func(entry any) bool { return holdsToken(name, entry) })
	}
	return false
}

// tokenIn decodes the member: a string that can stand in an Authorization header,
// or the empty one.
func tokenIn(member string, value json.RawMessage) (databrain.Secret, error) {
	var text *string
	if err := json.Unmarshal(value, &text); err != nil || text == nil {
		return databrain.Secret{}, fmt.Errorf("has a member %q that is not a string", member)
	}
	if *text != "" && !databrain.Sendable(*text) {
		return databrain.Secret{}, fmt.Errorf("has a member %q with white space or characters outside ASCII", member)
	}
	return databrain.NewSecret(*text), nil
}
