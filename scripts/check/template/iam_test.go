package template_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// statement is one statement of a role's policies.
type statement struct {
	role, sid, effect  string
	actions, resources []string
	conditions         []string
}

func statements(resources tree) []statement {
	var out []statement
	for _, role := range ofType(resources, "AWS::IAM::Role") {
		policies, _ := get(resources[role], "Properties.Policies").([]any)
		for _, p := range policies {
			for _, s := range get(p, "PolicyDocument.Statement").([]any) {
				out = append(out, statement{
					role: role, sid: fmt.Sprint(get(s, "Sid")), effect: fmt.Sprint(get(s, "Effect")),
					actions: list(get(s, "Action")), resources: list(get(s, "Resource")),
					conditions: conditions(s),
				})
			}
		}
	}
	return out
}

// conditions renders a statement's conditions, one "Operator key=value|value" each, sorted.
func conditions(statement any) []string {
	var out []string
	ops, _ := get(statement, "Condition").(tree)
	for op, keys := range ops {
		for key, values := range keys.(tree) {
			out = append(out, op+" "+key+"="+strings.Join(list(values), "|"))
		}
	}
	slices.Sort(out)
	return out
}

func (s statement) String() string {
	line := s.sid + ": " + s.effect + " " + strings.Join(s.actions, " ") + " on " + strings.Join(s.resources, " ")
	if len(s.conditions) > 0 {
		line += " if " + strings.Join(s.conditions, ", ")
	}
	return line
}

func grants(resources tree) map[string][]string {
	out := map[string][]string{}
	for _, s := range statements(resources) {
		out[s.role] = append(out[s.role], s.String())
	}
	return out
}

