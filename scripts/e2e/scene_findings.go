package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"databrain-rotation/pkg/standin/databraintest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
)

func unmarshal(text string, into any) error { return json.Unmarshal([]byte(text), into) }

// findings plays audit after audit on an instance that changes, and counts the
// messages that the template's rule makes of the events: only of critical findings.
func (s *stack) findings(ctx context.Context) {
	tokens := func(ages ...int) []databraintest.DataApp {
		app := databraintest.DataApp{Name: "Portal"}
		for i, days := range ages {
			app.Tokens = append(app.Tokens, databraintest.APIToken{
				Key:  fmt.Sprintf("00000000-0000-4000-8000-%012d", i),
				Name: fmt.Sprint("token ", i), CreatedAt: time.Now().AddDate(0, 0, -days),
			})
		}
		return []databraintest.DataApp{app}
	}
	const critical, high, gone = 400, 200, -1
	for _, scene := range []struct {
		name, command string
		apps          []databraintest.DataApp
		messages      int
		texts         []string
	}{
		{"two new critical findings are two messages", "AuditNowCommand", tokens(critical, critical, high), 2,
			[]string{"Severity critical, new"}},
		{"ongoing ones are none", "AuditNowCommand", tokens(critical, critical, high), 0, nil},
		{"one that was raised is one", "AuditNowCommand", tokens(critical, critical, critical), 1,
			[]string{"Severity critical, ongoing", "token 2"}},
		{"one that was resolved is none", "AuditNowCommand", tokens(critical, critical), 0, nil},
		{"one that was reopened is one", "AuditNowCommand", tokens(critical, critical, critical), 1,
			[]string{"Severity critical, reopened", "token 2"}},
		{"a dry run is none", "AuditDryRunCommand", tokens(critical, critical, critical, critical), 0, nil},
	} {
		s.check(ctx, "critical findings reach the topic: "+scene.name, func() error {
			s.databrain.SetDataApps(scene.apps)
			got, err := s.audit(ctx, scene.command)
			if err != nil {
				return err
			}
			if want := len(scene.apps[0].Tokens); got.Status != "complete" || got.Counts.Tokens != want {
				return fmt.Errorf("%s with %d tokens, want %d", got.Status, got.Counts.Tokens, want)
			}
			return s.mail.expect(ctx, scene.messages, scene.texts...)
		})
	}
	s.databrain.SetDataApps(tokens(critical, critical, critical)) // what the state knows
}

// failedRotation wants a message of the secret's failed rotation, and none of another
// secret's.
func (s *stack) failedRotation(ctx context.Context, secret string) error {
	for _, failed := range []string{secret, s.adminARN} {
		if err := s.putFailedRotation(ctx, failed); err != nil {
			return err
		}
	}
	return s.mail.expect(ctx, 1, "RotationFailed", secret)
}

// putFailedRotation sends the event that Secrets Manager's failure makes of CloudTrail's
// record (https://docs.aws.amazon.com/secretsmanager/latest/userguide/cloudtrail_log_entries.html).
func (s *stack) putFailedRotation(ctx context.Context, secret string) error {
	return s.tell(ctx, "AWS Service Event via CloudTrail", secret, map[string]any{
		"eventSource": "secretsmanager.amazonaws.com", "eventName": "RotationFailed",
		"errorMessage": "it failed", "additionalEventData": map[string]string{"SecretId": secret},
	})
}

// movedLabel wants a message of AWSCURRENT that moved, and none of another secret's
// (https://docs.aws.amazon.com/secretsmanager/latest/userguide/event-detail-secret-label-updated-secretsmanager.html).
func (s *stack) movedLabel(ctx context.Context, secret string) error {
	for moved, version := range map[string]string{secret: "11111111", s.adminARN: "22222222"} {
		if err := s.tell(ctx, "Secret Label Updated", moved, map[string]any{
			"name": "its name", "labelUpdated": "AWSCURRENT", "versionId": version,
		}); err != nil {
			return err
		}
	}
	return s.mail.expect(ctx, 1, "AWSCURRENT of the secret its name", "11111111")
}

