package databrain_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestRevealIsRare names every file that may take the value out of a Secret. A new
// one has to be argued for here: the value may go on the wire, into Secrets
// Manager, or be checked for its form.
func TestRevealIsRare(t *testing.T) {
	want := map[string]int{
		"pkg/databrain/admin.go":                1, // the password, on the wire
		"pkg/databrain/apitoken.go":             1, // the key, on the wire
		"pkg/databrain/client.go":               2, // the bearer, on the wire
		"pkg/databrain/secret.go":               4, // Empty, Equal, Fingerprint
		"pkg/databrain/servicetoken.go":         3, // the token, on the wire and compared with its echo
		"pkg/rotation/service_admin.go":         1, // to name white space around a password
		"pkg/tokensecret/tokensecret.go":        1, // the secret's new value
		"pkg/rotation/versions.go":              2, // RotationToken, to Secrets Manager; storable: the form
		"pkg/rotation/diagnosis/look_secret.go": 1, // the form
	}
	root := filepath.Join("..", "..")
	got := make(map[string]int)
	files := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != root && strings.HasPrefix(d.Name(), ".") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		files++
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			// Any selector counts, not calls alone: s.Reveal is a value as well.
			if s, ok := n.(*ast.SelectorExpr); ok && s.Sel.Name == "Reveal" {
				got[filepath.ToSlash(name)]++
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 20 || !slices.Contains(keys(got), "pkg/databrain/client.go") {
		t.Fatalf("looked at %d files and found %v: is this the module?", files, got)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-allowed +found\n%s", diff)
	}
}

func keys(m map[string]int) (all []string) {
	for k := range m {
		all = append(all, k)
	}
	return all
}
