package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"databrain-rotation/pkg/standin/databraintest"
	"databrain-rotation/pkg/standin/labtest"
	"databrain-rotation/pkg/standin/runtimetest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	smtypes "github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/google/uuid"
)

// moto is an AWS made by others: what works against it does not work only because
// our stand-ins share our mistakes.
type moto struct {
	*workshop
	endpoint string
	secrets  *secretsmanager.Client
	events   *eventbridge.Client
	objects  *s3.Client

	instance            *databraintest.Server
	url                 string
	tokenARN, adminARN  string
	rotateEnv, auditEnv map[string]string
}

func (w *workshop) useMoto(ctx context.Context) {
	m := &moto{workshop: w}
	var server *background
	if !w.check(ctx, "moto starts", func() (err error) {
		server, err = m.start(ctx)
		return err
	}) {
		return
	}
	defer server.stop()
	w.check(ctx, "moto passes the rules of Secrets Manager, but for the listed differences", func() error {
		return m.conform(ctx)
	})

	m.instance = databraintest.New(databraintest.Config{})
	if !w.check(ctx, "a Databrain and an account in moto", func() (err error) {
		if m.url, err = m.instance.Start(""); err != nil {
			return err
		}
		return m.fill(ctx)
	}) {
		return
	}
	defer m.instance.Close()
	if w.check(ctx, "the built function rotates with moto as AWS", func() error { return m.rotate(ctx) }) {
		w.check(ctx, "the built function audits with moto as AWS", func() error { return m.audit(ctx) })
	}
}

func (m *moto) start(ctx context.Context) (*background, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	address := "127.0.0.1:" + port
	m.endpoint = "http://" + address
	o := aws.Config{
		Region: labtest.Region, BaseEndpoint: aws.String(m.endpoint),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "example"}, nil
		}),
	}
	m.secrets, m.events, m.objects = secretsmanager.NewFromConfig(o), eventbridge.NewFromConfig(o), s3.NewFromConfig(o)
	server := m.tool(context.WithoutCancel(ctx), "moto_server", "--host", "127.0.0.1", "--port", port)
	return startBackground(ctx, server, m.dir, func() bool { return answers(address) })
}

// conform runs the conformance suite as `go test` would for anyone with a moto server.
func (m *moto) conform(ctx context.Context) error {
	cmd := m.command(ctx, "go", "test", "-count=1", "-v", "-run", "^TestMoto$",
		"./pkg/standin/secretsmanagertest/conformance")
	cmd.Env = append(cmd.Env, "MOTO_ENDPOINT="+m.endpoint)
	out, err := output(ctx, cmd)
	if err == nil && !strings.Contains(out, "--- PASS: TestMoto/") {
		err = fmt.Errorf("no row ran:\n%s", tail(out, 5))
	}
	return err
}

// fill makes the two secrets, the bucket, and an archive that counts the events.
func (m *moto) fill(ctx context.Context) (err error) {
	if m.adminARN, err = m.create(ctx, labtest.AdminSecret,
		fmt.Sprintf(`{"email":%q,"password":%q}`, databraintest.ExampleEmail, databraintest.ExamplePassword)); err != nil {
		return err
	}
	if m.tokenARN, err = m.create(ctx, labtest.TokenSecret,
		fmt.Sprintf(`{"note": "kept", "token": %q}`, databraintest.ExampleServiceToken)); err != nil {
		return err
	}
	common := map[string]string{"AWS_ENDPOINT_URL": m.endpoint, "DATABRAIN_BASE_URL": m.url}
	m.rotateEnv = with(common, "DATABRAIN_ADMIN_SECRET_ID", m.adminARN)
	m.auditEnv = with(common, "DATABRAIN_SERVICE_TOKEN_SECRET_ID", m.tokenARN, "AUDIT_BUCKET", labtest.Bucket)
	if _, err := m.objects.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String(labtest.Bucket)}); err != nil {
		return err
	}
	bus, err := m.events.DescribeEventBus(ctx, &eventbridge.DescribeEventBusInput{Name: aws.String("default")})
	if err != nil {
		return err
	}
	for name, detailType := range archives {
		pattern := fmt.Sprintf(`{"source":["databrain.token-audit"],"detail-type":[%q]}`, detailType)
		if _, err := m.events.CreateArchive(ctx, &eventbridge.CreateArchiveInput{
			ArchiveName: aws.String(name), EventSourceArn: bus.Arn, EventPattern: aws.String(pattern),
		}); err != nil {
			return err
		}
	}
	return nil
}

var archives = map[string]string{
	"observed":  "Databrain Token Finding Observed",
	"completed": "Databrain Audit Completed",
}

func (m *moto) create(ctx context.Context, name, value string) (arn string, err error) {
	out, err := m.secrets.CreateSecret(ctx,
		&secretsmanager.CreateSecretInput{Name: aws.String(name), SecretString: aws.String(value)})
	if err != nil {
		return "", err
	}
	return *out.ARN, nil
}

