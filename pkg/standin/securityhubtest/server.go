// Package securityhubtest is a stand-in of AWS Security Hub at the wire, as far as a
// provider of findings meets it: BatchImportFindings in the REST JSON protocol.
//
//	hub := securityhubtest.New(securityhubtest.Config{})
//	url, err := hub.Start("127.0.0.1:0")
//	…
//	AWS_ENDPOINT_URL_SECURITYHUB=<url> build/audit/bootstrap
//
// It holds providers to the rules of the API reference and of the AWS Security Finding
// Format: how much a call and a finding may hold, what a finding must say, how long its
// texts may be, who may import for which product. Each finding is judged by itself, so
// that a call which succeeds can hold findings that failed.
//
// An import is an update of what is there: it changes nothing if its UpdatedAt is not
// later, nothing that is people's to set (Note, UserDefinedFields, VerificationState,
// Workflow), and Severity and Types only until people have set them. The signature is not
// checked, but the scope that it is for.
//
// Faults of whole calls are injected with [standin.Wire.Inject], of single findings with
// [standin.Wire.InjectPart].
package securityhubtest

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"time"

	"databrain-rotation/pkg/standin"
)

// Config of a Server. The zero value works.
type Config struct {
	// Region and Account are where it stands; empty means us-east-1 and 123456789012.
	Region, Account string

	// Now is the clock of the call log; nil means time.Now.
	Now func() time.Time
}

// Server is the stand-in. It is safe for concurrent use.
type Server struct {
	*standin.Wire
	config Config

	mu       sync.Mutex
	off      bool
	findings map[string]Finding         // by id
	people   map[string]map[string]bool // what of each people have set, by its name
}

// Finding is a finding as it was imported, by the names of its members.
type Finding map[string]any

// New returns a Server that is switched on and has no findings.
func New(c Config) *Server {
	if c.Region == "" {
		c.Region = "us-east-1"
	}
	if c.Account == "" {
		c.Account = "123456789012"
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	s := &Server{config: c, findings: make(map[string]Finding), people: make(map[string]map[string]bool)}
	s.Wire = standin.New(standin.Service{Name: "Security Hub", Route: s.route, Fail: fail, Now: c.Now})
	return s
}

// Switch switches Security Hub on or off. While it is off each finding is refused
// (https://docs.aws.amazon.com/securityhub/latest/userguide/finding-update-batchimportfindings.html).
func (s *Server) Switch(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.off = !on
}

// Findings returns what is there, by id.
func (s *Server) Findings() map[string]Finding {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make(map[string]Finding, len(s.findings))
	for id, f := range s.findings {
		all[id] = f.clone()
	}
	return all
}

// Update changes a finding as people do, by BatchUpdateFindings.
func (s *Server) Update(id string, members Finding) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.people[id] = make(map[string]bool)
	for name, value := range members {
		s.findings[id][name], s.people[id][name] = value, true
	}
}

func (f Finding) clone() Finding {
	encoded, err := json.Marshal(f)
	if err != nil {
		panic(err) // it was read from JSON
	}
	var copied Finding
	if err := json.Unmarshal(encoded, &copied); err != nil {
		panic(err)
	}
	return copied
}

func (s *Server) route(r *http.Request, body []byte) (operation, target string, perform func() standin.Answer) {
	if r.Method != http.MethodPost || r.URL.Path != "/findings/import" {
		return "", r.URL.Path, func() standin.Answer { return failure("ResourceNotFoundException", "no such operation") }
	}
	return "BatchImportFindings", "", func() standin.Answer {
		scope := "/" + s.config.Region + "/securityhub/aws4_request,"
		if !strings.Contains(r.Header.Get("Authorization"), scope) {
			return failure("InvalidSignatureException", "Credential should be scoped to this service and region.")
		}
		return s.importFindings(body)
	}
}
