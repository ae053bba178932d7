package drift_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const root = "../../.."

// shipped are the Go files that go into the functions, by their path from the root.
func shipped(t *testing.T) map[string]*ast.File {
	t.Helper()
	files := make(map[string]*ast.File)
	for _, top := range []string{"functions", "pkg"} {
		err := filepath.WalkDir(filepath.Join(root, top), func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() && (d.Name() == "standin" || d.Name() == "testdata") {
				return fs.SkipDir
			}
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			name, err := filepath.Rel(root, path)
			if err != nil {
				return err
			}
			files[name], err = parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(files) < 20 {
		t.Fatalf("only %d files found", len(files))
	}
	return files
}

func imports(f *ast.File) []string {
	var paths []string
	for _, spec := range f.Imports {
		path, _ := strconv.Unquote(spec.Path.Value)
		paths = append(paths, path)
	}
	return paths
}

// TestShippedCodeKeepsItsRules checks what no shipped file may do, and which files
// alone may do the rest.
func TestShippedCodeKeepsItsRules(t *testing.T) {
	// Where the process ends, reads its environment, or tells the time.
	allowed := map[string][]string{
		"os.Exit":   {"functions/audit/main.go", "functions/rotate-api-token/main.go", "functions/rotate/main.go"},
		"os.Getenv": {"functions/audit/main.go", "functions/rotate-api-token/main.go", "functions/rotate/main.go"},
		"time.Now":  {"pkg/bootstrap/bootstrap.go", "pkg/databrain/client.go"},
	}
	found := make(map[string][]string)
	for name, file := range shipped(t) {
		for _, path := range imports(file) {
			if strings.HasPrefix(path, "databrain-rotation/pkg/standin") {
				t.Errorf("%s imports the stand-in %s", name, path)
			}
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				if n.Name.Name == "init" && n.Recv == nil {
					t.Errorf("%s has an init function", name)
				}
			case *ast.SelectorExpr:
				if x, ok := n.X.(*ast.Ident); ok {
					use := x.Name + "." + n.Sel.Name
					if _, watched := allowed[use]; watched && !slices.Contains(found[use], name) {
						found[use] = append(found[use], name)
					}
				}
			}
			return true
		})
	}
	for use := range found {
		slices.Sort(found[use])
	}
	if diff := cmp.Diff(allowed, found); diff != "" {
		t.Errorf("who may use what (-allowed +found):\n%s", diff)
	}
}

// TestDecisionsDoNoIO keeps what decides and what writes text apart from what acts:
// the files import neither an SDK, nor net/http, nor context.
func TestDecisionsDoNoIO(t *testing.T) {
	for _, place := range []string{
		"pkg/rotation/plan.go", "pkg/rotation/apitoken_plan.go", "pkg/rotation/diagnosis/judge",
		"pkg/rotation/diagnosis/predict.go",
		"pkg/tokensecret/", "pkg/audit/finding/", "pkg/audit/report/",
	} {
		held := 0
		for name, file := range shipped(t) {
			if !strings.HasPrefix(name, place) {
				continue
			}
			held++
			for _, path := range imports(file) {
				if strings.Contains(path, "aws") || path == "net/http" || path == "context" {
					t.Errorf("%s imports %s", name, path)
				}
			}
		}
		if held == 0 {
			t.Errorf("%s is gone", place)
		}
	}
}

// TestAuditImportsOneWay: audit → collect → finding ← report ← audit, and nothing
// outside of pkg/audit runs upwards into it but the functions.
func TestAuditImportsOneWay(t *testing.T) {
	const audit = "databrain-rotation/pkg/audit"
	allowed := map[string][]string{
		"pkg/audit":         {audit + "/collect", audit + "/finding", audit + "/report"},
		"pkg/audit/collect": {audit + "/finding"},
		"pkg/audit/finding": nil,
		"pkg/audit/report":  {audit + "/finding"},
	}
	seen := make(map[string]bool)
	for name, file := range shipped(t) {
		folder := filepath.Dir(name)
		seen[folder] = true
		for _, path := range imports(file) {
			if strings.HasPrefix(path, "databrain-rotation/functions") {
				t.Errorf("%s imports %s", name, path)
			}
			if !strings.HasPrefix(folder, "functions/") && strings.HasPrefix(path, audit) &&
				!slices.Contains(allowed[folder], path) {
				t.Errorf("%s imports %s", name, path)
			}
		}
	}
	for folder := range allowed {
		if !seen[folder] {
			t.Errorf("%s is gone", folder)
		}
	}
}

