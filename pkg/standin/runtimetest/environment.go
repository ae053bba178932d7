package runtimetest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// errKilled is the end of a process that was killed before it could start.
var errKilled = errors.New("signal: killed")

// environment is one execution environment: a process, its working folder and
// the Runtime API that only this process is told of.
type environment struct {
	config Config
	root   string
	log    *os.File
	read   int64
	api    *http.Server
	cmd    *exec.Cmd

	asked  chan struct{}    // the runtime asked for an event
	work   chan *invocation // the event it gets
	exited chan struct{}    // the process is gone and reaped

	mu       sync.Mutex
	running  bool
	killed   bool
	current  *invocation
	outcome  *outcome // of current
	initFail *outcome
}

func newEnvironment(c Config) (*environment, error) {
	root, err := os.MkdirTemp("", "lambda-")
	if err != nil {
		return nil, fmt.Errorf("runtimetest: make the working folder: %w", err)
	}
	e := &environment{
		config: c, root: root,
		asked: make(chan struct{}, 1), work: make(chan *invocation), exited: make(chan struct{}),
	}
	if err := e.prepare(); err != nil {
		e.close()
		return nil, fmt.Errorf("runtimetest: prepare an environment: %w", err)
	}
	return e, nil
}

// prepare opens the log and the Runtime API and makes the command. The log is a
// file rather than a pipe: what the process wrote before it spoke to the Runtime
// API is there to be read at once, and no descendant can hold its end open.
func (e *environment) prepare() (err error) {
	if e.log, err = os.CreateTemp("", "lambda-log-"); err != nil {
		return err
	}
	sink, err := os.OpenFile(e.log.Name(), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	// The open descriptors keep the file for as long as it is needed.
	if err := os.Remove(e.log.Name()); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	e.api = &http.Server{Handler: e.handler()}
	go e.api.Serve(listener)

	e.cmd = exec.Command(e.config.Path)
	e.cmd.Dir = e.root
	e.cmd.Env = e.config.environ(e.root, listener.Addr().String())
	e.cmd.Stdout, e.cmd.Stderr = sink, sink
	e.cmd.SysProcAttr = processAttributes()
	return nil
}

// run serves one invocation and says whether the environment can serve another.
func (e *environment) run(ctx context.Context, inv *invocation) (Result, bool, error) {
	res := Result{RequestID: inv.id}
	if !e.running {
		res.ColdStart = true
		begin := time.Now()
		failed, err := e.initialize(ctx, inv.id)
		res.InitDuration = time.Since(begin)
		if failed != nil || err != nil {
			return res.with(failed), false, err
		}
	}
	begin := time.Now()
	inv.deadline = begin.Add(inv.timeout)
	done, again, err := e.serve(ctx, inv)
	res.Duration = time.Since(begin)
	res.PeakRSS = peakRSS(e.cmd.Process.Pid)
	return res.with(done), again, err
}

func (r Result) with(o *outcome) Result {
	if o != nil {
		r.Payload, r.Err = o.payload, o.err
	}
	return r
}

// initialize starts the process and waits until it asks for its first event.
func (e *environment) initialize(ctx context.Context, id string) (*outcome, error) {
	timer := time.NewTimer(e.config.InitTimeout)
	defer timer.Stop()
	if err := e.launch(); errors.Is(err, errKilled) {
		return exited(id, err), nil
	} else if err != nil {
		return platformError("Runtime.InvalidEntrypoint", "RequestId: %s Error: %v", id, err), nil
	}
	select {
	case <-e.asked:
		return nil, nil
	case <-e.exited:
		if failed := e.initFailure(); failed != nil {
			return failed, nil
		}
		return e.exitError(id), nil
	case <-timer.C:
		if failed := e.initFailure(); failed != nil {
			return failed, nil
		}
		return timedOut(id, e.config.InitTimeout), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// serve hands the event to the waiting runtime and waits until it asks for the
// next one. The answer alone is not the end: see the package documentation.
func (e *environment) serve(ctx context.Context, inv *invocation) (done *outcome, again bool, err error) {
	timer := time.NewTimer(time.Until(inv.deadline))
	defer timer.Stop()
	e.mu.Lock()
	e.current, e.outcome = inv, nil
	e.mu.Unlock()
	work := e.work
	for {
		select {
		case work <- inv:
			work = nil
		case <-e.asked:
			// A runtime may repeat a request that got lost; it is through only
			// when it has answered.
			if done := e.answered(); done != nil {
				return done, true, nil
			}
		case <-e.exited:
			// After a panic the runtime reports and exits: the report counts.
			if done := e.answered(); done != nil {
				return done, false, nil
			}
			return e.exitError(inv.id), false, nil
		case <-timer.C:
			return timedOut(inv.id, inv.timeout), false, nil
		case <-ctx.Done():
			return nil, false, ctx.Err()
		}
	}
}

func (e *environment) answered() *outcome {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.outcome
}

func (e *environment) initFailure() *outcome {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.initFail
}

// launch starts the process on a thread that stays with it: the kernel kills the
// process when that thread ends, so that not even a test binary that is killed
// itself leaves one behind.
func (e *environment) launch() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.killed {
		return errKilled
	}
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := e.cmd.Start()
		started <- err
		if err != nil {
			return
		}
		// The exit status stays in ProcessState.
		_ = e.cmd.Wait()
		killGroup(e.cmd.Process.Pid)
		close(e.exited)
	}()
	err := <-started
	e.running = err == nil
	return err
}

// kill kills the process and its descendants and waits until they are gone.
func (e *environment) kill() {
	e.mu.Lock()
	running := e.running
	e.killed = true
	if running && !e.gone() {
		killGroup(e.cmd.Process.Pid)
	}
	e.mu.Unlock()
	if running {
		<-e.exited
	}
}

func (e *environment) gone() bool {
	select {
	case <-e.exited:
		return true
	default:
		return false
	}
}

// killGroup kills the process group that the process leads. A group that is
// already gone is what was wanted.
func killGroup(pid int) { _ = syscall.Kill(-pid, syscall.SIGKILL) }

// exitError is what Lambda makes of a process that ended without a report.
func (e *environment) exitError(id string) *outcome {
	if e.cmd.ProcessState.Success() {
		return platformError("Runtime.ExitError", "RequestId: %s Error: Runtime exited without providing a reason", id)
	}
	return exited(id, e.cmd.ProcessState)
}

func exited(id string, how any) *outcome {
	return platformError("Runtime.ExitError", "RequestId: %s Error: Runtime exited with error: %v", id, how)
}

func timedOut(id string, limit time.Duration) *outcome {
	return platformError("Sandbox.Timedout", "RequestId: %s Error: Task timed out after %.2f seconds", id, limit.Seconds())
}

// drain returns what the process has written since the last call.
func (e *environment) drain() string {
	text, _ := io.ReadAll(io.NewSectionReader(e.log, e.read, 1<<40))
	e.read += int64(len(text))
	return string(text)
}

// close kills the process, takes back what it was given and returns the rest of
// its log.
func (e *environment) close() string {
	e.kill()
	if e.api != nil {
		e.api.Close()
	}
	rest := ""
	if e.log != nil {
		rest = e.drain()
		e.log.Close()
	}
	if e.cmd != nil {
		e.cmd.Stdout.(*os.File).Close()
	}
	os.RemoveAll(e.root)
	return rest
}
