package standin

import (
	"io"
	"net/http"
	"time"
)

// Action is what a [Fault] does to a call that it strikes. Calling effect lets the
// call take effect; an Action that does not call it leaves the service unchanged.
type Action struct {
	strike func(s *Wire, w http.ResponseWriter, r *http.Request, effect func() Answer)
}

// Respond answers with a and does not let the call take effect by itself.
func Respond(a Answer) Action {
	return Action{func(_ *Wire, w http.ResponseWriter, r *http.Request, _ func() Answer) { a.write(w, r) }}
}

// Reply answers with any status, type and body.
func Reply(status int, contentType, body string) Action {
	return Respond(Answer{Status: status, Header: http.Header{"Content-Type": {contentType}}, Body: []byte(body)})
}

// Error answers with the service's error of that code, with its usual status and
// text; an empty code is the service's internal error.
func Error(code string) Action {
	return Action{func(s *Wire, w http.ResponseWriter, r *http.Request, _ func() Answer) {
		s.service.Fail(r, code).write(w, r)
	}}
}

// BadGateway answers 502 with a page of HTML, as a proxy before the service does.
func BadGateway() Action {
	return Reply(http.StatusBadGateway, "text/html", "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n"+
		"<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>proxy</center>\r\n</body>\r\n</html>\r\n")
}

// LoginPage answers 200 with a page of HTML, as a single sign-on proxy does.
func LoginPage() Action {
	return Reply(http.StatusOK, "text/html; charset=utf-8", `<!DOCTYPE html><html><head><title>Sign in</title></head>`+
		`<body><form method="post" action="/login"><input name="user"><input name="password" type="password">`+
		`</form></body></html>`)
}

// Endless answers 200 with start and then repeat for as long as the client reads.
func Endless(start, repeat string) Action {
	return Action{func(_ *Wire, w http.ResponseWriter, r *http.Request, _ func() Answer) {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		_, err := io.WriteString(w, start)
		for err == nil && r.Context().Err() == nil {
			_, err = io.WriteString(w, repeat)
		}
	}}
}

// Cut closes the connection before the first byte of an answer.
func Cut() Action {
	return Action{func(*Wire, http.ResponseWriter, *http.Request, func() Answer) { panic(http.ErrAbortHandler) }}
}

// CutBody lets the call take effect and closes the connection in the middle of the
// answer.
func CutBody() Action {
	return Action{func(_ *Wire, w http.ResponseWriter, _ *http.Request, effect func() Answer) {
		a := effect().whole()
		a.writeHeader(w)
		w.Write(a.Body[:len(a.Body)/2])
		http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}}
}

// TruncateBody lets the call take effect and answers with the first half of the body
// as though it were the whole: the document alone is broken, not the connection.
func TruncateBody() Action {
	return Action{func(_ *Wire, w http.ResponseWriter, r *http.Request, effect func() Answer) {
		a := effect().whole()
		a.Body = a.Body[:len(a.Body)/2]
		a.write(w, r)
	}}
}

// SlowBody lets the call take effect and sends the answer in ten pieces, with a
// pause before each, for as long as the client waits.
func SlowBody(pause time.Duration) Action {
	return Action{func(s *Wire, w http.ResponseWriter, r *http.Request, effect func() Answer) {
		a := effect().whole()
		a.writeHeader(w)
		http.NewResponseController(w).Flush()
		for i := range 10 {
			if !s.wait(r, time.After(pause)) {
				panic(http.ErrAbortHandler)
			}
			w.Write(a.Body[len(a.Body)*i/10 : len(a.Body)*(i+1)/10])
			http.NewResponseController(w).Flush()
		}
	}}
}

// Hang gives no answer until the client goes away or the stand-in closes.
func Hang() Action {
	return Action{func(s *Wire, _ http.ResponseWriter, r *http.Request, _ func() Answer) {
		s.wait(r, nil)
		panic(http.ErrAbortHandler)
	}}
}

// Delay waits before the call takes effect, or with AfterEffect before the answer,
// and then goes on even if the client has gone: a request that arrives late, or a
// service that is slow.
func Delay(d time.Duration) Action {
	return Action{func(_ *Wire, w http.ResponseWriter, r *http.Request, effect func() Answer) {
		time.Sleep(d)
		effect().write(w, r)
	}}
}

// wait returns true when over delivers, and false when the client has given up or
// the stand-in closes before that.
func (s *Wire) wait(r *http.Request, over <-chan time.Time) bool {
	select {
	case <-over:
		return true
	case <-r.Context().Done():
	case <-s.ctx.Done():
	}
	return false
}
