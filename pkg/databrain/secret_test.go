package databrain_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"html/template"
	"log"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"testing"
	texttemplate "text/template"

	"databrain-rotation/pkg/databrain"
	"databrain-rotation/pkg/standin/leaktest"
)

const canary = "c4n4ry-Sécret/9+%&<>"

// Holders have a Secret where a formatter reaches it in different ways.
type (
	exported struct{ Secret databrain.Secret }
	hidden   struct{ secret databrain.Secret }
	deep     struct {
		hidden *hidden
		list   []hidden
		byName map[string]hidden
		any    any
	}
)

func holders() map[string]any {
	s := databrain.NewSecret(canary)
	h := hidden{s}
	return map[string]any{
		"itself":      s,
		"pointer":     &s,
		"exported":    exported{s},
		"hidden":      h,
		"to hidden":   &h,
		"slice":       []databrain.Secret{s},
		"array":       [1]hidden{h},
		"map":         map[string]databrain.Secret{"a": s},
		"map key":     map[databrain.Secret]int{s: 1},
		"deep":        deep{&h, []hidden{h}, map[string]hidden{"a": h}, h},
		"credentials": databrain.Credentials{Email: "a@b.c", Password: s},
		"interface":   []any{s, &s, h},
		"error":       fmt.Errorf("wrapped: %w, %v", errors.New("x"), s),
		"joined":      errors.Join(fmt.Errorf("%v %+v", s, h)),
	}
}

func TestSecretIsNotPrinted(t *testing.T) {
	for name, v := range holders() {
		outputs := map[string]string{"Sprint": fmt.Sprint(v), "Sprintln": fmt.Sprintln(v)}
		for _, verb := range "vTtbcdoOqxXUeEfFgGspw!z" {
			for _, flags := range []string{"", "+", "#", "-", " ", "0", "20", ".50", "+#", "# 020.30"} {
				outputs["%"+flags+string(verb)] = fmt.Sprintf("%"+flags+string(verb), v)
			}
		}
		outputs["panic"] = func() (text string) {
			defer func() { text = fmt.Sprint(recover()) }()
			panic(v)
		}()
		encoded, err := json.Marshal(v)
		outputs["json"] = fmt.Sprint(string(encoded), err)
		encoded, err = xml.Marshal(v)
		outputs["xml"] = fmt.Sprint(string(encoded), err)
		var b bytes.Buffer
		log.New(&b, "", 0).Print(v)
		for _, h := range []slog.Handler{slog.NewTextHandler(&b, nil), slog.NewJSONHandler(&b, nil)} {
			l := slog.New(h)
			l.Info("a", "b", v)
			l.With("b", v).WithGroup("c").Info("a", slog.Group("d", slog.Any("e", v)))
		}
		texttemplate.Must(texttemplate.New("").Parse(`{{.}} {{printf "%s %q %x" . . .}}`)).Execute(&b, v)
		template.Must(template.New("").Parse(`{{.}} <a href="{{.}}">`)).Execute(&b, v)
		outputs["logs and templates"] = b.String()
		for how, text := range outputs {
			if _, form := leaktest.For(canary).Find(text); form != "" {
				t.Errorf("%s, %s: %s in %s", name, how, form, text)
			}
		}
	}
}

// TestSecretReadsWell: what stands in its place is the same everywhere.
func TestSecretReadsWell(t *testing.T) {
	s := databrain.NewSecret(canary)
	encoded, err := json.Marshal(map[string]any{"a": s, "b": &s, "c": exported{s}})
	for got, want := range map[string]string{
		fmt.Sprintf("%v %+v %#v %s %q %x %d", s, s, s, s, s, s, s): strings.Repeat(" [redacted]", 7)[1:],
		fmt.Sprint(exported{s}): "{[redacted]}",
		s.String():              "[redacted]",
		s.LogValue().String():   "[redacted]",
		fmt.Sprintf("%T", s):    "databrain.Secret",
		string(encoded):         `{"a":"[redacted]","b":"[redacted]","c":{"Secret":"[redacted]"}}`,
	} {
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	if err != nil {
		t.Error(err)
	}
}

func TestSecretHolds(t *testing.T) {
	var zero databrain.Secret
	a, b := databrain.NewSecret("a"), databrain.NewSecret("a")
	if !a.Equal(b) || a.Equal(zero) || zero.Equal(a) || !zero.Equal(databrain.NewSecret("")) {
		t.Error("Equal compares something else than the values")
	}
	if !zero.Empty() || !databrain.NewSecret("").Empty() || a.Empty() {
		t.Error("Empty is wrong")
	}
	if zero.Reveal() != "" || a.Reveal() != "a" {
		t.Error("Reveal is wrong")
	}
	if fmt.Sprint(zero) != "[redacted]" {
		t.Error("an empty secret tells that it is empty")
	}
}

// TestSecretInCrash lets the test binary die of a panic with each holder: the
// runtime prints panics by rules of its own.
func TestSecretInCrash(t *testing.T) {
	const variable = "DATABRAIN_TEST_CRASH_WITH"
	if name := os.Getenv(variable); name != "" {
		panic(holders()[name])
	}
	for name := range holders() {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestSecretInCrash$")
		cmd.Env = append(os.Environ(), variable+"="+name, "GOTRACEBACK=all")
		out, err := cmd.CombinedOutput()
		if err == nil || !bytes.Contains(out, []byte("panic:")) {
			t.Errorf("%s: did not crash: %v\n%s", name, err, out)
		}
		if _, form := leaktest.For(canary).Find(string(out)); form != "" {
			t.Errorf("%s: %s in %s", name, form, out)
		}
	}
}
