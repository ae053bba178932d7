package report

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf16"

	"databrain-rotation/pkg/audit/finding"
)

// Product is the product of Security Hub that the findings belong to: the default product
// of the account and region that the audit runs in
// (https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub-custom-providers.html).
type Product struct{ Partition, Region, Account string }

// ParseProduct returns the product for the function with that ARN. ok is false if it is not
// the ARN of a Lambda function.
func ParseProduct(functionARN string) (p Product, ok bool) {
	parts := strings.Split(functionARN, ":")
	if len(parts) < 7 || parts[0] != "arn" || parts[2] != "lambda" || parts[1] == "" || parts[3] == "" || parts[4] == "" {
		return p, false
	}
	return Product{parts[1], parts[3], parts[4]}, true
}

// ARN returns the product's ARN.
func (p Product) ARN() string {
	return "arn:" + p.Partition + ":securityhub:" + p.Region + ":" + p.Account + ":product/" + p.Account + "/default"
}

// asffPrefix begins the names of the audit's own product fields.
const asffPrefix = "databrain-token-audit/"

// The lengths that the format allows, in characters. They are counted in units of UTF-16
// here, of which a text has never fewer than characters
// (https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_AwsSecurityFinding.html,
// API_Recommendation.html beside it, and
// https://docs.aws.amazon.com/securityhub/latest/userguide/asff-resourcedetails-other.html).
const (
	asffTitle        = 256
	asffDescription  = 1024
	asffRecommended  = 512
	asffIdentifier   = 512
	asffProductField = 2048
	asffDetail       = 1023
)

// asffFinding is a finding in the AWS Security Finding Format. It has no Severity and no
// Types of its own, no Workflow, Note or UserDefinedFields: people set them, and an import
// would overwrite the first two
// (https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_BatchImportFindings.html).
type asffFinding struct {
	SchemaVersion         string
	Id                    string
	ProductArn            string
	ProductName           string
	CompanyName           string
	GeneratorId           string
	AwsAccountId          string
	CreatedAt             time.Time
	UpdatedAt             asffTime
	FirstObservedAt       time.Time
	LastObservedAt        *time.Time `json:",omitempty"`
	Title                 string
	Description           string
	FindingProviderFields asffProvided
	Compliance            asffCompliance
	RecordState           string
	Remediation           *asffRemediation `json:",omitempty"`
	Resources             []asffResource
	ProductFields         map[string]string
}

type asffProvided struct {
	Severity asffSeverity
	Types    []string
}

type asffSeverity struct{ Label, Original string }

type asffCompliance struct{ Status string }

type asffRemediation struct{ Recommendation asffRecommendation }

type asffRecommendation struct {
	Text string
	Url  string `json:",omitempty"`
}

type asffResource struct {
	Type, Id, Region string
	Details          asffDetails
}

type asffDetails struct{ Other map[string]string }

// asffTime has milliseconds: two runs may be less than a second apart.
type asffTime time.Time

func (t asffTime) MarshalText() ([]byte, error) {
	return time.Time(t).UTC().AppendFormat(nil, "2006-01-02T15:04:05.000Z"), nil
}

// ASFF returns f, one of r's findings, in the AWS Security Finding Format, and a digest of
// what it says, its times of update and of observation left out.
func (r *Report) ASFF(f *finding.Finding, p Product, updated time.Time) (encoded, digest string, err error) {
	d := r.Detail(f)
	a := newASFF(&d, p)
	said, err := EncodeDetail(a)
	if err != nil {
		return "", "", err
	}
	a.UpdatedAt, a.LastObservedAt = asffTime(updated), &d.Finding.LastSeenAt
	encoded, err = EncodeDetail(a)
	return encoded, finding.Digest(said)[:16], err
}

func newASFF(d *Detail, p Product) asffFinding {
	check := string(d.Finding.Check)
	a := asffFinding{
		SchemaVersion: "2018-10-08", Id: d.Finding.ID, ProductArn: p.ARN(),
		ProductName: "Databrain token audit", CompanyName: "databrain-rotation",
		GeneratorId: check, AwsAccountId: p.Account,
		CreatedAt: d.Finding.FirstSeenAt, FirstObservedAt: d.Finding.FirstSeenAt,
		Title: fit(d.Finding.Title, asffTitle), Description: fit(d.Finding.Description, asffDescription),
		FindingProviderFields: asffProvided{
			Severity: asffSeverity{strings.ToUpper(string(d.Finding.Severity)), string(d.Finding.Severity)},
			Types:    []string{"Software and Configuration Checks/Databrain Token Audit/" + check},
		},
		Compliance: asffCompliance{asffStatus(d.Finding.Compliance)}, RecordState: "ACTIVE",
		Resources: asffResources(d, p), ProductFields: asffFields(d),
	}
	if d.Finding.State == finding.Resolved {
		a.RecordState = "ARCHIVED"
	}
	if m := d.Remediation; m != nil {
		a.Remediation = &asffRemediation{asffRecommendation{recommend(m.Text), m.URL}}
	}
	return a
}

