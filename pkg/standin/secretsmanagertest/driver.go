package secretsmanagertest

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
)

// Rotator is the invoked Lambda function: payload is the event, a nil error is the
// function's success.
type Rotator func(ctx context.Context, payload []byte) error

// The steps, in the order of a rotation (user guide, "Lambda rotation functions").
const (
	StepCreate = "createSecret"
	StepSet    = "setSecret"
	StepTest   = "testSecret"
	StepFinish = "finishSecret"
)

// Steps are the four steps in order.
func Steps() []string { return []string{StepCreate, StepSet, StepTest, StepFinish} }

// The end of a rotation, by the name of the event that CloudTrail records (user
// guide, "Log Secrets Manager events with AWS CloudTrail").
const (
	RotationSucceeded     = "RotationSucceeded"
	RotationFailed        = "RotationFailed"
	RotationAbandoned     = "RotationAbandoned"
	TestRotationSucceeded = "TestRotationSucceeded"
	TestRotationFailed    = "TestRotationFailed"
)

// Why a rotation ended without its function having failed.
var (
	ErrAbandoned = errors.New("the version of the rotation no longer carries AWSPENDING")
	ErrCancelled = errors.New("the rotation was cancelled")
)

// Invocation is one call of the rotation function.
type Invocation struct {
	Attempt int // from 1
	Step    string
	Err     error
}

// Result is what a rotation or a pre-flight did.
type Result struct {
	SecretARN   string
	VersionID   string // the ClientRequestToken
	Event       string // RotationSucceeded and so on
	Invocations []Invocation
}

// Attempts is how often the rotation began.
func (r Result) Attempts() int {
	if len(r.Invocations) == 0 {
		return 0
	}
	return r.Invocations[len(r.Invocations)-1].Attempt
}

// RotateOptions of [Server.Rotate]; the zero value plays the schedule.
type RotateOptions struct {
	// ClientRequestToken of the rotation. Empty takes up an unfinished rotation,
	// however old, or else begins one with a fresh token.
	ClientRequestToken string
	Attempts           int // default Config.Attempts
}

// Rotate drives one rotation of a secret whose rotation is on: the four steps as
// four invocations one after the other, and on any failure again from createSecret
// with the same token. The error says why the rotation did not start or did not
// succeed; the Result holds every invocation either way.
func (s *Server) Rotate(ctx context.Context, secretID string, o RotateOptions) (Result, error) {
	return s.driveNow(ctx, secretID, o, s.drive)
}

// Preflight makes a version with AWSPENDING and no value, invokes testSecret alone,
// and removes the version: what RotateSecret does when RotateImmediately is false
// (API reference, RotateSecret).
func (s *Server) Preflight(ctx context.Context, secretID string) (Result, error) {
	return s.driveNow(ctx, secretID, RotateOptions{ClientRequestToken: s.freshToken()}, s.driveTest)
}

// Wait returns when no rotation runs in the background.
func (s *Server) Wait() { s.rotations.Wait() }

// run is one rotation under way. Its fields do not change.
type run struct {
	sec      *secret
	job      *job
	fn       Rotator
	attempts int
	made     bool // the version was made for this run, not found
}

type driver func(ctx context.Context, r run) (Result, error)

func (s *Server) freshToken() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return uuid.NewString()
}

func (s *Server) driveNow(ctx context.Context, secretID string, o RotateOptions, d driver) (Result, error) {
	s.mu.Lock()
	r, done, err := s.admit(secretID, o)
	s.mu.Unlock()
	switch {
	case err != nil:
		return Result{}, fmt.Errorf("rotate %s: %w", secretID, err)
	case done:
		return Result{SecretARN: r.sec.arn, VersionID: o.ClientRequestToken, Event: RotationSucceeded}, nil
	case r.job == nil:
		return Result{}, fmt.Errorf("rotate %s: its rotation is running already", secretID)
	}
	return d(ctx, r)
}

// admit resolves the secret and the token, and begins; s.mu is held.
func (s *Server) admit(secretID string, o RotateOptions) (run, bool, error) {
	sec, err := s.findLive(secretID)
	if err != nil {
		return run{}, false, err
	}
	if !sec.rotation.on() {
		return run{}, false, fail(CodeInvalidRequest, "Rotation is not enabled for this secret.")
	}
	if _, err := s.checkRotation(sec, rotateSecretInput{}); err != nil {
		return run{}, false, err
	}
	token := o.ClientRequestToken
	if token == "" {
		token = uuid.NewString()
		if v := sec.unfinished(); v != nil {
			token = v.id
		}
	}
	r, done, err := s.begin(sec, token)
	if err != nil {
		return run{}, false, err
	}
	if o.Attempts > 0 {
		r.attempts = o.Attempts
	}
	return r, done, nil
}

// begin makes the version that the rotation will fill, without a value, or takes up
// the one that an earlier attempt left. done means that this rotation has finished
// before; a run without a job means that it is running now. s.mu is held.
func (s *Server) begin(sec *secret, token string) (r run, done bool, err *Error) {
	r = run{sec: sec, fn: s.functions[sec.rotation.functionARN], attempts: s.cfg.Attempts}
	old, unfinished := sec.rotation.job, sec.unfinished()
	running := old != nil && old.running
	if running && old.versionID != token || unfinished != nil && unfinished.id != token {
		return r, false, errRotationIncomplete()
	}
	if running {
		return r, false, nil
	}
	v := sec.version(token)
	switch {
	case v == nil:
		sec.place(Pending, s.addVersion(sec, token, value{}))
		sec.changed, r.made = s.cfg.Now(), true
	case v.has(Current):
		return r, true, nil
	case !v.has(Pending):
		return r, false, fail(CodeInvalidRequest, "%s", errTokenInUse(token, sec.arn).Message)
	}
	r.job = &job{versionID: token, running: true}
	if s.cfg.RotationToken != RotationTokenAbsent {
		r.job.token = uuid.NewString()
	}
	sec.rotation.job = r.job
	return r, false, nil
}

// inBackground begins and drives without waiting; s.mu is held.
func (s *Server) inBackground(sec *secret, token string, d driver) *Error {
	if s.ctx.Err() != nil {
		return fail(CodeInternal, "the stand-in is closed")
	}
	r, done, err := s.begin(sec, token)
	if err != nil || done || r.job == nil {
		return err
	}
	s.rotations.Go(func() { d(s.ctx, r) })
	return nil
}
