package secretsmanagertest

import (
	"fmt"
	"time"
)

// RotationRules is the schedule of a secret (API reference, RotationRulesType).
type RotationRules struct {
	AutomaticallyAfterDays int64  `json:",omitempty"`
	Duration               string `json:",omitempty"`
	ScheduleExpression     string `json:",omitempty"`
}

// interval is the time between rotations, or 0 for a cron expression.
func (r *RotationRules) interval() time.Duration {
	const day = 24 * time.Hour
	if r == nil {
		return 0
	}
	if r.AutomaticallyAfterDays > 0 {
		return time.Duration(r.AutomaticallyAfterDays) * day
	}
	var n int64
	var unit string
	if _, err := fmt.Sscanf(r.ScheduleExpression, "rate(%d %s", &n, &unit); err != nil {
		return 0
	}
	switch unit {
	case "day)", "days)":
		return time.Duration(n) * day
	case "hour)", "hours)":
		return time.Duration(n) * time.Hour
	}
	return 0
}

// rotation is what a secret knows of its rotation.
type rotation struct {
	enabled     *bool // nil until rotation was configured
	functionARN string
	rules       *RotationRules
	job         *job
}

// job is the latest rotation or pre-flight.
type job struct {
	versionID, token   string
	running, cancelled bool
}

func (r *rotation) on() bool { return r.enabled != nil && *r.enabled }

func (r *rotation) cancelJob() {
	if r.job != nil {
		r.job.cancelled = true
	}
}

// SetRotationFunction attaches the function that a Lambda ARN stands for; nil takes
// it away.
func (s *Server) SetRotationFunction(functionARN string, fn Rotator) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.functions[functionARN] = fn
}

// ConfigureRotation turns rotation on without rotating and without the pre-flight,
// as if it had been set up long ago.
func (s *Server) ConfigureRotation(secretID, functionARN string, rules RotationRules) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	sec, err := s.findLive(secretID)
	if err != nil {
		return err
	}
	s.configure(sec, functionARN, &rules)
	return nil
}

func (s *Server) configure(sec *secret, functionARN string, rules *RotationRules) {
	now, on := s.cfg.Now(), true
	sec.rotation.enabled, sec.rotation.functionARN = &on, functionARN
	if rules != nil {
		sec.rotation.rules = rules
	}
	sec.next = time.Time{}
	if d := sec.rotation.rules.interval(); d > 0 {
		sec.next = now.Add(d)
	}
	sec.changed = now
}

type rotateSecretInput struct {
	SecretId, ClientRequestToken, RotationLambdaARN string
	RotationRules                                   *RotationRules
	RotateImmediately                               *bool
}

// rotateSecret configures rotation and starts it, or the pre-flight when
// RotateImmediately is false, in the background (API reference, RotateSecret). An
// earlier rotation that is not complete is reattempted instead, and the call fails.
func (s *Server) rotateSecret(in rotateSecretInput) (any, *Error) {
	sec, err := s.findLive(in.SecretId)
	if err != nil {
		return nil, err
	}
	if err := checkToken(in.ClientRequestToken, CodeInvalidParameter); err != nil {
		return nil, err
	}
	functionARN, err := s.checkRotation(sec, in)
	if err != nil {
		return nil, err
	}
	if v := sec.unfinished(); v != nil && v.id != in.ClientRequestToken {
		if sec.rotation.on() {
			s.inBackground(sec, v.id, s.drive)
		}
		return nil, errRotationIncomplete()
	}
	s.configure(sec, functionARN, in.RotationRules)
	out := named{ARN: sec.arn, Name: sec.name}
	if in.RotateImmediately != nil && !*in.RotateImmediately {
		return out, s.inBackground(sec, in.ClientRequestToken, s.driveTest)
	}
	out.VersionId = in.ClientRequestToken
	return out, s.inBackground(sec, in.ClientRequestToken, s.drive)
}

// checkRotation returns the ARN of the function to use.
func (s *Server) checkRotation(sec *secret, in rotateSecretInput) (string, *Error) {
	if r := in.RotationRules; r != nil {
		if r.AutomaticallyAfterDays != 0 && r.ScheduleExpression != "" {
			return "", fail(CodeInvalidParameter, "You can't use both AutomaticallyAfterDays and ScheduleExpression.")
		}
		if r.AutomaticallyAfterDays < 0 || r.AutomaticallyAfterDays > 1000 {
			return "", fail(CodeInvalidParameter, "RotationRules.AutomaticallyAfterDays must be within 1-1000.")
		}
	}
	functionARN := in.RotationLambdaARN
	if functionARN == "" {
		functionARN = sec.rotation.functionARN
	}
	if functionARN == "" {
		return "", fail(CodeInvalidRequest, "No Lambda rotation function ARN is associated with this secret.")
	}
	if s.functions[functionARN] == nil {
		return "", fail(
			CodeAccessDenied,
			"Secrets Manager cannot invoke the specified Lambda function. Ensure that the function policy grants access "+
				"to the principal secretsmanager.amazonaws.com.",
		)
	}
	return functionARN, nil
}

// unfinished is the version of a rotation that did not complete: it carries
// AWSPENDING and not AWSCURRENT (API reference, RotateSecret).
func (sec *secret) unfinished() *version {
	if v := sec.holder(Pending); v != nil && !v.has(Current) {
		return v
	}
	return nil
}

// cancelRotateSecret leaves every label where it is (API reference,
// CancelRotateSecret).
func (s *Server) cancelRotateSecret(in secretIDInput) (any, *Error) {
	sec, err := s.findLive(in.SecretId)
	if err != nil {
		return nil, err
	}
	if sec.rotation.enabled != nil {
		*sec.rotation.enabled = false
	}
	sec.rotation.cancelJob()
	sec.changed = s.cfg.Now()
	out := named{ARN: sec.arn, Name: sec.name}
	if v := sec.unfinished(); v != nil {
		out.VersionId = v.id
	}
	return out, nil
}

// checkRotationToken guards a put to the version of a rotation that gave a token
// (API reference, PutSecretValue, RotationToken).
func (s *Server) checkRotationToken(sec *secret, versionID, given string) *Error {
	job := sec.rotation.job
	if job == nil || job.versionID != versionID || job.token == "" || given == job.token {
		return nil
	}
	if given == "" && s.cfg.RotationToken != RotationTokenRequired {
		return nil
	}
	return fail(CodeAccessDenied, "The RotationToken is not the one of the rotation under way.")
}
