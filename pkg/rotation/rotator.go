package rotation

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"time"

	"databrain-rotation/pkg/databrain"
)

const (
	// reportTime is left of the invocation when every wait has ended, to report.
	reportTime = 500 * time.Millisecond
	// longestStep bounds a step whose context has no deadline.
	longestStep = time.Minute
	// shortStep is less than a step needs if a request hangs.
	shortStep = 15 * time.Second
	// longestPoll bounds the wait until a saved token works everywhere.
	longestPoll = 30 * time.Second
)

// Strategy is how a new token comes to be: the setting ROTATION_STRATEGY.
type Strategy string

// The strategies.
const (
	// Replace mints a UUID here and saves it as the service token. The old token
	// dies at that moment.
	Replace Strategy = "replace"
	// Grace lets Databrain make the token and keeps the old one valid for a grace
	// period. Where the outcome of that call is unknown it falls back to Replace.
	Grace Strategy = "grace"
)

// Contract is which of two documented forms the rotate endpoint has: the setting
// ROTATION_GRACE_CONTRACT ({docs}/rotate-service-token).
type Contract string

// The contracts.
const (
	ContractServiceToken Contract = "service-token" // newer: authorised by the token itself
	ContractAdminJWT     Contract = "admin-jwt"     // older: authorised by the admin
)

// Config is how a [Rotator] works.
type Config struct {
	AdminSecretID string // name or ARN; only ever read
	Strategy      Strategy
	GracePeriod   time.Duration // whole seconds above zero; Grace only
	Contract      Contract      // Grace only
	Takeover      Takeover
	Instance      string // base URL, for logs and metrics
}

// Rotator carries out the steps. It is safe for concurrent use and keeps nothing
// of one invocation for the next.
type Rotator struct {
	secrets   SecretsManager
	databrain *databrain.Client
	config    Config
	log       *slog.Logger
	metrics   io.Writer
	now       func() time.Time
}

// New returns a Rotator. Metrics go to metrics as lines in CloudWatch's embedded
// metric format.
func New(
	secrets SecretsManager,
	instance *databrain.Client,
	c Config,
	log *slog.Logger,
	metrics io.Writer,
	now func() time.Time,
) *Rotator {
	return &Rotator{secrets: secrets, databrain: instance, config: c, log: log, metrics: metrics, now: now}
}

// Handle carries out one step. Its errors are of the named types of this package.
func (r *Rotator) Handle(ctx context.Context, e Event) error {
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = r.now().Add(longestStep)
	}
	s := &step{
		Rotator: r, event: e, deadline: deadline.Add(-reportTime), began: r.now(),
		log: r.log.With(e.Attrs()...), left: nothingWritten,
	}
	ctx, cancel := context.WithDeadline(ctx, s.deadline)
	defer cancel()
	err := s.run(ctx)
	s.report(ctx, err)
	return err
}

// step is one invocation.
type step struct {
	*Rotator
	event    Event
	log      *slog.Logger
	began    time.Time
	deadline time.Time // every wait ends by then
	secret   description
	left     string // what was written so far, and what was left alone; for errors
	saved    bool   // Databrain has accepted the pending token

	tookOver       bool
	orphanPossible bool
}

func (s *step) run(ctx context.Context) error {
	switch s.event.Step {
	case StepFinish: // Secrets Manager calls it only once testSecret has succeeded
		s.saved = true
	case StepTest: // called after setSecret, or alone
		s.left = "nothing was written in this step; if setSecret succeeded before it, Databrain has the token of " +
			"AWSPENDING already, and that of AWSCURRENT is dead or ends with its grace period"
	}
	if err := s.describe(ctx); err != nil {
		return err
	}
	if s.secret.replica() {
		return s.fail(SecretIsReplica, nil, "the secret is a replica: its primary is in "+s.secret.primary,
			"Rotate the primary, by a function in its region; Secrets Manager copies the result to the replicas")
	}
	action := PlanGuard(s.secret.Metadata, s.event.Step, s.event.Version)
	if action == GuardDone {
		s.log.InfoContext(ctx, "nothing to do: this version is already AWSCURRENT")
		return nil
	}
	if err := s.admit(action); err != nil {
		return err
	}
	if s.secret.is(s.config.AdminSecretID) {
		return s.fail(
			AdminSecretIsRotatedSecret,
			nil,
			"DATABRAIN_ADMIN_SECRET_ID (parameter AdminSecretArn) names the rotated secret itself",
			"Keep the admin's e-mail address and password in a secret of their own",
		)
	}
	switch s.event.Step {
	case StepCreate:
		return s.create(ctx)
	case StepSet:
		return s.set(ctx)
	case StepTest:
		return s.test(ctx)
	case StepFinish:
		return s.finish(ctx)
	}
	return s.admit(GuardUnknownStep)
}

// admit returns nil for an event that may proceed.
func (s *step) admit(action GuardAction) error {
	if action == GuardProceed {
		return nil
	}
	s.leftToOthers()
	switch action {
	case GuardDeleted:
		return s.fail(SecretDeleted, nil, "the secret is scheduled for deletion",
			"Restore it (aws secretsmanager restore-secret) if it is still needed")
	case GuardDisabled:
		return s.fail(RotationNotEnabled, nil, "rotation is switched off for this secret",
			"Switch it on with aws secretsmanager rotate-secret")
	case GuardUnknown:
		return s.fail(VersionUnknown, nil, fmt.Sprintf("no staging label is on version %q of the secret: a value was "+
			"stored by hand since, or the event is stale", s.event.Version),
			"If AWSCURRENT works, no action is needed; else start a rotation with aws secretsmanager rotate-secret")
	case GuardNotPending:
		return s.fail(VersionNotPending, nil, fmt.Sprintf("version %q is no longer AWSPENDING: a value was stored by hand "+
			"or another rotation began", s.event.Version), "If AWSCURRENT works, no action is needed")
	default:
		return s.fail(UnknownStep, nil, fmt.Sprintf("the event names the unknown step %q", s.event.Step),
			"The steps are createSecret, setSecret, testSecret and finishSecret")
	}
}

// leftToOthers is for errors of a rotation that others have ended or overtaken: the
// pending token may have been saved, and it need not be the one that works any more, so
// that nobody is told to promote it unseen.
func (s *step) leftToOthers() {
	s.saved = false
	s.left = nothingWritten
	if s.event.Step == StepFinish {
		s.left = "no label was moved. setSecret had saved the token of version " + s.event.Version +
			" in Databrain: if AWSCURRENT does not work, that one may"
	}
}

// probe asks Databrain about a token, once.
func (s *step) probe(ctx context.Context, token databrain.Secret) (Standing, error) {
	err := s.databrain.Probe(ctx, token)
	switch {
	case err == nil:
		return Accepted, nil
	case databrain.Rejected(err):
		return Rejected, err
	}
	return NoAnswer, err
}

// await probes until Databrain accepts token: a replica may lag behind a write.
// It returns what the last probe said.
func (s *step) await(ctx context.Context, token databrain.Secret) (Standing, error) {
	ctx, cancel := context.WithTimeout(ctx, longestPoll)
	defer cancel()
	var last Standing
	var cause error
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, 2*time.Second) {
		standing, err := s.probe(ctx, token)
		if standing == Accepted {
			return standing, nil
		}
		if ctx.Err() == nil || last == "" { // a probe cut off by the deadline says less than the one before
			last, cause = standing, err
		}
		if !sleep(ctx, pause) {
			return last, cause
		}
	}
}

// sleep waits for d and reports whether ctx lasted that long.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
