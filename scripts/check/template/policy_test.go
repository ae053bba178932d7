package template_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// policies are what must hold for every deployment. Each returns what is wrong.
var policies = map[string]func(resources tree) []string{
	"wildcards have reasons":                           wildcardsHaveReasons,
	"keys are bound to their use":                      keysAreBoundToTheirUse,
	"trust is narrow":                                  trustIsNarrow,
	"an audit alone rotates nothing":                   auditAloneRotatesNothing,
	"only Secrets Manager invokes":                     onlySecretsManagerInvokes,
	"the schedule waits for permission":                scheduleWaitsForPermission,
	"the placeholder is an empty token":                placeholderIsEmptyToken,
	"evidence and secrets outlive":                     evidenceAndSecretsOutlive,
	"the bucket is private":                            bucketIsPrivate,
	"TLS only":                                         tlsOnly,
	"logs are kept, as JSON":                           logsAreKept,
	"failures are kept apart":                          failuresAreKeptApart,
	"alarms reach someone":                             alarmsReachSomeone,
	"alarms know what missing data means":              alarmsKnowMissingData,
	"a failed rotation is heard of":                    failedRotationIsHeardOf,
	"a rotation that succeeded is told of when wanted": succeededRotationIsToldOf,
	"API tokens need a prefix":                         apiTokensNeedAPrefix,
	"findings reach people once":                       findingsReachPeople,
	"metrics exist":                                    metricsExist,
	"functions run as Lambda expects them":             functionsRun,
}

func TestPolicies(t *testing.T) {
	template, err := parse(readTemplate(t))
	if err != nil {
		t.Fatal(err)
	}
	for policy, check := range policies {
		for scenario, params := range scenarios {
			for _, problem := range check(deploy(template, params)) {
				t.Errorf("%s (%s): %s", policy, scenario, problem)
			}
		}
	}
}

// expect lists the paths of a resource that do not hold the wanted value.
func expect(resources tree, name string, want map[string]any) []string {
	var bad []string
	for path, w := range want {
		if got := get(resources[name], path); fmt.Sprint(got) != fmt.Sprint(w) {
			bad = append(bad, fmt.Sprintf("%s: %s is %v, want %v", name, path, got, w))
		}
	}
	return bad
}

// secretOf is the secret of the service token, the one created or the one given.
func secretOf(resources tree) any {
	return get(resources["AuditFunction"], "Properties.Environment.Variables.DATABRAIN_SERVICE_TOKEN_SECRET_ID")
}

// rotates reports whether the deployment rotates the service token.
func rotates(resources tree) bool { return resources["RotateFunction"] != nil }

// auditAloneRotatesNothing wants all of the rotation or nothing of it.
func auditAloneRotatesNothing(resources tree) []string {
	var bad []string
	for _, name := range []string{"RotateFunction", "RotateRole", "RotatePermission", "RotationSchedule", "RotateLogGroup",
		"RotationFailedRule", "RotateErrorsAlarm"} {
		if there := resources[name] != nil; there != rotates(resources) {
			bad = append(bad, fmt.Sprintf("%s is there: %v, RotateFunction: %v", name, there, !there))
		}
	}
	if rotates(resources) {
		return append(
			bad,
			expect(resources, "RotationSchedule", map[string]any{"Properties.SecretId": secretOf(resources)})...)
	}
	if text := fmt.Sprint(resources); strings.Contains(text, "(RotateFunction") || strings.Contains(text, "(Rotation") {
		bad = append(bad, "something refers to a rotation that is not there")
	}
	return bad
}

func onlySecretsManagerInvokes(resources tree) []string {
	var bad, want []string
	if rotates(resources) {
		want = []string{"RotatePermission"}
		bad = expect(resources, "RotatePermission", map[string]any{
			"Properties.Principal":     "secretsmanager.amazonaws.com",
			"Properties.Action":        "lambda:InvokeFunction",
			"Properties.FunctionName":  "(RotateFunction.Arn)",
			"Properties.SourceAccount": "123456789012",
			"Properties.SourceArn":     secretOf(resources),
		})
	}
	if resources["RotateApiTokenFunction"] != nil {
		want = append([]string{"RotateApiTokenPermission"}, want...)
		bad = append(bad, expect(resources, "RotateApiTokenPermission", map[string]any{
			"Properties.Principal":     "secretsmanager.amazonaws.com",
			"Properties.Action":        "lambda:InvokeFunction",
			"Properties.FunctionName":  "(RotateApiTokenFunction.Arn)",
			"Properties.SourceAccount": "123456789012",
			"Properties.SourceArn":     apiTokens,
		})...)
	}
	if got := ofType(resources, "AWS::Lambda::Permission"); !slices.Equal(got, want) {
		bad = append(bad, fmt.Sprintf("permissions to invoke are %v, want those of Secrets Manager: %v", got, want))
	}
	return bad
}

