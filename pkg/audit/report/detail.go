package report

import (
	"crypto/sha256"
	"encoding/hex"
	"time"

	"databrain-rotation/pkg/audit/finding"
)

// The schemas that the metadata of the events name.
const (
	FindingSchema   = "databrain.token-audit.finding/1"
	GapSchema       = "databrain.token-audit.gap/1"
	CompletedSchema = "databrain.token-audit.completed/1"
)

// Detail is the wire form of a finding: the detail of its event, and an entry of
// findings.json. Members that do not apply are left out.
type Detail struct {
	Metadata    Metadata           `json:"metadata"`
	Finding     FindingDetail      `json:"finding"`
	DataApp     *DataAppDetail     `json:"dataApp,omitempty"`
	Token       *TokenDetail       `json:"token,omitempty"`
	Exception   *ExceptionDetail   `json:"exception,omitempty"`
	Policy      *PolicyDetail      `json:"policy,omitempty"`
	Instance    InstanceDetail     `json:"instance"`
	Remediation *RemediationDetail `json:"remediation,omitempty"`
}

// Metadata identifies one event. An event that is sent again after a crash has
// the same EventID.
type Metadata struct {
	Schema    string    `json:"schema"`
	EventID   string    `json:"eventId"`
	RunID     string    `json:"runId"`
	EmittedAt time.Time `json:"emittedAt"`
}

// FindingDetail is the finding itself.
type FindingDetail struct {
	ID          string             `json:"id"`
	Check       finding.Check      `json:"check"`
	State       finding.State      `json:"state"`
	Severity    finding.Severity   `json:"severity"`
	RaisedFrom  finding.Severity   `json:"raisedFrom,omitempty"`   // in the last run, if it was lower
	Superseded  finding.Check      `json:"supersededBy,omitempty"` // resolved only to make way for this check
	Compliance  finding.Compliance `json:"compliance"`
	Title       string             `json:"title"`
	Description string             `json:"description"`
	FirstSeenAt time.Time          `json:"firstSeenAt"`
	LastSeenAt  time.Time          `json:"lastSeenAt"`
}

// DataAppDetail names a data app.
type DataAppDetail struct {
	Name string `json:"name"`
}

// TokenDetail is an API token, known by its fingerprint.
type TokenDetail struct {
	Fingerprint string     `json:"fingerprint"`
	Name        string     `json:"name"`
	CreatedAt   *time.Time `json:"createdAt,omitempty"`
	AgeDays     *int       `json:"ageDays,omitempty"`
	StaleSince  *time.Time `json:"staleSince,omitempty"`
}

// ExceptionDetail is the exception that suppresses a finding or that a finding
// is about.
type ExceptionDetail struct {
	ID        string `json:"id"`
	Reason    string `json:"reason"`
	Owner     string `json:"owner"`
	ExpiresAt string `json:"expiresAt"`
}

// PolicyDetail is the rule that a finding was judged by.
type PolicyDetail struct {
	Rule       string `json:"rule"`
	MaxAgeDays int    `json:"maxAgeDays"`
}

// InstanceDetail is the instance of Databrain.
type InstanceDetail struct {
	URL string `json:"url"`
}

// RemediationDetail is what to do about a finding.
type RemediationDetail struct {
	Text string `json:"text"`
	URL  string `json:"url,omitempty"`
}

// GapDetail is the detail of a coverage gap's event.
type GapDetail struct {
	Metadata Metadata       `json:"metadata"`
	Instance InstanceDetail `json:"instance"`
	DataApp  *DataAppDetail `json:"dataApp,omitempty"`
	Gap      GapFacts       `json:"gap"`
}

// GapFacts is why something could not be read.
type GapFacts struct {
	Class    finding.GapClass `json:"class"`
	Status   int              `json:"status,omitempty"`
	Attempts int              `json:"attempts"`
}

// CompletedDetail is the detail of the event that ends a run.
type CompletedDetail struct {
	Metadata Metadata `json:"metadata"`
	Summary  Summary  `json:"summary"`
}

