package audit

import (
	"context"
	"io"
	"log/slog"
	"slices"
	"time"

	"databrain-rotation/pkg/audit/collect"
	"databrain-rotation/pkg/audit/finding"
	"databrain-rotation/pkg/audit/report"
	"databrain-rotation/pkg/databrain"
)

// Auditor audits one instance. It keeps nothing from run to run.
type Auditor struct {
	Instance          string // base URL, without a slash at its end
	Version           string // of this program, for the reports
	Databrain         *databrain.Client
	Secret            Secret
	PreviousGrace     time.Duration                                 // for which AWSPREVIOUS may work
	APITokenPrefix    string                                        // of the names of API tokens' secrets; "" = none
	Policy            func(context.Context) (finding.Policy, error) // asked at every run
	RequestsPerMinute int                                           // ceiling towards the instance
	Concurrency       int                                           // requests in flight
	MessagesPerRun    int                                           // findings with a message of their own
	Dashboard         string                                        // its address, for the page; "" if not known
	RunBytes          int64                                         // of memory for what a run reads; 0 has no end

	Bus   *Bus       // nil sends no events
	Store *Store     // nil stores neither reports nor a state
	Hub   *HubClient // nil imports nothing into Security Hub

	Metrics io.Writer // one line of the embedded metric format for each run
	Log     *slog.Logger
	Now     func() time.Time
}

// Request is one run.
type Request struct {
	RunID  string
	DryRun bool // nothing is sent or stored, no metric is written
	Start  time.Time

	// FunctionARN is the ARN of the Lambda function; the account and the region in it are
	// those of Security Hub.
	FunctionARN string
}

// Of the time of an invocation, reading the instance leaves afterListing for all that
// follows, and each stage of the emission leaves afterStage for those behind it. An import
// into Security Hub, which may be slow, leaves as much as the listing.
const (
	afterListing = 20 * time.Second
	afterImport  = 20 * time.Second
	afterStage   = 6 * time.Second
)

// These bound what the run asks of AWS and can do without: what Secrets Manager says of
// the rotation, and the state of the last run. With 256 MB of memory a function has a
// seventh of a processor, and a state of 60,000 findings takes half a second of a whole.
const (
	askTime   = 10 * time.Second
	stateTime = 30 * time.Second
)

// Run audits the instance. The summary is valid with an error too, which is a
// [*RunFailed] or an [*EmissionFailed].
func (a *Auditor) Run(ctx context.Context, request Request) (report.Summary, error) {
	r := &run{
		Auditor: a, request: request, room: finding.NewRoom(a.RunBytes),
		report: &report.Report{
			Version: a.Version, MessagesPerRun: a.MessagesPerRun, Dashboard: a.Dashboard,
			Summary: report.Summary{
				Schema: report.SummarySchema, RunID: request.RunID, StartedAt: report.Instant(request.Start), Instance: a.Instance,
			},
		},
	}
	failure := r.observe(ctx)
	r.logGaps(ctx)
	if failure != nil {
		r.report.Summary.Status = report.Failed
		r.note(failure.Error())
	}
	r.finish()
	if !request.DryRun {
		r.emit(ctx)
	}
	s := r.report.Summary
	notes := slices.DeleteFunc(slices.Clone(s.Notes), func(note string) bool { // the caller logs the failure itself
		return failure != nil && note == finding.Plain(failure.Error())
	})
	a.Log.InfoContext(ctx, "audit ended", slog.String("status", string(s.Status)),
		slog.Int("dataApps", s.Counts.DataApps), slog.Int("gaps", s.Counts.Gaps), slog.Int("tokens", s.Counts.Tokens),
		slog.Int("findings", s.Counts.Findings), slog.Int("requests", s.Requests), slog.Int("emitFailures", s.EmitFailures),
		slog.Bool("dryRun", request.DryRun), slog.Any("notes", notes))
	switch {
	case failure != nil:
		return s, failure
	case s.EmitFailures > 0:
		return s, &EmissionFailed{s.EmitFailures, r.firstFailure, r.firstRemedy}
	}
	return s, nil
}

