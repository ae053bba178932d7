package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"
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
	if err := o.ask(ctx, &queue, "sqs", "create_queue",
		params{"QueueName": name, "Attributes": params{"VisibilityTimeout": "3600"}}); err != nil {
		return nil, err
	}
	var described struct{ Attributes struct{ QueueArn string } }
	if err := o.ask(ctx, &described, "sqs", "get_queue_attributes",
		params{"QueueUrl": queue.QueueUrl, "AttributeNames": []string{"QueueArn"}}); err != nil {
		return nil, err
	}
	err := o.ask(ctx, nil, "sns", "subscribe", params{
		"TopicArn": topic, "Protocol": "sqs", "Endpoint": described.Attributes.QueueArn,
		"Attributes": params{"RawMessageDelivery": "true"},
	})
	return &mailbox{operator: o, url: queue.QueueUrl}, err
}

// read returns the messages that came since the last call. It waits for n of them, for
// twenty seconds, and then until none has come for a second: one too many is seen too.
func (m *mailbox) read(ctx context.Context, n int) ([]string, error) {
	var all []string
	for deadline := time.Now().Add(20 * time.Second); ; {
		var got struct{ Messages []struct{ Body string } }
		if err := m.ask(ctx, &got, "sqs", "receive_message",
			params{"QueueUrl": m.url, "MaxNumberOfMessages": 10, "WaitTimeSeconds": 1}); err != nil {
			return nil, err
		}
		if len(got.Messages) == 0 && (len(all) >= n || time.Now().After(deadline)) {
			return all, nil
		}
		for _, message := range got.Messages {
			all = append(all, message.Body)
		}
	}
}

// expect wants exactly n new messages, each holding all of the texts.
func (m *mailbox) expect(ctx context.Context, n int, texts ...string) error {
	got, err := m.read(ctx, n)
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
