package drift_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// documents are the pages that people read, by their path from the root.
func documents(t *testing.T) map[string]string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(root, ".github", "*.md"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("%d pages in .github, %v", len(paths), err)
	}
	pages := make(map[string]string)
	for _, file := range append(paths, filepath.Join(root, "README.md")) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name, err := filepath.Rel(root, file)
		if err != nil {
			t.Fatal(err)
		}
		pages[filepath.ToSlash(name)] = string(text)
	}
	return pages
}

// sources are the files of the repository, by their path from the root, without
// what a build leaves there.
func sources(t *testing.T) map[string]bool {
	t.Helper()
	files := make(map[string]bool)
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && slices.Contains([]string{".git", ".aws-sam", "build"}, d.Name()) {
			return fs.SkipDir
		}
		name, err = filepath.Rel(root, name)
		files[filepath.ToSlash(name)] = true
		return err
	})
	if err != nil || len(files) < 100 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	return files
}

var (
	fenced   = regexp.MustCompile("(?ms)^ *```.*?^ *```$")
	links    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	headings = regexp.MustCompile(`(?m)^#+ (.+)$`)
	codes    = regexp.MustCompile("`([^`\n]+)`")
	tests    = regexp.MustCompile(`^(Test|Fuzz|Benchmark)[A-Z]\w+$`)
)

// TestLinksLeadSomewhere checks every link of a page to a file or to a heading.
func TestLinksLeadSomewhere(t *testing.T) {
	files, seen := sources(t), 0
	for name, page := range documents(t) {
		text := fenced.ReplaceAllString(page, "")
		anchors := make(map[string]bool)
		for _, heading := range headings.FindAllStringSubmatch(text, -1) {
			anchors[anchor(heading[1])] = true
		}
		for _, link := range links.FindAllStringSubmatch(text, -1) {
			target, fragment, _ := strings.Cut(link[1], "#")
			switch {
			case strings.HasPrefix(target, "https://"):
				continue
			case target == "" && !anchors[fragment]:
				t.Errorf("%s: no heading %q", name, link[1])
			case target != "" && !files[path.Join(path.Dir(name), target)]:
				t.Errorf("%s: no file %q", name, link[1])
			}
			seen++
		}
	}
	if seen < 5 {
		t.Errorf("only %d links seen", seen)
	}
}

// anchor is how GitHub names a heading.
func anchor(heading string) string {
	kept := regexp.MustCompile("[^a-z0-9 _-]").ReplaceAllString(strings.ToLower(heading), "")
	return strings.ReplaceAll(kept, " ", "-")
}

// TestNamedFilesAndTestsExist checks what a page names between backticks: paths of
// this repository, file names of Go and shell, and tests.
func TestNamedFilesAndTestsExist(t *testing.T) {
	files := sources(t)
	bases, functions := make(map[string]bool), testFunctions(t, files)
	for file := range files {
		bases[path.Base(file)] = true
	}
	seen := 0
	for name, page := range documents(t) {
		for _, code := range codes.FindAllStringSubmatch(fenced.ReplaceAllString(page, ""), -1) {
			text := strings.TrimSuffix(code[1], "/")
			top, _, slashed := strings.Cut(text, "/")
			known := true
			switch {
			case strings.ContainsAny(text, " <>\"$…"), text == "TestRotationFailed": // an event of CloudTrail
				continue
			case tests.MatchString(text):
				known = functions[text]
			case slashed && files[top]:
				known = anyMatch(files, text)
			case !slashed && slices.Contains([]string{".go", ".sh", ".tmpl"}, path.Ext(text)):
				known = bases[text]
			default:
				continue
			}
			if seen++; !known {
				t.Errorf("%s names %s, which does not exist", name, text)
			}
		}
	}
	if seen < 20 {
		t.Errorf("only %d names seen", seen)
	}
}

func anyMatch(files map[string]bool, pattern string) bool {
	for file := range files {
		if ok, _ := path.Match(pattern, file); ok {
			return true
		}
	}
	return false
}

