package jsonobject_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"databrain-rotation/pkg/jsonobject"
)

func TestParse(t *testing.T) {
	const document = " {\t\"a\" : 1.50e3, \"A\":\"x\\u00e9\",\n\"\\u0061b\": {\"a\":2} ,\"n\":null}\r\n"
	object, err := jsonobject.Parse([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, m := range object {
		names = append(names, m.Name)
		if got := document[m.Start:m.End()]; got != string(m.Value) {
			t.Errorf("%s: the offsets show %q, the value is %q", m.Name, got, m.Value)
		}
	}
	if diff := cmp.Diff([]string{"a", "A", "ab", "n"}, names); diff != "" {
		t.Error(diff)
	}
	if text, ok := object.Text("A"); !ok || text != "xé" {
		t.Errorf("A is %q, %t", text, ok)
	}
	for _, name := range []string{"a", "ab", "n", "absent"} {
		if text, ok := object.Text(name); ok {
			t.Errorf("%s passes for the string %q", name, text)
		}
	}
	if object.Raw("n") == nil || object.Raw("absent") != nil {
		t.Error("a null passes for an absent member, or the other way round")
	}
}

func TestParseRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		document string
		offset   int64
	}{
		"nothing":        {"", 0},
		"white space":    {" \n", 2},
		"array":          {`[{"a":1}]`, 0},
		"string":         {`"{}"`, 0},
		"null":           {`null`, 0},
		"truncated":      {`{"a":1`, 6},
		"trailing comma": {`{"a":1,}`, 8},
		"missing comma":  {`{"a":1 "b":2}`, 8},
		"comment":        {"{\n// why\n}", 3},
		"byte order":     {"\ufeff{}", 1},
		"two objects":    {`{}{}`, 3},
		"bare name":      {`{a:1}`, 2},
		"deep":           {strings.Repeat(`{"a":`, 20000), 0},
	} {
		t.Run(name, func(t *testing.T) {
			object, err := jsonobject.Parse([]byte(c.document))
			fault, ok := errors.AsType[*jsonobject.SyntaxError](err)
			if !ok || object != nil {
				t.Fatalf("got %v, %v", object, err)
			}
			if fault.Offset != c.offset && name != "deep" {
				t.Errorf("offset %d, want %d", fault.Offset, c.offset)
			}
		})
	}
}

func TestRepeatedNames(t *testing.T) {
	const document = `{"a":1,"b":2,"\u0061":3,"b":4,"a":5,"c":{"d":1,"d":2}}`
	object, err := jsonobject.Parse([]byte(document))
	repeated, ok := errors.AsType[*jsonobject.RepeatedError](err)
	if !ok || len(object) != 6 {
		t.Fatalf("got %d members, %v", len(object), err)
	}
	if diff := cmp.Diff([]string{"a", "b"}, repeated.Names); diff != "" {
		t.Error(diff)
	}
	read := 0
	dec := json.NewDecoder(strings.NewReader(document))
	err = jsonobject.Read(dec, func(string) error {
		read++
		return dec.Decode(new(json.RawMessage))
	})
	if _, ok := errors.AsType[*jsonobject.RepeatedError](err); !ok || read != 2 {
		t.Errorf("read %d members, %v", read, err)
	}
}

func TestReadReturnsTheErrorOfItsCaller(t *testing.T) {
	stop := errors.New("stop")
	err := jsonobject.Read(json.NewDecoder(strings.NewReader(`{"a":1}`)), func(string) error { return stop })
	if err != stop {
		t.Errorf("got %v", err)
	}
}

// FuzzParse holds Parse against encoding/json: both accept the same documents, and
// see the same values where no name is given twice.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{`{}`, ` {"a":1,"b":[{}]} `, `{"a":1,"a":2}`, `{"a":1,}`, `{"a" 1}`, `{,}`,
		`{"a":}`, `{}x`, "{\"\xff\":1}", `[]`, `null`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, document string) {
		object, err := jsonobject.Parse([]byte(document))
		var want map[string]json.RawMessage
		sound := json.Unmarshal([]byte(document), &want) == nil && want != nil
		if _, syntax := errors.AsType[*jsonobject.SyntaxError](err); syntax == sound {
			t.Fatalf("%q: %v, encoding/json accepts it: %t", document, err, sound)
		}
		if err != nil {
			return
		}
		got := make(map[string]json.RawMessage)
		for _, m := range object {
			got[m.Name] = m.Value
			if document[m.Start:m.End()] != string(m.Value) {
				t.Fatalf("%q: wrong offsets of %q", document, m.Name)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
	})
}
