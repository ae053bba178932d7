package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
)

// mailbox is a queue that is subscribed to a topic: what it holds is what a person
// would get as mail, to the letter.
type mailbox struct {
	*operator
	url string
}

// openMailbox subscribes a queue to a topic, as RawMessageDelivery.
func (o *operator) openMailbox(ctx context.Context, name, topic string) (*mailbox, error) {
	var queue struct{ QueueUrl string }
	// A message that was read stays hidden until the end of the run, so that none is read twice.
	if err := o.aws(ctx, &queue, "sqs", "create-queue", "--queue-name", name,
		"--attributes", "VisibilityTimeout=3600"); err != nil {
		return nil, err
	}
	var described struct{ Attributes struct{ QueueArn string } }
	if err := o.aws(ctx, &described, "sqs", "get-queue-attributes", "--queue-url", queue.QueueUrl,
		"--attribute-names", "QueueArn"); err != nil {
		return nil, err
	}
	err := o.aws(ctx, nil, "sns", "subscribe", "--topic-arn", topic, "--protocol", "sqs",
		"--notification-endpoint", described.Attributes.QueueArn, "--attributes", "RawMessageDelivery=true")
	return &mailbox{operator: o, url: queue.QueueUrl}, err
}

// read returns the messages that came since the last call. It waits until none has
// come for a second, so that one too many is seen too.
func (m *mailbox) read(ctx context.Context) ([]string, error) {
	var all []string
	for {
		var got struct{ Messages []struct{ Body string } }
		if err := m.aws(ctx, &got, "sqs", "receive-message", "--queue-url", m.url,
			"--max-number-of-messages", "10", "--wait-time-seconds", "1"); err != nil {
			return nil, err
		}
		if len(got.Messages) == 0 {
			return all, nil
		}
		for _, message := range got.Messages {
			all = append(all, message.Body)
		}
	}
}

// expect wants exactly n new messages, each holding all of the texts.
func (m *mailbox) expect(ctx context.Context, n int, texts ...string) error {
	got, err := m.read(ctx)
	if err != nil {
		return err
	}
	if len(got) != n {
		return fmt.Errorf("%d messages, want %d:\n%s", len(got), n, strings.Join(got, "\n--\n"))
	}
	for _, message := range got {
		for _, text := range texts {
			if !strings.Contains(message, text) {
				return fmt.Errorf("a message lacks %q:\n%s", text, message)
			}
		}
	}
	return nil
}

// failure is what Lambda puts into a queue about a failed asynchronous invocation
// (https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html).
type failure struct {
	RequestContext struct {
		Condition              string
		ApproximateInvokeCount int
	}
	ResponsePayload struct{ ErrorType, ErrorMessage string }
}

func decodeFailure(body string) (f failure, err error) {
	return f, json.Unmarshal([]byte(body), &f)
}
