package securityhubtest

import (
	"encoding/json"
	"net/http"

	"databrain-rotation/pkg/standin"
)

// FindingFault makes some of the findings that it matches fail while the call succeeds,
// counted from [Server.InjectFinding] on. A finding that is sent again counts again.
type FindingFault struct {
	Id    string // empty matches every finding
	Skip  int    // matching findings that pass before the first strike
	Times int    // findings struck in a row; 0 means 1, negative means all from then on

	Code, Message string // InternalError when empty
}

type scheduled struct {
	FindingFault
	seen int
}

// InjectFinding schedules a fault. When several strike one finding, the one injected first
// wins, and each of them counts the finding.
func (s *Server) InjectFinding(f FindingFault) {
	if f.Code == "" {
		f.Code = "InternalError"
	}
	if f.Message == "" {
		f.Message = "The finding was not imported."
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &scheduled{FindingFault: f})
}

// ClearFaults forgets every fault, of calls and of findings.
func (s *Server) ClearFaults() {
	s.Wire.ClearFaults()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// strike is the fault for a finding, or nil; s.mu is held.
func (s *Server) strike(id string) *FindingFault {
	var hit *FindingFault
	for _, f := range s.faults {
		if f.Id != "" && f.Id != id {
			continue
		}
		f.seen++
		if standin.Strikes(f.seen, f.Skip, f.Times) && hit == nil {
			hit = &f.FindingFault
		}
	}
	return hit
}

// fail is the answer to a call that a fault struck.
func fail(_ *http.Request, code string) standin.Answer {
	if code == "" {
		code = "InternalException"
	}
	message := "The call failed."
	if code == "InvalidAccessException" {
		message = "Account 123456789012 is not subscribed to AWS Security Hub"
	}
	return failure(code, message)
}

// statuses are those of the service's errors
// (https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_BatchImportFindings.html).
var statuses = map[string]int{
	"InternalException": http.StatusInternalServerError, "InvalidAccessException": http.StatusUnauthorized,
	"LimitExceededException": http.StatusTooManyRequests, "TooManyRequestsException": http.StatusTooManyRequests,
	"AccessDeniedException": http.StatusForbidden, "InvalidSignatureException": http.StatusForbidden,
	"ResourceNotFoundException": http.StatusNotFound,
}

// failure is an error answer in the REST JSON protocol.
func failure(code, message string) standin.Answer {
	status := statuses[code]
	if status == 0 {
		status = http.StatusBadRequest
	}
	a := answer(status, map[string]string{"Message": message, "Code": code})
	a.Header.Set("X-Amzn-Errortype", code)
	return a
}

func answer(status int, document any) standin.Answer {
	body, err := json.Marshal(document)
	if err != nil {
		panic(err)
	}
	return standin.Answer{Status: status, Body: body, Header: http.Header{"Content-Type": {"application/json"}}}
}
