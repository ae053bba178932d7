package databraintest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"iter"
	"net/http"

	"databrain-rotation/pkg/standin"
)

const (
	jsonType = "application/json; charset=utf-8"
	htmlType = "text/html; charset=utf-8"
	textType = "text/plain; charset=utf-8"
)

// answer is what a route gives.
type answer = standin.Answer

func typed(status int, contentType string, body []byte) answer {
	return answer{Status: status, Header: http.Header{"Content-Type": {contentType}}, Body: body}
}

// ok is a success. Every documented success is a 200, creations included.
func (s *Server) ok(members map[string]any) answer {
	if s.switches.NullError {
		members["error"] = nil
	}
	return typed(http.StatusOK, jsonType, encode(members))
}

// list is {"data": [rows]}, written while the rows are made.
func (s *Server) list(rows iter.Seq[[]byte]) answer {
	end := "]}"
	if s.switches.NullError {
		end = `],"error":null}`
	}
	a := typed(http.StatusOK, jsonType, nil)
	a.Stream = func(w io.Writer) error {
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
	}
	return a
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
	return typed(status, htmlType, []byte(`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Error</title>
</head>
<body>
<pre>`+html.EscapeString(text)+`</pre>
</body>
</html>
`))
}

func cannot(r *http.Request) answer {
	return htmlPage(http.StatusNotFound, "Cannot "+r.Method+" "+r.URL.EscapedPath())
}