// tell sends an event about a secret in the name of Secrets Manager.
func (s *stack) tell(ctx context.Context, detailType, secret string, detail map[string]any) error {
	text, err := json.Marshal(detail)
	if err != nil {
		return err
	}
	out, err := s.events.PutEvents(ctx, &eventbridge.PutEventsInput{Entries: []ebtypes.PutEventsRequestEntry{{
		Source: aws.String("aws.secretsmanager"), DetailType: aws.String(detailType), Resources: []string{secret},
		Detail: aws.String(string(text)),
	}}})
	if err != nil {
		return err
	}
	if out.FailedEntryCount > 0 {
		return fmt.Errorf("the event was refused: %s", aws.ToString(out.Entries[0].ErrorMessage))
	}
	return nil
}

// failingAudit starts an audit as the Scheduler does, asynchronously, with a service
// token that Databrain rejects.
func (s *stack) failingAudit(ctx context.Context) error {
	token := s.databrain.CurrentToken()
	s.databrain.SetToken("11111111-2222-4333-8444-555555555555")
	defer s.databrain.SetToken(token)
	url, err := s.failureQueue(ctx)
	if err != nil {
		return err
	}
	event := "file://" + filepath.Join(s.root, "events", "audit-scheduled.json")
	if err := s.aws(ctx, nil, "lambda", "invoke", "--invocation-type", "Event", "--cli-binary-format", "raw-in-base64-out",
		"--function-name", s.outputs["AuditFunctionArn"], "--payload", event, filepath.Join(s.dir, "answer")); err != nil {
		return err
	}
	queue := &mailbox{operator: s.operator, url: url}
	got, err := queue.read(ctx, 1)
	if err != nil {
		return err
	}
	if len(got) == 0 {
		return errors.New("the queue stays empty")
	}
	f, err := decodeFailure(got[0])
	if err != nil {
		return err
	}
	if len(got) != 1 || f.RequestContext.Condition != "RetriesExhausted" || f.RequestContext.ApproximateInvokeCount != 2 {
		return fmt.Errorf("%d messages; the first: %s", len(got), got[0])
	}
	// A run that could not ask about anything still sends what it knows; none of it is critical.
	return s.mail.expect(ctx, 0)
}

// failureQueue is the queue of failed runs, which no output names.
func (s *stack) failureQueue(ctx context.Context) (url string, err error) {
	var resource struct {
		StackResourceDetail struct{ PhysicalResourceId string }
	}
	err = s.ask(ctx, &resource, "cloudformation", "describe_stack_resource",
		params{"StackName": s.name, "LogicalResourceId": "AuditFailedQueue"})
	return resource.StackResourceDetail.PhysicalResourceId, err
}

// followed runs a command that does not end by itself for some seconds, or for more of
// them where the machine is too slow to show a text by then. The AWS CLI shows what it
// has once it is interrupted.
func (s *stack) followed(ctx context.Context, name, text string) (shown string, err error) {
	s.executed[name] = true
	for _, seconds := range []time.Duration{3, 10, 40} {
		if shown, err = s.interrupted(ctx, name, seconds*time.Second); err != nil || strings.Contains(shown, text) {
			break
		}
	}
	return shown, err
}

func (s *stack) interrupted(ctx context.Context, name string, after time.Duration) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, after)
	defer cancel()
	out, err := s.shell(ctx, s.outputs[name]).Output()
	var ended *exec.ExitError
	if ctx.Err() == nil {
		return "", fmt.Errorf("%s ended: %w", name, err)
	}
	if err != nil && !errors.As(err, &ended) && !errors.Is(err, context.DeadlineExceeded) {
		return "", err
	}
	return string(out), nil
}
