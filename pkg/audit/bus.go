package audit

import (
	"context"
	"errors"
	"iter"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"databrain-rotation/pkg/audit/collect"
	"databrain-rotation/pkg/audit/report"
)

// maxBatchEntries is the number of entries that one call of PutEvents may hold
// (https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html).
const maxBatchEntries = 10

const (
	eventCalls    = 10 // calls of PutEvents in flight, as many as the SDK keeps connections
	eventAttempts = 5  // calls for an entry that EventBridge took and failed
)

// EventBridge is the part of the SDK's client that the audit needs.
type EventBridge interface {
	PutEvents(
		context.Context, *eventbridge.PutEventsInput, ...func(*eventbridge.Options),
	) (*eventbridge.PutEventsOutput, error)
}

// Bus sends events to an event bus.
type Bus struct {
	Client EventBridge
	Name   string // or ARN
}

// send sends all events in batches, with several calls in flight. It makes each event
// when its batch is filled, so that only a few are in memory at a time. It returns the
// number of events that were not taken and the cause of the first loss.
func (b *Bus) send(ctx context.Context, events iter.Seq[report.Event]) (lost int, cause error) {
	batches := make(chan []types.PutEventsRequestEntry)
	s := &sending{}
	var workers sync.WaitGroup
	for range eventCalls {
		workers.Go(func() {
			for batch := range batches {
				b.put(ctx, s, batch)
			}
		})
	}
	for batch := range batched(b.entries(s, events)) {
		batches <- batch
	}
	close(batches)
	workers.Wait()
	return s.lost, s.cause
}

// sending counts the events that were not taken.
type sending struct {
	mu    sync.Mutex
	lost  int
	cause error // of the first loss
}

func (s *sending) lose(n int, cause error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lost += n
	if s.cause == nil {
		s.cause = cause
	}
}

// put sends one batch and repeats the entries that failed. It does not repeat a call
// that failed as a whole, because the SDK has done that already.
func (b *Bus) put(ctx context.Context, s *sending, batch []types.PutEventsRequestEntry) {
	for attempt := 1; ; attempt++ {
		out, err := b.Client.PutEvents(ctx, &eventbridge.PutEventsInput{Entries: batch})
		if err != nil {
			s.lose(len(batch), err)
			return
		}
		batch, err = refused(batch, out.Entries)
		if len(batch) == 0 {
			return
		}
		if attempt == eventAttempts || !collect.Pause(ctx, collect.Jitter(100*time.Millisecond<<attempt)) {
			s.lose(len(batch), err)
			return
		}
	}
}

// refused returns the entries of a batch that were not taken, with the cause of the last
// of them. The answer has one result for each entry, in the order of the entries
// (https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html).
func refused(
	batch []types.PutEventsRequestEntry, results []types.PutEventsResultEntry,
) (again []types.PutEventsRequestEntry, err error) {
	for i := range batch {
		if i < len(results) && results[i].ErrorCode == nil {
			continue
		}
		again = append(again, batch[i])
		err = errors.New("EventBridge gave no result for an entry")
		if i < len(results) {
			err = errors.New("EventBridge did not take an entry: " + aws.ToString(results[i].ErrorCode))
		}
	}
	return again, err
}

// entries returns the encoded events. It encodes each one when it is asked for, and
// counts an event that cannot be encoded as lost.
func (b *Bus) entries(s *sending, events iter.Seq[report.Event]) iter.Seq[types.PutEventsRequestEntry] {
	return func(yield func(types.PutEventsRequestEntry) bool) {
		for event := range events {
			detail, err := report.EncodeDetail(event.Detail)
			if err != nil {
				s.lose(1, err)
				continue
			}
			entry := types.PutEventsRequestEntry{
				EventBusName: &b.Name, Source: aws.String(report.EventSource), DetailType: &event.DetailType, Detail: &detail,
			}
			if !yield(entry) {
				return
			}
		}
	}
}

// batched returns the entries in batches that keep to the limits of one call. An entry
// that exceeds the limit alone is a batch of its own, and EventBridge judges it.
func batched(entries iter.Seq[types.PutEventsRequestEntry]) iter.Seq[[]types.PutEventsRequestEntry] {
	return func(yield func([]types.PutEventsRequestEntry) bool) {
		var batch []types.PutEventsRequestEntry
		size := 0
		for entry := range entries {
			n := entrySize(entry)
			if len(batch) > 0 && (len(batch) == maxBatchEntries || size+n > report.MaxBatchBytes) {
				if !yield(batch) {
					return
				}
				batch, size = nil, 0
			}
			batch, size = append(batch, entry), size+n
		}
		if len(batch) > 0 {
			yield(batch)
		}
	}
}

// entrySize returns the size of an entry in bytes, as EventBridge counts it: the bytes of
// its source, detail type and detail. The audit's entries have no time and no resources.
// (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevent-size.html)
func entrySize(e types.PutEventsRequestEntry) int {
	return len(aws.ToString(e.Source)) + len(aws.ToString(e.DetailType)) + len(aws.ToString(e.Detail))
}
