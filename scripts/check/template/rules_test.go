package template_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"databrain-rotation/scripts/check/render"
)

// refusals returns the rules that a set of parameters breaks.
func refusals(template tree, params map[string]string) []string {
	d := render.New(template, params)
	var broken []string
	for name, rule := range template["Rules"].(tree) {
		if cond := get(rule, "RuleCondition"); cond != nil && d.Resolve(cond) == false {
			continue
		}
		for _, a := range get(rule, "Assertions").([]any) {
			if d.Resolve(get(a, "Assert")) == false {
				broken = append(broken, name)
			}
		}
	}
	slices.Sort(broken)
	return broken
}

func TestRulesRefuseContradictions(t *testing.T) {
	template, err := parse(readTemplate(t))
	if err != nil {
		t.Fatal(err)
	}
	for name, params := range scenarios {
		if got := refusals(template, params); got != nil {
			t.Errorf("%s: refused by %v", name, got)
		}
	}
	seen := map[string]bool{}
	for want, params := range map[string]map[string]string{
		"SubnetsNeedSecurityGroups": {"VpcSubnetIds": "subnet-0a"},
		"SecurityGroupsNeedSubnets": {"VpcSecurityGroupIds": "sg-0a"},
		"BucketNeedsPrefix":         {"AuditBucketName": "reports", "AuditPrefix": ""},
		"BucketKeyNeedsBucket":      {"AuditBucketName": "none", "AuditBucketKmsKeyArn": bucketKey},
		"EmailNeedsOwnTopic": {"AlarmEmail": "ops@example.com",
			"AlarmTopicArn": "arn:aws:sns:us-east-1:123456789012:ops"},
		"FindingsNeedBus":        {"FindingsToTopic": "true", "AuditEventBus": "none"},
		"FindingsNeedBusHere":    {"FindingsToTopic": "true", "AuditEventBusArn": foreignBus},
		"OnePolicy":              {"AuditPolicy": "{}", "AuditPolicyObject": "policies/audit.json"},
		"ApiTokenKeyNeedsPrefix": {"ApiTokenSecretKmsKeyArn": apiTokenKey},
		"SecretsDiffer":          {"TokenSecretArn": adminSecret},
		"AuditAloneNeedsToken":   {"AdminSecretArn": ""},
		"AdminKeyNeedsAdmin":     {"AdminSecretArn": "", "AdminSecretKmsKeyArn": adminKey, "TokenSecretArn": tokenSecret},
	} {
		if diff := cmp.Diff([]string{want}, refusals(template, with(required, params))); diff != "" {
			t.Errorf("%v: refusals (-want +got):\n%s", params, diff)
		}
		seen[want] = true
	}
	for rule := range template["Rules"].(tree) {
		if !seen[rule] {
			t.Errorf("%s: no row shows that it can refuse", rule)
		}
	}
}

