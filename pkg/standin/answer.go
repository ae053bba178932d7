package standin

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strconv"

	"github.com/google/uuid"
)

// Answer is a whole response: its body at hand, or made while it is sent.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
	Stream func(io.Writer) error // instead of Body
}

// JSON is an answer in the JSON 1.1 protocol, whose document is the service's own.
func JSON(status int, document any) Answer {
	body, err := json.Marshal(document)
	if err != nil {
		panic(err)
	}
	return Answer{Status: status, Body: body, Header: http.Header{
		"Content-Type":     {"application/x-amz-json-1.1"},
		"X-Amzn-Requestid": {uuid.NewString()},
	}}
}

// write sends the answer. A body at hand has its Content-Length.
func (a Answer) write(w http.ResponseWriter, r *http.Request) {
	a.writeHeader(w)
	if r.Method == http.MethodHead {
		return
	}
	if a.Stream == nil {
		w.Write(a.Body)
		return
	}
	buffered := bufio.NewWriter(w)
	if err := a.Stream(buffered); err == nil {
		buffered.Flush()
	}
}

func (a Answer) writeHeader(w http.ResponseWriter) {
	h := w.Header()
	for name, values := range a.Header {
		h[name] = values
	}
	if h.Get("Content-Length") == "" && a.Stream == nil && a.Status != http.StatusNoContent {
		h.Set("Content-Length", strconv.Itoa(len(a.Body)))
	}
	w.WriteHeader(a.Status)
}

// whole is the answer with its body at hand.
func (a Answer) whole() Answer {
	if a.Stream == nil {
		return a
	}
	var b bytes.Buffer
	a.Stream(&b) // a bytes.Buffer does not fail
	a.Body, a.Stream = b.Bytes(), nil
	return a
}
