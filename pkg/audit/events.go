package audit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"iter"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
)

// EventSource is the source of all events.
const EventSource = "databrain.token-audit"

// The detail types of the events.
const (
	FindingObserved = "Databrain Token Finding Observed"
	FindingResolved = "Databrain Token Finding Resolved"
	CoverageGap     = "Databrain Audit Coverage Gap"
	AuditCompleted  = "Databrain Audit Completed" // always the last of a run
)

// Limits of one call of PutEvents ("PutEvents", Amazon EventBridge API
// reference). A call may hold 256 KiB; what is not counted there keeps a reserve.
const (
	maxBatchEntries = 10
	maxBatchBytes   = 240 << 10
)

const (
	eventCalls    = 10 // calls of PutEvents in flight, as many as the SDK keeps connections
	eventAttempts = 5  // calls for an entry that EventBridge took and failed
	eventGiveUp   = 8  // failed calls in a row after which no more are made
)

var errGivenUp = errors.New("not sent, since too many calls of EventBridge failed before")

// EventBridge is the part of the SDK's client that the audit needs.
type EventBridge interface {
	PutEvents(context.Context, *eventbridge.PutEventsInput, ...func(*eventbridge.Options)) (*eventbridge.PutEventsOutput, error)
}

// Event is one event before it is written.
type Event struct {
	DetailType string
	Detail     any
}

// Bus sends events to an event bus.
type Bus struct {
	Client EventBridge
	Name   string // or ARN
}

// send sends all events, in batches and several calls at a time. They are made as
// they are sent, so that they never are in memory all at once. It returns how many
// were not taken, and why the last of them was not.
func (b *Bus) send(ctx context.Context, events iter.Seq[Event]) (lost int, cause error) {
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

// sending accounts for what was not taken.
type sending struct {
	mu     sync.Mutex
	lost   int
	cause  error
	failed int // calls in a row that failed as a whole
}

func (s *sending) lose(n int, cause error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lost, s.cause = s.lost+n, cause
}

func (s *sending) called(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failed++
	if err == nil {
		s.failed = 0
	}
}

func (s *sending) hopeless() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failed >= eventGiveUp
}

// put sends one batch, and again those of its entries that failed. A call that
// failed as a whole has been retried by the SDK.
func (b *Bus) put(ctx context.Context, s *sending, batch []types.PutEventsRequestEntry) {
	if s.hopeless() {
		s.lose(len(batch), errGivenUp)
		return
	}
	for attempt := 1; ; attempt++ {
		out, err := b.Client.PutEvents(ctx, &eventbridge.PutEventsInput{Entries: batch})
		s.called(err)
		if err != nil {
			s.lose(len(batch), err)
			return
		}
		batch, err = refused(batch, out.Entries)
		if len(batch) == 0 {
			return
		}
		if attempt == eventAttempts || !pause(ctx, jitter(100*time.Millisecond<<attempt)) {
			s.lose(len(batch), err)
			return
		}
	}
}

// refused returns those entries of a batch that were not taken: the answer has a
// result for each, in the same order.
func refused(batch []types.PutEventsRequestEntry, results []types.PutEventsResultEntry) (again []types.PutEventsRequestEntry, err error) {
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

// entries encodes events one by one.
func (b *Bus) entries(s *sending, events iter.Seq[Event]) iter.Seq[types.PutEventsRequestEntry] {
	return func(yield func(types.PutEventsRequestEntry) bool) {
		for event := range events {
			detail, err := encodeDetail(event.Detail)
			if err != nil {
				s.lose(1, err)
				continue
			}
			entry := types.PutEventsRequestEntry{
				EventBusName: &b.Name, Source: aws.String(EventSource), DetailType: &event.DetailType, Detail: &detail,
			}
			if !yield(entry) {
				return
			}
		}
	}
}

// encodeDetail encodes without the escapes for HTML, which would make a name of
// the longest kind six times as long.
func encodeDetail(detail any) (string, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(detail)
	return string(bytes.TrimSuffix(b.Bytes(), []byte("\n"))), err
}

// batched cuts entries into batches that keep to the limits of one call. An entry
// that is too large for itself is a batch of its own, for EventBridge to judge.
func batched(entries iter.Seq[types.PutEventsRequestEntry]) iter.Seq[[]types.PutEventsRequestEntry] {
	return func(yield func([]types.PutEventsRequestEntry) bool) {
		var batch []types.PutEventsRequestEntry
		size := 0
		for entry := range entries {
			n := entrySize(entry)
			if len(batch) > 0 && (len(batch) == maxBatchEntries || size+n > maxBatchBytes) {
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

// entrySize is the size of an entry as EventBridge counts it ("Calculating
// PutEvents event entry size", Amazon EventBridge user guide): the bytes of its
// source, detail type and detail. It has no time and no resources.
func entrySize(e types.PutEventsRequestEntry) int {
	return len(aws.ToString(e.Source)) + len(aws.ToString(e.DetailType)) + len(aws.ToString(e.Detail))
}

// events are those of a run, but for the one that ends it.
func (r *Report) events() iter.Seq[Event] {
	return func(yield func(Event) bool) {
		for d := range r.details() {
			kind := FindingObserved
			if d.Finding.State == Resolved {
				kind = FindingResolved
			}
			if !yield(Event{kind, d}) {
				return
			}
		}
		for i := range r.Gaps {
			if !yield(Event{CoverageGap, r.GapDetail(&r.Gaps[i])}) {
				return
			}
		}
	}
}

// maxNotes is how many bytes of notes an event holds: even with six for each of them,
// as a control character needs in JSON, they leave room for the rest.
const maxNotes = 16 << 10

// completed is the event that ends a run, and the sign of life that alarms wait for:
// it must fit in one call. Its notes are cut, then its list of the worst findings.
func (r *Report) completed() Event {
	notes := cutNotes(r.Summary.Notes)
	for {
		d := r.CompletedDetail()
		d.Summary.Notes = notes
		encoded, err := encodeDetail(d)
		n := len(r.Summary.Worst)
		if err != nil || n == 0 || len(encoded) <= maxBatchBytes-1024 {
			return Event{AuditCompleted, d}
		}
		r.Summary.Worst, r.Summary.WorstTruncated = r.Summary.Worst[:n/2], true
	}
}

// cutNotes returns what fits of notes.
func cutNotes(notes []string) []string {
	var kept []string
	room := maxNotes
	for _, note := range notes {
		if len(note) > room {
			return append(kept, strings.ToValidUTF8(note[:room], "")+"…")
		}
		kept, room = append(kept, note), room-len(note)
	}
	return kept
}

// jitter is a random part of d, to keep clients apart ("Exponential backoff and
// jitter", AWS architecture blog).
func jitter(d time.Duration) time.Duration { return rand.N(d + 1) }

// pause waits for d. It returns false if the context ends first.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
