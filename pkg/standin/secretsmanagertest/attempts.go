package secretsmanagertest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// drive is a rotation from its first invocation to its end.
func (s *Server) drive(ctx context.Context, r run) (Result, error) {
	res := Result{SecretARN: r.sec.arn, VersionID: r.job.versionID, Event: RotationSucceeded}
	defer s.release(r)
	err := s.allAttempts(ctx, r, &res)
	if err == nil {
		s.succeed(r)
		return res, nil
	}
	res.Event = RotationFailed
	if errors.Is(err, ErrAbandoned) {
		res.Event = RotationAbandoned
	}
	return res, fmt.Errorf("rotation of %s ended after %d attempts: %w", r.sec.name, res.Attempts(), err)
}

// allAttempts returns nil as soon as one attempt succeeds.
func (s *Server) allAttempts(ctx context.Context, r run, res *Result) error {
	var last error
	for attempt := 1; attempt <= r.attempts; attempt++ {
		if err := ctx.Err(); attempt > 1 && err != nil {
			return err
		}
		if stop := s.standing(r); stop != nil {
			return errors.Join(stop, last)
		}
		if last = s.attempt(ctx, r, attempt, res); last == nil || errors.Is(last, ErrCancelled) {
			return last
		}
	}
	return last
}

// attempt is the four steps once. Labels are not looked at between the steps: the
// function guards itself.
func (s *Server) attempt(ctx context.Context, r run, attempt int, res *Result) error {
	for _, step := range Steps() {
		if err := s.invoke(ctx, r, attempt, step, res); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !r.sec.version(r.job.versionID).has(Current) {
		return errors.New("every step succeeded, but AWSCURRENT is not on the new version")
	}
	return nil
}

// driveTest is the pre-flight: testSecret alone, then the version made for it goes
// away.
func (s *Server) driveTest(ctx context.Context, r run) (Result, error) {
	res := Result{SecretARN: r.sec.arn, VersionID: r.job.versionID, Event: TestRotationSucceeded}
	defer s.release(r)
	err := s.invoke(ctx, r, 1, StepTest, &res)
	if r.made {
		s.mu.Lock()
		r.sec.removeVersion(r.job.versionID)
		s.mu.Unlock()
	}
	if err != nil {
		res.Event = TestRotationFailed
		return res, fmt.Errorf("pre-flight of the rotation of %s: %w", r.sec.name, err)
	}
	return res, nil
}

// invoke calls the function once, unless the rotation was cancelled.
func (s *Server) invoke(ctx context.Context, r run, attempt int, step string, res *Result) error {
	s.mu.Lock()
	cancelled := r.job.cancelled
	s.mu.Unlock()
	if cancelled {
		return ErrCancelled
	}
	payload, err := json.Marshal(struct {
		Step, SecretId, ClientRequestToken string
		RotationToken                      string `json:",omitempty"`
	}{step, r.sec.arn, r.job.versionID, r.job.token})
	if err != nil {
		return err
	}
	err = r.fn(ctx, payload)
	res.Invocations = append(res.Invocations, Invocation{attempt, step, err})
	if err != nil {
		return fmt.Errorf("%s: %w", step, err)
	}
	return nil
}

// standing tells whether another attempt makes sense.
func (s *Server) standing(r run) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := r.sec.version(r.job.versionID)
	switch {
	case r.job.cancelled:
		return ErrCancelled
	case !r.sec.deleted.IsZero():
		return errDeleted()
	case !v.has(Pending) && !v.has(Current):
		return ErrAbandoned
	}
	return nil
}

// release lets the next rotation begin, also when the function panicked.
func (s *Server) release(r run) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r.job.running = false
}

// succeed dates the rotation and the next one.
func (s *Server) succeed(r run) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r.sec.rotated, r.sec.next = s.cfg.Now(), time.Time{}
	if d := r.sec.rotation.rules.interval(); d > 0 {
		r.sec.next = r.sec.rotated.Add(d)
	}
}