func scheduleWaitsForPermission(resources tree) []string {
	if !rotates(resources) {
		return nil
	}
	bad := expect(resources, "RotationSchedule", map[string]any{
		"Type":                                 "AWS::SecretsManager::RotationSchedule",
		"Properties.RotationLambdaARN":         "(RotateFunction.Arn)",
		"Properties.RotateImmediatelyOnUpdate": "false",
	})
	if !slices.Contains(list(get(resources["RotationSchedule"], "DependsOn")), "RotatePermission") {
		bad = append(bad, "RotationSchedule may be created before RotatePermission, and Secrets Manager then refuses it")
	}
	return bad
}

func placeholderIsEmptyToken(resources tree) []string {
	if resources["TokenSecret"] == nil {
		return nil
	}
	return expect(resources, "TokenSecret", map[string]any{"Properties.SecretString": `{"token":""}`})
}

func evidenceAndSecretsOutlive(resources tree) []string {
	var bad []string
	for _, name := range []string{"TokenSecret", "AuditBucket", "AuditBucketPolicy"} {
		if resources[name] != nil {
			bad = append(
				bad,
				expect(resources, name, map[string]any{"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"})...)
		}
	}
	return bad
}

func bucketIsPrivate(resources tree) []string {
	if resources["AuditBucket"] == nil {
		return nil
	}
	bad := expect(resources, "AuditBucket", map[string]any{
		"Properties.PublicAccessBlockConfiguration.BlockPublicAcls":       true,
		"Properties.PublicAccessBlockConfiguration.BlockPublicPolicy":     true,
		"Properties.PublicAccessBlockConfiguration.IgnorePublicAcls":      true,
		"Properties.PublicAccessBlockConfiguration.RestrictPublicBuckets": true,
		"Properties.VersioningConfiguration.Status":                       "Enabled",
	})
	if get(resources["AuditBucket"], "Properties.BucketEncryption") == nil {
		bad = append(bad, "AuditBucket is not encrypted")
	}
	rules, _ := get(resources["AuditBucket"], "Properties.LifecycleConfiguration.Rules").([]any)
	if len(rules) != 1 || get(rules[0], "ExpirationInDays") == nil || get(rules[0], "NoncurrentVersionExpiration") == nil {
		bad = append(bad, "AuditBucket keeps reports or their old versions for ever")
	}
	return bad
}

// tlsOnly wants a denial of plain HTTP for everyone on each bucket, queue and topic.
func tlsOnly(resources tree) []string {
	var bad []string
	covered := map[string]bool{}
	for _, typ := range []string{"AWS::S3::BucketPolicy", "AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy"} {
		for _, policy := range ofType(resources, typ) {
			for _, s := range get(resources[policy], "Properties.PolicyDocument.Statement").([]any) {
				everyone := get(s, "Principal") == "*"
				if get(s, "Effect") == "Allow" && everyone {
					bad = append(bad, policy+" lets everyone in")
				}
				if get(s, "Effect") == "Deny" && everyone &&
					slices.Equal(conditions(s), []string{"Bool aws:SecureTransport=false"}) {
					for _, r := range list(get(s, "Resource")) {
						covered[r] = true
					}
				}
			}
		}
	}
	want := map[string][]string{
		"AWS::S3::Bucket": {"(%s.Arn)", "(%s.Arn)/*"}, "AWS::SQS::Queue": {"(%s.Arn)"}, "AWS::SNS::Topic": {"(%s)"},
	}
	for typ, forms := range want {
		for _, name := range ofType(resources, typ) {
			for _, form := range forms {
				if r := fmt.Sprintf(form, name); !covered[r] {
					bad = append(bad, r+" takes requests without TLS")
				}
			}
		}
	}
	return bad
}

