package report_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"databrain-rotation/pkg/audit/finding"
	"databrain-rotation/pkg/audit/report"
	"databrain-rotation/pkg/standin/securityhubtest"
)

var product = report.Product{Partition: "aws", Region: "us-east-1", Account: "123456789012"}

// everyFinding are pointers to all findings of r.
func everyFinding(r *report.Report) []*finding.Finding {
	var all []*finding.Finding
	for _, findings := range [][]finding.Finding{r.Findings, r.Resolved, r.Superseded} {
		for i := range findings {
			all = append(all, &findings[i])
		}
	}
	return all
}

// refused imports a finding and returns why Security Hub refuses it; "" if it does not.
func refused(t *testing.T, hub *securityhubtest.Server, encoded string) string {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, "http://hub/findings/import",
		strings.NewReader(`{"Findings":[`+encoded+`]}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Credential=a/20260312/us-east-1/securityhub/aws4_request, …")
	resp, err := hub.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %v", resp.Status, body, err)
	}
	var out struct {
		FailedFindings []struct{ ErrorMessage string }
	}
	if err := json.Unmarshal(body, &out); err != nil {
		t.Fatal(err)
	}
	for _, f := range out.FailedFindings {
		return f.ErrorMessage
	}
	return ""
}

// TestASFFKeepsToTheFormat encodes every check, and names that are as long and as odd as
// they can get.
func TestASFFKeepsToTheFormat(t *testing.T) {
	t.Parallel()
	all := reports()
	all["hostile"] = cleaned(hostileReport())
	all["long"] = longReport()
	checks := map[finding.Check]bool{}
	for name, r := range all {
		hub := securityhubtest.New(securityhubtest.Config{})
		for _, f := range everyFinding(r) {
			checks[f.Check] = true
			encoded, _, err := r.ASFF(f, product, runAt)
			if err != nil {
				t.Fatal(err)
			}
			if len(encoded) > 60_000 { // a hundred of them fit in a call
				t.Errorf("%s: %s has %d bytes", name, f.Check, len(encoded))
			}
			if why := refused(t, hub, encoded); why != "" {
				t.Errorf("%s: %s\n%s", name, why, encoded)
			}
		}
		if n := len(everyFinding(r)); len(hub.Findings()) != n {
			t.Errorf("%s: %d of %d findings", name, len(hub.Findings()), n)
		}
	}
	for _, check := range finding.Checks() {
		if !checks[check] {
			t.Errorf("no finding of the check %s", check)
		}
	}
}

// longReport has a finding of every check in every state, with everything that a finding
// can have, as long as it can be.
func longReport() *report.Report {
	r := sampleReport()
	r.Findings, r.Resolved, r.Superseded = nil, nil, nil
	long := strings.Repeat("👩語", 85) // 256 characters
	secret := strings.Repeat("s", 512)
	states := []finding.State{finding.New, finding.Suppressed, finding.Resolved}
	for i, check := range finding.Checks() {
		for _, state := range states {
			f := finding.Finding{
				ID: "dbt1-" + finding.Digest(string(check), string(state)), Check: check, State: state,
				Severity: finding.Severities()[i%5], FirstSeen: runAt, LastSeen: runAt, DataApp: long,
				Token: &finding.Token{Fingerprint: fingerprint(long), Name: long, CreatedAt: runAt, StaleSince: runAt},
				Rule:  long, MaxAgeDays: 36500, Gap: &finding.Gap{DataApp: long, Class: finding.GapDecode},
				Exception: &finding.Exception{ID: long, Reason: long, Owner: long, ExpiresAt: "2026-12-31"},
				ManagedBy: &finding.ManagedBy{Secret: secret, Rotation: i%2 == 0, Also: []string{secret, secret}},
				Since:     runAt,
			}
			r.Findings = append(r.Findings, f)
		}
	}
	return r
}

// TestACommandIsWhole: a remedy that does not fit loses its command, not a part of it.
func TestACommandIsWhole(t *testing.T) {
	r := longReport()
	long := 0
	for _, f := range everyFinding(r) {
		encoded, _, err := r.ASFF(f, product, runAt)
		if err != nil {
			t.Fatal(err)
		}
		var a struct {
			Remediation struct{ Recommendation struct{ Text string } }
		}
		if err := json.Unmarshal([]byte(encoded), &a); err != nil {
			t.Fatal(err)
		}
		text := a.Remediation.Recommendation.Text
		if strings.Contains(text, "aws ") {
			t.Errorf("%s: %s", f.Check, text)
		}
		if prose := f.Prose().Remedy; len(utf16.Encode([]rune(prose))) > 512 && f.State != finding.Resolved {
			long++
			if !strings.HasSuffix(text, "The report of the audit has the command.") && !strings.HasSuffix(text, "…") {
				t.Errorf("%s: %s", f.Check, text)
			}
		}
	}
	if long == 0 {
		t.Error("no remedy is too long")
	}
}

// TestASFFDigest: what tells whether a finding has changed passes over times alone.
func TestASFFDigest(t *testing.T) {
	digest := func(change func(*report.Report, *finding.Finding)) string {
		r := sampleReport()
		f := &r.Findings[0]
		change(r, f)
		_, digest, err := r.ASFF(f, product, r.EmittedAt)
		if err != nil {
			t.Fatal(err)
		}
		return digest
	}
	same := digest(func(*report.Report, *finding.Finding) {})
	for name, c := range map[string]struct {
		change  func(*report.Report, *finding.Finding)
		changed bool
	}{
		"seen again": {func(r *report.Report, f *finding.Finding) {
			r.EmittedAt, f.LastSeen = r.EmittedAt.Add(time.Hour), f.LastSeen.Add(time.Hour)
			f.Token.AgeDays++
			r.Summary.RunID = "another"
		}, false},
		"ongoing":  {func(_ *report.Report, f *finding.Finding) { f.State = finding.Ongoing }, false},
		"severity": {func(_ *report.Report, f *finding.Finding) { f.Severity = finding.Low }, true},
		"renamed":  {func(_ *report.Report, f *finding.Finding) { f.Token.Name += "x" }, true},
		"suppressed": {func(_ *report.Report, f *finding.Finding) {
			f.State, f.Exception = finding.Suppressed, &finding.Exception{ID: "e"}
		}, true},
		"resolved": {func(_ *report.Report, f *finding.Finding) { f.State = finding.Resolved }, true},
	} {
		if got := digest(c.change); (got != same) != c.changed {
			t.Errorf("%s: changed %t, want %t", name, got != same, c.changed)
		}
	}
}

func TestParseProduct(t *testing.T) {
	const account = "123456789012"
	for arn, want := range map[string]report.Product{
		"arn:aws:lambda:us-east-1:123456789012:function:f":              {"aws", "us-east-1", account},
		"arn:aws-cn:lambda:cn-north-1:123456789012:function:f:live":     {"aws-cn", "cn-north-1", account},
		"arn:aws-us-gov:lambda:us-gov-west-1:123456789012:function:f:1": {"aws-us-gov", "us-gov-west-1", account},
		"": {}, "f": {}, "arn:aws:s3:::bucket": {}, "arn:aws:lambda:us-east-1::function:f": {},
		"arn:aws:sqs:us-east-1:123456789012:function:f": {},
	} {
		p, ok := report.ParseProduct(arn)
		if ok != (want.Account != "") || p != want {
			t.Errorf("%s: %v, %+v", arn, ok, p)
		}
	}
	const arn = "arn:aws-cn:securityhub:cn-north-1:123456789012:product/123456789012/default"
	if got := (report.Product{Partition: "aws-cn", Region: "cn-north-1", Account: account}).ARN(); got != arn {
		t.Errorf("the product is %s", got)
	}
}

// TestOneASFFFinding shows a finding in full.
func TestOneASFFFinding(t *testing.T) {
	r := sampleReport()
	var stale *finding.Finding
	for _, f := range everyFinding(r) {
		if f.Check == finding.TokenAge && f.State == finding.New && stale == nil {
			stale = f
		}
	}
	encoded, _, err := r.ASFF(stale, product, r.EmittedAt)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal([]byte(encoded), &got); err != nil {
		t.Fatal(err)
	}
	d := r.Detail(stale)
	want := map[string]any{
		"SchemaVersion": "2018-10-08", "Id": stale.ID, "ProductArn": product.ARN(), "AwsAccountId": "123456789012",
		"ProductName": "Databrain token audit", "CompanyName": "databrain-rotation", "GeneratorId": "token-age",
		"CreatedAt":       d.Finding.FirstSeenAt.Format(time.RFC3339),
		"FirstObservedAt": d.Finding.FirstSeenAt.Format(time.RFC3339),
		"UpdatedAt":       "2026-03-12T06:00:45.123Z", "LastObservedAt": d.Finding.LastSeenAt.Format(time.RFC3339),
		"Title": d.Finding.Title, "Description": d.Finding.Description, "RecordState": "ACTIVE",
		"Compliance": map[string]any{"Status": "FAILED"},
		"FindingProviderFields": map[string]any{
			"Severity": map[string]any{
				"Label": strings.ToUpper(string(stale.Severity)), "Original": string(stale.Severity),
			},
			"Types": []any{"Software and Configuration Checks/Databrain Token Audit/token-age"},
		},
		"Remediation": map[string]any{
			"Recommendation": map[string]any{"Text": d.Remediation.Text, "Url": d.Remediation.URL},
		},
		"Resources": []any{map[string]any{
			"Type": "Other", "Id": "databrain-api-token/" + stale.Token.Fingerprint, "Region": "us-east-1",
			"Details": map[string]any{"Other": map[string]any{
				"instance": "https://databrain.example.com", "dataApp": d.DataApp.Name, "token": stale.Token.Name,
				"fingerprint": stale.Token.Fingerprint, "createdAt": d.Token.CreatedAt.Format(time.RFC3339),
				"staleSince": d.Token.StaleSince.Format(time.RFC3339),
			}},
		}},
		"ProductFields": map[string]any{
			"databrain-token-audit/instance":   "https://databrain.example.com",
			"databrain-token-audit/rule":       d.Policy.Rule,
			"databrain-token-audit/maxAgeDays": fmt.Sprint(d.Policy.MaxAgeDays),
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
