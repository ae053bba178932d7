package eventbridgetest

import (
	"net/http"

	"databrain-rotation/pkg/standin"
)

// EntryFault makes some of the entries that it matches fail while the call
// succeeds, counted from [Server.InjectEntry] on. Entries are counted at the wire:
// an entry that is sent again counts again.
type EntryFault struct {
	DetailType string // empty matches every entry
	Skip       int    // matching entries that pass before the first strike
	Times      int    // entries struck in a row; 0 means 1, negative means all from then on

	// Code is ThrottlingException when empty. InternalFailure is the other code
	// that a sender should try again (API reference, PutEventsResultEntry).
	Code, Message string
}

type scheduled struct {
	EntryFault
	seen int
}

// InjectEntry schedules a fault. When several strike the same entry, the one
// injected first wins, and each of them counts the entry.
func (s *Server) InjectEntry(f EntryFault) {
	if f.Code == "" {
		f.Code = "ThrottlingException"
	}
	if f.Message == "" {
		f.Message = "The entry was not processed."
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &scheduled{EntryFault: f})
}

// ClearFaults forgets every fault, of calls and of entries.
func (s *Server) ClearFaults() {
	s.Wire.ClearFaults()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// strike is the fault for this entry, or nil; s.mu is held.
func (s *Server) strike(e sentEntry) *EntryFault {
	var hit *EntryFault
	for _, f := range s.faults {
		if f.DetailType != "" && f.DetailType != e.DetailType {
			continue
		}
		f.seen++
		if standin.Strikes(f.seen, f.Skip, f.Times) && hit == nil {
			hit = &f.EntryFault
		}
	}
	return hit
}

// failCall is the answer to a call that a fault struck.
func failCall(_ *http.Request, code string) standin.Answer {
	if code == "" {
		code = "InternalException"
	}
	return failure(code, "The call failed.")
}

// failure is an error answer in the JSON 1.1 protocol.
func failure(code, message string) standin.Answer {
	status := http.StatusBadRequest
	if code == "InternalException" || code == "InternalFailure" {
		status = http.StatusInternalServerError
	}
	return standin.JSON(status, map[string]string{"__type": code, "message": message})
}
