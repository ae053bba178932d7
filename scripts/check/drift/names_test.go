package drift_test

import (
	"go/ast"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"databrain-rotation/pkg/audit/report"
	"databrain-rotation/pkg/rotation"
	"databrain-rotation/pkg/rotation/diagnosis"
)

// TestEveryErrorIsDocumented checks that the runbook and the READMEs of the functions
// know whatever a function may fail with: Lambda reports the name of the type.
func TestEveryErrorIsDocumented(t *testing.T) {
	names := make(map[string]bool)
	for file, parsed := range shipped(t) {
		if wrapped := []string{"pkg/databrain", "pkg/jsonobject", "pkg/transport", "pkg/tokensecret"}; slices.Contains(
			wrapped,
			filepath.Dir(file),
		) {
			continue // always wrapped, or replaced by a named error
		}
		errorTypes(parsed, names)
	}
	if len(names) < 25 {
		t.Fatalf("only %d errors found", len(names))
	}
	inFunctions := make(map[string]bool)
	for _, folder := range functions(t) {
		maps.Copy(inFunctions, firstColumn(t, folder+"/README.md", "Errors"))
	}
	inRunbook := firstColumn(t, ".github/RUNBOOK.md", "Errors")
	if diff := cmp.Diff(names, inFunctions); diff != "" {
		t.Errorf("errors (-code +READMEs of the functions):\n%s", diff)
	}
	if diff := cmp.Diff(names, inRunbook); diff != "" {
		t.Errorf("errors (-code +runbook):\n%s", diff)
	}
}

// errorTypes adds the errors that a file declares to names: the types with a method
// Error, and the names that those of the rotation may have.
func errorTypes(file *ast.File, names map[string]bool) {
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ValueSpec:
			if typ, ok := n.Type.(*ast.Ident); ok && typ.Name == "Name" && file.Name.Name == "rotation" {
				names[n.Names[0].Name] = true
			}
		case *ast.FuncDecl:
			if n.Recv == nil || n.Name.Name != "Error" {
				break
			}
			star, ok := n.Recv.List[0].Type.(*ast.StarExpr)
			if !ok {
				break
			}
			// rotation.Error has one of the names above.
			if name := star.X.(*ast.Ident).Name; ast.IsExported(name) && name != "Error" {
				names[name] = true
			}
		}
		return true
	})
}

// TestEveryMetricIsDocumented compares what the code counts with the tables: the
// names in files that write metric lines are metrics, units or dimensions.
func TestEveryMetricIsDocumented(t *testing.T) {
	name := regexp.MustCompile(`^[A-Z][A-Za-z]+$`)
	other := []string{"Count", "Milliseconds", "None", "Instance", "Step"}
	inCode, inPages := make(map[string]bool), make(map[string]bool)
	for file, parsed := range shipped(t) {
		if strings.HasPrefix(file, "pkg/emf/") || !slices.Contains(imports(parsed), "databrain-rotation/pkg/emf") {
			continue
		}
		for _, text := range literals(parsed) {
			if name.MatchString(text) && !slices.Contains(other, text) {
				inCode[text] = true
			}
		}
	}
	for _, folder := range functions(t) {
		maps.Copy(inPages, firstColumn(t, folder+"/README.md", "Metrics"))
	}
	if diff := cmp.Diff(inCode, inPages); diff != "" {
		t.Errorf("metrics (-code +READMEs of the functions):\n%s", diff)
	}
}

// TestEveryGapIsDocumented compares the classes of coverage gaps with the runbook's.
func TestEveryGapIsDocumented(t *testing.T) {
	inCode := make(map[string]bool)
	for _, parsed := range shipped(t) {
		ast.Inspect(parsed, func(n ast.Node) bool {
			if spec, ok := n.(*ast.ValueSpec); ok && len(spec.Values) == 1 {
				typ, _ := spec.Type.(*ast.Ident)
				value, _ := spec.Values[0].(*ast.BasicLit)
				if typ != nil && value != nil && typ.Name == "GapClass" {
					inCode[strings.Trim(value.Value, `"`)] = true
				}
			}
			return true
		})
	}
	if diff := cmp.Diff(inCode, firstColumn(t, ".github/RUNBOOK.md", "Alarms")); diff != "" {
		t.Errorf("classes of gaps (-code +runbook):\n%s", diff)
	}
}

// TestEveryReportIsDocumented compares the forms of the report with the audit's table.
func TestEveryReportIsDocumented(t *testing.T) {
	inCode := make(map[string]bool)
	for _, file := range report.Files() {
		inCode[file.Name] = true
	}
	if diff := cmp.Diff(inCode, firstColumn(t, "functions/audit/README.md", "Reports")); diff != "" {
		t.Errorf("reports (-code +README):\n%s", diff)
	}
}

// firstColumn returns the names between backticks in the first column of the tables
// under a heading.
func firstColumn(t *testing.T, file, heading string) map[string]bool {
	t.Helper()
	_, section, found := strings.Cut(page(t, file), "\n## "+heading+"\n")
	section, _, _ = strings.Cut(section, "\n## ")
	names := make(map[string]bool)
	for _, row := range regexp.MustCompile("(?m)^\\| (`[^|]+) \\|").FindAllStringSubmatch(section, -1) {
		for _, name := range codes.FindAllStringSubmatch(row[1], -1) {
			names[name[1]] = true
		}
	}
	if !found || len(names) == 0 {
		t.Fatalf("%s has no table under the heading %s", file, heading)
	}
	return names
}

// TestEveryErrorHasADiagnosis: whatever the rotation fails with, a diagnosis has a
// code for it.
func TestEveryErrorHasADiagnosis(t *testing.T) {
	names := make(map[string]bool)
	for file, parsed := range shipped(t) {
		if filepath.Dir(file) == "pkg/rotation" {
			errorTypes(parsed, names)
		}
	}
	if len(names) < 20 {
		t.Fatalf("only %d errors found", len(names))
	}
	for name := range names {
		of := diagnosis.OfError(rotation.Name(name))
		if len(of) == 0 ||
			slices.ContainsFunc(of, func(c diagnosis.Code) bool { return !slices.Contains(diagnosis.Codes(), c) }) {
			t.Errorf("%s has the codes %v", name, of)
		}
	}
}

// TestEveryProblemIsInTheRunbook compares the codes of a diagnosis with the runbook's
// table.
func TestEveryProblemIsInTheRunbook(t *testing.T) {
	inCode := make(map[string]bool)
	for _, code := range diagnosis.Codes() {
		inCode[string(code)] = true
	}
	if diff := cmp.Diff(inCode, firstColumn(t, ".github/RUNBOOK.md", "Problems")); diff != "" {
		t.Errorf("codes (-code +runbook):\n%s", diff)
	}
}