// run is one run of an Auditor.
type run struct {
	*Auditor
	request Request
	report  *report.Report
	memory  recollection
	next    finding.Snapshot
	room    *finding.Room // for what is read of the instance and of the secrets

	lostEvents   int
	firstFailure string // of the emission: what and why
	firstRemedy  string // what to do about it, as far as that is known
}

// observe reads the instance, judges what it read and compares that with the last
// run. It fills in the report whether it fails or not.
func (r *run) observe(ctx context.Context) error {
	posture := r.posture(ctx)
	if r.Store != nil {
		r.recall(ctx, posture.Owner)
	}
	managed := r.managed(ctx)
	reading, cancel := r.before(ctx, afterListing)
	policy, coverage, evaluation, failure := r.read(reading, &managed)
	cancel()
	coverage.Posture, coverage.Managed = posture, managed
	r.next = r.report.Compile(r.memory.Memory, evaluation, coverage, policy, r.request.Start)
	r.next.RunID = r.request.RunID
	r.fit(ctx)
	r.memory.Findings = nil // what is still known of them is in the report and in next
	r.report.EventBase = r.eventBase()
	return failure
}

// fit drops from the next state what it has no room for, and tells of that and of what
// the last state had no room for.
func (r *run) fit(ctx context.Context) {
	if r.Store == nil {
		return
	}
	r.next.Fit(r.Store.stateBytes())
	d := r.next.Dropped
	d.Open += r.memory.Dropped.Open
	d.Resolved += r.memory.Dropped.Resolved
	if note := droppedNote(d); note != "" {
		r.note(note)
		r.Log.WarnContext(ctx, "the memory between runs is full",
			slog.Int("openDropped", d.Open), slog.Int("resolvedDropped", d.Resolved))
	}
}

// posture asks what Secrets Manager says of the secret.
func (r *run) posture(ctx context.Context) finding.Posture {
	asking, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	posture, err := r.Secret.posture(asking, r.request.Start)
	if err != nil {
		r.note("the rotation of the service token could not be judged: DescribeSecret failed (" + awsCause(err) + ")")
	}
	return posture
}

// recall loads the state of the last run. Without one it stores an empty one, so that a
// run that repeats this one starts from the same state and sends the same event ids.
func (r *run) recall(ctx context.Context, owner string) {
	loading, cancel := context.WithTimeout(ctx, stateTime)
	defer cancel()
	m := r.Store.load(loading, r.Instance, owner, r.request.Start)
	if m.lost != "" {
		r.note(m.note)
		r.report.Summary.StateLost = string(m.lost)
		r.Log.WarnContext(ctx, "the memory of earlier runs is lost", slog.String("how", string(m.lost)),
			slog.String("note", m.note))
	}
	if m.Kind == finding.FirstRun && !r.request.DryRun {
		birth := finding.Snapshot{
			Schema: finding.SnapshotSchema, RunID: r.request.RunID, Instance: r.Instance, Owner: owner,
			StoredAt: r.request.Start.UTC(),
		}
		if version, err := r.Store.save(loading, birth, m.version); err == nil {
			m.version = version
		}
	}
	if m.Owner == "" {
		m.Owner = owner
	}
	r.memory = m
}

