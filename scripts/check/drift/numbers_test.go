package drift_test

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"go/types"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"databrain-rotation/pkg/databrain"
	"databrain-rotation/pkg/rotation/diagnosis"
	"databrain-rotation/pkg/standin/secretsmanagertest/conformance"
	"databrain-rotation/scripts/check/render"
)

// claim is a phrase of a page, with a %v for each number that says something of the
// code. The numbers are computed from the code.
type claim struct {
	page, phrase string
	numbers      []any
}

// claims are all numbers of the pages that follow from the code.
func claims(t *testing.T) []claim {
	t.Helper()
	template, err := render.Parse(page(t, "template.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	stack := render.Deploy(template, map[string]string{
		"AdminSecretArn": "arn", "ApiTokenSecretPrefix": "prefix/", "DatabrainBaseUrl": "https://databrain.example.com",
	})
	of := func(path string) int { return render.Get(stack, path).(int) }
	parameter := func(path string) any { return render.Get(template, "Parameters."+path) }
	c := func(file, name string) int64 { return constantOf(t, file, name) }

	const exits = "scripts/audit/main.go"
	interval := regexp.MustCompile(`\d+`).FindString(parameter("RotationScheduleExpression.Default").(string))
	perMinute, minutes := parameter("AuditRequestsPerMinute.Default").(int), of("AuditFunction.Properties.Timeout")/60
	reach := comma(perMinute * (minutes - 1)) // less a minute for the list and for what comes after
	digits := len(databrain.NewSecret("key").Fingerprint())
	memory := of("AuditFunction.Properties.MemorySize")
	alarms := 0
	for _, r := range stack {
		if render.Get(r, "Type") == "AWS::CloudWatch::Alarm" {
			alarms++
		}
	}
	window := of("AuditSchedule.Properties.FlexibleTimeWindow.MaximumWindowInMinutes")
	missing := of("AuditCompletedMissing.Properties.Period") * of("AuditCompletedMissing.Properties.EvaluationPeriods")
	// Of the three quarters of the memory that the heap has.
	share := func(name string) int64 { return 75 / c("functions/audit/handler.go", name) }
	mutants, rows := elements(t, "scripts/check/mutants/table.go", "mutants"), len(conformance.Moto())
	const (
		front, rotate, audit  = "README.md", "functions/rotate/README.md", "functions/audit/README.md"
		apiToken, figures     = "functions/rotate-api-token/README.md", "scripts/bench/README.md"
		contributing, runbook = ".github/CONTRIBUTING.md", ".github/RUNBOOK.md"
	)
	clock := c("pkg/audit/finding/check_token.go", "clockSkew") / int64(time.Minute)
	bounded := int((diagnosis.Longest + time.Second) / time.Second) // with a second for the rest of the invocation
	functions := 0
	for _, r := range stack {
		if render.Get(r, "Type") == "AWS::Serverless::Function" {
			functions++
		}
	}
	proof := func(file, name string) int { return elements(t, "pkg/rotation/"+file, name) }
	return []claim{
		{front, "%v AWS Lambda functions in Go", []any{capital(number(functions))}},
		{front, "Its status is %v if all is well, %v if the audit failed", []any{c(exits, "clean"), c(exits, "failed")}},
		{front, ", %v if a finding of severity", []any{c(exits, "findings")}},
		{front, "and else %v if something could not be read", []any{c(exits, "partial")}},
		{front, "within %v days at the latest", []any{interval}},
		{front, "first %v hex digits of the key's SHA-256", []any{digits}},
		{front, "At %v requests a minute, an audit reaches about %v data apps in its %v minutes",
			[]any{perMinute, reach, minutes}},
		{audit, "At %v requests a minute a run reaches about %v data apps in its %v minutes",
			[]any{perMinute, reach, minutes}},
		{audit, "first %v hex digits of the key's SHA-256", []any{digits}},
		{audit, "a run starts within %v minutes", []any{window}},
		{audit, "of their own, %v to %v |",
			[]any{parameter("AuditMessagesPerRun.MinValue"), parameter("AuditMessagesPerRun.MaxValue")}},
		{audit, "a first run that finds 300 critical tokens sends %v messages: one for each of the %v worst findings",
			[]any{parameter("AuditMessagesPerRun.Default").(int) + 1, parameter("AuditMessagesPerRun.Default")}},
		{audit, "over %v minutes in the future", []any{clock}},
		{audit, "(the first %v, and how many", []any{c("pkg/audit/finding/policy_parse.go", "maxPolicyFaults")}},
		{audit, "at most %v of the worst findings", []any{c("pkg/audit/report/summary.go", "maxWorst")}},
		{audit, "at most %v %% of the function's memory", []any{share("stateShare")}},
		{audit, "at most %v %% of the memory, and one data app at most half of that", []any{share("runShare")}},
		{audit, "leaves %v seconds for the rest", []any{c("pkg/audit/auditor.go", "afterImport") / int64(time.Second)}},
		{audit, "With the %v MB and the", []any{memory}},
		{figures, "default of %v requests in flight", []any{parameter("AuditConcurrency.Default")}},
		{figures, "At the default of %v requests a minute", []any{perMinute}},
		{figures, "%v minutes (the most that Lambda allows) for %v", []any{minutes, reach}},
		{figures, "gives the rotation %v MB", []any{of("RotateFunction.Properties.MemorySize")}},
		{figures, "It gives the audit %v MB", []any{memory}},
		{rotate, "answers within %v seconds whatever hangs", []any{bounded}},
		{rotate, "list of data apps over %v MiB", []any{c("pkg/databrain/client.go", "maxAnswer") >> 20}},
		{rotate, "noticed by a test | %v of %v |", []any{mutants, mutants}},
		{rotate, "both contracts, %v starting states,", []any{proof("setups_test.go", "starts")}},
		{apiToken, "both contracts, %v starting states and %v variants |",
			[]any{number(proof("keyworld_test.go", "keyStarts")), proof("keyworld_test.go", "keyVariants")}},
		{apiToken, "in at most %v of them", []any{c("pkg/rotation/apitoken_list.go", "mostSearched")}},
		{apiToken, "answers within %v seconds whatever hangs", []any{bounded}},
		{apiToken, "first %v hex digits of their SHA-256", []any{digits}},
		{contributing, "moto 5.2.5 differs in %v rows", []any{rows}},
		{".github/SECURITY.md", "%v alarms, with API tokens %v |", []any{number(alarms - 1), number(alarms)}},
		{runbook, "A step failed in the last %v minutes", []any{of("RotateErrorsAlarm.Properties.Period") / 60}},
		{runbook, "rotation failed in the last %v minutes", []any{of("RotateApiTokenErrorsAlarm.Properties.Period") / 60}},
		{runbook, "No audit completed for %v hours", []any{missing / 3600}},
		{runbook, "more data apps than %v minutes allow", []any{minutes}},
	}
}

