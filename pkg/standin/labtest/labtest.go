// Package labtest wires the stand-ins into a small AWS account with a Databrain
// instance, on loopback sockets, for the built functions to run against: by the
// demonstration, by the SAM CLI, and by tests.
//
// The names, ids and credentials are those of the payloads in events/.
package labtest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"databrain-rotation/pkg/standin/databraintest"
	"databrain-rotation/pkg/standin/eventbridgetest"
	"databrain-rotation/pkg/standin/s3test"
	"databrain-rotation/pkg/standin/secretsmanagertest"
	"databrain-rotation/pkg/standin/securityhubtest"
)

// What the payloads in events/ name.
const (
	Region         = "us-east-1"
	TokenSecret    = "databrain/service-token"
	TokenSecretARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:databrain/service-token-AbCdEf"
	AdminSecret    = "databrain/admin"
	AdminSecretARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:databrain/admin-GhIjKl"
	RotationARN    = "arn:aws:lambda:us-east-1:123456789012:function:RotateFunction"
	Bucket         = "databrain-audit"

	APITokenPrefix    = "databrain/api-token/"
	APITokenSecret    = "databrain/api-token/portal"
	APITokenSecretARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:databrain/api-token/portal-StUvWx"
	// APITokenValue waits for its first rotation, which imports a token of the example.
	APITokenValue       = `{"dataApp": "Customer Portal Analytics", "name": "Production API Key", "key": "", "quota": 1e3}`
	APITokenRotationARN = "arn:aws:lambda:us-east-1:123456789012:function:RotateApiTokenFunction"

	// Version is the ClientRequestToken of the rotation payloads.
	Version = "4f1d9a52-6c1e-4b37-9d0a-2f5e8c7b1a60"
)

// Config says what the account starts from. The zero value has the documentation's
// example instance and lets the system choose the ports.
type Config struct {
	Databrain databraintest.Config
	// Clock is Secrets Manager's; nil is time.Now.
	Clock func() time.Time
	// RotationTokens makes rotations give out a RotationToken, and insist on it. The
	// payloads in events/ have one that nobody gave out.
	RotationTokens bool
	// Secret is the first value of the rotated secret. "" is a document with the
	// example's service token and two other members.
	Secret string
	// The addresses to listen on; "" is any free port of 127.0.0.1.
	DatabrainAddr, SecretsManagerAddr, EventBridgeAddr, S3Addr, SecurityHubAddr string
}

// Lab is the account and the instance.
type Lab struct {
	Databrain *databraintest.Server
	Secrets   *secretsmanagertest.Server
	Events    *eventbridgetest.Server
	Objects   *s3test.Server
	Hub       *securityhubtest.Server

	DatabrainURL, SecretsManagerURL, EventBridgeURL, S3URL, SecurityHubURL string
}

// Start starts the stand-ins. The rotated secret exists, with rotation switched on
// and the admin secret beside it. Close ends what was started, also after an error.
func Start(c Config) (*Lab, error) {
	tokens := secretsmanagertest.RotationTokenAbsent
	if c.RotationTokens {
		tokens = secretsmanagertest.RotationTokenRequired
	}
	l := &Lab{
		Databrain: databraintest.New(c.Databrain),
		Secrets: secretsmanagertest.New(secretsmanagertest.Config{
			Region: Region, Suffix: suffix, RotationToken: tokens, Now: c.Clock,
		}),
		Events:  eventbridgetest.New(eventbridgetest.Config{}),
		Objects: s3test.New(s3test.Config{Buckets: []string{Bucket}}),
		Hub:     securityhubtest.New(securityhubtest.Config{Region: Region}),
	}
	if err := errors.Join(l.listen(c), l.fill(c)); err != nil {
		return nil, errors.Join(fmt.Errorf("start the stand-ins: %w", err), l.Close())
	}
	return l, nil
}

func suffix(name string) string {
	switch name {
	case AdminSecret:
		return "GhIjKl"
	case APITokenSecret:
		return "StUvWx"
	}
	return "AbCdEf"
}

func (l *Lab) listen(c Config) error {
	var errs [5]error
	l.DatabrainURL, errs[0] = l.Databrain.Start(c.DatabrainAddr)
	l.SecretsManagerURL, errs[1] = l.Secrets.Start(c.SecretsManagerAddr)
	l.EventBridgeURL, errs[2] = l.Events.Start(c.EventBridgeAddr)
	l.S3URL, errs[3] = l.Objects.Start(c.S3Addr)
	l.SecurityHubURL, errs[4] = l.Hub.Start(c.SecurityHubAddr)
	return errors.Join(errs[:]...)
}

