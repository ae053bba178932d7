package rotation

import (
	"log/slog"
	"strings"

	"databrain-rotation/pkg/databrain"
	"databrain-rotation/pkg/jsonobject"
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
	return []any{slog.String("step", e.Step), slog.String("secret", e.SecretID),
		slog.String("clientRequestToken", e.Version)}
}

// longestMember bounds the members of an event, in bytes: the longest is SecretId
// ("DescribeSecret", AWS Secrets Manager API reference).
const longestMember = 2048

// ParseEvent decodes the payload of an invocation. The error is a
// [MalformedEvent], which names the members at fault and shows no value.
func ParseEvent(payload []byte) (Event, error) {
	object, err := jsonobject.Parse(payload)
	if err != nil {
		return Event{}, malformedEvent("the event is " + err.Error())
	}
	var missing []string
	text := func(name string, required bool) string {
		value, ok := object.Text(name)
		given := object.Raw(name) != nil && string(object.Raw(name)) != "null"
		if (required || given) && (!ok || value == "" || len(value) > longestMember) {
			missing = append(missing, name)
		}
		return value
	}
	e := Event{
		Step: text("Step", true), SecretID: text("SecretId", true),
		Version:       text("ClientRequestToken", true),
		RotationToken: databrain.NewSecret(text("RotationToken", false)),
	}
	if missing != nil {
		return Event{}, malformedEvent("the event lacks a usable string in: " + strings.Join(missing, ", "))
	}
	return e, nil
}

func malformedEvent(found string) error {
	return &Error{Name: MalformedEvent, Found: found, Left: "nothing was done",
		Next: "Invoke the function through a rotation of Secrets Manager, or with a payload such as those in events/"}
}
