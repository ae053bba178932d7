package tokensecret

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"databrain-rotation/pkg/databrain"
	"databrain-rotation/pkg/jsonobject"
)

// The members that say which API token a secret holds.
const (
	dataAppField = "dataApp"
	nameField    = "name"
	keyField     = "key"
)

// DataApp returns the name of the data app that an API token belongs to; it is empty
// for a service token.
func (v Value) DataApp() string { return v.dataApp }

// Name returns the name of an API token; it is empty for a service token.
func (v Value) Name() string { return v.name }

// ParseAPIToken is [Parse] for the secret of an API token:
// {"dataApp":"…","name":"…","key":"…"}, with any other members. All three members are
// required, because a rotation must not guess which token is meant. An empty key is a
// token that the first rotation imports or creates.
func ParseAPIToken(text *string, binary []byte) (Value, error) {
	switch {
	case text == nil && len(binary) > 0:
		return Value{}, errors.New("is binary (SecretBinary)")
	case text == nil:
		return Value{}, errors.New("is neither text nor binary")
	case databrain.IsUUID(strings.TrimSpace(*text)):
		return Value{}, errors.New("is a bare UUID, which tells neither the data app nor the name of the API token")
	}
	object, err := jsonobject.Parse([]byte(*text))
	if _, repeated := errors.AsType[*jsonobject.RepeatedError](err); err != nil && !repeated {
		return Value{}, errors.New(damage(*text, err))
	}
	members := make(map[string]jsonobject.Member)
	for _, m := range object {
		if _, twice := members[m.Name]; twice && isAPITokenField(m.Name) {
			return Value{}, fmt.Errorf("has the member %q twice", m.Name)
		}
		members[m.Name] = m
	}
	for _, field := range []string{dataAppField, nameField, keyField} {
		if _, found := members[field]; !found {
			return Value{}, fmt.Errorf("has no member %q (it has: %s)", field, listed(object))
		}
	}
	return apiTokenIn(*text, members)
}

func isAPITokenField(name string) bool {
	return name == dataAppField || name == nameField || name == keyField
}

func apiTokenIn(raw string, members map[string]jsonobject.Member) (Value, error) {
	dataApp, err := textIn(dataAppField, members[dataAppField].Value)
	if err != nil {
		return Value{}, err
	}
	name, err := textIn(nameField, members[nameField].Value)
	if err != nil {
		return Value{}, err
	}
	key := members[keyField]
	token, err := tokenIn(keyField, key.Value)
	return Value{raw: raw, start: key.Start, end: key.End(), token: token, dataApp: dataApp, name: name}, err
}

// textIn decodes a member that has to say something.
func textIn(member string, value json.RawMessage) (string, error) {
	var text *string
	if err := json.Unmarshal(value, &text); err != nil || text == nil {
		return "", fmt.Errorf("has a member %q that is not a string", member)
	}
	if *text == "" {
		return "", fmt.Errorf("has an empty member %q", member)
	}
	return *text, nil
}

// listed is names for an object that may have no members.
func listed(object jsonobject.Object) string {
	if len(object) == 0 {
		return "none"
	}
	return names(object)
}
