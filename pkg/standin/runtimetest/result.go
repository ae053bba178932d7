package runtimetest

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Options belong to one invocation. The zero value works.
type Options struct {
	// Timeout replaces the configuration's for this invocation.
	Timeout time.Duration

	// RequestID is a new UUID when empty. Lambda's retries of an asynchronous
	// invocation keep the id of the first attempt.
	RequestID string
}

// Result is what became of one invocation.
type Result struct {
	RequestID string

	// Payload is what the caller of Invoke gets: the function's answer or, when
	// Err is set, the JSON document of the error.
	Payload []byte

	// Err is nil when the function succeeded.
	Err *FunctionError

	// Log is everything that the process wrote since the previous invocation
	// ended; that of a cold start begins with the initialization.
	Log string

	// ColdStart says that the invocation started a new process. InitDuration is
	// then the time from its start until it asked for its first event.
	ColdStart    bool
	InitDuration time.Duration

	// Duration is the time from the hand-over of the event until the runtime
	// asked for the next one or ended: what Lambda bills, without initialization.
	Duration time.Duration

	// PeakRSS is the largest resident set of the process so far, in bytes; 0
	// when the process had ended by itself, and where there is no /proc.
	PeakRSS int64
}

// ErrorLines are the lines of Log whose level is ERROR. A line that is not a JSON
// object, as log queries need it, is an error.
func (r Result) ErrorLines() (lines []map[string]any, err error) {
	for text := range strings.Lines(r.Log) {
		var line map[string]any
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			return nil, fmt.Errorf("the log line %q is not a JSON object", text)
		}
		if line["level"] == "ERROR" {
			lines = append(lines, line)
		}
	}
	return lines, nil
}

// FunctionError is a failed invocation: reported by the function, or by Lambda
// on its behalf. The names that Lambda gives are Runtime.ExitError,
// Runtime.InvalidEntrypoint, Sandbox.Timedout and Function.ResponseSizeTooLarge:
// https://docs.aws.amazon.com/lambda/latest/dg/troubleshooting-invocation.html
type FunctionError struct {
	Type       string  `json:"errorType"`
	Message    string  `json:"errorMessage"`
	StackTrace []Frame `json:"stackTrace,omitempty"`
}

// Frame is one line of a stack trace, as aws-lambda-go reports it.
type Frame struct {
	Path  string `json:"path"`
	Line  int    `json:"line"`
	Label string `json:"label"`
}

// Error implements error.
func (e *FunctionError) Error() string { return e.Type + ": " + e.Message }

// outcome is the end of an invocation or of an initialization.
type outcome struct {
	payload []byte
	err     *FunctionError
}

func platformError(kind, format string, args ...any) *outcome {
	err := &FunctionError{Type: kind, Message: fmt.Sprintf(format, args...)}
	// Strings alone: this cannot fail.
	payload, _ := json.Marshal(err)
	return &outcome{payload: payload, err: err}
}

// reportedError reads a runtime's error report. The header names the type where
// the document does not.
func reportedError(body []byte, header string) *outcome {
	var doc struct {
		Type       string          `json:"errorType"`
		Message    string          `json:"errorMessage"`
		StackTrace json.RawMessage `json:"stackTrace"`
	}
	err := json.Unmarshal(body, &doc)
	if err != nil || doc.Type == "" {
		doc.Type = header
	}
	fault := &FunctionError{Type: doc.Type, Message: doc.Message}
	// Other runtimes report lines of text; the payload keeps them.
	if json.Unmarshal(doc.StackTrace, &fault.StackTrace) != nil {
		fault.StackTrace = nil
	}
	return &outcome{payload: body, err: fault}
}
