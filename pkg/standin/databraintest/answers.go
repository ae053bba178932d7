package databraintest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"iter"
	"net/http"
	"strconv"
)

const (
	jsonType = "application/json; charset=utf-8"
	htmlType = "text/html; charset=utf-8"
	textType = "text/plain; charset=utf-8"
)

// answer is what a route gives: a body at hand, or one that is made while it is
// sent.
type answer struct {
	status      int
	contentType string
	retryAfter  string
	body        []byte
	stream      func(io.Writer) error
}

// write sends a. A body at hand has its Content-Length, as Express does it.
func (a answer) write(w http.ResponseWriter) {
	a.writeHeader(w)
	if a.stream == nil {
		w.Write(a.body)
		return
	}
	buffered := bufio.NewWriterSize(w, 16<<10)
	if err := a.stream(buffered); err == nil {
		buffered.Flush()
	}
}

func (a answer) writeHeader(w http.ResponseWriter) {
	w.Header().Set("Content-Type", a.contentType)
	if a.retryAfter != "" {
		w.Header().Set("Retry-After", a.retryAfter)
	}
	if a.stream == nil {
		w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
	}
	w.WriteHeader(a.status)
}

// whole is a with its body at hand.
func (a answer) whole() answer {
	if a.stream == nil {
		return a
	}
	var b bytes.Buffer
	a.stream(&b) // a bytes.Buffer does not fail
	a.body, a.stream = b.Bytes(), nil
	return a
}

// ok is a success. Every documented success is a 200, creations included.
func (s *Server) ok(members map[string]any) answer {
	if s.switches.NullError {
		members["error"] = nil
	}
	return answer{status: http.StatusOK, contentType: jsonType, body: encode(members)}
}

// list is {"data": [rows]}, written while the rows are made.
func (s *Server) list(rows iter.Seq[[]byte]) answer {
	end := "]}"
	if s.switches.NullError {
		end = `],"error":null}`
	}
	return answer{status: http.StatusOK, contentType: jsonType, stream: func(w io.Writer) error {
		if _, err := io.WriteString(w, `{"data":[`); err != nil {
			return err
		}
		between := ""
		for row := range rows {
			if _, err := io.WriteString(w, between+string(row)); err != nil {
				return err
			}
			between = ","
		}
		_, err := io.WriteString(w, end)
		return err
	}}
}

// encode writes v as JSON.stringify does: without escapes for HTML.
func encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(fmt.Sprintf("databraintest: encoding an answer: %v", err))
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// htmlPage is Express's page of HTML for what no route answers. Inferred, not
// documented.
func htmlPage(status int, text string) answer {
	return answer{status: status, contentType: htmlType, body: []byte(`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Error</title>
</head>
<body>
<pre>` + html.EscapeString(text) + `</pre>
</body>
</html>
`)}
}

func cannot(r *http.Request) answer {
	return htmlPage(http.StatusNotFound, "Cannot "+r.Method+" "+r.URL.EscapedPath())
}