func (l *Lab) fill(c Config) error {
	value := c.Secret
	if value == "" {
		value = fmt.Sprintf(`{"baseUrl": "https://databrain.example.com", "token": %q, "quota": 1e3}`,
			l.Databrain.CurrentToken())
	}
	admin := fmt.Sprintf(`{"email":%q,"password":%q}`, databraintest.ExampleEmail, databraintest.ExamplePassword)
	if _, err := l.Secrets.Create(AdminSecret, admin); err != nil {
		return err
	}
	if _, err := l.Secrets.Create(TokenSecret, value); err != nil {
		return err
	}
	if _, err := l.Secrets.Create(APITokenSecret, APITokenValue); err != nil {
		return err
	}
	return l.Secrets.ConfigureRotation(TokenSecret, RotationARN,
		secretsmanagertest.RotationRules{AutomaticallyAfterDays: 30})
}

// Close ends the stand-ins.
func (l *Lab) Close() error {
	return errors.Join(l.Databrain.Close(), l.Secrets.Close(), l.Events.Close(), l.Objects.Close(), l.Hub.Close())
}

// OnlyTheStandIns keeps what the SDK reads of the developer's account from a test
// that lets it read the process's environment.
func OnlyTheStandIns(t testing.TB) {
	t.Helper()
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "AWS_") {
			t.Setenv(name, "") // for the end of the test to put it back
			os.Unsetenv(name)
		}
	}
	t.Setenv("AWS_CONFIG_FILE", os.DevNull)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", os.DevNull)
}

// AWS is the environment that leads the SDK and the AWS CLI to the stand-ins. The
// keys open nothing.
func (l *Lab) AWS() map[string]string {
	return map[string]string{
		"AWS_REGION": Region, "AWS_ACCESS_KEY_ID": "stand-in", "AWS_SECRET_ACCESS_KEY": "stand-in",
		"AWS_ENDPOINT_URL_SECRETS_MANAGER": l.SecretsManagerURL,
		"AWS_ENDPOINT_URL_EVENTBRIDGE":     l.EventBridgeURL,
		"AWS_ENDPOINT_URL_S3":              l.S3URL,
		"AWS_ENDPOINT_URL_SECURITYHUB":     l.SecurityHubURL,
	}
}

// function is what the environments of all functions have. The name tells their requests
// apart.
func (l *Lab) function(name string) map[string]string {
	env := l.AWS()
	env["AWS_SDK_UA_APP_ID"] = name
	env["AWS_LAMBDA_LOG_FORMAT"] = "JSON" // as in template.yaml
	env["DATABRAIN_BASE_URL"] = l.DatabrainURL
	return env
}

// Rotate is the environment of the rotation function.
func (l *Lab) Rotate() map[string]string {
	env := l.function("RotateFunction")
	env["DATABRAIN_ADMIN_SECRET_ID"] = AdminSecretARN
	return env
}

// RotateAPIToken is the environment of the rotation function of API tokens.
func (l *Lab) RotateAPIToken() map[string]string {
	env := l.function("RotateApiTokenFunction")
	env["DATABRAIN_SERVICE_TOKEN_SECRET_ID"] = TokenSecretARN
	return env
}

// Audit is the environment of the audit function.
func (l *Lab) Audit() map[string]string {
	env := l.function("AuditFunction")
	env["DATABRAIN_SERVICE_TOKEN_SECRET_ID"] = TokenSecretARN
	env["AUDIT_BUCKET"] = Bucket
	return env
}

// Payload reads the payload of a step of the service token's rotation from dir, the
// folder events/, for the rotation to version.
func Payload(dir, step, version string) ([]byte, error) {
	return payload(dir, "rotate", step, version)
}

// APITokenPayload is [Payload] for the rotation of an API token.
func APITokenPayload(dir, step, version string) ([]byte, error) {
	return payload(dir, "rotate-api-token", step, version)
}

func payload(dir, function, step, version string) ([]byte, error) {
	name := function + "-" + strings.TrimSuffix(step, "Secret") + ".json"
	content, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return nil, err
	}
	return []byte(strings.ReplaceAll(string(content), Version, version)), nil
}
