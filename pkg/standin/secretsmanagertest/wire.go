package secretsmanagertest

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"databrain-rotation/pkg/standin"
)

// operation runs one action on a decoded request; s.mu is held.
type operation func(s *Server, body []byte) (any, *Error)

// answer is a result in the form that the SDKs turn into their types. It runs under
// s.mu where out shares memory with the state.
func answer(out any, err *Error) standin.Answer {
	if err == nil {
		return standin.JSON(http.StatusOK, out)
	}
	key := "message"
	if err.modeled() {
		key = "Message"
	}
	return standin.JSON(err.status(), map[string]string{"__type": err.Code, key: err.Message})
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

// route reads AWS JSON 1.1, the action in X-Amz-Target. The target of a call is the
// secret's name, or the id as it was sent when there is no such secret. Signatures
// are not checked: the stand-in has no users.
func (s *Server) route(r *http.Request, body []byte) (name, target string, perform func() standin.Answer) {
	name, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), "secretsmanager.")
	run := s.operations[name]
	if r.Method != http.MethodPost || !ok || run == nil {
		return "", "", func() standin.Answer {
			return answer(nil, fail("UnknownOperationException", "the stand-in has no such operation"))
		}
	}
	return name, s.about(body), func() standin.Answer {
		s.mu.Lock()
		defer s.mu.Unlock()
		return answer(run(s, body))
	}
}

// about is the name of the secret that a request is about.
func (s *Server) about(body []byte) string {
	var in struct{ SecretId, Name string }
	_ = json.Unmarshal(body, &in) // a malformed body is the operation's to refuse
	id := in.SecretId + in.Name
	s.mu.Lock()
	defer s.mu.Unlock()
	if sec, err := s.find(id); err == nil {
		return sec.name
	}
	return id
}

// failCall is the answer to a call that a fault struck.
func failCall(r *http.Request, code string) standin.Answer {
	if code == "" {
		code = CodeInternal
	}
	operation, _ := strings.CutPrefix(r.Header.Get("X-Amz-Target"), "secretsmanager.")
	return answer(nil, &Error{code, defaultMessage(code, operation)})
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
