package render

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Notification is a custom notification for Amazon Q Developer in chat applications, as
// far as the template uses its schema
// (https://docs.aws.amazon.com/chatbot/latest/adminguide/custom-notifs.html).
type Notification struct {
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

// AWS's page names no lengths. These are what a header and a section of a message in
// Slack hold (https://docs.slack.dev/reference/block-kit/blocks).
const (
	maxTitle = 150
	maxText  = 3000
)

// ParseNotification reads a message strictly. What a chat would not show as it is meant
// is an error.
func ParseNotification(message string) (n Notification, err error) {
	d := json.NewDecoder(strings.NewReader(message))
	d.DisallowUnknownFields()
	if err := d.Decode(&n); err != nil {
		return n, fmt.Errorf("%s: %w", message, err)
	}
	c := &n.Content
	tooLong := func(text string) bool { return utf8.RuneCountInString(text) > maxText }
	fault := ""
	switch {
	case d.More():
		fault = "more than one value"
	case n.Version != "1.0" || n.Source != "custom" || c.TextType != "client-markdown":
		fault = "no custom notification"
	case c.Title == "" || c.Description == "" || n.Metadata.ThreadID == "" || slices.Contains(c.NextSteps, ""):
		fault = "an empty text"
	case utf8.RuneCountInString(c.Title) > maxTitle || tooLong(c.Description) || slices.ContainsFunc(c.NextSteps, tooLong):
		fault = "a text that is too long"
	default:
		return n, nil
	}
	return n, fmt.Errorf("%s: %s", fault, message)
}

// Texts returns all that a person reads of n, one text a line.
func (n *Notification) Texts() string {
	return strings.Join(append([]string{n.Content.Title, n.Content.Description}, n.Content.NextSteps...), "\n")
}
