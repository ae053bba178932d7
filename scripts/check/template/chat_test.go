package template_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"databrain-rotation/pkg/audit/finding"
)

// notification is the schema of a custom notification, as far as the template uses it
// (https://docs.aws.amazon.com/chatbot/latest/adminguide/custom-notifs.html).
type notification struct {
	Version string `json:"version"`
	Source  string `json:"source"`
	Content struct {
		TextType    string   `json:"textType"`
		Title       string   `json:"title"`
		Description string   `json:"description"`
		NextSteps   []string `json:"nextSteps"`
	} `json:"content"`
	Metadata struct {
		ThreadID  string `json:"threadId"`
		Summary   string `json:"summary"`
		EventType string `json:"eventType"`
	} `json:"metadata"`
}

// notify returns the notification that a chat gets of an event.
func (tr transformer) notify(event tree) (n notification, err error) {
	filled := tr.insert(event)
	decoder := json.NewDecoder(strings.NewReader(filled))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&n); err != nil {
		return n, fmt.Errorf("%s: %w", filled, err)
	}
	c := n.Content
	switch {
	case decoder.More():
		return n, fmt.Errorf("there is more than one value: %s", filled)
	case n.Version != "1.0" || n.Source != "custom" || c.TextType != "client-markdown":
		return n, fmt.Errorf("no custom notification: %s", filled)
	case c.Title == "" || c.Description == "" || n.Metadata.ThreadID == "" || slices.Contains(c.NextSteps, ""):
		return n, fmt.Errorf("an empty text: %s", filled)
	// AWS's page names no lengths; these are what one section of a message in Slack holds.
	case len([]rune(c.Title)) > 150 || len([]rune(c.Description)) > 3000:
		return n, fmt.Errorf("too long: %s", filled)
	}
	for _, step := range c.NextSteps {
		if len([]rune(step)) > 3000 {
			return n, fmt.Errorf("a step is too long: %s", step)
		}
	}
	return n, nil
}

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
		"RotationFailedRule":         {failed(tokenSecret), []string{"$.detail.eventName", "$.detail.additionalEventData.SecretId"}},
		"ApiTokenRotationFailedRule": {failed(apiToken), []string{"$.detail.eventName", "$.detail.additionalEventData.SecretId"}},
		"RotatedRule":                {[]tree{moved}, []string{"$.detail.name", "$.detail.versionId", "$.time"}},
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
			n, err := tr.notify(event)
			if err != nil {
				t.Fatalf("%s: %v", rule, err)
			}
			all := strings.Join(append([]string{n.Content.Title, n.Content.Description, n.Metadata.ThreadID}, n.Content.NextSteps...), "\n")
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
			text = strings.TrimSuffix(text, "All are in "+finding.Plain(report))
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
