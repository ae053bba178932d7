package template_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"databrain-rotation/pkg/audit/finding"
	"databrain-rotation/pkg/audit/report"
)

// transformer is an input transformer of EventBridge.
type transformer struct {
	InputPathsMap map[string]string
	InputTemplate string
}

// insert does what "Amazon EventBridge input transformation" documents
// (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html):
// a text takes the place of its variable without an escape, and a path that leads nowhere
// leaves nothing.
func (tr transformer) insert(event tree) string {
	return regexp.MustCompile(`<([A-Za-z0-9_-]+)>`).
		ReplaceAllStringFunc(tr.InputTemplate, func(variable string) string {
			path, known := tr.InputPathsMap[strings.Trim(variable, "<>")]
			if !known {
				return "\x00" // AWS refuses the template
			}
			switch value := follow(event, path).(type) {
			case nil:
				return ""
			case string:
				return value
			default:
				return fmt.Sprint(value)
			}
		})
}

// follow walks along a JSON path with names and indexes, such as $.detail.digest.worst[0].
func follow(v any, path string) any {
	for step := range strings.SplitSeq(strings.TrimPrefix(path, "$."), ".") {
		name, index, indexed := strings.Cut(strings.TrimSuffix(step, "]"), "[")
		v = get(v, name)
		if indexed {
			elements, _ := v.([]any)
			i, err := strconv.Atoi(index)
			if err != nil || i >= len(elements) {
				return nil
			}
			v = elements[i]
		}
	}
	return v
}

// fill returns the message that the target gets of a template of lines, each of which
// has to be a JSON string afterwards.
func (tr transformer) fill(event tree) (string, error) {
	filled := tr.insert(event)
	var lines []string
	for line := range strings.SplitSeq(filled, "\n") {
		var text string
		if err := json.Unmarshal([]byte(line), &text); err != nil {
			return "", fmt.Errorf("%q: %w", line, err)
		}
		lines = append(lines, text)
	}
	return strings.Join(lines, "\n"), nil
}

// transformerOf is the one of a rule of the template.
func transformerOf(t *testing.T, resources tree, rule string) (tr transformer) {
	t.Helper()
	data, err := json.Marshal(get(resources[rule], "Properties.Targets").([]any)[0].(tree)["InputTransformer"])
	if err == nil {
		err = json.Unmarshal(data, &tr)
	}
	if err != nil || len(tr.InputPathsMap) == 0 {
		t.Fatalf("%s: %v, %v", rule, tr, err)
	}
	return tr
}

// documentedTransformer is the one of a rule that the page of the audit tells operators
// to make, as a shell hands it to the AWS CLI.
func documentedTransformer(t *testing.T, rule string) transformer {
	t.Helper()
	block := regexp.MustCompile(`(?s)put-targets --rule ` + rule + ` --targets '(\[.*?\])'\n`).
		FindStringSubmatch(page(t, "functions/audit/README.md"))
	if block == nil {
		t.Fatalf("the page of the audit has no put-targets for %s", rule)
	}
	var targets []struct{ InputTransformer transformer }
	if err := json.Unmarshal([]byte(block[1]), &targets); err != nil || len(targets) != 1 {
		t.Fatalf("%d targets, %v", len(targets), err)
	}
	return targets[0].InputTransformer
}

// hostileNames try to end the JSON string that they are inserted into.
var hostileNames = []string{
	`"`, `\`, `\"`, `a"b\c`, `\u0022`, `","x":"y`, "line\nend\r\n", "\x00\t\x7f", "\u2028", "<title>",
	"<description>", "${AWS::Region}", "", " ",
	"<!channel>", "@here", "<@U012AB3CD>", "&lt;!channel&gt;", "@\u200bchannel", "\u2066@everyone\u2069", "<at>all</at>",
	"[x](https://evil.example)", "<https://evil.example|x>", "*b* _i_ ~s~ `c`", "```\n# h",
	"👩\u200d💻", "می\u200cخواهم", "\u202eevil", "\xff", "e" + strings.Repeat("\u0301", 60), strings.Repeat(`"`, 300),
}

// hostileEvents are the events of a run in which each name from outside, in the
// instance or in the policy, is hostile, those of findings and the one that ends it.
func hostileEvents(t *testing.T) (findings, completed []tree) {
	t.Helper()
	at := time.Date(2026, time.March, 1, 6, 0, 0, 0, time.UTC)
	r := &report.Report{EmittedAt: at, Summary: report.Summary{
		Instance: "https://databrain.example.com", RunID: "9b1deb4d-0000-4000-8000-000000000001",
	}}
	for _, name := range hostileNames {
		for _, check := range finding.Checks() {
			r.Findings = append(r.Findings, finding.Finding{
				ID: "dbt1-0", Check: check, Severity: finding.Critical, State: finding.New, FirstSeen: at, LastSeen: at,
				DataApp: name, Rule: name, MaxAgeDays: 90, Token: &finding.Token{Fingerprint: "0",
					Name: finding.ShownName(name), CreatedAt: at},
				Exception: &finding.Exception{ID: name, Reason: name, Owner: name, ExpiresAt: name},
				Gap:       &finding.Gap{DataApp: name, Class: finding.GapServer, Status: 502, Attempts: 4},
				ManagedBy: &finding.ManagedBy{Secret: name, Also: []string{name}},
			})
		}
	}
	r.Telling = finding.Tell(r.Findings, finding.FirstRun, len(r.Findings))
	for e := range r.Events() {
		findings = append(findings, sent(t, e))
	}
	all := r.Findings
	for i, name := range hostileNames {
		r.Summary.Notes, r.Summary.Report = nil, "s3://bucket/"+name
		r.Note(name)
		r.Findings = all[i*len(finding.Checks()):]
		r.Telling = finding.Tell(r.Findings, finding.FirstRun, i%3)
		r.Memory = finding.MemoryKind(i % 4)
		r.Summary.Counts = report.Counts{Findings: len(r.Findings), BySeverity: report.BySeverity{Critical: len(r.Findings)}}
		completed = append(completed, sent(t, r.Completed()))
	}
	return findings, completed
}

