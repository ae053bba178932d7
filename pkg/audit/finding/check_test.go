package finding_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"databrain-rotation/pkg/audit/finding"
)

// declaredChecks are the constants of type Check in the source of the package.
func declaredChecks(t *testing.T) []finding.Check {
	t.Helper()
	names, err := filepath.Glob("*.go")
	if err != nil || len(names) == 0 {
		t.Fatalf("%d files, %v", len(names), err)
	}
	var checks []finding.Check
	for _, name := range names {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || len(spec.Values) == 0 {
				return true
			}
			if kind, ok := spec.Type.(*ast.Ident); !ok || kind.Name != "Check" {
				return true
			}
			text, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			checks = append(checks, finding.Check(text))
			return true
		})
	}
	return checks
}

// TestEveryCheckIsDefined goes over all checks: each is in the table, has texts, and
// survives the state that one run leaves for the next.
func TestEveryCheckIsDefined(t *testing.T) {
	declared := declaredChecks(t)
	slices.Sort(declared)
	defined := finding.Checks()
	slices.Sort(defined)
	if diff := cmp.Diff(declared, defined); diff != "" {
		t.Fatalf("checks (-declared +defined): %s", diff)
	}
	for _, check := range defined {
		f := finding.Finding{
			ID: "dbt1-x", Check: check, Severity: finding.Low, FirstSeen: evalAt, LastSeen: evalAt, DataApp: "App", Rule: "r",
			Token:     &finding.Token{Fingerprint: "f", Name: "t", CreatedAt: evalAt, StaleSince: evalAt},
			Exception: &finding.Exception{ID: "e", Reason: "r", Owner: "o", ExpiresAt: "2030-01-01"},
			Gap:       &finding.Gap{DataApp: "App", Class: finding.GapServer}, Since: evalAt,
			ManagedBy: &finding.ManagedBy{Secret: "api/a", Also: []string{"api/b"}},
		}
		p := f.Prose()
		if p.Title == "" || p.Description == "" || p.Remedy == "" || strings.Contains(p.Title, "App") {
			t.Errorf("%s: the texts are %+v", check, p)
		}
		if c := f.Compliance(); c != finding.Fail && c != finding.Warning {
			t.Errorf("%s: compliance %q", check, c)
		}
		if s := check.Severity(); s != "" && s.Rank() < 0 {
			t.Errorf("%s: severity %q", check, s)
		}
		memory := through(t, finding.Snapshot{
			Schema: finding.SnapshotSchema, Instance: labInstance, StoredAt: evalAt, Findings: []finding.Record{{Finding: f}},
		})
		unread := finding.Coverage{Apps: map[string]finding.AppRead{"App": finding.Unread}}
		if resolved, _ := finding.Transition(memory, nil, unread, labInstance, evalAt); len(resolved) != 0 {
			t.Errorf("%s is resolved by a run that read nothing", check)
		}
		read := finding.Coverage{
			Complete: true, Apps: map[string]finding.AppRead{"App": finding.Read}, Posture: finding.Posture{Read: true},
			Previous: finding.Previous{Answer: finding.Refused}, Managed: finding.Managed{Asked: true, Complete: true},
		}
		if resolved, _ := finding.Transition(memory, nil, read, labInstance, evalAt); len(resolved) != 1 {
			t.Errorf("%s is not resolved by a run that read everything", check)
		}
	}
}

// TestReadmeHasEveryCheck compares the table of checks with the definitions.
func TestReadmeHasEveryCheck(t *testing.T) {
	type row struct {
		check    finding.Check
		severity string
	}
	var want, got []row
	for _, check := range finding.Checks() {
		severity := string(check.Severity())
		if severity == "" {
			severity = "by tier"
		}
		want = append(want, row{check, severity})
	}
	inTable := regexp.MustCompile(
		"(?m)^\\| (`[a-z-]+`(?:, `[a-z-]+`)*) \\| (informational|low|medium|high|critical|by tier) \\|",
	)
	for _, name := range []string{"../../../README.md", "../../../functions/audit/README.md"} {
		page, err := os.ReadFile(name)
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range inTable.FindAllStringSubmatch(string(page), -1) {
			for _, check := range strings.Split(m[1], ", ") {
				got = append(got, row{finding.Check(strings.Trim(check, "`")), m[2]})
			}
		}
	}
	byName := func(a, b row) int { return strings.Compare(string(a.check), string(b.check)) }
	slices.SortFunc(want, byName)
	slices.SortFunc(got, byName)
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(row{})); diff != "" {
		t.Errorf("the documents' table of checks (-code +documents): %s", diff)
	}
}
