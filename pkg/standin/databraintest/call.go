package databraintest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"
)

// maxBody is the default limit of Express's JSON parser, in bytes. Inferred, not
// documented.
const maxBody = 100 << 10

// call is one request on its way through the server.
type call struct {
	r        *http.Request
	endpoint string // method and path, such as "GET /api/v2/data-app"
	raw      []byte
	body     any       // the parsed JSON, or nil
	now      time.Time // when it takes effect
}

// parseBody does what Express's JSON parser does before any route runs: a body of
// another media type is not looked at, a broken or large one is answered with a
// page of HTML. Inferred, not documented; the reference only says that bodies need
// Content-Type: application/json.
func (c *call) parseBody() *answer {
	if len(c.raw) > maxBody {
		a := htmlPage(http.StatusRequestEntityTooLarge, "Payload Too Large")
		return &a
	}
	media, _, _ := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	raw := bytes.TrimSpace(c.raw)
	if media != "application/json" || len(raw) == 0 {
		return nil
	}
	body, err := decode(raw)
	if err != nil {
		a := htmlPage(http.StatusBadRequest, "Bad Request")
		return &a
	}
	c.body = body
	return nil
}

func decode(raw []byte) (any, error) {
	if raw[0] != '{' && raw[0] != '[' {
		return nil, errors.New("neither an object nor an array")
	}
	var body any
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(&body); err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("more than one value")
	}
	return body, nil
}

// bearer is the credential of the Authorization header, or "".
func (c *call) bearer() string {
	value, ok := strings.CutPrefix(c.r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		return ""
	}
	return value
}

// text is a field that has passed its rule.
func (c *call) text(name string) string {
	object, _ := c.body.(map[string]any)
	value, _ := object[name].(string)
	return value
}