// What each role may do, word for word: whoever widens a role changes this table.
var wantGrants = map[string]map[string][]string{
	"defaults": {
		"RotateRole": {
			rotateOneSecret + "(TokenSecret)",
			"ReadAdminSecret: Allow secretsmanager:GetSecretValue on " + adminSecret,
			"WriteLogs: Allow logs:CreateLogStream logs:PutLogEvents on (RotateLogGroup.Arn)",
		},
		"AuditRole": {
			readTokenSecret + "(TokenSecret)",
			"WriteLogs: Allow logs:CreateLogStream logs:PutLogEvents on (AuditLogGroup.Arn)",
			"ReportFailedRuns: Allow sqs:SendMessage on (AuditFailedQueue.Arn)",
			"SendEvents: Allow events:PutEvents on arn:aws:events:us-east-1:123456789012:event-bus/default",
			"KeepReportsAndState: Allow s3:GetObject s3:PutObject on arn:aws:s3:::(AuditBucket)/databrain-audit/*",
			tellMissingFromForbidden,
		},
		"AuditSchedulerRole": schedulerGrants,
	},
	"everything": {
		"RotateRole": {
			rotateOneSecret + "(TokenSecret)",
			"ReadAdminSecret: Allow secretsmanager:GetSecretValue on " + adminSecret,
			"WriteLogs: Allow logs:CreateLogStream logs:PutLogEvents on (RotateLogGroup.Arn)",
			"UseTokenKey: Allow kms:Decrypt kms:GenerateDataKey on " + tokenKey + ifSecretsManager + "(TokenSecret)" +
				viaSecretsManager,
			"UseAdminKey: Allow kms:Decrypt on " + adminKey + ifSecretsManager + adminSecret + viaSecretsManager,
			networkGrant, networkDenial,
		},
		"AuditRole": {
			readTokenSecret + "(TokenSecret)",
			"FindApiTokenSecrets: Allow secretsmanager:ListSecrets on *",
			"ReadApiTokenSecrets: Allow secretsmanager:DescribeSecret secretsmanager:GetSecretValue on " + apiTokens,
			"NeverTouchAdminSecret: Deny secretsmanager:GetSecretValue on " + adminSecret,
			"UseApiTokenKey: Allow kms:Decrypt on " + apiTokenKey + ifAPITokens,
			"WriteLogs: Allow logs:CreateLogStream logs:PutLogEvents on (AuditLogGroup.Arn)",
			"ReportFailedRuns: Allow sqs:SendMessage on (AuditFailedQueue.Arn)",
			"SendEvents: Allow events:PutEvents on arn:aws:events:us-east-1:123456789012:event-bus/default",
			"ImportFindings: Allow securityhub:BatchImportFindings on " +
				"arn:aws:securityhub:us-east-1:123456789012:product/123456789012/default",
			"KeepReportsAndState: Allow s3:GetObject s3:PutObject on arn:aws:s3:::(AuditBucket)/databrain-audit/*",
			tellMissingFromForbidden,
			"ReadPolicy: Allow s3:GetObject on arn:aws:s3:::policies/databrain/audit.json",
			"UseTokenKey: Allow kms:Decrypt on " + tokenKey + ifSecretsManager + "(TokenSecret)" + viaSecretsManager,
			"UseBucketKey: Allow kms:Decrypt kms:GenerateDataKey on " + bucketKey +
				" if StringEquals kms:ViaService=s3.us-east-1.amazonaws.com, StringLike " +
				"kms:EncryptionContext:aws:s3:arn=arn:aws:s3:::(AuditBucket)|arn:aws:s3:::(AuditBucket)/databrain-audit/*",
			networkGrant, networkDenial,
		},
		"RotateApiTokenRole": {
			rotateAPITokens,
			"ReadTokenSecret: Allow secretsmanager:GetSecretValue on (TokenSecret)",
			neverWriteTokenSecret + "(TokenSecret)",
			"NeverTouchAdminSecret: Deny secretsmanager:* on " + adminSecret,
			"WriteLogs: Allow logs:CreateLogStream logs:PutLogEvents on (RotateApiTokenLogGroup.Arn)",
			"UseApiTokenKey: Allow kms:Decrypt kms:GenerateDataKey on " + apiTokenKey + ifAPITokens,
			"UseTokenKey: Allow kms:Decrypt on " + tokenKey + ifSecretsManager + "(TokenSecret)" + viaSecretsManager,
			networkGrant, networkDenial,
		},
		"AuditSchedulerRole": schedulerGrants,
	},
	"given": {
		"RotateRole": {
			rotateOneSecret + tokenSecret,
			"ReadAdminSecret: Allow secretsmanager:GetSecretValue on " + adminSecret,
			"WriteLogs: Allow logs:CreateLogStream logs:PutLogEvents on (RotateLogGroup.Arn)",
			"UseTokenKey: Allow kms:Decrypt kms:GenerateDataKey on " + tokenKey + ifSecretsManager + tokenSecret +
				viaSecretsManager,
		},
		"AuditRole": {
			readTokenSecret + tokenSecret,
			"FindApiTokenSecrets: Allow secretsmanager:ListSecrets on *",
			"ReadApiTokenSecrets: Allow secretsmanager:DescribeSecret secretsmanager:GetSecretValue on " + apiTokens,
			"NeverTouchAdminSecret: Deny secretsmanager:GetSecretValue on " + adminSecret,
			"WriteLogs: Allow logs:CreateLogStream logs:PutLogEvents on (AuditLogGroup.Arn)",
			"ReportFailedRuns: Allow sqs:SendMessage on (AuditFailedQueue.Arn)",
			"SendEvents: Allow events:PutEvents on arn:aws:events:us-east-1:210987654321:event-bus/security",
			"KeepReportsAndState: Allow s3:GetObject s3:PutObject on arn:aws:s3:::reports/databrain-audit/*",
			"TellMissingFromForbidden: Allow s3:ListBucket on arn:aws:s3:::reports if StringLike s3:prefix=databrain-audit/*",
			"UseTokenKey: Allow kms:Decrypt on " + tokenKey + ifSecretsManager + tokenSecret + viaSecretsManager,
			"UseBucketKey: Allow kms:Decrypt kms:GenerateDataKey on " + bucketKey +
				" if StringEquals kms:ViaService=s3.us-east-1.amazonaws.com, StringLike " +
				"kms:EncryptionContext:aws:s3:arn=arn:aws:s3:::reports|arn:aws:s3:::reports/databrain-audit/*",
		},
		"RotateApiTokenRole": {
			rotateAPITokens,
			"ReadTokenSecret: Allow secretsmanager:GetSecretValue on " + tokenSecret,
			neverWriteTokenSecret + tokenSecret,
			"NeverTouchAdminSecret: Deny secretsmanager:* on " + adminSecret,
			"WriteLogs: Allow logs:CreateLogStream logs:PutLogEvents on (RotateApiTokenLogGroup.Arn)",
			"UseTokenKey: Allow kms:Decrypt on " + tokenKey + ifSecretsManager + tokenSecret + viaSecretsManager,
		},
		"AuditSchedulerRole": schedulerGrants,
	},
	"stateless": {
		"RotateRole": {
			rotateOneSecret + "(TokenSecret)",
			"ReadAdminSecret: Allow secretsmanager:GetSecretValue on " + adminSecret,
			"WriteLogs: Allow logs:CreateLogStream logs:PutLogEvents on (RotateLogGroup.Arn)",
		},
		"AuditRole": {
			readTokenSecret + "(TokenSecret)",
			"WriteLogs: Allow logs:CreateLogStream logs:PutLogEvents on (AuditLogGroup.Arn)",
			"ReportFailedRuns: Allow sqs:SendMessage on (AuditFailedQueue.Arn)",
			"SendEvents: Allow events:PutEvents on arn:aws:events:us-east-1:123456789012:event-bus/default",
		},
		"AuditSchedulerRole": schedulerGrants,
	},
	"audit alone": {
		"AuditRole": {
			readTokenSecret + tokenSecret,
			"WriteLogs: Allow logs:CreateLogStream logs:PutLogEvents on (AuditLogGroup.Arn)",
			"ReportFailedRuns: Allow sqs:SendMessage on (AuditFailedQueue.Arn)",
			"SendEvents: Allow events:PutEvents on arn:aws:events:us-east-1:123456789012:event-bus/default",
			"KeepReportsAndState: Allow s3:GetObject s3:PutObject on arn:aws:s3:::(AuditBucket)/databrain-audit/*",
			tellMissingFromForbidden,
		},
		"AuditSchedulerRole": schedulerGrants,
	},
	"audit and API tokens": {
		"AuditRole": {
			readTokenSecret + tokenSecret,
			"FindApiTokenSecrets: Allow secretsmanager:ListSecrets on *",
			"ReadApiTokenSecrets: Allow secretsmanager:DescribeSecret secretsmanager:GetSecretValue on " + apiTokens,
			"WriteLogs: Allow logs:CreateLogStream logs:PutLogEvents on (AuditLogGroup.Arn)",
			"ReportFailedRuns: Allow sqs:SendMessage on (AuditFailedQueue.Arn)",
			"SendEvents: Allow events:PutEvents on arn:aws:events:us-east-1:123456789012:event-bus/default",
			"KeepReportsAndState: Allow s3:GetObject s3:PutObject on arn:aws:s3:::(AuditBucket)/databrain-audit/*",
			tellMissingFromForbidden,
		},
		"RotateApiTokenRole": {
			rotateAPITokens,
			"ReadTokenSecret: Allow secretsmanager:GetSecretValue on " + tokenSecret,
			neverWriteTokenSecret + tokenSecret,
			"WriteLogs: Allow logs:CreateLogStream logs:PutLogEvents on (RotateApiTokenLogGroup.Arn)",
		},
		"AuditSchedulerRole": schedulerGrants,
	},
	"smallest": {
		"RotateRole": {
			rotateOneSecret + "(TokenSecret)",
			"ReadAdminSecret: Allow secretsmanager:GetSecretValue on " + adminSecret,
			"WriteLogs: Allow logs:CreateLogStream logs:PutLogEvents on (RotateLogGroup.Arn)",
		},
		"AuditRole": {
			readTokenSecret + "(TokenSecret)",
			"WriteLogs: Allow logs:CreateLogStream logs:PutLogEvents on (AuditLogGroup.Arn)",
			"ReportFailedRuns: Allow sqs:SendMessage on (AuditFailedQueue.Arn)",
		},
		"AuditSchedulerRole": schedulerGrants,
	},
}

