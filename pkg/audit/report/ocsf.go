package report

import (
	"fmt"
	"io"
	"strconv"
	"time"

	"databrain-rotation/pkg/audit/finding"
)

// WriteOCSF writes findings.ocsf.json: one JSON array of Compliance Finding
// objects, class 2003 of the Open Cybersecurity Schema Framework 1.6.0
// (https://schema.ocsf.io/1.6.0/classes/compliance_finding), for SIEMs and
// security lakes. Times are in milliseconds. Findings are written one by one.
func WriteOCSF(w io.Writer, r *Report) error {
	objects := func(yield func(ocsfFinding) bool) {
		for d := range r.details() {
			if !yield(newOCSF(&d, r.Version)) {
				return
			}
		}
	}
	if err := writeArray(w, objects); err != nil {
		return fmt.Errorf("write findings.ocsf.json: %w", err)
	}
	return nil
}

const (
	ocsfVersion  = "1.6.0"
	ocsfCategory = 2    // Findings
	ocsfClass    = 2003 // Compliance Finding
)

// ocsfEnum is a value of an enumeration of the schema: its number, and the
// caption that the schema wants beside it.
type ocsfEnum struct {
	id      int
	caption string
}

// ocsfFinding is a Compliance Finding. Attributes that the schema gives a number
// and a caption stand in pairs.
type ocsfFinding struct {
	ActivityID   int             `json:"activity_id"`
	ActivityName string          `json:"activity_name"`
	CategoryUID  int             `json:"category_uid"`
	CategoryName string          `json:"category_name"`
	ClassUID     int             `json:"class_uid"`
	ClassName    string          `json:"class_name"`
	TypeUID      int             `json:"type_uid"`
	TypeName     string          `json:"type_name"`
	SeverityID   int             `json:"severity_id"`
	Severity     string          `json:"severity"`
	StatusID     int             `json:"status_id"`
	Status       string          `json:"status"`
	Time         int64           `json:"time"`
	Message      string          `json:"message"`
	Metadata     ocsfMetadata    `json:"metadata"`
	FindingInfo  ocsfFindingInfo `json:"finding_info"`
	Compliance   ocsfCompliance  `json:"compliance"`
	Resources    []ocsfResource  `json:"resources"`
	Remediation  *ocsfRemedy     `json:"remediation,omitempty"`
	Unmapped     ocsfUnmapped    `json:"unmapped"`
}

type ocsfMetadata struct {
	Version        string      `json:"version"`
	Product        ocsfProduct `json:"product"`
	UID            string      `json:"uid"`
	CorrelationUID string      `json:"correlation_uid"`
	EventCode      string      `json:"event_code"`
	LogVersion     string      `json:"log_version"`
}

type ocsfProduct struct {
	Name       string `json:"name"`
	Version    string `json:"version,omitempty"`
	VendorName string `json:"vendor_name"`
}

type ocsfFindingInfo struct {
	UID           string       `json:"uid"`
	Title         string       `json:"title"`
	Desc          string       `json:"desc"`
	Types         []string     `json:"types"`
	Analytic      ocsfAnalytic `json:"analytic"`
	FirstSeenTime int64        `json:"first_seen_time"`
	LastSeenTime  int64        `json:"last_seen_time"`
}

type ocsfAnalytic struct {
	UID    string `json:"uid"`
	Name   string `json:"name"`
	TypeID int    `json:"type_id"`
	Type   string `json:"type"`
}

type ocsfCompliance struct {
	Control           string          `json:"control"`
	ControlParameters []ocsfParameter `json:"control_parameters,omitempty"`
	Standards         []string        `json:"standards"`
	StatusID          int             `json:"status_id"`
	Status            string          `json:"status"`
}

type ocsfParameter struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type ocsfResource struct {
	Type        string     `json:"type"`
	UID         string     `json:"uid,omitempty"`
	Name        string     `json:"name,omitempty"`
	Group       *ocsfGroup `json:"group,omitempty"`
	CreatedTime *int64     `json:"created_time,omitempty"`
	RoleID      int        `json:"role_id"`
	Role        string     `json:"role"`
}

type ocsfGroup struct {
	Type string `json:"type"`
	Name string `json:"name"`
}

type ocsfRemedy struct {
	Desc       string   `json:"desc"`
	References []string `json:"references,omitempty"`
}

// ocsfUnmapped holds what the class has no attribute for, under the names of the
// events.
type ocsfUnmapped struct {
	State      finding.State      `json:"state"`
	RaisedFrom finding.Severity   `json:"raisedFrom,omitempty"`
	Superseded finding.Check      `json:"supersededBy,omitempty"`
	AgeDays    *int               `json:"ageDays,omitempty"`
	StaleSince *time.Time         `json:"staleSince,omitempty"`
	Exception  *ExceptionDetail   `json:"exception,omitempty"`
	ManagedBy  *finding.ManagedBy `json:"managedBy,omitempty"`
}

