package template_test

import (
	"encoding/json"
	"strings"
	"testing"

	"databrain-rotation/pkg/audit/report"
	"databrain-rotation/scripts/check/render"
)

// TestDashboardAndReportLinkToEachOther follows both links in each partition that has a
// console of its own.
func TestDashboardAndReportLinkToEachOther(t *testing.T) {
	template, err := parse(readTemplate(t))
	if err != nil {
		t.Fatal(err)
	}
	for partition, console := range map[string]string{
		"aws": "console.aws.amazon.com", "aws-cn": "console.amazonaws.cn", "aws-us-gov": "console.amazonaws-us-gov.com",
	} {
		for bucket, named := range map[string]string{"create": "(AuditBucket)", "reports": "reports", "none": ""} {
			parameters := with(required, map[string]string{"AuditBucketName": bucket, "AWS::Partition": partition})
			resources := deploy(template, parameters)
			name, _ := get(resources["Dashboard"], "Properties.DashboardName").(string)
			toDashboard := "https://" + console + "/cloudwatch/home?region=us-east-1#dashboards:name="
			got := get(resources["AuditFunction"], "Properties.Environment.Variables.AUDIT_DASHBOARD_URL")
			if got != toDashboard+name {
				t.Errorf("%s: the report links to %v, the dashboard is %s", partition, got, name)
			}
			output := render.New(template, parameters).Resolve(get(template, "Outputs.DashboardUrl.Value"))
			if output != toDashboard+"(Dashboard)" {
				t.Errorf("%s: the output is %v", partition, output)
			}
			text := markdown(t, resources)
			toReport := "https://" + console + "/s3/object/" + named +
				"?region=us-east-1&prefix=databrain-audit/latest/" + report.PageName
			if linked := strings.Contains(text, "]("+toReport+")"); linked != (named != "") {
				t.Errorf("%s, bucket %s: the text of the dashboard is %q", partition, bucket, text)
			}
		}
	}
}

// markdown is the text on the dashboard.
func markdown(t *testing.T, resources tree) string {
	t.Helper()
	var body struct {
		Widgets []struct{ Properties struct{ Markdown string } }
	}
	text, _ := get(resources["Dashboard"], "Properties.DashboardBody").(string)
	if err := json.Unmarshal([]byte(text), &body); err != nil {
		t.Fatal(err)
	}
	all := ""
	for _, w := range body.Widgets {
		all += w.Properties.Markdown
	}
	return all
}
