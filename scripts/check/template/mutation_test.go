package template_test

import (
	"strings"
	"testing"
)

// mutations break the template in one place each; the named policy must notice in
// at least one scenario. "grants" stands for the table of what each role may do.
var mutations = []struct{ policy, old, new string }{
	{
		"grants",
		"Action: secretsmanager:GetSecretValue\n                Resource: !Ref AdminSecretArn",
		"Action: secretsmanager:*\n                Resource: !Ref AdminSecretArn",
	},
	{"grants", "                  - secretsmanager:PutSecretValue\n", ""},
	{"grants", "s3:prefix: !Sub ${AuditPrefix}*", `s3:prefix: "*"`},
	{"grants", "product/${AWS::AccountId}/default", "product/*/*"},
	{"grants", "                - ImportFindings\n", "                - HasBucket\n"},
	{"grants", "Resource: !GetAtt AuditFunction.Arn", `Resource: !Sub "${AuditFunction.Arn}*"`},
	{
		"grants",
		"secret:${ApiTokenSecretPrefix}*\n              - Sid: ReadTokenSecret",
		"secret:*\n              - Sid: ReadTokenSecret",
	},
	{
		"grants",
		"                Effect: Deny\n                Action: [secretsmanager:PutSecretValue, " +
			"secretsmanager:UpdateSecretVersionStage]",
		"                Effect: Allow\n                Action: [secretsmanager:PutSecretValue, " +
			"secretsmanager:UpdateSecretVersionStage]",
	},
	{
		"grants",
		"Effect: Deny\n                  Action: secretsmanager:*",
		"Effect: Allow\n                  Action: secretsmanager:GetSecretValue",
	},
	{
		"wildcards have reasons",
		"Action: [secretsmanager:DescribeSecret, secretsmanager:GetSecretValue]",
		"Action: secretsmanager:*",
	},
	{
		"wildcards have reasons",
		"Action: events:PutEvents\n                  Resource: !If\n                    - BusIsElsewhere\n            " +
			"        - !Ref AuditEventBusArn\n",
		"Action: events:PutEvents\n                  Resource: !If\n                    - HasBus\n                    " +
			"- \"*\"\n",
	},
	{"wildcards have reasons", "Sid: LambdaManagesNetworkInterfaces", "Sid: Network"},
	{"keys are bound to their use", "                      kms:EncryptionContext:SecretARN: !Ref AdminSecretArn\n", ""},
	{
		"keys are bound to their use",
		"                      kms:ViaService: !Sub s3.${AWS::Region}.${AWS::URLSuffix}\n",
		"                      aws:PrincipalTag/a: b\n",
	},
	{
		"keys are bound to their use",
		"                    StringLike:\n                      kms:EncryptionContext:SecretARN: !Sub arn",
		"                    StringLike:\n                      aws:PrincipalTag/a: !Sub arn",
	},
	{"trust is narrow", "                aws:SourceArn: !GetAtt AuditScheduleGroup.Arn\n", ""},
	{"trust is narrow", "Principal: {Service: scheduler.amazonaws.com}", "Principal: {Service: events.amazonaws.com}"},
	{
		"an audit alone rotates nothing",
		"RotationSchedule:\n    Type: AWS::SecretsManager::RotationSchedule\n    Condition: Rotates\n",
		"RotationSchedule:\n    Type: AWS::SecretsManager::RotationSchedule\n",
	},
	{"an audit alone rotates nothing", "RotateErrors: !If [Rotates,", "RotateErrors: !If [HasBucket,"},
	{"only Secrets Manager invokes", "      SourceAccount: !Ref AWS::AccountId\n", ""},
	{
		"only Secrets Manager invokes",
		"      SourceArn: !If [CreateTokenSecret, !Ref TokenSecret, !Ref TokenSecretArn]\n",
		"",
	},
	{"only Secrets Manager invokes", "Principal: secretsmanager.amazonaws.com", `Principal: "*"`},
	{
		"only Secrets Manager invokes",
		"      SourceAccount: !Ref AWS::AccountId\n      SourceArn: !Sub",
		"      SourceArn: !Sub",
	},
	{"only Secrets Manager invokes", "secret:${ApiTokenSecretPrefix}*\n\n", "secret:*\n\n"},
	{"the schedule waits for permission", "    DependsOn: RotatePermission\n", ""},
	{
		"the schedule waits for permission",
		"RotateImmediatelyOnUpdate:\n    Type: String\n    Default: \"false\"",
		"RotateImmediatelyOnUpdate:\n    Type: String\n    Default: \"true\"",
	},
	{"the placeholder is an empty token", `'{"token":""}'`, `'{"token":"change-me"}'`},
	{
		"evidence and secrets outlive",
		"Condition: CreateTokenSecret\n    DeletionPolicy: Retain\n",
		"Condition: CreateTokenSecret\n",
	},
	{
		"evidence and secrets outlive",
		"Condition: CreateBucket\n    DeletionPolicy: Retain\n    UpdateReplacePolicy: Retain\n    Properties:\n      " +
			"PublicAccess",
		"Condition: CreateBucket\n    DeletionPolicy: Retain\n    Properties:\n      PublicAccess",
	},
	{"the bucket is private", "RestrictPublicBuckets: true", "RestrictPublicBuckets: false"},
	{"the bucket is private", "            ExpirationInDays: !Ref AuditReportRetentionDays\n", ""},
	{"TLS only", "              - !Sub ${AuditBucket.Arn}/*\n", ""},
	{
		"TLS only",
		"Resource: [!GetAtt AuditNotInvokedQueue.Arn, !GetAtt AuditFailedQueue.Arn]",
		"Resource: [!GetAtt AuditNotInvokedQueue.Arn]",
	},
	{"TLS only", `Action: s3:*` + "\n            Resource:", "Action: s3:GetObject\n            NotResource:"},
	{"logs are kept, as JSON", "        LogGroup: !Ref AuditLogGroup\n", ""},
	{
		"logs are kept, as JSON",
		"LogLevel:\n    Type: String\n    Default: INFO",
		"LogLevel:\n    Type: String\n    Default: WARN",
	},
	{"logs are kept, as JSON", "        LogGroup: !Ref RotateApiTokenLogGroup\n", ""},
	{"failures are kept apart", "Arn: !GetAtt AuditNotInvokedQueue.Arn", "Arn: !GetAtt AuditFailedQueue.Arn"},
	{"failures are kept apart", "MaximumRetryAttempts: 1\n", "MaximumRetryAttempts: 2\n"},
	{
		"alarms reach someone",
		"AlarmActions: [!If [CreateTopic, !Ref AlarmTopic, !Ref AlarmTopicArn]]\n      OKActions: [!If [CreateTopic, " +
			"!Ref AlarmTopic, !Ref AlarmTopicArn]]\n\n  AuditErrorsAlarm",
		"AlarmActions: []\n\n  AuditErrorsAlarm",
	},
	{"alarms reach someone", "#auditerrorsalarm", "#rotateerrorsalarm"},
	{"alarms reach someone", "${RunbookUrl}#rotationfailedrule", "the runbook"},
	{"alarms reach someone", `"${AuditFailedAlarm.Arn}"`, `"${AuditNotInvokedAlarm.Arn}"`},
	{"alarms reach someone", "Principal: {Service: events.amazonaws.com}", "Principal: {Service: sns.amazonaws.com}"},
	{"alarms reach someone", "#rotateapitokenerrorsalarm", "#rotateerrorsalarm"},
	{"alarms reach someone", `"${RotateApiTokenErrorsAlarm.Arn}", `, ""},
	{"alarms know what missing data means", "TreatMissingData: breaching", "TreatMissingData: notBreaching"},
	{"alarms know what missing data means", "EvaluationPeriods: 26", "EvaluationPeriods: 24"},
	{
		"a failed rotation is heard of",
		"eventName: [RotationFailed, RotationAbandoned, TestRotationFailed]",
		"eventName: [RotationFailed]",
	},
	{"a rotation that succeeded is told of when wanted", "labelUpdated: [AWSCURRENT]", "labelUpdated: [AWSPREVIOUS]"},
	{
		"a rotation that succeeded is told of when wanted",
		"resources:\n          - !If [CreateTokenSecret, !Ref TokenSecret, !Ref TokenSecretArn]",
		"resources:\n          - !Ref AdminSecretArn",
	},
	{
		"a rotation that succeeded is told of when wanted",
		"- HasApiTokens\n            - prefix: !Sub arn",
		"- HasApiTokens\n            - !Sub arn",
	},
	{"a failed rotation is heard of", "SecretId:\n              - prefix: !Sub arn",
		"SecretId:\n              - !Sub arn"},
	{"findings reach people once", "as: [single]", "as: [single, counted]"},
	{"findings reach people once", "- critical: [{exists: true}]", "- counted: [{exists: true}]"},
	{"findings reach people once", "            instance: [!Ref DatabrainBaseUrl]\n", "            status: [partial]\n"},
	{
		"findings reach people once",
		"FindingRule:\n    Type: AWS::Events::Rule\n    Condition: BusIsHere",
		"FindingRule:\n    Type: AWS::Events::Rule\n    Condition: HasBus",
	},
	{
		"findings reach people once",
		"FurtherFindingsRule:\n    Type: AWS::Events::Rule\n    Condition: BusIsHere",
		"FurtherFindingsRule:\n    Type: AWS::Events::Rule\n    Condition: HasBucket",
	},
	{"metrics exist", "MetricName: CoverageGaps", "MetricName: Gaps"},
	{"metrics exist", `[".", "StaleTokens", ".", "."]`, `[".", "Stale", ".", "."]`},
	{"metrics exist", `["...", "${RotateApiTokenFunction}", {"stat": "Sum"}],`, `["AWS/Lambda", "Failures"],`},
	{
		"API tokens need a prefix",
		"RotateApiTokenLogGroup:\n    Type: AWS::Logs::LogGroup\n    Condition: HasApiTokens\n",
		"RotateApiTokenLogGroup:\n    Type: AWS::Logs::LogGroup\n",
	},
	{"functions run as Lambda expects them", "Handler: bootstrap", "Handler: main"},
	{
		"functions run as Lambda expects them",
		"DATABRAIN_ALLOW_HTTP: !Ref DatabrainAllowHttp",
		"AWS_REGION: !Ref AWS::Region",
	},
}

func TestPoliciesNoticeMutations(t *testing.T) {
	text := readTemplate(t)
	noticed := map[string]int{}
	for _, m := range mutations {
		if !strings.Contains(text, m.old) {
			t.Errorf("%s: the template has no %q to break", m.policy, m.old)
			continue
		}
		template, err := parse(strings.Replace(text, m.old, m.new, 1))
		if err != nil {
			t.Errorf("%s: %q for %q: %v", m.policy, m.new, m.old, err)
			continue
		}
		if !notices(m.policy, template) {
			t.Errorf("%s: did not notice %q in place of %q", m.policy, m.new, m.old)
		}
		noticed[m.policy]++
	}
	for policy := range policies {
		if noticed[policy] == 0 {
			t.Errorf("%s: no mutation shows that it can fail", policy)
		}
	}
}

func notices(policy string, template tree) bool {
	for name, params := range scenarios {
		resources := deploy(template, params)
		if policy == "grants" {
			if !grantsAreAsListed(name, resources) {
				return true
			}
		} else if len(policies[policy](resources)) > 0 {
			return true
		}
	}
	return false
}