// elsewhere are the numbers that no code holds, by who does.
var elsewhere = map[string][]string{
	"GNU make":  {"make turns every failure into 2"},
	"Databrain": {"is 500 for an IP address in 2 minutes"},
	"AWS": {"512 MB of `/tmp`", "deletes what was not updated for 90 days",
		"recovery window of 7 to 30 days"},
	"AWS's prices":      {"less than 3 US dollars"},
	"another's program": {"TLS (HTTP/1.1)"},
}

// measured are the sections whose numbers a run gave, by that run.
var measured = map[string][]string{
	"make proof":  {"functions/rotate/README.md#Proof", "functions/rotate-api-token/README.md#Proof"},
	"make bench":  {"scripts/bench/README.md"},
	"the figures": {"functions/audit/README.md#Limits"}, // of the memory, by the audits that the page describes
	"a bill":      {".github/SECURITY.md#Costs"},
}

// kinds are numbers that say nothing of the code.
var kinds = []*regexp.Regexp{
	fenced,
	regexp.MustCompile(`(?s)<!-- (\w+) -->.*?<!-- /\w+ -->`), // written by make bench
	codes,
	regexp.MustCompile(`\]\([^)]*\)`),
	regexp.MustCompile(`(?m)^ *\d+\. `), // items of a list
	regexp.MustCompile(`\bsteps? \d`),
	regexp.MustCompile(`\b(AWS CLI|Python|OCSF|moto|CycloneDX|S3) \d[\d.]*`), // names with versions
	regexp.MustCompile(`\b(answers|status|a|not) [1-5]\d\d\b( or [1-5]\d\d)?`),
	regexp.MustCompile(`\b(TCP|on) 443\b`),
	regexp.MustCompile(`(\| [01] (for|if)|, 0 for|is 0,)`), // values of metrics and settings
}

var loneNumber = regexp.MustCompile(`(?:^|[^\w.\-/])(\d(?:[\d,.]*\d)?)(?:$|[^\w\-])`)