func testFunctions(t *testing.T, files map[string]bool) map[string]bool {
	t.Helper()
	functions := make(map[string]bool)
	for file := range files {
		if !strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, file), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range parsed.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil {
				functions[f.Name.Name] = true
			}
		}
	}
	return functions
}

// TestReadmeNamesEveryError checks that the runbook knows whatever a function may
// fail with: Lambda reports the name of the type.
func TestReadmeNamesEveryError(t *testing.T) {
	names := make(map[string]bool)
	for file, parsed := range shipped(t) {
		if strings.HasPrefix(file, "pkg/databrain/") || strings.HasPrefix(file, "pkg/jsonobject/") {
			continue // always wrapped, or replaced by a named error
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.TypeSpec: // the rotation's errors share their method
				if s, ok := n.Type.(*ast.StructType); ok && n.Name.IsExported() && len(s.Fields.List) == 1 {
					if embedded, ok := s.Fields.List[0].Type.(*ast.Ident); ok && embedded.Name == "problem" {
						names[n.Name.Name] = true
					}
				}
			case *ast.FuncDecl:
				if n.Recv != nil && n.Name.Name == "Error" {
					if star, ok := n.Recv.List[0].Type.(*ast.StarExpr); ok && ast.IsExported(star.X.(*ast.Ident).Name) {
						names[star.X.(*ast.Ident).Name] = true
					}
				}
			}
			return true
		})
	}
	if len(names) < 25 {
		t.Fatalf("only %d errors found", len(names))
	}
	page := readme(t)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if !strings.Contains(page, "| `"+name+"`") && !strings.Contains(page, ", `"+name+"`") {
			t.Errorf("the runbook's table of errors does not name %s", name)
		}
	}
}

// TestFilesSpeakOfTheProjectAlone finds words that belong to a conversation about
// the project: a number of an issue, a place on somebody's machine.
func TestFilesSpeakOfTheProjectAlone(t *testing.T) {
	foreign := regexp.MustCompile(`(?i)\bissues? #?[0-9]+\b|(^|\s)#[0-9]+\b|(^|[\s"'(` + "`" + `])/(work|home|root|Users)/`)
	inPages := regexp.MustCompile(`\b([Ss]essions?|[Ww]orkplace|TODO|FIXME)\b`)
	seen := 0
	for file := range sources(t) {
		kind := path.Ext(file)
		if !slices.Contains([]string{".go", ".md", ".sh", ".yaml", ".yml", ".json", ".py"}, kind) && path.Base(file) != "Makefile" && file != ".ci/run" {
			continue
		}
		text, err := os.ReadFile(filepath.Join(root, file))
		if err != nil {
			t.Fatal(err)
		}
		seen++
		number := 0
		for line := range strings.Lines(string(text)) {
			number++
			if foreign.MatchString(line) || kind == ".md" && inPages.MatchString(line) {
				t.Errorf("%s:%d: %s", file, number, strings.TrimSpace(line))
			}
		}
	}
	if seen < 100 {
		t.Errorf("only %d files read", seen)
	}
}

// TestPagesRender checks what GitHub is strict about: fences and folds that close,
// the blank line that Markdown within a fold needs, and rows as wide as their table.
func TestPagesRender(t *testing.T) {
	for name, page := range documents(t) {
		if n := len(regexp.MustCompile("(?m)^ *```").FindAllString(page, -1)); n%2 != 0 {
			t.Errorf("%s: %d fences", name, n)
		}
		text := fenced.ReplaceAllString(page, "")
		if open, closed := strings.Count(text, "<details>"), strings.Count(text, "</details>"); open != closed ||
			open != strings.Count(text, "</summary>\n\n") || open != strings.Count(text, "\n\n</details>") {
			t.Errorf("%s: %d folds open, %d close, or one lacks its blank lines", name, open, closed)
		}
		cells := 0
		for line := range strings.Lines(text) {
			if !strings.HasPrefix(line, "|") {
				cells = 0
				continue
			}
			n := strings.Count(strings.ReplaceAll(line, `\|`, ""), "|")
			if cells != 0 && n != cells {
				t.Errorf("%s: a row of %d cells in a table of %d: %s", name, n-1, cells-1, line)
			}
			cells = n
		}
	}
}
