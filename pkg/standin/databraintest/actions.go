package databraintest

import (
	"io"
	"net/http"
	"time"
)

// Action is what a [Fault] does to a request that it strikes. Calling effect lets
// the request take effect; one that does not call it leaves the server unchanged.
type Action struct {
	strike func(s *Server, w http.ResponseWriter, r *http.Request, effect func() answer)
}

// instead answers with a and does not let the request take effect by itself.
func instead(a func(*Server) answer) Action {
	return Action{func(s *Server, w http.ResponseWriter, _ *http.Request, _ func() answer) { a(s).write(w) }}
}

// Error answers with the API's own error.
func Error(status int, code, message string) Action {
	return instead(func(s *Server) answer { return s.fail(status, code, message) })
}

// Answer answers with any status, type and body, such as a 200 without its key.
func Answer(status int, contentType, body string) Action {
	return instead(func(*Server) answer { return answer{status: status, contentType: contentType, body: []byte(body)} })
}

// TooManyRequests answers 429 with a body of plain text, and with a Retry-After
// unless that is empty. Neither is documented.
func TooManyRequests(retryAfter string) Action {
	return instead(func(*Server) answer { return tooManyRequests(retryAfter) })
}

// BadGateway answers 502 with a page of HTML, as a proxy before the instance does.
func BadGateway() Action {
	return Answer(http.StatusBadGateway, "text/html", "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n"+
		"<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>proxy</center>\r\n</body>\r\n</html>\r\n")
}

// LoginPage answers 200 with a page of HTML, as a single sign-on proxy does.
func LoginPage() Action {
	return Answer(http.StatusOK, htmlType, `<!DOCTYPE html><html><head><title>Sign in</title></head>`+
		`<body><form method="post" action="/login"><input name="user"><input name="password" type="password"></form></body></html>`)
}

// Endless answers 200 with start and then repeat for as long as the client reads.
func Endless(start, repeat string) Action {
	return Action{func(_ *Server, w http.ResponseWriter, r *http.Request, _ func() answer) {
		w.Header().Set("Content-Type", jsonType)
		_, err := io.WriteString(w, start)
		for err == nil && r.Context().Err() == nil {
			_, err = io.WriteString(w, repeat)
		}
	}}
}

// Cut closes the connection before the first byte of an answer.
func Cut() Action {
	return Action{func(*Server, http.ResponseWriter, *http.Request, func() answer) { panic(http.ErrAbortHandler) }}
}

// CutBody lets the request take effect and closes the connection in the middle of
// the answer.
func CutBody() Action {
	return Action{func(_ *Server, w http.ResponseWriter, _ *http.Request, effect func() answer) {
		a := effect().whole()
		a.writeHeader(w)
		w.Write(a.body[:len(a.body)/2])
		http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}}
}

// TruncateBody lets the request take effect and answers with the first half of the
// body as though it were the whole: nothing but the JSON is wrong.
func TruncateBody() Action {
	return Action{func(_ *Server, w http.ResponseWriter, _ *http.Request, effect func() answer) {
		a := effect().whole()
		a.body = a.body[:len(a.body)/2]
		a.write(w)
	}}
}

// SlowBody lets the request take effect and sends the answer in ten pieces, with a
// pause before each, for as long as the client waits.
func SlowBody(pause time.Duration) Action {
	return Action{func(_ *Server, w http.ResponseWriter, r *http.Request, effect func() answer) {
		a := effect().whole()
		a.writeHeader(w)
		http.NewResponseController(w).Flush()
		for i := range 10 {
			select {
			case <-time.After(pause):
			case <-r.Context().Done():
				panic(http.ErrAbortHandler)
			}
			w.Write(a.body[len(a.body)*i/10 : len(a.body)*(i+1)/10])
			http.NewResponseController(w).Flush()
		}
	}}
}

// Hang gives no answer until the client goes away.
func Hang() Action {
	return Action{func(_ *Server, _ http.ResponseWriter, r *http.Request, _ func() answer) {
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	}}
}

// Delay waits before the request takes effect, or with AfterEffect before the
// answer, and then goes on even when the client has gone: a request that arrives
// late, or an instance that is slow.
func Delay(d time.Duration) Action {
	return Action{func(_ *Server, w http.ResponseWriter, _ *http.Request, effect func() answer) {
		time.Sleep(d)
		effect().write(w)
	}}
}

// Hold is [Delay] until release is closed.
func Hold(release <-chan struct{}) Action {
	return Action{func(_ *Server, w http.ResponseWriter, _ *http.Request, effect func() answer) {
		<-release
		effect().write(w)
	}}
}

// Twice delivers the request two times, as a repeating proxy may, and answers with
// the second answer. It goes without AfterEffect.
func Twice() Action {
	return Action{func(_ *Server, w http.ResponseWriter, _ *http.Request, effect func() answer) {
		effect()
		effect().write(w)
	}}
}