// read asks for the policy, the service token and then all that the instance
// holds. When one of the first two is missing, the list of the apps is a gap.
func (r *run) read(ctx context.Context, managed *finding.Managed) (
	finding.Policy, finding.Coverage, *finding.Evaluation, error,
) {
	policy, err := r.Policy(ctx)
	if err != nil {
		policy = finding.DefaultPolicy()
		coverage := finding.Coverage{Gaps: []finding.Gap{{Class: finding.GapSettings}}}
		evaluation := finding.NewEvaluation(policy, r.Instance, r.request.Start)
		evaluation.Manage(managed)
		return policy, coverage, evaluation, policyFailed(err)
	}
	evaluation := finding.NewEvaluation(policy, r.Instance, r.request.Start)
	evaluation.Manage(managed)
	current, err := r.Secret.version(ctx, collect.LabelCurrent)
	if err != nil {
		coverage := finding.Coverage{Gaps: []finding.Gap{{Class: finding.GapAuth}}}
		return policy, coverage, evaluation, tokenFailed(err)
	}
	evaluation.Expect(r.memory.Memory)
	evaluation.Within(r.room)
	previous, over := r.previous(ctx, current)
	coverage, stats, err := collect.Run(ctx, collect.Options{
		Databrain: r.Databrain, Evaluation: evaluation, Room: r.room, Apps: r.memory.Apps, Token: current.token,
		ReadToken: r.Secret.token, Previous: previous,
		RequestsPerMinute: r.RequestsPerMinute, Concurrency: r.Concurrency, Now: r.Now,
	})
	coverage.Previous.Over = over
	if coverage.Complete && len(coverage.Gaps) == 0 {
		r.confirm(ctx, managed, evaluation)
	}
	s := &r.report.Summary
	s.Requests, s.Retries, s.Throttled = stats.Requests, stats.Retries, stats.Throttled
	if stats.TokenReplaced {
		r.note("the service token was replaced during the run, so the secret was read again")
	}
	if err != nil {
		return policy, coverage, evaluation, listFailed(err, &coverage.Gaps[0])
	}
	return policy, coverage, evaluation, nil
}

// previous returns the token of AWSPREVIOUS that the instance has to refuse, and since
// when; an empty one if there is none. If it could not be read, a note says so.
func (r *run) previous(ctx context.Context, current version) (databrain.Secret, time.Time) {
	asking, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	token, over, err := r.Secret.previous(asking, current, r.PreviousGrace, r.request.Start)
	if err != nil {
		r.note("whether the token of AWSPREVIOUS still works is not known: " + err.Error())
		r.Log.WarnContext(ctx, "AWSPREVIOUS could not be read", slog.Any("error", err))
	}
	return token, over
}

// maxLoggedGaps is how many gaps the log names one by one.
const maxLoggedGaps = 10

// logGaps names the parts of the instance that could not be read.
func (r *run) logGaps(ctx context.Context) {
	gaps := r.report.Gaps
	for _, g := range gaps[:min(len(gaps), maxLoggedGaps)] {
		r.Log.WarnContext(ctx, "coverage gap", slog.String("dataApp", finding.ShownName(g.DataApp)),
			slog.String("class", string(g.Class)), slog.Int("status", g.Status), slog.Int("attempts", g.Attempts))
	}
	if more := len(gaps) - maxLoggedGaps; more > 0 {
		r.Log.WarnContext(ctx, "further coverage gaps are in the report", slog.Int("gaps", more))
	}
}

// before returns a context whose deadline is reserve earlier than ctx's, but gives up
// at most half of the remaining time.
func (r *run) before(ctx context.Context, reserve time.Duration) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, deadline.Add(-min(reserve, deadline.Sub(r.Now())/2)))
}

// eventBase returns what the ids of this run's events derive from: the run whose state this
// one began with, so that a repetition sends the same ids, else this run.
func (r *run) eventBase() string {
	if r.memory.Kind == finding.Remembered {
		return r.memory.RunID
	}
	return r.request.RunID
}

// note adds to the notes of the summary.
func (r *run) note(text string) { r.report.Note(text) }

// finish notes how long the run took.
func (r *run) finish() {
	s, now := &r.report.Summary, r.Now()
	s.FinishedAt = report.Instant(now)
	s.DurationMs = now.Sub(r.request.Start).Milliseconds()
}
