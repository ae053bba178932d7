package template_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"databrain-rotation/pkg/audit/finding"
	"databrain-rotation/scripts/check/render"
)

// TestChatMessagesAreValid fills the chat form of each rule with hostile names. None of
// them can end a string, hide text, mention somebody or pose as a link.
func TestChatMessagesAreValid(t *testing.T) {
	template, err := parse(readTemplate(t))
	if err != nil {
		t.Fatal(err)
	}
	resources := deploy(template, with(scenarios["everything"], map[string]string{"MessageFormat": "chat"}))
	findings, completed := hostileEvents(t)
	moved := tree{"time": "2026-03-01T06:00:00Z", "region": "us-east-1", "detail": tree{
		"name": "databrain/service-token", "labelUpdated": "AWSCURRENT", "versionId": "4f1d9a52-6c1e-4b37-9d0a-2f5e8c7b1a60",
	}}
	failed := func(secret string) (events []tree) {
		for _, text := range hostileNames {
			events = append(events, tree{"time": "2026-03-01T06:00:00Z", "region": "us-east-1", "detail": tree{
				"eventName": "RotationFailed", "errorMessage": text, "additionalEventData": tree{"SecretId": secret, "error": text},
			}})
		}
		return events
	}
	rules := map[string]struct {
		events []tree
		says   []string // paths whose texts the notification holds
	}{
		"FindingRule": {findings, []string{
			"$.detail.finding.title", "$.detail.finding.id", "$.detail.message.text", "$.detail.message.todo",
		}},
		"FurtherFindingsRule": {withRest(completed), []string{
			"$.detail.message.title", "$.detail.message.text", "$.detail.summary.runId",
		}},
		"RotationFailedRule": {failed(tokenSecret), []string{"$.detail.eventName",
			"$.detail.additionalEventData.SecretId"}},
		"ApiTokenRotationFailedRule": {failed(apiToken), []string{"$.detail.eventName",
			"$.detail.additionalEventData.SecretId"}},
		"RotatedRule": {[]tree{moved}, []string{"$.detail.name", "$.detail.versionId", "$.time"}},
	}
	if got := ofType(resources, "AWS::Events::Rule"); !slices.Equal(got, slices.Sorted(maps.Keys(rules))) {
		t.Errorf("the rules are %v", got)
	}
	for rule, c := range rules {
		tr := transformerOf(t, resources, rule)
		if len(c.events) == 0 {
			t.Errorf("%s: no events", rule)
		}
		for _, event := range c.events {
			n, err := render.ParseNotification(tr.insert(event))
			if err != nil {
				t.Fatalf("%s: %v", rule, err)
			}
			all := n.Texts() + "\n" + n.Metadata.ThreadID
			for _, path := range c.says {
				if text, ok := follow(event, path).(string); !ok || !strings.Contains(all, text) {
					t.Fatalf("%s: the notification does not hold %s, %q: %s", rule, path, text, all)
				}
			}
		}
	}
}

// withRest are the events that tell of findings without a message of their own.
func withRest(completed []tree) (events []tree) {
	for _, event := range completed {
		if follow(event, "$.detail.message") != nil {
			events = append(events, event)
		}
	}
	return events
}

// TestNoNameCallsAChannel looks at every text for a chat but the address of the report,
// which the operator has chosen.
func TestNoNameCallsAChannel(t *testing.T) {
	findings, completed := hostileEvents(t)
	seen := 0
	for _, event := range append(findings, completed...) {
		report, _ := follow(event, "$.detail.summary.report").(string)
		for _, path := range []string{
			"$.detail.message.text", "$.detail.message.todo", "$.detail.digest.title", "$.detail.digest.counts",
			"$.detail.digest.changes", "$.detail.digest.worst[0]", "$.detail.digest.worst[4]", "$.detail.digest.notes",
		} {
			text, _ := follow(event, path).(string)
			text = strings.TrimSuffix(text, "All findings are in "+finding.Plain(report))
			seen += len(text)
			if i := strings.IndexAny(text, "<>&@[]*~`\u2066\u2069\u200b\u202e"); i >= 0 {
				t.Errorf("%s: %q holds %q", path, text, text[i:])
			}
		}
	}
	if seen == 0 {
		t.Error("no text was looked at")
	}
}

// TestNotificationsAreReadStrictly: what a chat drops or shows otherwise is an error.
func TestNotificationsAreReadStrictly(t *testing.T) {
	const good = `{"version":"1.0","source":"custom","content":{"textType":"client-markdown","title":"t",` +
		`"description":"d","nextSteps":["s"]},"metadata":{"threadId":"x","summary":"t","eventType":"e"}}`
	if n, err := render.ParseNotification(good); err != nil || n.Texts() != "t\nd\ns" {
		t.Errorf("%v, %q", err, n.Texts())
	}
	for name, change := range map[string][2]string{
		"plain text":        {good, `"Databrain token audit"`},
		"no JSON":           {`"t"`, `"a"b"`},
		"two values":        {`}}`, `}}{}`},
		"another version":   {`"1.0"`, `"2.0"`},
		"another source":    {`"custom"`, `"aws.events"`},
		"plain content":     {`"client-markdown"`, `"plain"`},
		"an unknown member": {`"threadId"`, `"thread":"x","threadId"`},
		"no description":    {`"description":"d"`, `"description":""`},
		"an empty step":     {`["s"]`, `["s",""]`},
		"a long title":      {`"title":"t"`, `"title":"` + strings.Repeat("t", 151) + `"`},
		"a long text":       {`"d"`, `"` + strings.Repeat("d", 3001) + `"`},
	} {
		if _, err := render.ParseNotification(strings.Replace(good, change[0], change[1], 1)); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}
