package runtimetest

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
)

const (
	// maxAnswer is Lambda's limit of a buffered answer, in bytes.
	maxAnswer = 6*1024*1024 + 100

	errorTypeHeader = "Lambda-Runtime-Function-Error-Type"
)

// handler is the Lambda Runtime API of one environment.
func (e *environment) handler() http.Handler {
	mux := http.NewServeMux()
	const api = "/2018-06-01/runtime"
	mux.HandleFunc("GET "+api+"/invocation/next", e.handOver)
	mux.HandleFunc("POST "+api+"/invocation/{id}/response", e.takeResponse)
	mux.HandleFunc("POST "+api+"/invocation/{id}/error", e.takeError)
	mux.HandleFunc("POST "+api+"/init/error", e.takeInitError)
	return mux
}

// handOver gives the runtime its next event as soon as there is one.
func (e *environment) handOver(w http.ResponseWriter, r *http.Request) {
	select {
	case e.asked <- struct{}{}:
	default:
	}
	var inv *invocation
	select {
	case inv = <-e.work:
	case <-r.Context().Done():
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Lambda-Runtime-Aws-Request-Id", inv.id)
	h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(inv.deadline.UnixMilli(), 10))
	h.Set("Lambda-Runtime-Invoked-Function-Arn", inv.arn)
	h.Set("Lambda-Runtime-Trace-Id", inv.trace)
	w.Write(inv.payload)
}

func (e *environment) takeResponse(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxAnswer))
	if tooLarge := new(http.MaxBytesError); errors.As(err, &tooLarge) {
		// Lambda refuses the answer and tells the caller; the runtime may go on.
		o := platformError("Function.ResponseSizeTooLarge",
			"Response payload size exceeded maximum allowed payload size (%d bytes).", maxAnswer)
		if e.settle(w, r, o) {
			refuse(w, http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", "the answer is too large")
		}
		return
	}
	if err != nil {
		refuse(w, http.StatusBadRequest, "TruncatedBody", "the answer ended early")
		return
	}
	o := &outcome{payload: body}
	// A handler that fails while its answer is being sent says so in trailers.
	if kind := r.Trailer.Get(errorTypeHeader); kind != "" {
		report, _ := base64.StdEncoding.DecodeString(r.Trailer.Get("Lambda-Runtime-Function-Error-Body"))
		o = reportedError(report, kind)
	}
	if e.settle(w, r, o) {
		accept(w)
	}
}

func (e *environment) takeError(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxAnswer))
	if err != nil {
		refuse(w, http.StatusBadRequest, "TruncatedBody", "the error report could not be read")
		return
	}
	if e.settle(w, r, reportedError(body, r.Header.Get(errorTypeHeader))) {
		accept(w)
	}
}

func (e *environment) takeInitError(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxAnswer))
	if err != nil {
		refuse(w, http.StatusBadRequest, "TruncatedBody", "the error report could not be read")
		return
	}
	e.mu.Lock()
	e.initFail = reportedError(body, r.Header.Get(errorTypeHeader))
	e.mu.Unlock()
	accept(w)
}

// settle records the outcome of the invocation that the request names, unless it
// is not the current one or has an outcome already.
func (e *environment) settle(w http.ResponseWriter, r *http.Request, o *outcome) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.current == nil || e.current.id != r.PathValue("id") {
		refuse(w, http.StatusBadRequest, "InvalidRequestID", "there is no such invocation")
		return false
	}
	if e.outcome != nil {
		refuse(w, http.StatusForbidden, "InvalidStateTransition", "the invocation has its answer already")
		return false
	}
	e.outcome = o
	return true
}

func accept(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusAccepted)
	io.WriteString(w, `{"status":"OK"}`+"\n")
}

func refuse(w http.ResponseWriter, status int, kind, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"errorType":%q,"errorMessage":%q}`+"\n", kind, message)
}
