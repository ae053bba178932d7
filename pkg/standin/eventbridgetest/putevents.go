package eventbridgetest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"databrain-rotation/pkg/standin"
)

const (
	maxEntries    = 10
	maxDetailType = 128 // characters
)

// Entry is an event that the bus accepted.
type Entry struct {
	ID         string
	Bus        string // as sent, a name or an ARN; "default" when the sender named none
	Source     string
	DetailType string
	Detail     string // the JSON object as sent
	Resources  []string
	Time       time.Time // UTC; of the call when the sender gave none
}

// sentEntry is PutEventsRequestEntry.
type sentEntry struct {
	Detail, DetailType, EventBusName, Source string
	Resources                                []string
	Time                                     *float64 // seconds since 1970
}

// resultEntry is PutEventsResultEntry.
type resultEntry struct {
	EventId      string `json:",omitempty"`
	ErrorCode    string `json:",omitempty"`
	ErrorMessage string `json:",omitempty"`
}

// size is what an entry counts in a call: EventBridge user guide, "Calculating
// PutEvents event entry size".
func (e sentEntry) size() int {
	n := len(e.Source) + len(e.DetailType) + len(e.Detail)
	if e.Time != nil {
		n += 14
	}
	for _, resource := range e.Resources {
		n += len(resource)
	}
	return n
}

// putEvents judges the call as a whole and then each entry by itself.
func (s *Server) putEvents(body []byte) standin.Answer {
	var in struct{ Entries []sentEntry }
	if err := json.Unmarshal(body, &in); err != nil {
		return failure("SerializationException", "the request is not that of PutEvents: "+err.Error())
	}
	if n := len(in.Entries); n < 1 || n > maxEntries {
		bound := "greater than or equal to 1"
		if n > 0 {
			bound = fmt.Sprintf("less than or equal to %d", maxEntries)
		}
		return failure(
			"ValidationException",
			"1 validation error detected: Value at 'entries' failed to satisfy constraint: "+
				"Member must have length "+bound,
		)
	}
	total := 0
	for _, e := range in.Entries {
		total += e.size()
	}
	if total >= s.config.MaxBytes {
		return failure("ValidationException", "Total size of the entries in the request is over the limit.")
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	out := struct {
		FailedEntryCount int
		Entries          []resultEntry
	}{Entries: make([]resultEntry, len(in.Entries))}
	for i, e := range in.Entries {
		out.Entries[i] = s.put(e)
		if out.Entries[i].ErrorCode != "" {
			out.FailedEntryCount++
		}
	}
	return standin.JSON(http.StatusOK, out)
}

// put accepts or refuses one entry; s.mu is held.
func (s *Server) put(sent sentEntry) resultEntry {
	refused := sent.check()
	if fault := s.StrikePart(sent.DetailType); fault != nil && refused.ErrorCode == "" {
		refused = resultEntry{
			ErrorCode:    cmp.Or(fault.Code, "ThrottlingException"),
			ErrorMessage: cmp.Or(fault.Message, "The entry was not processed."),
		}
	}
	if refused.ErrorCode != "" {
		return refused
	}
	e := Entry{
		ID: uuid.NewString(), Bus: sent.EventBusName, Source: sent.Source, DetailType: sent.DetailType,
		Detail: sent.Detail, Resources: sent.Resources, Time: s.config.Now().UTC(),
	}
	if e.Bus == "" {
		e.Bus = "default"
	}
	if sent.Time != nil {
		// Senders give milliseconds; float64 has no more to give.
		e.Time = time.UnixMilli(int64(*sent.Time * 1000)).UTC()
	}
	s.accepted++
	if !s.config.Discard {
		s.entries = append(s.entries, e)
	}
	return resultEntry{EventId: e.ID}
}

// check applies the rules of PutEventsRequestEntry.
func (e sentEntry) check() resultEntry {
	for _, required := range []struct{ name, value string }{
		{"Source", e.Source}, {"DetailType", e.DetailType}, {"Detail", e.Detail},
	} {
		if required.value == "" {
			return invalid(required.name, required.name+" is a required argument.")
		}
	}
	if utf8.RuneCountInString(e.DetailType) > maxDetailType {
		return invalid("DetailType", fmt.Sprintf("DetailType has more than %d characters.", maxDetailType))
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal([]byte(e.Detail), &object); err != nil || object == nil {
		return resultEntry{ErrorCode: "MalformedDetail", ErrorMessage: "Detail is malformed."}
	}
	if strings.HasPrefix(e.Source, "aws.") {
		// Kept for the events of AWS itself.
		return resultEntry{ErrorCode: "NotAuthorizedForSourceException", ErrorMessage: "Not authorized for the source."}
	}
	return resultEntry{}
}

func invalid(parameter, reason string) resultEntry {
	return resultEntry{ErrorCode: "InvalidArgument",
		ErrorMessage: "Parameter " + parameter + " is not valid. Reason: " + reason}
}
