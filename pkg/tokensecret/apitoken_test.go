package tokensecret_test

import (
	"strings"
	"testing"

	"databrain-rotation/pkg/databrain"
	"databrain-rotation/pkg/tokensecret"
)

const (
	firstKey = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
	otherKey = "9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d"
)

// TestParseAPIToken reads what a secret says, and writes another key into it with
// every other byte as it was.
func TestParseAPIToken(t *testing.T) {
	for name, document := range map[string]string{
		"documented":  `{"dataApp":"Portal","name":"Production","key":"KEY"}`,
		"other order": `{"key":"KEY","name":"Production","dataApp":"Portal"}`,
		"other members": "\n{ \"n\":1.50e0, \"key\" : \"KEY\" " +
			",\"name\":\"Production\",\"dataApp\":\"Portal\",\"é\":\"\\u00e9\"}\r\n",
		"members nested": `{"x":{"key":"a","name":"b"},"dataApp":"Portal","name":"Production","key":"KEY"}`,
		"others twice":   `{"x":1,"x":2,"dataApp":"Portal","name":"Production","key":"KEY"}`,
		"other case":     `{"Key":"a","NAME":"b","dataapp":"c","dataApp":"Portal","name":"Production","key":"KEY"}`,
		"escaped":        `{"dataApp":"Por\u0074al","name":"Production","key":"KEY"}`,
	} {
		t.Run(name, func(t *testing.T) {
			for _, key := range []string{"", firstKey} {
				text := strings.Replace(document, "KEY", key, 1)
				v, err := tokensecret.ParseAPIToken(&text, nil)
				if err != nil {
					t.Fatal(err)
				}
				if v.DataApp() != "Portal" || v.Name() != "Production" || v.Token().Reveal() != key {
					t.Errorf("%q: data app %q, name %q", text, v.DataApp(), v.Name())
				}
				got := v.With(databrain.NewSecret(otherKey))
				if want := strings.Replace(document, "KEY", otherKey, 1); got != want {
					t.Errorf("with another key: %q, want %q", got, want)
				}
			}
		})
	}
}

// TestParseAPITokenFaults names what is wrong, and shows no value.
func TestParseAPITokenFaults(t *testing.T) {
	for text, want := range map[string]string{
		`{"name":"n","key":""}`:                                 `has no member "dataApp" (it has: name, key)`,
		`{"dataApp":"a","key":""}`:                              `has no member "name" (it has: dataApp, key)`,
		`{"dataApp":"a","name":"n"}`:                            `has no member "key" (it has: dataApp, name)`,
		`{"dataApp":"a","name":"n","KEY":""}`:                   `has no member "key" (it has: dataApp, name, KEY)`,
		`{}`:                                                    `has no member "dataApp" (it has: none)`,
		`{"dataApp":"","name":"n","key":""}`:                    `has an empty member "dataApp"`,
		`{"dataApp":"a","name":"","key":""}`:                    `has an empty member "name"`,
		`{"dataApp":7,"name":"n","key":""}`:                     `has a member "dataApp" that is not a string`,
		`{"dataApp":"a","name":null,"key":""}`:                  `has a member "name" that is not a string`,
		`{"dataApp":"a","name":"n","key":["` + firstKey + `"]}`: `has a member "key" that is not a string`,
		`{"dataApp":"a","name":"n","key":null}`:                 `has a member "key" that is not a string`,
		`{"dataApp":"a","name":"n","key":"` + firstKey +
			`\n"}`: `has a member "key" with white space or characters outside ASCII`,
		`{"dataApp":"a","dataApp":"b","name":"n","key":""}`:            `has the member "dataApp" twice`,
		`{"dataApp":"a","name":"n","name":"n","key":""}`:               `has the member "name" twice`,
		`{"dataApp":"a","name":"n","key":"","key":"` + firstKey + `"}`: `has the member "key" twice`,
		firstKey:               "is a bare UUID",
		" " + firstKey:         "is a bare UUID",
		"":                     "is empty text",
		`{'dataApp'`:           "has single quotation marks",
		`["` + firstKey + `"]`: "is a JSON array, where an object belongs",
	} {
		_, err := tokensecret.ParseAPIToken(&text, nil)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), firstKey) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	if _, err := tokensecret.ParseAPIToken(nil, []byte("x")); err == nil || err.Error() != "is binary (SecretBinary)" {
		t.Errorf("binary: %v", err)
	}
	if _, err := tokensecret.ParseAPIToken(nil, nil); err == nil {
		t.Error("nothing: no error")
	}
}