func logsAreKept(resources tree) []string {
	var bad []string
	for _, fn := range ofType(resources, "AWS::Serverless::Function") {
		group := strings.TrimSuffix(fn, "Function") + "LogGroup"
		bad = append(bad, expect(resources, fn, map[string]any{
			"Properties.LoggingConfig.LogGroup":            "(" + group + ")",
			"Properties.LoggingConfig.LogFormat":           "JSON",
			"Properties.LoggingConfig.ApplicationLogLevel": "INFO",
		})...)
		if get(resources[group], "Properties.RetentionInDays") == nil {
			bad = append(bad, group+" keeps logs for ever")
		}
	}
	return bad
}

// An audit that could not be invoked and one that ran and failed are different
// things to look into, so they end in different queues.
func failuresAreKeptApart(resources tree) []string {
	return slices.Concat(
		expect(resources, "AuditSchedule", map[string]any{
			"Properties.Target.Arn":                  "(AuditFunction.Arn)",
			"Properties.Target.RoleArn":              "(AuditSchedulerRole.Arn)",
			"Properties.Target.DeadLetterConfig.Arn": "(AuditNotInvokedQueue.Arn)",
			"Properties.FlexibleTimeWindow.Mode":     "FLEXIBLE",
			"Properties.ScheduleExpressionTimezone":  "Etc/UTC",
			"Properties.GroupName":                   "(AuditScheduleGroup)",
		}),
		expect(resources, "AuditFunction", map[string]any{
			"Properties.EventInvokeConfig.DestinationConfig.OnFailure.Destination": "(AuditFailedQueue.Arn)",
			"Properties.EventInvokeConfig.MaximumRetryAttempts":                    1,
		}),
		expect(resources, "AuditNotInvokedQueue", map[string]any{"Properties.SqsManagedSseEnabled": true}),
		expect(resources, "AuditFailedQueue", map[string]any{"Properties.SqsManagedSseEnabled": true}),
	)
}

// timeouts of the functions, in seconds.
var timeouts = map[string]int{"RotateFunction": 120, "RotateApiTokenFunction": 120, "AuditFunction": 900}

func functionsRun(resources tree) []string {
	var bad []string
	for _, fn := range ofType(resources, "AWS::Serverless::Function") {
		bad = append(bad, expect(resources, fn, map[string]any{
			"Properties.Runtime":       "provided.al2023",
			"Properties.Handler":       "bootstrap",
			"Properties.CodeUri":       ".",
			"Properties.Architectures": "[arm64]",
			"Properties.Timeout":       timeouts[fn],
			"Metadata.BuildMethod":     "makefile",
		})...)
	}
	// The runtime sets these from LoggingConfig, and Lambda refuses them as settings.
	for _, fn := range ofType(resources, "AWS::Serverless::Function") {
		for name := range get(resources[fn], "Properties.Environment.Variables").(tree) {
			if strings.HasPrefix(name, "AWS_") {
				bad = append(bad, fn+" sets the reserved variable "+name)
			}
		}
	}
	return bad
}

func TestDashboardIsJSON(t *testing.T) {
	template, err := parse(readTemplate(t))
	if err != nil {
		t.Fatal(err)
	}
	var body struct{ Widgets []any }
	text := get(deploy(template, required)["Dashboard"], "Properties.DashboardBody").(string)
	if err := json.Unmarshal([]byte(text), &body); err != nil {
		t.Fatalf("the dashboard's body: %v", err)
	}
	if len(body.Widgets) == 0 {
		t.Error("the dashboard shows nothing")
	}
}

// The audit allows AWSPREVIOUS to live on for as long as the rotation lets it.
func TestPreviousGraceFollowsTheStrategy(t *testing.T) {
	template, err := parse(readTemplate(t))
	if err != nil {
		t.Fatal(err)
	}
	for strategy, want := range map[string]string{"replace": "0s", "grace": "36h"} {
		params := with(required, map[string]string{"RotationStrategy": strategy, "RotationGracePeriod": "36h"})
		got := get(deploy(template, params)["AuditFunction"], "Properties.Environment.Variables.AUDIT_PREVIOUS_GRACE")
		if got != want {
			t.Errorf("%s: AUDIT_PREVIOUS_GRACE is %v, want %s", strategy, got, want)
		}
	}
}
