package securityhubtest

import (
	"cmp"
	"encoding/json"
	"net/http"
	"time"

	"databrain-rotation/pkg/standin"
)

// What a call and a finding may hold
// (https://docs.aws.amazon.com/securityhub/latest/partnerguide/guidelines-batchimportfindings.html).
const (
	maxFindings     = 100
	maxCallBytes    = 6_000_000
	maxFindingBytes = 240_000
)

// failed is ImportFindingsError.
type failed struct{ Id, ErrorCode, ErrorMessage string }

// importFindings judges the call as a whole and then each finding by itself.
func (s *Server) importFindings(body []byte) standin.Answer {
	var in struct{ Findings []json.RawMessage }
	if err := json.Unmarshal(body, &in); err != nil {
		return failure("InvalidInputException", "the request is not that of BatchImportFindings: "+err.Error())
	}
	if n := len(in.Findings); n < 1 || n > maxFindings {
		return failure("InvalidInputException",
			"Invalid parameter 'Findings'. data.Findings should have between 1 and 100 items")
	}
	if len(body) > maxCallBytes {
		return failure("InvalidInputException", "the request is larger than 6 MB")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	findings := make([]Finding, len(in.Findings))
	for i, raw := range in.Findings {
		if err := json.Unmarshal(raw, &findings[i]); err != nil {
			return failure("InvalidInputException", "a finding is not an object")
		}
		// Whoever has no right to a product is not told which finding it was.
		if arn := findings[i].text("ProductArn"); arn != s.productARN() ||
			findings[i].text("AwsAccountId") != s.config.Account {
			return failure("AccessDeniedException",
				"not authorized to perform: securityhub:BatchImportFindings on resource: "+arn)
		}
	}
	out := struct {
		FailedCount, SuccessCount int
		FailedFindings            []failed
	}{FailedFindings: []failed{}}
	for i, f := range findings {
		if bad := s.importFinding(f, len(in.Findings[i])); bad.ErrorCode != "" {
			bad.Id = f.text("Id")
			out.FailedFindings = append(out.FailedFindings, bad)
		}
	}
	out.FailedCount = len(out.FailedFindings)
	out.SuccessCount = len(findings) - out.FailedCount
	return answer(http.StatusOK, out)
}

func (s *Server) productARN() string {
	return "arn:aws:securityhub:" + s.config.Region + ":" + s.config.Account + ":product/" + s.config.Account + "/default"
}

// ofPeople are the members that an import ignores
// (https://docs.aws.amazon.com/securityhub/latest/userguide/finding-update-batchimportfindings.html).
var ofPeople = []string{"Note", "UserDefinedFields", "VerificationState", "Workflow"}

// importFinding takes or refuses one finding; s.mu is held.
func (s *Server) importFinding(f Finding, size int) failed {
	switch fault := s.StrikePart(f.text("Id")); {
	case s.off:
		return failed{ErrorCode: "InvalidAccess", ErrorMessage: "The account is not subscribed to AWS Security Hub."}
	case size > maxFindingBytes:
		return failed{ErrorCode: "InvalidInput", ErrorMessage: "The finding is larger than 240 KB."}
	case fault != nil:
		return failed{
			ErrorCode:    cmp.Or(fault.Code, "InternalError"),
			ErrorMessage: cmp.Or(fault.Message, "The finding was not imported."),
		}
	}
	if wrong := f.check(); wrong != "" {
		return failed{ErrorCode: "InvalidInput",
			ErrorMessage: "Finding does not adhere to Amazon Finding Format. data" + wrong}
	}
	before, known := s.findings[f.text("Id")]
	if !known {
		before = Finding{"Workflow": map[string]any{"Status": "NEW"}}
	} else if !f.time("UpdatedAt").After(before.time("UpdatedAt")) {
		return failed{} // taken, and ignored
	}
	for _, name := range ofPeople {
		delete(f, name)
		if value, set := before[name]; set {
			f[name] = value
		}
	}
	for name, value := range f["FindingProviderFields"].(map[string]any) {
		if f[name] = value; s.people[f.text("Id")][name] {
			f[name] = before[name]
		}
	}
	s.findings[f.text("Id")] = f
	return failed{}
}

func (f Finding) text(name string) string {
	text, _ := f[name].(string)
	return text
}

func (f Finding) time(name string) time.Time {
	at, _ := time.Parse(time.RFC3339Nano, f.text(name))
	return at
}
