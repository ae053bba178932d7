package diagnosis

import (
	"databrain-rotation/pkg/jsonobject"
)

// Request asks for a diagnosis.
type Request struct {
	SecretID string // name or ARN
	// NoSignIn leaves the admin's sign-in out: the instance limits sign-ins per minute.
	NoSignIn bool
	fault    string // why it cannot be answered
}

// longestID bounds the name or ARN, in bytes ("DescribeSecret", AWS Secrets Manager
// API reference).
const longestID = 2048

// ParseRequest reads {"diagnose":"<name or ARN>"}, with "signIn":false if wanted. ok
// is false for any payload without a member diagnose, such as the event of a
// rotation. A payload with it is never taken for one, whatever else it holds.
func ParseRequest(payload []byte) (r Request, ok bool) {
	object, err := jsonobject.Parse(payload)
	if object.Raw("diagnose") == nil {
		return Request{}, false
	}
	r.SecretID, _ = object.Text("diagnose")
	signIn := string(object.Raw("signIn"))
	r.NoSignIn = signIn == "false"
	switch {
	case err != nil:
		r.fault = "the request is " + err.Error()
	case r.SecretID == "" || len(r.SecretID) > longestID:
		r.fault = `"diagnose" has to be the name or the ARN of a secret, as a string`
	case signIn != "" && signIn != "true" && signIn != "false":
		r.fault = `"signIn" has to be true or false`
	}
	return r, true
}
