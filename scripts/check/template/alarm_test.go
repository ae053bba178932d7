package template_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

func topicOf(resources tree) string {
	if resources["AlarmTopic"] != nil {
		return "(AlarmTopic)"
	}
	return "arn:aws:sns:us-east-1:123456789012:ops"
}

func alarmsReachSomeone(resources tree) []string {
	var bad []string
	topic := topicOf(resources)
	for _, alarm := range ofType(resources, "AWS::CloudWatch::Alarm") {
		if !slices.Equal(list(get(resources[alarm], "Properties.AlarmActions")), []string{topic}) {
			bad = append(bad, alarm+" does not go to "+topic)
		}
		body, _ := get(resources["Dashboard"], "Properties.DashboardBody").(string)
		if !strings.Contains(body, "("+alarm+".Arn)") {
			bad = append(bad, alarm+" is not on the dashboard")
		}
		bad = append(bad, namesItsEntry(alarm, get(resources[alarm], "Properties.AlarmDescription"))...)
	}
	for _, rule := range ofType(resources, "AWS::Events::Rule") {
		for _, target := range get(resources[rule], "Properties.Targets").([]any) {
			if get(target, "Arn") != topic {
				bad = append(bad, rule+" does not go to "+topic)
			}
			bad = append(bad, namesItsEntry(rule, get(target, "InputTransformer.InputTemplate"))...)
		}
	}
	if topic == "(AlarmTopic)" {
		bad = append(bad, topicTakes(resources, "cloudwatch.amazonaws.com", "StringEquals aws:SourceAccount=123456789012")...)
		bad = append(
			bad,
			topicTakes(resources, "events.amazonaws.com",
				"ArnLike aws:SourceArn=arn:aws:events:us-east-1:123456789012:rule/*")...)
	}
	return bad
}

// namesItsEntry wants the message of an alarm to lead to the entry of the runbook
// that has the alarm's name. SNS mails hold plain text, so the address stands alone.
func namesItsEntry(alarm string, message any) []string {
	text, _ := message.(string)
	entry := " .github/RUNBOOK.md#" + strings.ToLower(alarm)
	if !regexp.MustCompile(regexp.QuoteMeta(entry) + `("|$)`).MatchString(text) {
		return []string{alarm + " does not say where its entry in the runbook is"}
	}
	return nil
}

func topicTakes(resources tree, service, condition string) []string {
	statements, _ := get(resources["AlarmTopicPolicy"], "Properties.PolicyDocument.Statement").([]any)
	for _, s := range statements {
		if get(s, "Effect") == "Allow" && get(s, "Principal.Service") == service && get(s, "Action") == "sns:Publish" &&
			slices.Equal(conditions(s), []string{condition}) {
			return nil
		}
	}
	return []string{fmt.Sprintf("AlarmTopic does not let %s publish if %s", service, condition)}
}

// missingData says what silence means to each alarm.
var missingData = map[string]string{
	"RotateErrorsAlarm":         "notBreaching", // no rotation, no errors
	"RotateApiTokenErrorsAlarm": "notBreaching",
	"AuditErrorsAlarm":          "notBreaching",
	"AuditCompletedMissing":     "breaching", // silence is what it listens for
	"AuditCoverageGapsAlarm":    "ignore",    // a day without a run proves nothing about coverage
	"AuditEmitFailuresAlarm":    "notBreaching",
	"AuditNotInvokedAlarm":      "notBreaching", // an idle queue reports nothing
	"AuditFailedAlarm":          "notBreaching",
}

func alarmsKnowMissingData(resources tree) []string {
	var bad []string
	alarms := ofType(resources, "AWS::CloudWatch::Alarm")
	for _, alarm := range alarms {
		bad = append(bad, expect(resources, alarm, map[string]any{"Properties.TreatMissingData": missingData[alarm]})...)
	}
	for alarm := range missingData {
		function := strings.TrimSuffix(alarm, "ErrorsAlarm") + "Function"
		optional := strings.HasPrefix(function, "Rotate")
		if !slices.Contains(alarms, alarm) && (!optional || resources[function] != nil) {
			bad = append(bad, alarm+" is gone")
		}
	}
	bad = append(bad, expect(resources, "AuditCompletedMissing", map[string]any{
		"Properties.Period": 3600, "Properties.EvaluationPeriods": 26, "Properties.DatapointsToAlarm": 26,
		"Properties.Threshold": 1, "Properties.ComparisonOperator": "LessThanThreshold",
	})...)
	return append(bad, expect(resources, "AuditCoverageGapsAlarm", map[string]any{
		"Properties.EvaluationPeriods": 2, "Properties.DatapointsToAlarm": 2,
	})...)
}

// The event's form: AWS Secrets Manager user guide, "Match Secrets Manager events
// with Amazon EventBridge"; the secret is in additionalEventData of the CloudTrail record.
func failedRotationIsHeardOf(resources tree) []string {
	var bad []string
	if resources["RotateApiTokenFunction"] != nil {
		bad = expect(resources, "ApiTokenRotationFailedRule", map[string]any{
			"Properties.EventPattern.source":           "[aws.secretsmanager]",
			"Properties.EventPattern.detail-type":      "[AWS Service Event via CloudTrail]",
			"Properties.EventPattern.detail.eventName": "[RotationFailed RotationAbandoned TestRotationFailed]",
			"Properties.EventPattern.detail.additionalEventData.SecretId": fmt.Sprintf(
				"[map[prefix:%s]]", strings.TrimSuffix(apiTokens, "*")),
		})
	}
	if !rotates(resources) {
		return bad
	}
	return append(bad, expect(resources, "RotationFailedRule", map[string]any{
		"Properties.EventPattern.source":      "[aws.secretsmanager]",
		"Properties.EventPattern.detail-type": "[AWS Service Event via CloudTrail]",
		"Properties.EventPattern.detail.eventName": "[RotationFailed RotationAbandoned " +
			"TestRotationFailed]",
		"Properties.EventPattern.detail.additionalEventData.SecretId": fmt.Sprintf("[%v]", secretOf(resources)),
	})...)
}

