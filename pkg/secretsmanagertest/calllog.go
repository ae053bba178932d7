package secretsmanagertest

import (
	"encoding/json"
	"slices"
	"time"
)

// Call is one request as the stand-in saw it. It holds no secret value and no
// RotationToken.
type Call struct {
	Time      time.Time
	Operation string
	Secret    string   // its name; as sent when there is no such secret
	Version   string   // VersionId, ClientRequestToken or MoveToVersionId of the request
	From      string   // RemoveFromVersionId of the request
	Stages    []string // VersionStage or VersionStages of the request
	Fault     FaultKind
	// Code is what the operation itself came to: empty for success or when a fault
	// kept it from running, else the error code.
	Code string
}

// Calls are all requests since the start or the last [Server.ClearCalls], in the
// order of arrival.
func (s *Server) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	calls := make([]Call, len(s.calls))
	for i, c := range s.calls {
		calls[i] = *c
	}
	return calls
}

// Count is the number of requests for an operation, or of all when it is empty.
func (s *Server) Count(operation string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, c := range s.calls {
		if operation == "" || c.Operation == operation {
			n++
		}
	}
	return n
}

// ClearCalls empties the log.
func (s *Server) ClearCalls() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = nil
}

// record appends a request to the log and returns the secret it names; s.mu is
// held.
func (s *Server) record(operation string, body []byte) (*Call, *secret) {
	var in struct {
		SecretId, Name                                               string
		VersionId, ClientRequestToken, MoveToVersionId, VersionStage string
		RemoveFromVersionId                                          string
		VersionStages                                                []string
	}
	_ = json.Unmarshal(body, &in) // a malformed body is the operation's to refuse
	call := &Call{
		Time: s.cfg.Now(), Operation: operation,
		Secret:  in.SecretId + in.Name,
		Version: in.VersionId + in.ClientRequestToken + in.MoveToVersionId,
		From:    in.RemoveFromVersionId,
		Stages:  slices.Clone(in.VersionStages),
	}
	if in.VersionStage != "" {
		call.Stages = append(call.Stages, in.VersionStage)
	}
	sec, err := s.find(call.Secret)
	if err == nil {
		call.Secret = sec.name
	}
	s.calls = append(s.calls, call)
	return call, sec
}
