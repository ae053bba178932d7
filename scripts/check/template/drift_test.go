package template_test

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// functionFolders maps each folder of functions/ to its resource: rotate-api-token to
// RotateApiTokenFunction.
func functionFolders(t *testing.T) map[string]string {
	t.Helper()
	entries, err := os.ReadDir("../../../functions")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, e := range entries {
		if e.IsDir() {
			for word := range strings.SplitSeq(e.Name(), "-") {
				out[e.Name()] += strings.ToUpper(word[:1]) + word[1:]
			}
			out[e.Name()] += "Function"
		}
	}
	if len(out) == 0 {
		t.Fatal("functions/ has no folder")
	}
	return out
}

var settingName = regexp.MustCompile(`^[A-Z]+(_[A-Z]+)+$`)

// literals collects the strings in the code of a folder, tests apart.
func literals(t *testing.T, folder string) map[string]bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]bool{}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				if s, err := strconv.Unquote(lit.Value); err == nil {
					out[s] = true
				}
			}
			return true
		})
	}
	return out
}

// settingsRead collects the variables that the code of a folder names.
func settingsRead(t *testing.T, folder string) map[string]bool {
	t.Helper()
	out := literals(t, folder)
	maps.DeleteFunc(out, func(s string, _ bool) bool {
		return !settingName.MatchString(s) || strings.HasPrefix(s, "AWS_")
	})
	if len(out) == 0 {
		t.Fatalf("%s reads no setting", folder)
	}
	return out
}

// What the alarms and the dashboard may name is what the code emits.
func TestMetricsAreEmitted(t *testing.T) {
	for namespace, folder := range map[string]string{"Databrain/TokenAudit": "../../../pkg/audit",
		"Databrain/TokenRotation": "../../../pkg/rotation"} {
		emitted := literals(t, folder)
		for _, name := range append(metrics[namespace], namespace) {
			if !emitted[name] {
				t.Errorf("%s does not emit %q", folder, name)
			}
		}
	}
}

// The template sets what the code reads, no more and no less. SSL_CERT_FILE is
// read by Go's own crypto/x509; the AWS_ variables are the platform's.
func TestTemplateSetsWhatTheCodeReads(t *testing.T) {
	template, err := parse(readTemplate(t))
	if err != nil {
		t.Fatal(err)
	}
	resources := deploy(template, scenarios["everything"])
	for folder, name := range functionFolders(t) {
		want := settingsRead(t, filepath.Join("../../../functions", folder))
		maps.Copy(want, settingsRead(t, "../../../pkg/settings"))
		want["SSL_CERT_FILE"] = true
		variables, _ := get(resources[name], "Properties.Environment.Variables").(tree)
		if diff := cmp.Diff(slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(variables))); diff != "" {
			t.Errorf("%s: variables (-read by the code +set by the template):\n%s", name, diff)
		}
	}
}

func TestEachFunctionHasAResourceAndEvents(t *testing.T) {
	template, err := parse(readTemplate(t))
	if err != nil {
		t.Fatal(err)
	}
	folders := functionFolders(t)
	resources := deploy(template, scenarios["everything"])
	var want []string
	for folder, name := range folders {
		want = append(want, name)
		events, err := filepath.Glob("../../../events/" + folder + "-*.json")
		if err != nil || len(events) == 0 {
			t.Errorf("events/ has no payload for functions/%s (%v)", folder, err)
		}
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, ofType(resources, "AWS::Serverless::Function")); diff != "" {
		t.Errorf("functions (-folders +resources):\n%s", diff)
	}
}

// The four payloads of a function are one rotation: they must name one version of one secret.
func TestRotationEventsAreOneRotation(t *testing.T) {
	want := map[string]string{
		"ClientRequestToken": "4f1d9a52-6c1e-4b37-9d0a-2f5e8c7b1a60",
		"RotationToken":      "b7a0c3de-1f24-4a8b-8e5d-93c6f0d2a417",
	}
	for file, step := range map[string]string{"create": "createSecret", "set": "setSecret", "test": "testSecret",
		"finish": "finishSecret"} {
		for function, secret := range map[string]string{"rotate": tokenSecret, "rotate-api-token": apiToken} {
			var got map[string]string
			readJSON(t, "../../../events/"+function+"-"+file+".json", &got)
			if diff := cmp.Diff(with(want, map[string]string{"Step": step, "SecretId": secret}), got); diff != "" {
				t.Errorf("%s-%s.json (-want +got):\n%s", function, file, diff)
			}
		}
	}
}

// `sam local invoke --env-vars` ignores, without a word, what the template does not declare.
func TestLocalEnvironmentIsDeclared(t *testing.T) {
	template, err := parse(readTemplate(t))
	if err != nil {
		t.Fatal(err)
	}
	resources := deploy(template, scenarios["everything"])
	var local map[string]map[string]string
	readJSON(t, "../../../events/local-env.json", &local)
	for _, name := range ofType(resources, "AWS::Serverless::Function") {
		declared, _ := get(resources[name], "Properties.Environment.Variables").(tree)
		if len(local[name]) == 0 {
			t.Errorf("local-env.json has nothing for %s", name)
		}
		for variable := range local[name] {
			if _, ok := declared[variable]; !ok {
				t.Errorf("local-env.json sets %s of %s, which the template does not declare", variable, name)
			}
		}
		delete(local, name)
	}
	for name := range local {
		t.Errorf("local-env.json names %s, which is no function", name)
	}
}

