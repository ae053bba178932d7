package runtimetest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"databrain-rotation/pkg/standin/runtimetest"
)

func TestConcurrentInvocationsGetTheirOwnEnvironments(t *testing.T) {
	f := start(t, runtimetest.Config{Timeout: time.Minute}, "serve")
	hung := make(chan runtimetest.Result)
	go func() {
		res, _ := f.Invoke(context.Background(), []byte(`{"Do":"hang"}`), runtimetest.Options{})
		hung <- res
	}()
	// Until the hanging invocation has its environment this one may take it first.
	a := invoke(t, f, `{}`, runtimetest.Options{})
	b := invoke(t, f, `{}`, runtimetest.Options{})
	if a.Err != nil || b.Err != nil || !a.ColdStart {
		t.Errorf("beside a hanging invocation: %v, %v", a.Err, b.Err)
	}
	for {
		f.Kill()
		select {
		case res := <-hung:
			if res.Err == nil || res.Err.Type != "Runtime.ExitError" ||
				!strings.HasSuffix(res.Err.Message, "Runtime exited with error: signal: killed") {
				t.Errorf("the killed invocation ended with %v", res.Err)
			}
			if next := invoke(t, f, `{}`, runtimetest.Options{}); next.Err != nil || !next.ColdStart {
				t.Errorf("after Kill: %v, cold start %v", next.Err, next.ColdStart)
			}
			return
		case <-time.After(time.Millisecond):
		}
	}
}

func TestCloseLeavesNothingBehind(t *testing.T) {
	f := start(t, runtimetest.Config{}, "serve")
	var pids []int
	if err := json.Unmarshal(invoke(t, f, `{"Do":"descend"}`, runtimetest.Options{}).Payload, &pids); err != nil {
		t.Fatal(err)
	}
	f.Close()
	f.Close()
	for i, pid := range pids {
		if !ended(pid) {
			t.Errorf("process %d of %v is still there", i, pids)
		}
	}
	if _, err := f.Invoke(t.Context(), nil, runtimetest.Options{}); !errors.Is(err, runtimetest.ErrClosed) {
		t.Errorf("invoked after Close: %v", err)
	}
}

// ended says whether the process is gone, or about to be: an orphan stays a
// zombie until the machine's first process reaps it.
func ended(pid int) bool {
	for range 6000 {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) ||
			err == nil && slices.Contains(strings.Fields(string(stat)), "Z") {
			return true
		}
		time.Sleep(5 * time.Millisecond)
	}
	return false
}

func TestCloseEndsInvocations(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	f, err := runtimetest.Start(
		ctx,
		runtimetest.Config{Path: os.Args[0], Env: map[string]string{asFunction: "serve"}, Timeout: time.Hour},
	)
	if err != nil {
		t.Fatal(err)
	}
	invoke(t, f, `{}`, runtimetest.Options{})
	failed := make(chan error)
	go func() {
		_, err := f.Invoke(context.Background(), []byte(`{"Do":"hang"}`), runtimetest.Options{})
		failed <- err
	}()
	cancel()
	if err := <-failed; !errors.Is(err, runtimetest.ErrClosed) {
		t.Errorf("got %v", err)
	}
	f.Close()
}

func TestStartedTooLate(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	f, err := runtimetest.Start(ctx, runtimetest.Config{Path: os.Args[0]})
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	if _, err := f.Invoke(t.Context(), nil, runtimetest.Options{}); !errors.Is(err, runtimetest.ErrClosed) {
		t.Errorf("got %v", err)
	}
}

func TestTheCallerMayGiveUp(t *testing.T) {
	f := start(t, runtimetest.Config{Timeout: time.Hour}, "serve")
	invoke(t, f, `{}`, runtimetest.Options{})
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
	defer cancel()
	if _, err := f.Invoke(ctx, []byte(`{"Do":"hang"}`), runtimetest.Options{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if next := invoke(t, f, `{}`, runtimetest.Options{}); !next.ColdStart || next.Err != nil {
		t.Errorf("after giving up: %v, cold start %v", next.Err, next.ColdStart)
	}
}