var setting = regexp.MustCompile(`^(DATABRAIN|ROTATION|API_TOKEN|AUDIT)(_[A-Z]+)+$`)

// TestEveryFunctionDocumentsItsSettings compares the table of settings in each
// function's README with the names in the code that reads them.
func TestEveryFunctionDocumentsItsSettings(t *testing.T) {
	inCode := make(map[string][]string) // by folder
	for name, file := range shipped(t) {
		folder := filepath.ToSlash(filepath.Dir(name))
		if !strings.HasPrefix(folder, "functions/") && folder != "pkg/settings" {
			continue
		}
		for _, text := range literals(file) {
			if setting.MatchString(text) {
				inCode[folder] = append(inCode[folder], text)
			}
		}
	}
	row := regexp.MustCompile("(?m)^\\| (?:`\\w+` )?\\| `([A-Z_]+)` \\|")
	for _, folder := range functions(t) {
		want, got := append(inCode[folder], inCode["pkg/settings"]...), []string(nil)
		for _, match := range row.FindAllStringSubmatch(page(t, folder+"/README.md"), -1) {
			got = append(got, match[1])
		}
		slices.Sort(want)
		slices.Sort(got)
		if diff := cmp.Diff(slices.Compact(want), got); diff != "" {
			t.Errorf("settings of %s (-code +README):\n%s", folder, diff)
		}
	}
}

// TestReadmeNamesEveryPart checks that each function and package has its place in
// the README, and each make target in the page for contributors.
func TestReadmeNamesEveryPart(t *testing.T) {
	front := page(t, "README.md")
	for _, pattern := range []string{"functions/*", "pkg/*", "pkg/audit/*"} {
		folders, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil || len(folders) == 0 {
			t.Fatalf("%s: %d folders, %v", pattern, len(folders), err)
		}
		for _, folder := range folders {
			if info, err := os.Stat(folder); err != nil || !info.IsDir() || info.Name() == "testdata" {
				continue
			}
			name, _ := filepath.Rel(root, folder)
			if !strings.Contains(front, "`"+filepath.ToSlash(name)+"`") {
				t.Errorf("the README does not name %s", name)
			}
		}
	}
	contributing := page(t, ".github/CONTRIBUTING.md")
	for _, target := range targets(t) {
		if target != "help" && !strings.Contains(contributing, "\n| `make "+target+"` |") {
			t.Errorf("the table in CONTRIBUTING does not have make %s", target)
		}
	}
}

func page(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// functions are the folders of the functions, such as functions/rotate.
func functions(t *testing.T) []string {
	t.Helper()
	mains, err := filepath.Glob(filepath.Join(root, "functions", "*", "main.go"))
	if err != nil || len(mains) < 2 {
		t.Fatalf("%d functions, %v", len(mains), err)
	}
	folders := make([]string, 0, len(mains))
	for _, main := range mains {
		folders = append(folders, "functions/"+filepath.Base(filepath.Dir(main)))
	}
	return folders
}

// targets are what the Makefile prints.
func targets(t *testing.T) []string {
	t.Helper()
	var names []string
	for _, match := range regexp.MustCompile(`(?m)^([a-z0-9-]+):.*## `).FindAllStringSubmatch(page(t, "Makefile"), -1) {
		names = append(names, match[1])
	}
	if len(names) < 5 {
		t.Fatalf("only %d targets found", len(names))
	}
	return names
}

// literals are the strings in a file.
func literals(file *ast.File) []string {
	var texts []string
	ast.Inspect(file, func(n ast.Node) bool {
		if literal, ok := n.(*ast.BasicLit); ok && literal.Kind == token.STRING {
			if text, err := strconv.Unquote(literal.Value); err == nil {
				texts = append(texts, text)
			}
		}
		return true
	})
	return texts
}