func TestParametersRefuseBadValues(t *testing.T) {
	template, err := parse(readTemplate(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		param     string
		good, bad []string
	}{
		{"DatabrainBaseUrl",
			[]string{"https://databrain.example.com", "https://api.usedatabrain.com", "https://10.0.0.5:8443/data/brain",
				"http://[::1]:3000"},
			// A slash at the end would part the metrics from the alarms, which name the instance.
			[]string{"", "https://databrain.example.com/", "https://user:pw@databrain.example.com", "https://h?x=1",
				"https://h#x", "ftp://h", "HTTPS://h"}},
		{"AdminSecretArn", []string{"", adminSecret}, []string{"databrain/admin",
			"arn:aws:secretsmanager:us-east-1:123456789012:secret:databrain/*"}},
		{"TokenSecretArn", []string{"", tokenSecret}, []string{"databrain/service-token",
			"arn:aws:secretsmanager:us-east-1:123456789012:secret:*"}},
		{"TokenSecretKmsKeyArn", []string{"", tokenKey}, []string{"alias/a", "arn:aws:kms:us-east-1:123456789012:key/*"}},
		{"RotationScheduleExpression", []string{"rate(30 days)", "rate(4 hours)", "cron(0 8 1 * ? *)"}, []string{"",
			"30 days", "rate(5 minutes)"}},
		{"RotationWindow", []string{"1h", "24h"}, []string{"0h", "25h", "4", "30m"}},
		{"RotationGracePeriod", []string{"24h", "90m", "1h30m", "3600s"}, []string{"24", "0h", "1.5h", "-1h"}},
		{"ApiTokenSecretPrefix", []string{"", "databrain/api-token/", "api-"}, []string{"*", "databrain/*", "a?",
			"${x}/", "a b"}},
		{"ApiTokenSecretKmsKeyArn", []string{"", apiTokenKey}, []string{"alias/a",
			"arn:aws:kms:us-east-1:123456789012:key/*"}},
		{"ApiTokenGracePeriod", []string{"24h", "0s", "90m", "1h30m"}, []string{"", "0", "0h", "24", "1.5h", "-1h"}},
		{"AuditPolicy",
			[]string{"", "{\n\"maxAgeDays\": 30\n}"},
			// An object by its address is refused: without AuditPolicyObject the role may not read it.
			[]string{"s3://policies/databrain/audit.json", "[]", "policy.json"}},
		{"AuditPolicyObject",
			[]string{"", "policies/databrain/audit.json"},
			// A wildcard would become a wildcard in the role.
			[]string{"policies/*", "policies/a?", "policies/${aws:userid}", "policies", "/x", "s3://policies/x", "{}"}},
		{"AuditEventBus", []string{"none", "default", "security/findings"}, []string{"", "*", "a b", foreignBus}},
		{"AuditEventBusArn", []string{"", foreignBus}, []string{"default", "*",
			"arn:aws:events:us-east-1:123456789012:event-bus/*"}},
		{"AuditPrefix", []string{"", "audit/", "a/b/"}, []string{"audit", "*/", "a*/", "${x}/", "/"}},
		{"AuditBucketName", []string{"create", "none", "my-reports.example"}, []string{"", "Reports", "reports/*"}},
		{"VpcSubnetIds", []string{"", "subnet-0a1b", "subnet-0a,subnet-0b"}, []string{"subnet-0a, subnet-0b", "sg-0a"}},
		{"AuditReservedConcurrency", []string{"", "1"}, []string{"0", "-1"}},
	} {
		pattern, ok := get(template["Parameters"], c.param+".AllowedPattern").(string)
		if !ok {
			t.Errorf("%s takes any value", c.param)
			continue
		}
		// CloudFormation matches the whole value.
		whole := regexp.MustCompile(`^(?:` + strings.TrimSuffix(strings.TrimPrefix(pattern, "^"), "$") + `)$`)
		allowed := func(v string) bool {
			min, _ := get(template["Parameters"], c.param+".MinLength").(int)
			return len(v) >= min && whole.MatchString(v)
		}
		for _, v := range c.good {
			if !allowed(v) {
				t.Errorf("%s refuses %q", c.param, v)
			}
		}
		for _, v := range c.bad {
			if allowed(v) {
				t.Errorf("%s takes %q", c.param, v)
			}
		}
	}
}

// A metric line counts as INFO: a higher level would silence metrics and alarms.
func TestLogLevelKeepsMetrics(t *testing.T) {
	template, err := parse(readTemplate(t))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"DEBUG", "INFO"}, list(get(template, "Parameters.LogLevel.AllowedValues"))); diff != "" {
		t.Errorf("LogLevel (-want +got):\n%s", diff)
	}
}

func TestEveryParameterIsInOneGroup(t *testing.T) {
	template, err := parse(readTemplate(t))
	if err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for _, g := range template["Metadata"].(tree)["AWS::CloudFormation::Interface"].(tree)["ParameterGroups"].([]any) {
		for _, p := range list(get(g, "Parameters")) {
			count[p]++
		}
	}
	for name, p := range template["Parameters"].(tree) {
		if count[name] != 1 {
			t.Errorf("%s is in %d groups", name, count[name])
		}
		if get(p, "Description") == nil {
			t.Errorf("%s has no description", name)
		}
		delete(count, name)
	}
	for name := range count {
		t.Errorf("a group names %s, which is no parameter", name)
	}
}