// sent is an event as EventBridge hands it on.
func sent(t *testing.T, e report.Event) tree {
	t.Helper()
	detail, err := report.EncodeDetail(e.Detail)
	if err != nil {
		t.Fatal(err)
	}
	var decoded tree
	if err := json.Unmarshal([]byte(detail), &decoded); err != nil {
		t.Fatal(err)
	}
	return tree{
		"time": "2026-03-01T06:00:00Z", "region": "us-east-1", "source": report.EventSource,
		"detail-type": e.DetailType, "detail": decoded,
	}
}

// TestTransformersMakeValidMessages fills the mails on findings with hostile names.
func TestTransformersMakeValidMessages(t *testing.T) {
	template, err := parse(readTemplate(t))
	if err != nil {
		t.Fatal(err)
	}
	findings, completed := hostileEvents(t)
	for name, tr := range map[string]transformer{
		"FindingRule": transformerOf(t, deploy(template, scenarios["defaults"]), "FindingRule"),
		"README":      documentedTransformer(t, "databrain-new-critical"),
	} {
		for _, event := range findings {
			message, err := tr.fill(event)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			for _, member := range []string{"finding.title", "finding.description", "remediation.text"} {
				if text := get(event, "detail."+member).(string); !strings.Contains(message, text) {
					t.Fatalf("%s: the message does not hold %q: %s", name, text, message)
				}
			}
		}
	}
	for name, c := range map[string]struct {
		tr      transformer
		members []string
	}{
		"FurtherFindingsRule": {
			transformerOf(t, deploy(template, scenarios["defaults"]), "FurtherFindingsRule"),
			[]string{"$.detail.message.title", "$.detail.message.text"},
		},
		"digest": {
			documentedTransformer(t, "databrain-digest"),
			[]string{
				"$.detail.digest.title", "$.detail.digest.counts", "$.detail.digest.changes", "$.detail.digest.worst[0]",
				"$.detail.digest.worst[4]", "$.detail.digest.notes", "$.detail.digest.report",
			},
		},
	} {
		for _, event := range completed {
			message, err := c.tr.fill(event)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			for _, path := range c.members {
				if text, ok := follow(event, path).(string); !ok || !strings.Contains(message, text) {
					t.Fatalf("%s: the message does not hold %s, %q: %s", name, path, text, message)
				}
			}
		}
	}
}

// TestRotationMailIsValid fills the mail on a failed rotation. The error in the event
// is a text of AWS that may hold anything.
func TestRotationMailIsValid(t *testing.T) {
	template, err := parse(readTemplate(t))
	if err != nil {
		t.Fatal(err)
	}
	tr := transformerOf(t, deploy(template, scenarios["defaults"]), "RotationFailedRule")
	for _, text := range hostileNames {
		message, err := tr.fill(tree{"time": "2026-03-01T06:00:00Z", "region": "us-east-1", "detail": tree{
			"eventName": "RotationFailed", "errorMessage": text, "additionalEventData": tree{"SecretId": tokenSecret,
				"error": text},
		}})
		if err != nil || !strings.Contains(message, tokenSecret) {
			t.Fatalf("%v: %s", err, message)
		}
	}
}

// TestRotatedMail fills the optional message with the event that AWS's page shows, and
// sees that only NotifyRotated makes the rule.
func TestRotatedMail(t *testing.T) {
	template, err := parse(readTemplate(t))
	if err != nil {
		t.Fatal(err)
	}
	for name, parameters := range scenarios {
		if made := deploy(template, parameters)["RotatedRule"] != nil; made != (parameters["NotifyRotated"] == "true") {
			t.Errorf("%s: the rule is there: %v", name, made)
		}
	}
	tr := transformerOf(t, deploy(template, scenarios["everything"]), "RotatedRule")
	message, err := tr.fill(tree{"time": "2026-03-01T06:00:00Z", "region": "us-east-1", "detail": tree{
		"name": "databrain/api-token/portal", "labelUpdated": "AWSCURRENT",
		"versionId": "4f1d9a52-6c1e-4b37-9d0a-2f5e8c7b1a60",
	}})
	for _, word := range []string{"databrain/api-token/portal", "4f1d9a52-6c1e-4b37-9d0a-2f5e8c7b1a60", "#rotatedrule"} {
		if err != nil || !strings.Contains(message, word) {
			t.Errorf("%v: no %s in %s", err, word, message)
		}
	}
}

// TestRawNamesWouldBreakAMail shows that the tests above can fail.
func TestRawNamesWouldBreakAMail(t *testing.T) {
	tr := transformer{map[string]string{"app": "$.detail.dataApp.name"}, `"<app>"`}
	if message, err := tr.fill(tree{"detail": tree{"dataApp": tree{"name": `a"b`}}}); err == nil {
		t.Errorf("%q", message)
	}
}