func newOCSF(d *Detail, version string) ocsfFinding {
	activity, status := ocsfActivity(d.Finding.State), ocsfStatus(&d.Finding)
	severity := ocsfSeverity(d.Finding.Severity)
	o := ocsfFinding{
		ActivityID: activity.id, ActivityName: activity.caption,
		CategoryUID: ocsfCategory, CategoryName: "Findings", ClassUID: ocsfClass, ClassName: "Compliance Finding",
		TypeUID: ocsfClass*100 + activity.id, TypeName: "Compliance Finding: " + activity.caption,
		SeverityID: severity.id, Severity: severity.caption, StatusID: status.id, Status: status.caption,
		Time: d.Metadata.EmittedAt.UnixMilli(), Message: d.Finding.Title,
		Metadata: ocsfMetadata{
			Version: ocsfVersion,
			Product: ocsfProduct{Name: "databrain-token-audit", Version: version, VendorName: "databrain-rotation"},
			UID:     d.Metadata.EventID, CorrelationUID: d.Metadata.RunID, EventCode: string(d.Finding.Check),
			LogVersion: d.Metadata.Schema,
		},
		FindingInfo: ocsfFindingInfo{
			UID: d.Finding.ID, Title: d.Finding.Title, Desc: d.Finding.Description, Types: []string{string(d.Finding.Check)},
			Analytic:      ocsfAnalytic{UID: string(d.Finding.Check), Name: string(d.Finding.Check), TypeID: 1, Type: "Rule"},
			FirstSeenTime: d.Finding.FirstSeenAt.UnixMilli(), LastSeenTime: d.Finding.LastSeenAt.UnixMilli(),
		},
		Compliance: ocsfComplianceOf(d), Resources: ocsfResources(d),
		Unmapped: ocsfUnmapped{
			State:      d.Finding.State,
			RaisedFrom: d.Finding.RaisedFrom,
			Superseded: d.Finding.Superseded,
			Exception:  d.Exception,
			ManagedBy:  d.ManagedBy,
		},
	}
	if d.Token != nil {
		o.Unmapped.AgeDays, o.Unmapped.StaleSince = d.Token.AgeDays, d.Token.StaleSince
	}
	if r := d.Remediation; r != nil {
		o.Remediation = &ocsfRemedy{Desc: r.Text}
		if r.URL != "" {
			o.Remediation.References = []string{r.URL}
		}
	}
	return o
}

func ocsfComplianceOf(d *Detail) ocsfCompliance {
	status := map[finding.Compliance]ocsfEnum{
		finding.Pass: {1, "Pass"}, finding.Warning: {2, "Warning"}, finding.Fail: {3, "Fail"},
	}[d.Finding.Compliance]
	c := ocsfCompliance{
		Control: string(d.Finding.Check), Standards: []string{"Databrain token audit policy"},
		StatusID: status.id, Status: status.caption,
	}
	if p := d.Policy; p != nil {
		c.ControlParameters = []ocsfParameter{{"rule", p.Rule}, {"maxAgeDays", strconv.Itoa(p.MaxAgeDays)}}
	}
	return c
}

// ocsfResources are what the finding is about, and the instance that it is on.
func ocsfResources(d *Detail) []ocsfResource {
	const affectedID, affected = 3, "Affected"
	instance := ocsfResource{Type: "Databrain instance", UID: d.Instance.URL, RoleID: 4, Role: "Related"}
	about := ocsfResource{RoleID: affectedID, Role: affected}
	switch {
	case d.Token != nil:
		about.Type, about.UID, about.Name = "Databrain API token", d.Token.Fingerprint, d.Token.Name
		if d.DataApp != nil {
			about.Group = &ocsfGroup{Type: "Databrain data app", Name: d.DataApp.Name}
		}
		if created := d.Token.CreatedAt; created != nil {
			ms := created.UnixMilli()
			about.CreatedTime = &ms
		}
	case d.DataApp == nil && d.ManagedBy != nil:
		about.Type, about.Name = "AWS Secrets Manager secret", d.ManagedBy.Secret
	case d.DataApp != nil:
		about.Type, about.Name = "Databrain data app", d.DataApp.Name
	case d.Exception != nil:
		about.Type, about.UID = "Audit policy exception", d.Exception.ID
	default:
		instance.RoleID, instance.Role = affectedID, affected
		return []ocsfResource{instance}
	}
	return []ocsfResource{about, instance}
}

// ocsfActivity returns what a run did to a finding, which is created and closed once, and
// updated between.
func ocsfActivity(s finding.State) ocsfEnum {
	switch s {
	case finding.New:
		return ocsfEnum{1, "Create"}
	case finding.Resolved:
		return ocsfEnum{3, "Close"}
	}
	return ocsfEnum{2, "Update"}
}

// ocsfStatus uses Other where the schema has no word for the state: its "In
// Progress" would claim that somebody is at work on the finding. A finding that made
// way for a worse one is archived: nobody has resolved anything.
func ocsfStatus(f *FindingDetail) ocsfEnum {
	switch {
	case f.Superseded != "":
		return ocsfEnum{5, "Archived"}
	case f.State == finding.New:
		return ocsfEnum{1, "New"}
	case f.State == finding.Suppressed:
		return ocsfEnum{3, "Suppressed"}
	case f.State == finding.Resolved:
		return ocsfEnum{4, "Resolved"}
	}
	return ocsfEnum{99, string(f.State)}
}

func ocsfSeverity(s finding.Severity) ocsfEnum {
	return map[finding.Severity]ocsfEnum{
		finding.Informational: {1, "Informational"}, finding.Low: {2, "Low"}, finding.Medium: {3, "Medium"},
		finding.High: {4, "High"}, finding.Critical: {5, "Critical"},
	}[s]
}
