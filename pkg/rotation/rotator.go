package rotation

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"time"

	"databrain-rotation/pkg/databrain"
	"databrain-rotation/pkg/tokensecret"
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

// Rotator carries out the steps. It is safe for concurrent use and keeps nothing
// of one invocation for the next.
type Rotator struct {
	secrets   SecretsManager
	databrain *databrain.Client
	instance  string // base URL, for logs and metrics
	newKind   func(*step) kind
	log       *slog.Logger
	metrics   io.Writer
	now       func() time.Time
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
	s.kind = r.newKind(s)
	ctx, cancel := context.WithDeadline(ctx, s.deadline)
	defer cancel()
	err := s.run(ctx)
	s.report(ctx, err)
	return err
}

// kind is what differs between the kinds of token that a rotation keeps fresh. The
// rest of the contract, from the guard to the move of AWSCURRENT, is the same for all.
type kind interface {
	// parse reads the value of a version.
	parse(text *string, binary []byte) (tokensecret.Value, error)
	// needsCurrent reports whether the step reads AWSCURRENT in any case.
	needsCurrent() bool
	// mayRotate refuses a secret that the settings name for another purpose.
	mayRotate() error
	// create, set and test carry out their steps.
	create(context.Context) error
	set(context.Context) error
	test(context.Context) error
	// prove asks Databrain about a token once; see [databrain.Rejected] for the error.
	prove(context.Context, databrain.Secret) error
	words() words
}

// words are the sentences of shared errors in which the kinds differ.
type words struct {
	restore string // how to store a value again that cannot be read
	blank   string // what to add if its members hold no token at all
	retry   string // what a retry does about a pending token that Databrain rejects
	ask     string // the stack's output that asks for a diagnosis
}

// step is one invocation.
type step struct {
	*Rotator
	kind     kind
	event    Event
	log      *slog.Logger
	began    time.Time
	deadline time.Time // every wait ends by then
	secret   description
	opened   map[string]*answer // by label: versions that were read with the description
	left     string             // what was written so far, and what was left alone; for errors
	saved    bool               // Databrain has accepted the pending token

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
	if err := s.open(ctx); err != nil {
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
	if err := s.kind.mayRotate(); err != nil {
		return err
	}
	switch s.event.Step {
	case StepCreate:
		return s.kind.create(ctx)
	case StepSet:
		return s.kind.set(ctx)
	case StepTest:
		return s.kind.test(ctx)
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
			"If it is still needed, restore it: "+s.aws("restore-secret"))
	case GuardDisabled:
		return s.fail(RotationNotEnabled, nil, "rotation is switched off for this secret", s.switchOn())
	case GuardUnknown:
		return s.fail(VersionUnknown, nil, fmt.Sprintf("no staging label is on version %q of the secret: a value was "+
			"stored by hand since, or the event is stale", s.event.Version),
			overtaken)
	case GuardNotPending:
		return s.fail(VersionNotPending, nil, fmt.Sprintf("version %q is no longer AWSPENDING: a value was stored by hand "+
			"or another rotation began", s.event.Version), overtaken)
	default:
		return s.fail(UnknownStep, nil, fmt.Sprintf("the event names the unknown step %q", s.event.Step),
			"The steps are createSecret, setSecret, testSecret and finishSecret")
	}
}

const overtaken = "If AWSCURRENT works, no action is needed. If it does not, do what the diagnosis says before " +
	"anything else is stored"

// switchOn says how rotation is switched on. Secrets Manager refuses to switch rotation on
// while AWSPENDING is on a version of its own ("RotateSecret", API reference), and
// that version may hold the token that works.
func (s *step) switchOn() string {
	pending := s.secret.Holder(labelPending)
	if pending == "" || pending == s.secret.Holder(labelCurrent) {
		return "Switch it on, which runs the pre-flight: " + s.preflightAgain()
	}
	return "Secrets Manager refuses to switch it on while AWSPENDING is on version " + pending + ", which may hold the " +
		"token that works: do what the diagnosis says, and it gives the commands"
}

// again says how to repeat what has failed. testSecret comes to this in the pre-flight
// alone, and a rotation in its place could end a token in use that nobody has stored yet.
func (s *step) again() string {
	if s.event.Step == StepTest {
		return "run the pre-flight again: " + s.preflightAgain()
	}
	return `rotate again, once, which answers "A previous rotation isn't complete" and has begun all the same: ` +
		s.aws("rotate-secret")
}

func (s *step) preflightAgain() string {
	return s.aws("rotate-secret") + " --no-rotate-immediately"
}

// leftToOthers is for errors of a rotation that others have ended or overtaken: the
// pending token may have been saved, and it need not be the one that works any more, so
// that nobody is told to promote it unseen.
func (s *step) leftToOthers() {
	s.saved = false
	s.left = "nothing was written in this step. Databrain may have the token of version " + s.event.Version +
		" from setSecret: if AWSCURRENT does not work, that one may"
}
