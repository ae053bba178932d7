package securityhubtest_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"databrain-rotation/pkg/standin"
	"databrain-rotation/pkg/standin/securityhubtest"
)

const scope = "Credential=a/20260312/us-east-1/securityhub/aws4_request, SignedHeaders=host, Signature=0"

func finding(changes ...any) map[string]any {
	f := map[string]any{
		"SchemaVersion": "2018-10-08", "Id": "a", "GeneratorId": "check", "AwsAccountId": "123456789012",
		"ProductArn": "arn:aws:securityhub:us-east-1:123456789012:product/123456789012/default",
		"CreatedAt":  "2026-01-01T00:00:00Z", "UpdatedAt": "2026-01-01T00:00:00.001Z", "Title": "t", "Description": "d",
		"FindingProviderFields": map[string]any{
			"Severity": map[string]any{"Label": "LOW"}, "Types": []any{"Software and Configuration Checks/A/b"},
		},
		"Resources": []any{map[string]any{"Type": "Other", "Id": "r"}},
	}
	for i := 0; i < len(changes); i += 2 {
		if name := changes[i].(string); changes[i+1] == nil {
			delete(f, name)
		} else {
			f[name] = changes[i+1]
		}
	}
	return f
}

// post imports findings and returns the status and the answer.
func post(t *testing.T, s *securityhubtest.Server, authorization string, findings ...map[string]any) (int, string) {
	t.Helper()
	body, err := json.Marshal(map[string]any{"Findings": findings})
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequest(http.MethodPost, "http://hub/findings/import", strings.NewReader(string(body)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", authorization)
	resp, err := s.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(answer)
}

func TestFindingsAreJudged(t *testing.T) {
	long := func(n int) string { return strings.Repeat("x", n) }
	pairs := func(n int, value string) map[string]any {
		all := map[string]any{}
		for i := range n {
			all[fmt.Sprint("k", i)] = value
		}
		return all
	}
	resource := func(changes map[string]any) []any {
		r := map[string]any{"Type": "Other", "Id": "r"}
		maps.Copy(r, changes)
		return []any{r}
	}
	for name, c := range map[string]struct {
		f    map[string]any
		says string
	}{
		"good":             {finding(), ""},
		"no title":         {finding("Title", nil), "required property 'Title'"},
		"blank title":      {finding("Title", " "), ".Title should match"},
		"long title":       {finding("Title", long(257)), ".Title should NOT be longer than 256"},
		"title in UTF-16":  {finding("Title", strings.Repeat("👩", 129)), ".Title should NOT be longer than 256"},
		"long description": {finding("Description", long(1025)), "1024"},
		"schema":           {finding("SchemaVersion", "2018"), ".SchemaVersion"},
		"no time":          {finding("UpdatedAt", "yesterday"), ".UpdatedAt should match format"},
		"unknown member":   {finding("Tittle", "t"), ".Tittle is not known"},
		"no severity":      {finding("FindingProviderFields", map[string]any{"Types": []any{}}), "Severity"},
		"nothing provided": {finding("FindingProviderFields", nil), "required property 'FindingProviderFields'"},
		"state":            {finding("RecordState", "OPEN"), ".RecordState"},
		"compliance":       {finding("Compliance", map[string]any{"Status": "FAIL"}), ".Compliance.Status"},
		"no resource":      {finding("Resources", []any{}), ".Resources"},
		"resource's id":    {finding("Resources", resource(map[string]any{"Id": ""})), ".Resources[0].Id"},
		"remedy": {finding("Remediation",
			map[string]any{"Recommendation": map[string]any{"Text": long(513)}}), "512"},
		"51 fields":  {finding("ProductFields", pairs(51, "v")), ".ProductFields should NOT have more than 50"},
		"long field": {finding("ProductFields", pairs(1, long(2049))), "2048"},
		"1,024 in a detail": {finding("Resources",
			resource(map[string]any{"Details": map[string]any{"Other": pairs(1, long(1024))}})), "1023"},
		"type": {finding("FindingProviderFields", map[string]any{
			"Severity": map[string]any{"Label": "LOW"}, "Types": []any{"Tokens/old"}}), "taxonomy"},
	} {
		status, answer := post(t, securityhubtest.New(securityhubtest.Config{}), scope, c.f)
		failed := strings.Contains(answer, `"FailedCount":1`)
		if status != http.StatusOK || failed != (c.says != "") || !strings.Contains(answer, c.says) {
			t.Errorf("%s: %d %s; want %q", name, status, answer, c.says)
		}
	}
}

func TestCallsAreJudged(t *testing.T) {
	many := make([]map[string]any, 101)
	for i := range many {
		many[i] = finding("Id", fmt.Sprint(i))
	}
	for name, c := range map[string]struct {
		authorization string
		findings      []map[string]any
		status        int
		says          string
	}{
		"good":     {scope, many[:100], 200, `"SuccessCount":100`},
		"too many": {scope, many, 400, "InvalidInputException"},
		"none":     {scope, nil, 400, "InvalidInputException"},
		"another product": {scope, []map[string]any{
			finding("ProductArn", "arn:aws:securityhub:us-east-1::product/a/b")}, 403, "AccessDenied"},
		"another account":  {scope, []map[string]any{finding("AwsAccountId", "210987654321")}, 403, "AccessDenied"},
		"another service":  {strings.Replace(scope, "securityhub", "s3", 1), many[:1], 403, "InvalidSignatureException"},
		"without a signer": {"", many[:1], 403, "InvalidSignatureException"},
	} {
		status, answer := post(t, securityhubtest.New(securityhubtest.Config{}), c.authorization, c.findings...)
		if status != c.status || !strings.Contains(answer, c.says) {
			t.Errorf("%s: %d %s", name, status, answer)
		}
	}
}

func TestAnImportIsAnUpdate(t *testing.T) {
	s := securityhubtest.New(securityhubtest.Config{})
	post(t, s, scope, finding())
	s.Update("a", securityhubtest.Finding{"Workflow": "w", "Severity": "s"})
	post(t, s, scope, finding("Title", "earlier", "UpdatedAt", "2026-01-01T00:00:00.001Z"))
	got := s.Findings()["a"]
	if got["Title"] != "t" {
		t.Error("an import that is no later was not ignored")
	}
	post(t, s, scope, finding("Title", "later", "UpdatedAt", "2026-01-02T00:00:00Z"))
	want := map[string]any{
		"Title": "later", "Workflow": "w", "Severity": "s", "Types": []any{"Software and Configuration Checks/A/b"},
	}
	for name, value := range want {
		if diff := cmp.Diff(value, s.Findings()["a"][name]); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestFaults(t *testing.T) {
	s := securityhubtest.New(securityhubtest.Config{})
	s.InjectPart(standin.PartFault{Of: "b", Skip: 1})
	s.Inject(standin.Fault{Skip: 2, Do: standin.Error("LimitExceededException")})
	for i, want := range []string{
		`"FailedCount":0`, `"ErrorCode":"InternalError"`, "LimitExceededException", `"FailedCount":0`,
	} {
		if _, answer := post(t, s, scope, finding(), finding("Id", "b")); !strings.Contains(answer, want) {
			t.Errorf("call %d: %s", i, answer)
		}
	}
	s.Switch(false)
	if _, answer := post(t, s, scope, finding()); !strings.Contains(answer, `"ErrorCode":"InvalidAccess"`) {
		t.Errorf("switched off: %s", answer)
	}
}