const (
	rotateOneSecret = "RotateOneSecret: Allow secretsmanager:DescribeSecret secretsmanager:GetSecretValue " +
		"secretsmanager:ListSecretVersionIds secretsmanager:PutSecretValue secretsmanager:UpdateSecretVersionStage on "
	rotateAPITokens = "RotateApiTokenSecrets: Allow secretsmanager:DescribeSecret secretsmanager:GetSecretValue " +
		"secretsmanager:PutSecretValue secretsmanager:UpdateSecretVersionStage on " + apiTokens
	readTokenSecret       = "ReadTokenSecret: Allow secretsmanager:DescribeSecret secretsmanager:GetSecretValue on "
	neverWriteTokenSecret = "NeverWriteTokenSecret: Deny secretsmanager:PutSecretValue " +
		"secretsmanager:UpdateSecretVersionStage on "
	tellMissingFromForbidden = "TellMissingFromForbidden: Allow s3:ListBucket on arn:aws:s3:::(AuditBucket) " +
		"if StringLike s3:prefix=databrain-audit/*"
	ifAPITokens = " if StringEquals kms:ViaService=secretsmanager.us-east-1.amazonaws.com, StringLike " +
		"kms:EncryptionContext:SecretARN=" + apiTokens
	ifSecretsManager  = " if StringEquals kms:EncryptionContext:SecretARN="
	viaSecretsManager = ", StringEquals kms:ViaService=secretsmanager.us-east-1.amazonaws.com"
	networkGrant      = "LambdaManagesNetworkInterfaces: Allow ec2:AssignPrivateIpAddresses " +
		"ec2:CreateNetworkInterface ec2:DeleteNetworkInterface ec2:DescribeNetworkInterfaces ec2:DescribeSubnets " +
		"ec2:UnassignPrivateIpAddresses on *"
	networkDenial = "CodeHasNoNetworkRights: Deny ec2:* on * if Null lambda:SourceFunctionArn=false"
)

