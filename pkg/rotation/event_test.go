package rotation_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"databrain-rotation/pkg/rotation"
)

func TestParseEventReadsThePayloadsOfTheRepository(t *testing.T) {
	files, err := filepath.Glob("../../events/rotate-*.json")
	files = slices.DeleteFunc(files, func(file string) bool { return strings.HasSuffix(file, "-diagnose.json") })
	if err != nil || len(files) != 2*4 {
		t.Fatalf("found %d payloads of the four steps of two functions, %v", len(files), err)
	}
	for _, file := range files {
		payload, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		e, err := rotation.ParseEvent(payload)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		step := strings.TrimPrefix(strings.TrimPrefix(filepath.Base(file), "rotate-"), "api-token-")
		want := strings.TrimSuffix(step, ".json") + "Secret"
		if e.Step != want || !strings.HasPrefix(e.SecretID, "arn:aws:secretsmanager:") || len(e.Version) != 36 ||
			e.RotationToken.Empty() {
			t.Errorf("%s: %+v", file, e)
		}
	}
}

func TestParseEventNamesWhatIsMissing(t *testing.T) {
	const canary = "canary-77aa"
	tests := []struct {
		name, payload string
		says          []string
	}{
		{"not JSON", canary, []string{"not a JSON object"}},
		{"array", `["` + canary + `"]`, []string{"not a JSON object"}},
		{"string", `"` + canary + `"`, []string{"not a JSON object"}},
		{"empty object", `{}`, []string{"Step", "SecretId", "ClientRequestToken"}},
		{"null", `null`, []string{"not a JSON object"}},
		{
			"another case",
			`{"step":"a","secretId":"b","clientRequestToken":"c"}`,
			[]string{"Step", "SecretId", "ClientRequestToken"},
		},
		{
			"a member twice",
			`{"Step":"a","SecretId":"b","ClientRequestToken":"c","SecretId":"` + canary + `"}`,
			[]string{"given twice"},
		},
		{"a credential for a name", `{"` + canary + `":1,"` + canary + `":2}`, []string{"given twice"}},
		{"numbers", `{"Step":1,"SecretId":2,"ClientRequestToken":3,"RotationToken":4}`,
			[]string{"Step", "SecretId", "ClientRequestToken", "RotationToken"}},
		{
			"empty strings",
			`{"Step":"","SecretId":"` + canary + `","ClientRequestToken":""}`,
			[]string{"Step", "ClientRequestToken"},
		},
		{
			"an audit's event",
			`{"source":"aws.events","detail":{"RotationToken":"` + canary + `"}}`,
			[]string{"Step", "SecretId"},
		},
		{
			"endless step",
			`{"Step":"` + strings.Repeat(canary, 1000) + `","SecretId":"b","ClientRequestToken":"c"}`,
			[]string{"Step"},
		},
		{
			"rotation token an object",
			`{"Step":"a","SecretId":"b","ClientRequestToken":"c","RotationToken":{"v":"` + canary + `"}}`,
			[]string{"RotationToken"},
		},
	}
	for _, tt := range tests {
		_, err := rotation.ParseEvent([]byte(tt.payload))
		if named := nameOf(err) == rotation.MalformedEvent; !named {
			t.Errorf("%s: got %v", tt.name, err)
			continue
		}
		for _, word := range append(tt.says, "nothing was done") {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("%s: %v does not say %q", tt.name, err, word)
			}
		}
		if strings.Contains(err.Error(), canary) {
			t.Errorf("%s: %v shows a value", tt.name, err)
		}
	}
	e, err := rotation.ParseEvent([]byte(`{"Step":"createSecret","SecretId":"id","ClientRequestToken":"v","Future":1}`))
	if err != nil || e.RotationToken.Reveal() != "" || e.Step != rotation.StepCreate {
		t.Errorf("without a RotationToken, with an unknown member: %+v, %v", e, err)
	}
}

func FuzzParseEvent(f *testing.F) {
	f.Add([]byte(`{"Step":"createSecret","SecretId":"id","ClientRequestToken":"v","RotationToken":"r"}`))
	f.Add([]byte(`{"step":null}`))
	f.Add([]byte(`[`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		e, err := rotation.ParseEvent(payload)
		if err == nil && (e.Step == "" || e.SecretID == "" || e.Version == "") {
			t.Errorf("%q gave %+v", payload, e)
		}
		if named := nameOf(err) == rotation.MalformedEvent; err != nil && !named {
			t.Errorf("%q: unnamed error %v", payload, err)
		}
	})
}
