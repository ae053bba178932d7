package drift_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// documents are the pages that people read, by their path from the root.
func documents(t *testing.T) map[string]string {
	t.Helper()
	pages := make(map[string]string)
	for file := range sources(t) {
		if path.Ext(file) == ".md" {
			pages[file] = page(t, file)
		}
	}
	if len(pages) < 7 {
		t.Fatalf("only %d pages", len(pages))
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

// TestLinksLeadSomewhere checks every link of a page: to a file, to a heading of
// that file, or to a well-formed address elsewhere.
func TestLinksLeadSomewhere(t *testing.T) {
	files, pages, seen := sources(t), documents(t), 0
	for name, text := range pages {
		for _, link := range links.FindAllStringSubmatch(fenced.ReplaceAllString(text, ""), -1) {
			seen++
			if fault := followed(files, pages, name, link[1]); fault != "" {
				t.Errorf("%s: link %q: %s", name, link[1], fault)
			}
		}
	}
	if seen < 50 {
		t.Errorf("only %d links seen", seen)
	}
}

// followed returns what is wrong with a link on the page called name, or "".
func followed(files map[string]bool, pages map[string]string, name, link string) string {
	if strings.Contains(link, ":") {
		address, err := url.Parse(link)
		if err != nil || address.Scheme != "https" || !strings.Contains(address.Host, ".") {
			return "is no address with https"
		}
		return ""
	}
	target, fragment, anchored := strings.Cut(link, "#")
	file := name
	if target != "" {
		file = path.Join(path.Dir(name), target)
	}
	if !files[file] {
		return "no such file"
	}
	if anchored && !slices.Contains(anchors(pages[file]), fragment) {
		return "no such heading"
	}
	return ""
}

// TestFollowed gives the check of links what it must find.
func TestFollowed(t *testing.T) {
	files := map[string]bool{"README.md": true, "a/b.md": true}
	pages := map[string]string{"README.md": "# One\n", "a/b.md": "## It isn't `done`, yet\n\n## Twice\n\n## Twice\n"}
	for link, want := range map[string]string{
		"a/b.md": "", "a/b.md#it-isnt-done-yet": "", "a/b.md#twice-1": "", "#one": "", "https://example.com/x#y": "",
		"#two": "no such heading", "a/b.md#one": "no such heading", "b.md": "no such file", "a/b.md#": "no such heading",
		"http://example.com": "is no address with https", "https://localhost": "is no address with https",
		"https:/example.com": "is no address with https",
	} {
		if got := followed(files, pages, "README.md", link); got != want {
			t.Errorf("%s: %q, want %q", link, got, want)
		}
	}
}

// anchors are the names that GitHub gives the headings of a page; the second of two
// equal ones ends with -1.
func anchors(text string) []string {
	var names []string
	seen := make(map[string]int)
	for _, heading := range headings.FindAllStringSubmatch(fenced.ReplaceAllString(text, ""), -1) {
		name := regexp.MustCompile("[^a-z0-9 _-]").ReplaceAllString(strings.ToLower(heading[1]), "")
		name = strings.ReplaceAll(name, " ", "-")
		if n := seen[name]; n > 0 {
			names = append(names, name+"-"+strconv.Itoa(n))
		} else {
			names = append(names, name)
		}
		seen[name]++
	}
	return names
}

// TestNamedFilesAndTestsExist checks what a page names between backticks: paths of
// this repository, file names of Go and shell, and tests.
func TestNamedFilesAndTestsExist(t *testing.T) {
	files := sources(t)
	bases, tested := make(map[string]bool), testFunctions(t, files)
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
				known = tested[text]
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

// maxReadmeWords is what a stranger reads at a sitting.
const maxReadmeWords = 2600

func TestReadmeIsShort(t *testing.T) {
	if n := len(strings.Fields(page(t, "README.md"))); n > maxReadmeWords {
		t.Errorf("the README has %d words, more than %d: let the pages that it links to say the rest", n, maxReadmeWords)
	}
}

// TestFilesSpeakOfTheProjectAlone finds words that belong to a conversation about
// the project: a number of an issue, a place on somebody's machine.
func TestFilesSpeakOfTheProjectAlone(t *testing.T) {
	foreign := regexp.MustCompile(
		`(?i)\bissues? #?[0-9]+\b|(^|\s)#[0-9]+\b|(^|[\s"'(` + "`" + `])/(work|home|root|Users)/`,
	)
	inPages := regexp.MustCompile(`\b([Ss]essions?|[Ww]orkplace|TODO|FIXME)\b`)
	seen := 0
	for file := range sources(t) {
		kind := path.Ext(file)
		if !slices.Contains([]string{".go", ".md", ".sh", ".yaml", ".yml", ".json", ".py"}, kind) &&
			path.Base(file) != "Makefile" &&
			file != ".ci/run" {
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
