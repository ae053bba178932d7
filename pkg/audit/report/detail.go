package report

import (
	"time"

	"databrain-rotation/pkg/audit/finding"
)

// The schemas that the metadata of the events name.
const (
	findingSchema   = "databrain.token-audit.finding/1"
	gapSchema       = "databrain.token-audit.gap/1"
	completedSchema = "databrain.token-audit.completed/1"
)

// Detail is the wire form of a finding: the detail of its event, and an entry of
// findings.json. Members that do not apply are left out.
type Detail struct {
	Metadata    Metadata           `json:"metadata,omitzero"`
	Finding     FindingDetail      `json:"finding"`
	DataApp     *DataAppDetail     `json:"dataApp,omitempty"`
	Token       *TokenDetail       `json:"token,omitempty"`
	Exception   *ExceptionDetail   `json:"exception,omitempty"`
	Policy      *PolicyDetail      `json:"policy,omitempty"`
	ManagedBy   *finding.ManagedBy `json:"managedBy,omitempty"`
	Gap         *finding.Gap       `json:"gap,omitempty"` // in a summary only
	Instance    InstanceDetail     `json:"instance,omitzero"`
	Remediation *RemediationDetail `json:"remediation,omitempty"`
	Message     *MessageDetail     `json:"message,omitempty"` // in an event only
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
	Description string             `json:"description,omitempty"` // not in a summary, nor are the times
	FirstSeenAt time.Time          `json:"firstSeenAt,omitzero"`
	LastSeenAt  time.Time          `json:"lastSeenAt,omitzero"`
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
	Gap      finding.Gap    `json:"gap"`
}

// CompletedDetail is the detail of the event that ends a run.
type CompletedDetail struct {
	Metadata Metadata    `json:"metadata"`
	Summary  Summary     `json:"summary"`
	Message  *RestDetail `json:"message,omitempty"`
	Digest   Digest      `json:"digest"`
}

// Detail returns the wire form of f, one of r's findings.
func (r *Report) Detail(f *finding.Finding) Detail {
	prose := f.Prose()
	d := brief(f, prose.Title)
	d.Metadata = r.metadata(findingSchema, f.ID, string(f.State))
	d.Finding.RaisedFrom, d.Finding.Superseded = f.RaisedFrom, f.Superseded
	d.Finding.Description = prose.Description
	d.Finding.FirstSeenAt, d.Finding.LastSeenAt = Instant(f.FirstSeen), Instant(f.LastSeen)
	d.Gap = nil // its text is in the description
	d.Instance = InstanceDetail{r.Summary.Instance}
	if f.State != finding.Resolved {
		d.Remediation = &RemediationDetail{Text: prose.Remedy, URL: prose.URL}
	}
	return d
}

// GapDetail returns the detail of the event of g.
func (r *Report) GapDetail(g *finding.Gap) GapDetail {
	d := GapDetail{
		Metadata: r.metadata(gapSchema, g.DataApp, "gap"),
		Instance: InstanceDetail{r.Summary.Instance},
		Gap:      *g,
	}
	if g.DataApp != "" {
		d.DataApp = &DataAppDetail{finding.ShownName(g.DataApp)}
	}
	return d
}

// CompletedDetail returns the detail of the event that ends the run.
func (r *Report) CompletedDetail() CompletedDetail {
	return CompletedDetail{r.metadata(completedSchema, r.Summary.RunID, "completed"), r.Summary, r.rest(), r.digest()}
}

func (r *Report) metadata(schema, subject, kind string) Metadata {
	return Metadata{
		Schema: schema, EventID: finding.Digest(r.EventBase, r.Summary.Instance, schema, subject, kind),
		RunID: r.Summary.RunID, EmittedAt: Instant(r.EmittedAt),
	}
}

// brief is the part of [Report.Detail] that a summary repeats: no prose but the title.
func brief(f *finding.Finding, title string) Detail {
	d := Detail{Finding: FindingDetail{
		ID: f.ID, Check: f.Check, State: f.State, Severity: f.Severity, Compliance: f.Compliance(), Title: title,
	}, Gap: f.Gap, ManagedBy: f.ManagedBy}
	if f.DataApp != "" {
		d.DataApp = &DataAppDetail{finding.ShownName(f.DataApp)}
	}
	if f.Token != nil {
		d.Token = tokenDetail(f)
	}
	if f.Rule != "" {
		d.Policy = &PolicyDetail{f.Rule, f.MaxAgeDays}
	}
	if e := f.Exception; e != nil {
		d.Exception = &ExceptionDetail{e.ID, e.Reason, e.Owner, e.ExpiresAt}
	}
	return d
}

func tokenDetail(f *finding.Finding) *TokenDetail {
	d := &TokenDetail{Fingerprint: f.Token.Fingerprint, Name: f.Token.Name}
	if created := Instant(f.Token.CreatedAt); !created.IsZero() {
		d.CreatedAt = &created
		if f.Check != finding.TokenDateFuture {
			d.AgeDays = &f.Token.AgeDays
		}
	}
	if stale := Instant(f.Token.StaleSince); !stale.IsZero() {
		d.StaleSince = &stale
	}
	return d
}