// The event's form: AWS Secrets Manager user guide, "Secret Label Updated event".
func succeededRotationIsToldOf(resources tree) []string {
	if resources["RotatedRule"] == nil { // TestRotatedMail checks when it is there
		return nil
	}
	secrets := fmt.Sprintf("[%v]", secretOf(resources))
	if resources["RotateApiTokenFunction"] != nil {
		secrets = fmt.Sprintf("[%v map[prefix:%s]]", secretOf(resources), strings.TrimSuffix(apiTokens, "*"))
	}
	return expect(resources, "RotatedRule", map[string]any{
		"Properties.EventPattern.source":              "[aws.secretsmanager]",
		"Properties.EventPattern.detail-type":         "[Secret Label Updated]",
		"Properties.EventPattern.resources":           secrets,
		"Properties.EventPattern.detail.labelUpdated": "[AWSCURRENT]",
	})
}

// The audit itself chooses of whom people are told, and tells of the rest in one message.
func findingsReachPeople(resources tree) []string {
	bus := get(resources["AuditFunction"], "Properties.Environment.Variables.AUDIT_EVENT_BUS").(string)
	if bus == "none" || strings.Contains(bus, ":210987654321:") {
		if resources["FindingRule"] != nil || resources["FurtherFindingsRule"] != nil {
			return []string{"a rule is put on a bus that this account does not have"}
		}
		return nil
	}
	bad := expect(resources, "FindingRule", map[string]any{
		"Properties.EventBusName":                        bus,
		"Properties.EventPattern.source":                 "[databrain.token-audit]",
		"Properties.EventPattern.detail-type":            "[Databrain Token Finding Observed]",
		"Properties.EventPattern.detail.message.as":      "[single]",
		"Properties.EventPattern.detail.instance.url":    "[" + instanceOf(resources) + "]",
		"Properties.EventPattern.detail.finding.state":   nil,
		"Properties.EventPattern.detail.finding.$or":     nil,
		"Properties.EventPattern.detail.message.counted": nil,
	})
	// A stack that tells of critical findings alone has nothing to say of others.
	counted := "map[counted:[map[exists:true]]]"
	if fmt.Sprint(get(resources["FindingRule"], "Properties.EventPattern.detail.finding.severity")) == "[critical]" {
		counted = "map[critical:[map[exists:true]]]"
	}
	return append(bad, expect(resources, "FurtherFindingsRule", map[string]any{
		"Properties.EventBusName":                         bus,
		"Properties.EventPattern.source":                  "[databrain.token-audit]",
		"Properties.EventPattern.detail-type":             "[Databrain Audit Completed]",
		"Properties.EventPattern.detail.message":          counted,
		"Properties.EventPattern.detail.summary.instance": "[" + instanceOf(resources) + "]",
	})...)
}

func instanceOf(resources tree) string {
	return get(resources["AuditFunction"], "Properties.Environment.Variables.DATABRAIN_BASE_URL").(string)
}

// metrics are the names that dashboards and alarms may use.
var metrics = map[string][]string{
	"Databrain/TokenAudit": {"Completed", "DataApps", "DataAppsCovered", "CoverageGaps", "Tokens", "StaleTokens",
		"OldestTokenAgeDays", "Findings", "EmitFailures", "StateLost", "Requests", "Throttled", "DurationMs"},
	"Databrain/TokenRotation": {"StepSucceeded", "StepFailed", "Healed", "OrphanPossible"},
	"AWS/Lambda":              {"Errors", "Duration"},
	"AWS/SQS":                 {"ApproximateNumberOfMessagesVisible"},
}

func metricsExist(resources tree) []string {
	var bad []string
	know := func(where string, namespace, metric any) {
		if !slices.Contains(metrics[fmt.Sprint(namespace)], fmt.Sprint(metric)) {
			bad = append(bad, fmt.Sprintf("%s: no metric %v in %v", where, metric, namespace))
		}
	}
	for _, alarm := range ofType(resources, "AWS::CloudWatch::Alarm") {
		queries, _ := get(resources[alarm], "Properties.Metrics").([]any)
		if queries == nil {
			know(alarm, get(resources[alarm], "Properties.Namespace"), get(resources[alarm], "Properties.MetricName"))
		}
		for _, query := range queries {
			if get(query, "MetricStat") != nil {
				know(alarm, get(query, "MetricStat.Metric.Namespace"), get(query, "MetricStat.Metric.MetricName"))
			}
		}
	}
	var body struct {
		Widgets []struct{ Properties struct{ Metrics [][]any } }
	}
	text, _ := get(resources["Dashboard"], "Properties.DashboardBody").(string)
	if err := json.Unmarshal([]byte(text), &body); err != nil {
		return append(bad, "Dashboard: "+err.Error())
	}
	for _, w := range body.Widgets {
		var namespace, metric any
		for _, m := range w.Properties.Metrics {
			if m[0] == "..." { // the row above with another last dimension
				continue
			}
			if m[0] != "." {
				namespace = m[0]
			}
			if m[1] != "." {
				metric = m[1]
			}
			know("Dashboard", namespace, metric)
		}
	}
	return bad
}
