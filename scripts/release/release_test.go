package main

import (
	"archive/zip"
	"bytes"
	"io"
	"os"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

func TestPackageTemplateNamesZipFiles(t *testing.T) {
	source, err := os.ReadFile("../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for architecture := range architectures {
		text, err := packageTemplate(source, architecture)
		if err != nil {
			t.Fatal(err)
		}
		var template struct {
			Parameters struct {
				Architecture struct {
					Default       string
					AllowedValues []string `yaml:"AllowedValues"`
				} `yaml:"Architecture"`
			} `yaml:"Parameters"`
			Globals   struct{ Function map[string]yaml.Node } `yaml:"Globals"`
			Resources map[string]struct {
				Metadata   *yaml.Node
				Properties map[string]yaml.Node `yaml:"Properties"`
			} `yaml:"Resources"`
		}
		if err := yaml.Unmarshal(text, &template); err != nil {
			t.Fatal(err)
		}
		if got := template.Parameters.Architecture.AllowedValues; len(got) != 1 || got[0] != architecture {
			t.Errorf("%s: Architecture allows %v", architecture, got)
		}
		if _, ok := template.Globals.Function["CodeUri"]; ok {
			t.Errorf("%s: the source is still named", architecture)
		}
		for name, folder := range functions {
			code := template.Resources[name].Properties["CodeUri"]
			if want := folder + "-" + architecture + ".zip"; code.Value != want {
				t.Errorf("%s: %s has code %q, want %q", architecture, name, code.Value, want)
			}
		}
		if strings.Contains(string(text), "BuildMethod") {
			t.Errorf("%s: the SAM CLI would build what is built already", architecture)
		}
	}
}

func TestPackageTemplateSaysWhatIsMissing(t *testing.T) {
	if _, err := packageTemplate([]byte("Globals: {Function: {}}"), "arm64"); err == nil ||
		!strings.Contains(err.Error(), "CodeUri") {
		t.Errorf("got %v", err)
	}
}

func TestZipHoldsAnExecutableAndRepeats(t *testing.T) {
	binary := bytes.Repeat([]byte("code"), 1000)
	one, err := zipped(binary)
	if err != nil {
		t.Fatal(err)
	}
	two, err := zipped(binary)
	if err != nil || !bytes.Equal(one, two) {
		t.Errorf("two archives of one binary differ (%v)", err)
	}
	z, err := zip.NewReader(bytes.NewReader(one), int64(len(one)))
	if err != nil {
		t.Fatal(err)
	}
	if len(z.File) != 1 || z.File[0].Name != "bootstrap" || z.File[0].Mode().Perm() != 0o755 {
		t.Fatalf("the archive holds %v", z.File)
	}
	f, err := z.File[0].Open()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(f); err != nil || !bytes.Equal(got, binary) {
		t.Errorf("the archive holds another binary (%v)", err)
	}
}

func TestBillsRepeat(t *testing.T) {
	bill := func(at, hash string) string {
		got, err := timeless([]byte(`{"metadata":{"timestamp":"` + at + `","tools":[{"name":"t","hashes":["` + hash +
			`"]}]},"components":[{"name":"a","hashes":["h"],"purl":"pkg:golang/a@v1?x=y&z=w"}]}`))
		if err != nil {
			t.Fatal(err)
		}
		return string(got)
	}
	one := bill("2026-01-01T00:00:00Z", "a")
	if one != bill("2026-02-01T00:00:00Z", "b") {
		t.Error("two bills of one binary differ")
	}
	for _, kept := range []string{`"name": "t"`, `"h"`, "x=y&z=w"} {
		if !strings.Contains(one, kept) {
			t.Errorf("no %s in %s", kept, one)
		}
	}
}

func TestSumsAreSortedByName(t *testing.T) {
	got := string(sums(map[string][]byte{"b.zip": nil, "a.zip": []byte("x")}))
	const want = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881  a.zip\n" +
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  b.zip\n"
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
