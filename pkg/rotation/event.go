package rotation

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"

	"databrain-rotation/pkg/databrain"
)

// The steps, as Secrets Manager names them.
const (
	StepCreate = "createSecret"
	StepSet    = "setSecret"
	StepTest   = "testSecret"
	StepFinish = "finishSecret"
)

// Event is what Secrets Manager sends for one step ("Rotation function overview",
// AWS Secrets Manager user guide).
type Event struct {
	Step     string
	SecretID string
	// Version is the ClientRequestToken: the id of the version being rotated in.
	Version string
	// RotationToken authorises PutSecretValue when rotation runs across accounts.
	// It is a credential. Empty if the event has none.
	RotationToken databrain.Secret
}

// Attrs are what tells the log lines of one step from those of others.
func (e Event) Attrs() []any {
	return []any{slog.String("step", e.Step), slog.String("secret", e.SecretID), slog.String("version", e.Version)}
}

// longestMember bounds the members of an event, in bytes: the longest is SecretId
// ("DescribeSecret", AWS Secrets Manager API reference).
const longestMember = 2048

// ParseEvent decodes the payload of an invocation. The error is a
// [*MalformedEvent], which names the members at fault and shows no value.
func ParseEvent(payload []byte) (Event, error) {
	var in struct {
		Step, ClientRequestToken, RotationToken any
		SecretID                                any `json:"SecretId"`
	}
	if err := json.Unmarshal(payload, &in); err != nil {
		return Event{}, &MalformedEvent{problem{text: "the event is not a JSON object; nothing was done. " +
			"Invoke the function through a rotation of Secrets Manager, or with a payload such as those in events/"}}
	}
	var missing []string
	text := func(name string, v any, required bool) string {
		s, ok := v.(string)
		if (required || v != nil) && (!ok || s == "" || len(s) > longestMember) {
			missing = append(missing, name)
		}
		return s
	}
	e := Event{
		Step: text("Step", in.Step, true), SecretID: text("SecretId", in.SecretID, true),
		Version:       text("ClientRequestToken", in.ClientRequestToken, true),
		RotationToken: databrain.NewSecret(text("RotationToken", in.RotationToken, false)),
	}
	if missing != nil {
		return Event{}, &MalformedEvent{problem{text: fmt.Sprintf("the event lacks a usable string in: %s; nothing was done. "+
			"It must be the event of a Secrets Manager rotation", strings.Join(missing, ", "))}}
	}
	return e, nil
}
