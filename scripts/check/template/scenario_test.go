package template_test

import "maps"

const (
	apiTokenPrefix = "databrain/api-token/"

	adminSecret = "arn:aws:secretsmanager:us-east-1:123456789012:secret:databrain/admin-GhIjKl"
	tokenSecret = "arn:aws:secretsmanager:us-east-1:123456789012:secret:databrain/service-token-AbCdEf"
	apiToken    = "arn:aws:secretsmanager:us-east-1:123456789012:secret:databrain/api-token/portal-StUvWx"
	apiTokens   = "arn:aws:secretsmanager:us-east-1:123456789012:secret:databrain/api-token/*"
	apiTokenKey = "arn:aws:kms:us-east-1:123456789012:key/api-token"
	otherSecret = "arn:aws:secretsmanager:us-east-1:123456789012:secret:other-MnOpQr"
	foreignBus  = "arn:aws:events:us-east-1:210987654321:event-bus/security"
	tokenKey    = "arn:aws:kms:us-east-1:123456789012:key/token"
	adminKey    = "arn:aws:kms:us-east-1:123456789012:key/admin"
	bucketKey   = "arn:aws:kms:us-east-1:123456789012:key/bucket"
	logKey      = "arn:aws:kms:us-east-1:123456789012:key/logs"
)

// required are the parameters of a deployment that rotates.
var required = map[string]string{"DatabrainBaseUrl": "https://databrain.example.com", "AdminSecretArn": adminSecret}

// scenarios are the deployments that every policy must hold for: all defaults,
// every option on, everything that the stack could make given, no state with messages
// for a chat, and the smallest.
var scenarios = map[string]map[string]string{
	"defaults": required,
	"everything": with(required, map[string]string{
		"TokenSecretKmsKeyArn": tokenKey, "AdminSecretKmsKeyArn": adminKey,
		"ApiTokenSecretPrefix": apiTokenPrefix, "ApiTokenSecretKmsKeyArn": apiTokenKey,
		"AuditBucketKmsKeyArn": bucketKey, "LogKmsKeyArn": logKey,
		"AuditPolicyObject": "policies/databrain/audit.json", "FindingsToTopic": "true", "NotifyRotated": "true",
		"AuditSecurityHub": "true", "AuditReservedConcurrency": "1", "AlarmEmail": "ops@example.com",
		"VpcSubnetIds": "subnet-0a,subnet-0b", "VpcSecurityGroupIds": "sg-0c",
		"CaBundleLayerArn": "arn:aws:lambda:us-east-1:123456789012:layer:ca:1",
	}),
	"given": with(required, map[string]string{
		"TokenSecretArn": tokenSecret, "TokenSecretKmsKeyArn": tokenKey, "AuditBucketName": "reports",
		"ApiTokenSecretPrefix": apiTokenPrefix,
		"AuditBucketKmsKeyArn": bucketKey, "AuditPolicy": `{"maxAgeDays": 30}`,
		"AuditEventBusArn": foreignBus,
		"AlarmTopicArn":    "arn:aws:sns:us-east-1:123456789012:ops",
	}),
	"stateless": with(required, map[string]string{
		"AuditBucketName": "none", "MessageFormat": "chat", "NotifyRotated": "true", "AuditMessagesPerRun": "3",
	}),
	"audit alone": {"DatabrainBaseUrl": "https://api.usedatabrain.com", "TokenSecretArn": tokenSecret},
	"audit and API tokens": {
		"DatabrainBaseUrl": "https://databrain.example.com", "TokenSecretArn": tokenSecret,
		"ApiTokenSecretPrefix": apiTokenPrefix, "MessageFormat": "chat",
	},
	"smallest": with(required, map[string]string{"AuditBucketName": "none", "AuditEventBus": "none"}),
}

func with(base, more map[string]string) map[string]string {
	out := maps.Clone(base)
	maps.Copy(out, more)
	return out
}