func asffStatus(c finding.Compliance) string {
	return map[finding.Compliance]string{
		finding.Pass: "PASSED", finding.Warning: "WARNING", finding.Fail: "FAILED",
	}[c]
}

// asffFields are the fields of the audit's own. An import may change these, and so the
// exception that covers a finding is among them: it could not be taken out of a Note.
func asffFields(d *Detail) map[string]string {
	fields := asffTexts{make(map[string]string), asffProductField}
	fields.put("instance", d.Instance.URL)
	fields.put("supersededBy", string(d.Finding.Superseded))
	if p := d.Policy; p != nil {
		fields.put("rule", p.Rule)
		fields.put("maxAgeDays", strconv.Itoa(p.MaxAgeDays))
	}
	if e := d.Exception; e != nil {
		fields.put("suppressed", strconv.FormatBool(d.Finding.State == finding.Suppressed))
		fields.put("exception", e.ID)
		fields.put("exceptionReason", e.Reason)
		fields.put("exceptionOwner", e.Owner)
		fields.put("exceptionExpiresAt", e.ExpiresAt)
	}
	if m := d.ManagedBy; m != nil {
		fields.put("managedBy", m.Secret)
	}
	named := make(map[string]string, len(fields.values))
	for name, value := range fields.values {
		named[asffPrefix+name] = value
	}
	return named
}

// asffResources is what the finding is about.
func asffResources(d *Detail, p Product) []asffResource {
	other := asffTexts{make(map[string]string), asffDetail}
	other.put("instance", d.Instance.URL)
	if d.DataApp != nil {
		other.put("dataApp", d.DataApp.Name)
	}
	id := d.Instance.URL
	switch {
	case d.Token != nil:
		id = "databrain-api-token/" + d.Token.Fingerprint
		other.put("token", d.Token.Name)
		other.put("fingerprint", d.Token.Fingerprint)
		other.time("createdAt", d.Token.CreatedAt)
		other.time("staleSince", d.Token.StaleSince)
	case d.DataApp != nil:
		id = "databrain-data-app/" + d.DataApp.Name
	case d.ManagedBy != nil:
		id = "secretsmanager-secret/" + d.ManagedBy.Secret
	case d.Exception != nil:
		id = "databrain-audit-exception/" + d.Exception.ID
	}
	return []asffResource{{
		Type: "Other", Id: fit(id, asffIdentifier), Region: p.Region,
		Details: asffDetails{other.values},
	}}
}

// asffTexts are named texts of at most a length. None is blank, because the format refuses
// blank texts.
type asffTexts struct {
	values map[string]string
	length int
}

func (f asffTexts) put(name, value string) {
	if strings.TrimSpace(value) != "" {
		f.values[name] = fit(value, f.length)
	}
}

func (f asffTexts) time(name string, t *time.Time) {
	if t != nil {
		f.put(name, t.Format(time.RFC3339))
	}
}

// recommend returns a remedy that fits. A command is whole or not there: cut off, it could
// mean another secret.
func recommend(text string) string {
	if utf16Length(text) <= asffRecommended {
		return text
	}
	if before, _, found := strings.Cut(text, "aws "); found {
		text = strings.TrimSuffix(before, ": ")
		if text != "" {
			text += ". "
		}
		text += "The report of the audit has the command."
	}
	return fit(text, asffRecommended)
}

// fit returns text, cut with an ellipsis if it has more than length units of UTF-16.
func fit(text string, length int) string {
	if utf16Length(text) <= length {
		return text
	}
	room := length - 1
	for i, r := range text {
		if room -= utf16.RuneLen(r); room < 0 {
			return text[:i] + "…"
		}
	}
	return text
}

func utf16Length(text string) (n int) {
	for _, r := range text {
		n += utf16.RuneLen(r)
	}
	return n
}
