// Package jsonobject reads JSON objects strictly: the names of members are exact,
// upper and lower case apart, and a name that is given twice is an error.
//
// encoding/json fills a struct without regard to case and lets the last of two
// members win. A document that holds a credential must not be read that way,
// because a reader and the writer could then mean different credentials.
package jsonobject

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
)

// Member is one member of an object.
type Member struct {
	Name  string
	Value json.RawMessage // as it was written, without the white space around it
	Start int             // offset of Value in the document, in bytes
}

// End returns the offset of the first byte behind the value.
func (m Member) End() int { return m.Start + len(m.Value) }

// Object holds the members of an object in the order of the document.
type Object []Member

// SyntaxError is the error of a document that is not one JSON object.
type SyntaxError struct {
	// Offset is the number of bytes before the place where the reading failed; 0
	// if the document is sound JSON that is no object.
	Offset int64
}

func (*SyntaxError) Error() string { return "not a JSON object" }

// RepeatedError is the error of an object in which names are given twice. Its text
// leaves the names out: a credential may stand where a name belongs.
type RepeatedError struct{ Names []string }

func (*RepeatedError) Error() string { return "a JSON object with a member that is given twice" }

// Parse returns the object that data holds, with white space around it at the most.
// The error is a [*SyntaxError] or a [*RepeatedError]; with the latter the object is
// returned as well, the repetitions among its members.
func Parse(data []byte) (Object, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	var object Object
	var repeated []string
	err := read(dec, func(name string, again bool) error {
		if again && !slices.Contains(repeated, name) {
			repeated = append(repeated, name)
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return err
		}
		object = append(object, Member{Name: name, Value: value, Start: int(dec.InputOffset()) - len(value)})
		return nil
	})
	switch {
	case err != nil:
		return nil, syntaxError(data)
	case repeated != nil:
		return object, &RepeatedError{repeated}
	}
	return object, nil
}

// syntaxError finds the place of the fault, which a decoder that is asked for one
// token after the other does not tell.
func syntaxError(data []byte) error {
	var all json.RawMessage
	if fault, ok := errors.AsType[*json.SyntaxError](json.Unmarshal(data, &all)); ok {
		return &SyntaxError{fault.Offset}
	}
	return &SyntaxError{}
}

// Read reads the object that dec holds, without keeping its values. It calls member
// with each name; member must read the value, which is next in dec. Its error ends
// the reading and is returned; other errors are those of [Parse].
func Read(dec *json.Decoder, member func(name string) error) error {
	return read(dec, func(name string, again bool) error {
		if again {
			return &RepeatedError{[]string{name}}
		}
		return member(name)
	})
}

func read(dec *json.Decoder, member func(name string, again bool) error) error {
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return &SyntaxError{dec.InputOffset()}
	}
	seen := make(map[string]bool)
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return &SyntaxError{dec.InputOffset()}
		}
		if err := member(name.(string), seen[name.(string)]); err != nil {
			return err
		}
		seen[name.(string)] = true
	}
	if _, err := dec.Token(); err != nil {
		return &SyntaxError{dec.InputOffset()}
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return &SyntaxError{dec.InputOffset()}
	}
	return nil
}

// Raw returns the value of the member name, nil if there is none.
func (o Object) Raw(name string) json.RawMessage {
	for _, m := range o {
		if m.Name == name {
			return m.Value
		}
	}
	return nil
}

// Text returns the member name, and whether it is there and a string.
func (o Object) Text(name string) (string, bool) {
	var text *string
	if err := json.Unmarshal(o.Raw(name), &text); err != nil || text == nil {
		return "", false
	}
	return *text, true
}