// Detail returns the wire form of f, one of r's findings.
func (r *Report) Detail(f *finding.Finding) Detail {
	short := worstItem(f)
	text := describe(f)
	d := Detail{
		Metadata: r.metadata(FindingSchema, f.ID, string(f.State)),
		Finding: FindingDetail{
			ID: f.ID, Check: f.Check, State: f.State, Severity: f.Severity, RaisedFrom: f.RaisedFrom, Superseded: f.Superseded, Compliance: f.Compliance(),
			Title: text.title, Description: text.description,
			FirstSeenAt: f.FirstSeen.UTC(), LastSeenAt: f.LastSeen.UTC(),
		},
		DataApp: short.DataApp, Token: short.Token, Exception: short.Exception, Policy: short.Policy,
		Instance: InstanceDetail{r.Summary.Instance},
	}
	if f.State != finding.Resolved {
		d.Remediation = &RemediationDetail{Text: text.remedy, URL: text.url}
	}
	return d
}

// GapDetail returns the detail of the event of g.
func (r *Report) GapDetail(g *finding.Gap) GapDetail {
	d := GapDetail{
		Metadata: r.metadata(GapSchema, g.App, "gap"),
		Instance: InstanceDetail{r.Summary.Instance},
		Gap:      GapFacts{Class: g.Class, Status: g.Status, Attempts: g.Attempts},
	}
	if g.App != "" {
		d.DataApp = &DataAppDetail{g.DataApp}
	}
	return d
}

// CompletedDetail returns the detail of the event that ends the run.
func (r *Report) CompletedDetail() CompletedDetail {
	return CompletedDetail{r.metadata(CompletedSchema, r.Summary.RunID, "completed"), r.Summary}
}

func (r *Report) metadata(schema, subject, kind string) Metadata {
	return Metadata{
		Schema: schema, EventID: eventID(r.EventBase, r.Summary.Instance, schema, subject, kind),
		RunID: r.Summary.RunID, EmittedAt: r.EmittedAt.UTC(),
	}
}

// eventID names an event so that consumers can drop one that they have seen. The
// base is the state that the run started from: a run that crashed before it
// stored its state and the run that repeats it start from the same one, so what
// they both send has the same id. Without a state the base is the run's own id,
// which Lambda keeps when it retries an asynchronous invocation.
func eventID(base string, parts ...string) string {
	h := sha256.New()
	for _, part := range append([]string{base}, parts...) {
		finding.WritePart(h, part)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

func worstItem(f *finding.Finding) WorstItem {
	w := WorstItem{Finding: WorstFinding{
		ID: f.ID, Check: f.Check, State: f.State, Severity: f.Severity, Compliance: f.Compliance(),
		Title: describe(f).title,
	}}
	if f.DataApp != "" {
		w.DataApp = &DataAppDetail{f.DataApp}
	}
	if f.Token != nil {
		w.Token = tokenDetail(f)
	}
	if f.Rule != "" {
		w.Policy = &PolicyDetail{f.Rule, f.MaxAgeDays}
	}
	if g := f.Gap; g != nil {
		w.Gap = &GapFacts{Class: g.Class, Status: g.Status, Attempts: g.Attempts}
	}
	if e := f.Exception; e != nil {
		w.Exception = &ExceptionDetail{e.ID, e.Reason, e.Owner, e.ExpiresAt}
	}
	return w
}

func tokenDetail(f *finding.Finding) *TokenDetail {
	d := &TokenDetail{Fingerprint: f.Token.Fingerprint, Name: f.Token.Name}
	if created := f.Token.CreatedAt.UTC(); !created.IsZero() {
		d.CreatedAt = &created
		if f.Check != finding.TokenDateFuture {
			d.AgeDays = &f.Token.AgeDays
		}
	}
	if stale := f.Token.StaleSince.UTC(); !stale.IsZero() {
		d.StaleSince = &stale
	}
	return d
}
