package main

import (
	"strings"
	"testing"

	"databrain-rotation/pkg/standin"

	"github.com/google/go-cmp/cmp"
)

func TestAbstract(t *testing.T) {
	for name, c := range map[string]struct {
		given standin.Access
		want  access
	}{
		"the token's secret": {standin.Access{Action: "secretsmanager:GetSecretValue", Resource: "own-bus/service-token"},
			access{"secretsmanager:GetSecretValue", tokenSecret, ""}},
		"an API token's secret": {standin.Access{Action: "secretsmanager:PutSecretValue", Resource: "everything/api-token/x"},
			access{"secretsmanager:PutSecretValue", apiTokenSecret, ""}},
		"the names of secrets": {standin.Access{Action: "secretsmanager:ListSecrets"},
			access{"secretsmanager:ListSecrets", secretNames, ""}},
		"the admin's secret": {standin.Access{Action: "secretsmanager:GetSecretValue", Resource: "databrain/admin"},
			access{"secretsmanager:GetSecretValue", adminSecret, ""}},
		"a bus": {standin.Access{Action: "events:PutEvents", Resource: "findings"},
			access{"events:PutEvents", bus, ""}},
		"a product": {standin.Access{Action: "securityhub:BatchImportFindings", Resource: "arn:x"},
			access{"securityhub:BatchImportFindings", product, ""}},
		"the policy": {standin.Access{Action: "s3:GetObject", Resource: policyBucket + "/" + policyKey},
			access{"s3:GetObject", policy, ""}},
		"a report, run folder": {
			standin.Access{Action: "s3:PutObject", Resource: "b/team/audit/2026-11-26/0b7aa412/report.html"},
			access{"s3:PutObject", reports, "2026-01-15/run/report.html"}},
		"the state, another name": {standin.Access{Action: "s3:GetObject", Resource: "b/databrain-audit/state.json"},
			access{"s3:GetObject", reports, "state.json"}},
	} {
		if got := abstract(c.given); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

// A request that is allowed must have a neighbour that is not, else its statement could
// be as wide as it likes.
func TestElsewhereVariesEachKindOfRequest(t *testing.T) {
	s := shapeRoles{Shape: "x", Parameters: map[string]string{
		"TokenSecretKmsKeyArn": "arn:aws:kms:us-east-1:000000000000:key/aaaaaaaa",
		"AdminSecretArn":       "arn:aws:secretsmanager:us-east-1:000000000000:secret:a-AbCdEf",
		"ApiTokenSecretPrefix": "p/", "ApiTokenSecretKmsKeyArn": "arn:aws:kms:us-east-1:000000000000:key/cccccccc",
		"AuditBucketKmsKeyArn": "arn:aws:kms:us-east-1:000000000000:key/bbbbbbbb",
		"AuditPolicyObject":    "p/k.json", "AuditSecurityHub": "true",
	}, Outputs: map[string]string{
		"TokenSecretArn": "arn:aws:secretsmanager:us-east-1:000000000000:secret:t-AbCdEf", "AuditBucketName": "b",
		"AuditFunctionArn": "arn:aws:lambda:us-east-1:000000000000:function:f",
	}, Queues: map[string]string{
		"AuditFailedQueue":     "arn:aws:sqs:us-east-1:000000000000:q",
		"AuditNotInvokedQueue": "arn:aws:sqs:us-east-1:000000000000:n",
	}}
	if all := s.elsewhere(ask{"secretsmanager:ListSecrets", "*", nil}); all != nil {
		t.Errorf("there is something beside everything: %v", all)
	}
	asks := append(s.platform("AuditRole"), s.platform("AuditSchedulerRole")...)
	for _, a := range []access{
		{"secretsmanager:GetSecretValue", tokenSecret, ""}, {"secretsmanager:PutSecretValue", tokenSecret, ""},
		{"events:PutEvents", bus, ""},
		{"secretsmanager:PutSecretValue", apiTokenSecret, ""}, {"securityhub:BatchImportFindings", product, ""},
		{"s3:GetObject", policy, ""}, {"s3:PutObject", reports, "r.html"}, {"s3:ListBucket", reports, "state.json"},
	} {
		asks = append(asks, s.asks(a)...)
	}
	for _, a := range asks {
		others := s.elsewhere(a)
		if len(others) == 0 {
			t.Errorf("%s on %s has no neighbour", a.action, a.resource)
		}
		for _, other := range others {
			if cmp.Equal(a, other, cmp.AllowUnexported(ask{})) {
				t.Errorf("%s on %s is its own neighbour", a.action, a.resource)
			}
		}
	}
}

func TestMatrixJudges(t *testing.T) {
	m := &matrix{}
	one := m.policy(map[string]any{})
	m.add("recorded", "x", []ask{{"a:B", "r", nil}, {"a:C", "r", nil}}, one)
	m.add("without", "x without S", []ask{{"a:B", "r", nil}, {"a:C", "r", nil}}, one)
	m.Cases[2].as, m.Cases[3].as = 0, 1
	for name, c := range map[string]struct {
		results        []string
		all, statement bool
	}{
		"as it should be":       {[]string{"Allowed", "Allowed", "Allowed", "ImplicitlyDenied"}, true, true},
		"one denied":            {[]string{"Allowed", "ImplicitlyDenied", "Allowed", "Allowed"}, false, true},
		"an error":              {[]string{"Allowed", "error: x", "Allowed", "error: x"}, false, false},
		"a statement of no use": {[]string{"Allowed", "Allowed", "Allowed", "Allowed"}, true, false},
	} {
		if err := m.all("recorded", "Allowed", c.results); (err == nil) != c.all {
			t.Errorf("%s: recorded: %v", name, err)
		}
		if err := m.eachStatementMatters(c.results); (err == nil) != c.statement {
			t.Errorf("%s: without: %v", name, err)
		}
	}
	if err := m.none("recorded", "Allowed", []string{"error: x", "error: x", "", ""}); err == nil ||
		!strings.Contains(err.Error(), "error: x") {
		t.Errorf("an evaluation that failed counts as a denial: %v", err)
	}
	if err := m.all("nothing", "Allowed", nil); err == nil {
		t.Error("no case at all passes")
	}
}
