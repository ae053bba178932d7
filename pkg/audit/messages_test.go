package audit_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"

	"databrain-rotation/pkg/audit"
	"databrain-rotation/pkg/standin"
	"databrain-rotation/pkg/standin/databraintest"
)

var setting = regexp.MustCompile(`\b((?:AUDIT|DATABRAIN)_[A-Z_]+)( \(parameter (\w+)\))?`)

// TestMessagesNameTheParameter: an operator has the parameters of the stack and not the
// variables of the function, so each text that names a variable names the parameter
// that the template sets it from.
func TestMessagesNameTheParameter(t *testing.T) {
	template, err := os.ReadFile(filepath.Join("..", "..", "template.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	named := 0
	err = filepath.WalkDir(".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			text, ok := n.(*ast.BasicLit)
			if !ok || text.Kind != token.STRING {
				return true
			}
			for _, m := range setting.FindAllStringSubmatch(text.Value, -1) {
				named++
				set := regexp.MustCompile(`(?m)^ +` + m[1] + `: .*\b` + m[3] + `\b`)
				if m[3] == "" || !set.Match(template) {
					t.Errorf("%s: %s names no parameter that the template sets it from: %s", path, m[1], text.Value)
				}
			}
			return true
		})
		return nil
	})
	if err != nil || named == 0 {
		t.Errorf("%v, %d settings are named", err, named)
	}
}

// TestTheErrorOfTheAppListSaysWhereToLook names the host that was asked, and for each
// cause the setting or the command that comes next.
func TestTheErrorOfTheAppListSaysWhereToLook(t *testing.T) {
	t.Parallel()
	const baseURL = "DATABRAIN_BASE_URL (parameter DatabrainBaseUrl)"
	page := func(status int) standin.Action { return standin.Reply(status, "text/html", "<h1>x</h1>") }
	for name, c := range map[string]struct {
		do   standin.Action
		says string
	}{
		"404 of a web server":      {page(404), baseURL},
		"404 of another API":       {standin.Reply(404, "application/json", `{"message":"no route"}`), baseURL},
		"a page for every path":    {page(200), baseURL},
		"a redirect":               {page(302), baseURL},
		"a method that is refused": {page(405), baseURL},
		"a connection that is cut": {standin.Cut(), baseURL},
		"the token is refused":     {databraintest.Error(401, "AUTHENTICATION_ERROR", "no"), "DiagnoseCommand"},
		"the documented refusal":   {databraintest.Error(400, "AUTHENTICATION_ERROR", "no"), "DiagnoseCommand"},
		"throttled": {databraintest.TooManyRequests("1"),
			"AUDIT_REQUESTS_PER_MINUTE (parameter AuditRequestsPerMinute)"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLab(t, databraintest.Config{DataApps: apps(2)})
				l.db.Inject(standin.Fault{Target: appsPath, Do: c.do, Times: -1})
				_, err := l.run()
				text := asError[*audit.RunFailed](t, err).Error()
				if !strings.Contains(text, c.says) || !strings.Contains(text, labInstance) {
					t.Errorf("the error does not say %q and %s: %s", c.says, labInstance, text)
				}
			})
		})
	}
}