// TestNumbersFollowFromTheCode: each claim is on its page, with the numbers that the
// code gives, and no page has a number of which nothing says where it is from.
func TestNumbersFollowFromTheCode(t *testing.T) {
	pages := maps.Clone(documents(t))
	maps.DeleteFunc(pages, func(name, _ string) bool { return name == "scripts/e2e/DIFFERENCES.md" }) // of other programs
	for _, c := range claims(t) {
		phrase := fmt.Sprintf(c.phrase, c.numbers...)
		if !strings.Contains(pages[c.page], phrase) {
			t.Errorf("%s does not say %q", c.page, phrase)
		}
		pages[c.page] = strings.ReplaceAll(pages[c.page], phrase, "")
	}
	for holder, phrases := range elsewhere {
		for _, phrase := range phrases {
			seen := false
			for name, text := range pages {
				seen = seen || strings.Contains(text, phrase)
				pages[name] = strings.ReplaceAll(text, phrase, "")
			}
			if !seen {
				t.Errorf("no page says %q, which %s holds", phrase, holder)
			}
		}
	}
	for _, places := range measured {
		for _, place := range places {
			name, heading, _ := strings.Cut(place, "#")
			rest, ok := withoutSection(pages[name], heading)
			if !ok {
				t.Errorf("there is no %s", place)
			}
			pages[name] = rest
		}
	}
	for name, text := range pages {
		for _, stray := range strayNumbers(text) {
			t.Errorf("%s: nothing says where the number comes from in %q", name, stray)
		}
	}
}

// withoutSection leaves out a section of the second level; all of the page if heading
// is "".
func withoutSection(text, heading string) (rest string, found bool) {
	if heading == "" {
		return "", text != ""
	}
	before, section, found := strings.Cut(text, "\n## "+heading+"\n")
	_, after, _ := strings.Cut(section, "\n## ")
	return before + "\n## " + after, found
}

// strayNumbers are the lines with numbers that are of no kind.
func strayNumbers(text string) (lines []string) {
	for _, kind := range kinds {
		text = kind.ReplaceAllString(text, " … ")
	}
	for line := range strings.SplitSeq(text, "\n") {
		if loneNumber.MatchString(line) {
			lines = append(lines, line)
		}
	}
	return lines
}

func TestStrayNumbers(t *testing.T) {
	for text, want := range map[string]int{
		"there are 12 checks": 1, "| 1,234 |": 1, "7 to 30": 1, "99 % of it": 1, "N + 2": 1, "x 3.5\n4": 2,
		"1. first\n2. second": 0, "answers 401 or 400": 0, "`12`": 0, "arm64, x86_64, UTF-8, SHA-256": 0, "step 4": 0,
		"OCSF 1.6.0": 0, "[a](b#c-2)": 0, "```\n12\n```": 0,
	} {
		if got := strayNumbers(text); len(got) != want {
			t.Errorf("%q: %q", text, got)
		}
	}
}

// comma writes 2800 as 2,800.
func comma(n int) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%s,%03d", comma(n/1000), n%1000)
}

// number is n in words.
func number(n int) string {
	return []string{"no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"}[n]
}

func capital(word string) string { return strings.ToUpper(word[:1]) + word[1:] }

// declared parses a file and returns the value that it declares as name.
func declared(t *testing.T, file, name string) ast.Expr {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, file), nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var value ast.Expr
	ast.Inspect(parsed, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok && len(spec.Values) == len(spec.Names) {
			for i, declared := range spec.Names {
				if declared.Name == name {
					value = spec.Values[i]
				}
			}
		}
		return true
	})
	if value == nil {
		t.Fatalf("%s declares no %s", file, name)
	}
	return value
}

// constantOf is the value of a constant whose expression has numbers and units of time;
// a time is in nanoseconds.
func constantOf(t *testing.T, file, name string) int64 {
	t.Helper()
	text := types.ExprString(declared(t, file, name))
	for unit, of := range map[string]time.Duration{"time.Second": time.Second, "time.Minute": time.Minute} {
		text = strings.ReplaceAll(text, unit, fmt.Sprint(int64(of)))
	}
	value, err := types.Eval(token.NewFileSet(), nil, token.NoPos, text)
	if err != nil || value.Value == nil {
		t.Fatalf("%s: %s = %s: %v", file, name, text, err)
	}
	n, exact := constant.Int64Val(constant.ToInt(value.Value))
	if !exact {
		t.Fatalf("%s: %s = %s is no whole number", file, name, text)
	}
	return n
}

// elements is how many elements a list has that a file declares.
func elements(t *testing.T, file, name string) int {
	t.Helper()
	list, ok := declared(t, file, name).(*ast.CompositeLit)
	if !ok || slices.Contains(list.Elts, nil) {
		t.Fatalf("%s: %s is no list", file, name)
	}
	return len(list.Elts)
}