func with(base map[string]string, pairs ...string) map[string]string {
	out := map[string]string{}
	for k, v := range base {
		out[k] = v
	}
	for i := 0; i < len(pairs); i += 2 {
		out[pairs[i]] = pairs[i+1]
	}
	return out
}

// rotate plays Secrets Manager's part. moto runs rotation functions in Docker only:
// for a function that it does not have, RotateSecret fails, but has by then made
// the empty version with AWSPENDING that a rotation begins with.
func (m *moto) rotate(ctx context.Context) error {
	version := uuid.NewString()
	var missing *smtypes.ResourceNotFoundException
	_, err := m.secrets.RotateSecret(ctx, &secretsmanager.RotateSecretInput{
		SecretId: aws.String(m.tokenARN), ClientRequestToken: aws.String(version),
		RotationLambdaARN: aws.String(labtest.RotationARN),
		RotationRules:     &smtypes.RotationRulesType{AutomaticallyAfterDays: aws.Int64(30)},
	})
	if !errors.As(err, &missing) {
		return fmt.Errorf("moto's RotateSecret answered %v; this run builds on its ResourceNotFoundException", err)
	}
	function, err := m.startFunction(ctx, "RotateFunction", m.rotateEnv)
	if err != nil {
		return err
	}
	defer function.Close()
	for _, step := range []string{"createSecret", "setSecret", "testSecret", "finishSecret"} {
		event, err := json.Marshal(map[string]string{"Step": step, "SecretId": m.tokenARN, "ClientRequestToken": version})
		if err != nil {
			return err
		}
		if _, err := invoke(ctx, function, event); err != nil {
			return fmt.Errorf("%s: %w", step, err)
		}
	}
	return m.rotated(ctx, version)
}

// rotated wants the new version current, the old one previous, the new token in
// force and the other members kept.
func (m *moto) rotated(ctx context.Context, version string) error {
	current, err := m.secrets.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{
		SecretId: aws.String(m.tokenARN), VersionStage: aws.String("AWSCURRENT")})
	if err != nil {
		return err
	}
	previous, err := m.secrets.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{
		SecretId: aws.String(m.tokenARN), VersionStage: aws.String("AWSPREVIOUS")})
	if err != nil {
		return err
	}
	var value struct{ Note, Token string }
	if err := json.Unmarshal([]byte(*current.SecretString), &value); err != nil {
		return err
	}
	switch {
	case *current.VersionId != version || !strings.Contains(*previous.SecretString, databraintest.ExampleServiceToken):
		return errors.New("AWSCURRENT and AWSPREVIOUS did not move")
	case value.Token == databraintest.ExampleServiceToken || !m.instance.TokenWorks(value.Token):
		return errors.New("the token in AWSCURRENT is not new or does not work")
	case m.instance.TokenWorks(databraintest.ExampleServiceToken):
		return errors.New("the old token still works")
	case value.Note != "kept":
		return errors.New("another member of the secret changed")
	}
	return nil
}

func (m *moto) audit(ctx context.Context) error {
	function, err := m.startFunction(ctx, "AuditFunction", m.auditEnv)
	if err != nil {
		return err
	}
	defer function.Close()
	event, err := os.ReadFile(filepath.Join(m.root, "events", "audit-scheduled.json"))
	if err != nil {
		return err
	}
	summary, err := invoke(ctx, function, event)
	if err != nil {
		return err
	}
	counts := map[string]int{}
	for name := range archives {
		out, err := m.events.DescribeArchive(ctx, &eventbridge.DescribeArchiveInput{ArchiveName: aws.String(name)})
		if err != nil {
			return err
		}
		if out.State != ebtypes.ArchiveStateEnabled {
			return fmt.Errorf("the archive %s is %s", name, out.State)
		}
		counts[name] = int(out.EventCount)
	}
	report, err := m.objects.GetObject(ctx, &s3.GetObjectInput{
		Bucket: aws.String(labtest.Bucket), Key: aws.String("databrain-audit/latest/findings.json")})
	if err != nil {
		return err
	}
	defer report.Body.Close()
	body, err := io.ReadAll(report.Body)
	if err != nil {
		return err
	}
	return sameFindings(summary, counts["observed"], counts["completed"], body)
}

func (w *workshop) startFunction(
	ctx context.Context,
	name string,
	env map[string]string,
) (*runtimetest.Function, error) {
	path, err := w.bootstrap(name)
	if err != nil {
		return nil, err
	}
	return runtimetest.Start(ctx, runtimetest.Config{Path: path, Env: env, Timeout: time.Minute})
}

func invoke(ctx context.Context, function *runtimetest.Function, event []byte) ([]byte, error) {
	result, err := function.Invoke(ctx, event, runtimetest.Options{})
	if err != nil {
		return nil, err
	}
	if result.Err != nil {
		return nil, fmt.Errorf("%w\n%s", result.Err, tail(result.Log, 10))
	}
	return result.Payload, nil
}
