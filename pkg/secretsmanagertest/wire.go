package secretsmanagertest

import (
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
)

// maxBody bounds a request; the largest valid one holds a secret of 65,536 bytes.
const maxBody = 1 << 20

// operation runs one action on a decoded request; s.mu is held.
type operation func(s *Server, body []byte) (any, *Error)

// answer is what goes back over the wire.
type answer struct {
	status int
	body   []byte
}

// encode makes an answer in the form that the SDKs turn into their types. It runs
// under s.mu where body shares memory with the state.
func encode(body any, err *Error) answer {
	status := http.StatusOK
	if err != nil {
		key := "message"
		if err.modeled() {
			key = "Message"
		}
		status, body = err.status(), map[string]string{"__type": err.Code, key: err.Message}
	}
	out, fault := json.Marshal(body)
	if fault != nil {
		panic(fault) // the response types are this package's own
	}
	return answer{status, out}
}

// on adapts an action with a typed request.
func on[In any](run func(*Server, In) (any, *Error)) operation {
	return func(s *Server, body []byte) (any, *Error) {
		var in In
		if err := json.Unmarshal(body, &in); err != nil {
			return nil, fail("SerializationException", "the request is not the JSON that the operation takes")
		}
		return run(s, in)
	}
}

func operations() map[string]operation {
	return map[string]operation{
		"CancelRotateSecret":       on((*Server).cancelRotateSecret),
		"CreateSecret":             on((*Server).createSecret),
		"DeleteSecret":             on((*Server).deleteSecret),
		"DescribeSecret":           on((*Server).describeSecret),
		"GetSecretValue":           on((*Server).getSecretValue),
		"ListSecretVersionIds":     on((*Server).listSecretVersionIDs),
		"ListSecrets":              on((*Server).listSecrets),
		"PutSecretValue":           on((*Server).putSecretValue),
		"RestoreSecret":            on((*Server).restoreSecret),
		"RotateSecret":             on((*Server).rotateSecret),
		"UpdateSecret":             on((*Server).updateSecret),
		"UpdateSecretVersionStage": on((*Server).updateSecretVersionStage),
	}
}

// ServeHTTP implements [http.Handler]: AWS JSON 1.1, the action in X-Amz-Target.
// Signatures are not checked: the stand-in has no users.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		reply(w, encode(nil, fail("SerializationException", "the request could not be read")))
		return
	}
	name, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), "secretsmanager.")
	run := s.operations[name]
	if r.Method != http.MethodPost || !ok || run == nil {
		reply(w, encode(nil, fail("UnknownOperationException", "the stand-in has no such operation")))
		return
	}
	s.mu.Lock()
	call, sec := s.record(name, body)
	fault := s.strike(name, sec)
	call.Fault = fault.Kind
	s.mu.Unlock()

	s.serve(w, r, name, fault, func() answer {
		s.mu.Lock()
		defer s.mu.Unlock()
		out, err := run(s, body)
		call.Code = ""
		if err != nil {
			call.Code = err.Code
		}
		return encode(out, err)
	})
}

func reply(w http.ResponseWriter, a answer) {
	h := w.Header()
	h.Set("Content-Type", "application/x-amz-json-1.1")
	h.Set("X-Amzn-RequestId", uuid.NewString())
	h.Set("Content-Length", strconv.Itoa(len(a.body)))
	w.WriteHeader(a.status)
	w.Write(a.body)
}

// epoch is a time as the protocol writes it: seconds with a fraction.
type epoch time.Time

// MarshalJSON implements [json.Marshaler].
func (e epoch) MarshalJSON() ([]byte, error) {
	seconds := float64(time.Time(e).UnixMilli()) / 1000
	return strconv.AppendFloat(nil, seconds, 'f', 3, 64), nil
}

// when is nil, and so left out of the answer, for a time that is not set.
func when(t time.Time) *epoch {
	if t.IsZero() {
		return nil
	}
	e := epoch(t)
	return &e
}