func readJSON(t *testing.T, path string, into any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// TestEveryParameterIsDocumented compares the tables of settings in the functions'
// READMEs, with their defaults, with the template. The README's short table repeats
// some of the rows.
func TestEveryParameterIsDocumented(t *testing.T) {
	template, err := parse(readTemplate(t))
	if err != nil {
		t.Fatal(err)
	}
	want, got := map[string]string{}, map[string]string{}
	for name, parameter := range get(template, "Parameters").(tree) {
		switch value, given := parameter.(tree)["Default"]; {
		case !given:
			want[name] = "required"
		case value == "":
			want[name] = ""
		default:
			want[name] = fmt.Sprintf("`%v`", value)
		}
	}
	for folder := range functionFolders(t) {
		rows := parameterRows(
			t,
			"functions/"+folder+"/README.md",
			"(?m)^\\| `(\\w+)` \\| (?:`[A-Z_]+` )?\\| ((?:required|`[^`|]+`)?) ?\\|",
		)
		for name, value := range rows {
			if other, twice := got[name]; twice && other != value {
				t.Errorf("%s has the defaults %s and %s in two READMEs", name, other, value)
			}
			got[name] = value
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("parameters and defaults (-template +READMEs of the functions):\n%s", diff)
	}
	short := parameterRows(t, "README.md", "(?m)^\\| `([A-Z]\\w+)` \\| ((?:required|`[^`|]+`)?) ?\\|")
	for name, value := range short {
		if full, known := want[name]; !known || full != value {
			t.Errorf("the README's default of %s is %q, want %q", name, value, full)
		}
	}
	for name, value := range want {
		if _, told := short[name]; value == "required" && !told {
			t.Errorf("the README does not name %s, which is required", name)
		}
	}
}

func parameterRows(t *testing.T, file, pattern string) map[string]string {
	t.Helper()
	rows := map[string]string{}
	for _, row := range regexp.MustCompile(pattern).FindAllStringSubmatch(page(t, file), -1) {
		rows[row[1]] = row[2]
	}
	if len(rows) < 5 {
		t.Errorf("%s: only %d parameters found", file, len(rows))
	}
	return rows
}

func page(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../../..", file))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestRunbookHasEveryAlarm compares the headings of the runbook's alarms with the
// template.
func TestRunbookHasEveryAlarm(t *testing.T) {
	template, err := parse(readTemplate(t))
	if err != nil {
		t.Fatal(err)
	}
	resources := deploy(template, scenarios["everything"])
	alarms := append(ofType(resources, "AWS::CloudWatch::Alarm"), ofType(resources, "AWS::Events::Rule")...)
	_, section, _ := strings.Cut(page(t, ".github/RUNBOOK.md"), "\n## Alarms\n")
	section, _, _ = strings.Cut(section, "\n## ")
	var named []string
	for _, heading := range regexp.MustCompile(`(?m)^### (\w+)$`).FindAllStringSubmatch(section, -1) {
		named = append(named, heading[1])
	}
	slices.Sort(alarms)
	slices.Sort(named)
	if diff := cmp.Diff(alarms, named); diff != "" {
		t.Errorf("alarms (-template +runbook):\n%s", diff)
	}
}

// TestNamedOutputsExist checks what the documents' commands read of the stack.
func TestNamedOutputsExist(t *testing.T) {
	template, err := parse(readTemplate(t))
	if err != nil {
		t.Fatal(err)
	}
	outputs, seen := get(template, "Outputs").(tree), 0
	for _, file := range []string{"README.md", ".github/RUNBOOK.md", "functions/rotate-api-token/README.md"} {
		for _, use := range regexp.MustCompile(`\$\(out (\w+)\)`).FindAllStringSubmatch(page(t, file), -1) {
			if seen++; outputs[use[1]] == nil {
				t.Errorf("%s reads the output %s, which does not exist", file, use[1])
			}
		}
	}
	if seen < 5 {
		t.Errorf("only %d uses of outputs found", seen)
	}
}

// What a parameter allows is what its variable allows: a stack that deploys must not
// stop at its first cold start.
func TestBoundsAgree(t *testing.T) {
	template, err := parse(readTemplate(t))
	if err != nil {
		t.Fatal(err)
	}
	number := regexp.MustCompile(`r\.Int\("([A-Z_]+)", ([0-9_]+), ([0-9_]+), ([0-9_]+)\)`)
	held := 0
	for folder := range functionFolders(t) {
		source, err := os.ReadFile(filepath.Join("../../../functions", folder, "config.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range number.FindAllStringSubmatch(string(source), -1) {
			held++
			parameter := ""
			for word := range strings.SplitSeq(m[1], "_") {
				parameter += word[:1] + strings.ToLower(word[1:])
			}
			for i, name := range []string{"Default", "MinValue", "MaxValue"} {
				want := strings.ReplaceAll(m[i+2], "_", "")
				if got := fmt.Sprint(get(template, "Parameters."+parameter+"."+name)); got != want {
					t.Errorf("%s: %s of parameter %s is %s, the code says %s", m[1], name, parameter, got, want)
				}
			}
		}
	}
	if held < 2 {
		t.Errorf("only %d numbers were compared", held)
	}
}