var schedulerGrants = []string{
	"StartAudit: Allow lambda:InvokeFunction on (AuditFunction.Arn)",
	"KeepWhatWasNotInvoked: Allow sqs:SendMessage on (AuditNotInvokedQueue.Arn)",
}

func TestRolesGrantExactly(t *testing.T) {
	template, err := parse(readTemplate(t))
	if err != nil {
		t.Fatal(err)
	}
	for name := range scenarios {
		if diff := cmp.Diff(wantGrants[name], grants(deploy(template, scenarios[name]))); diff != "" {
			t.Errorf("%s: grants (-want +got):\n%s", name, diff)
		}
	}
}

func grantsAreAsListed(scenario string, resources tree) bool {
	return cmp.Equal(wantGrants[scenario], grants(resources))
}

// wildcards are the statements that may name every resource, and why.
var wildcards = map[string]string{
	"FindApiTokenSecrets": "Secrets Manager has no resource level for ListSecrets, which shows no value",
	"LambdaManagesNetworkInterfaces": "EC2 authorises DescribeNetworkInterfaces and DescribeSubnets for all " +
		"resources only, and an interface has no ARN before Lambda made it",
}

func wildcardsHaveReasons(resources tree) []string {
	var bad []string
	for _, s := range statements(resources) {
		if s.effect != "Allow" {
			continue
		}
		if strings.Contains(strings.Join(s.actions, " "), "*") {
			bad = append(bad, s.role+"/"+s.sid+" allows a wildcard action")
		}
		if slices.Contains(s.resources, "*") && wildcards[s.sid] == "" {
			bad = append(bad, s.role+"/"+s.sid+` allows resource "*" without a listed reason`)
		}
	}
	return bad
}

func keysAreBoundToTheirUse(resources tree) []string {
	var bad []string
	for _, s := range statements(resources) {
		if !strings.HasPrefix(s.actions[0], "kms:") {
			continue
		}
		all := strings.Join(s.conditions, " ")
		if !strings.Contains(all, "kms:ViaService=") || !strings.Contains(all, "kms:EncryptionContext:") {
			bad = append(bad, s.role+"/"+s.sid+" uses a key beyond its service and its encryption context")
		}
	}
	return bad
}

// A role for a service that acts for many accounts is assumed for this account's group alone
// (EventBridge Scheduler user guide, "Confused deputy prevention").
func trustIsNarrow(resources tree) []string {
	var bad []string
	for _, role := range ofType(resources, "AWS::IAM::Role") {
		for _, s := range get(resources[role], "Properties.AssumeRolePolicyDocument.Statement").([]any) {
			service := get(s, "Principal.Service")
			got := strings.Join(conditions(s), ", ")
			want := ""
			if service == "scheduler.amazonaws.com" {
				want = "StringEquals aws:SourceAccount=123456789012, StringEquals aws:SourceArn=(AuditScheduleGroup.Arn)"
			} else if service != "lambda.amazonaws.com" {
				bad = append(bad, role+" trusts "+fmt.Sprint(service))
			}
			if got != want {
				bad = append(bad, fmt.Sprintf("%s may be assumed if %q, want %q", role, got, want))
			}
		}
	}
	return bad
}
