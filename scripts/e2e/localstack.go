package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"databrain-rotation/pkg/standin/databraintest"
	"databrain-rotation/pkg/standin/labtest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
)

const (
	localStackURL = "http://127.0.0.1:4566"
	codeBucket    = "e2e-code" // the SAM CLI uploads to it
)

// cloud is an account in LocalStack: CloudFormation, Lambda, Secrets Manager,
// EventBridge, SNS and SQS that others wrote. Functions run as processes.
type cloud struct {
	*operator
	recorder *recorder // between the functions and LocalStack
	secrets  *secretsmanager.Client
	events   *eventbridge.Client
	objects  *s3.Client
	adminARN string
}

// startCloud starts LocalStack in this network namespace; stop ends it.
func (w *workshop) startCloud(ctx context.Context) (c *cloud, stop func(), err error) {
	venv, err := output(ctx, w.installer(ctx, "localstack"))
	if err != nil {
		return nil, nil, fmt.Errorf("install LocalStack: %w", err)
	}
	if answers(strings.TrimPrefix(localStackURL, "http://")) {
		return nil, nil, fmt.Errorf("%s is taken: another LocalStack runs on this machine", localStackURL)
	}
	operator, err := w.operator(ctx, localStackURL)
	if err != nil {
		return nil, nil, err
	}
	c = &cloud{operator: operator}
	if c.recorder, err = startRecorder(localStackURL); err != nil {
		return nil, nil, err
	}
	root := filepath.Join(w.dir, "localstack")
	cmd := w.command(context.WithoutCancel(ctx), filepath.Join(strings.TrimSpace(venv), "bin", "python"), "-m",
		"localstack.runtime.main")
	cmd.Dir = w.dir
	cmd.Env = append(cmd.Env,
		"PYTHONPATH="+filepath.Join(w.root, "scripts/e2e/localstack"), "PYTHONDONTWRITEBYTECODE=1",
		"LAMBDA_RUNTIME_EXECUTOR=process", "FUNCTIONS_ENDPOINT_URL="+c.recorder.url,
		"LAMBDA_RETRY_BASE_DELAY=1", // seconds before an asynchronous invocation is tried again; AWS waits a minute
		"OVERRIDE_IN_DOCKER=0", "FILESYSTEM_ROOT="+root, "DNS_ADDRESS=0", "DISABLE_EVENTS=1", "SKIP_SSL_CERT_DOWNLOAD=1",
		"AWS_ENDPOINT_URL=")
	server, err := startBackground(ctx, cmd, w.dir, func() bool {
		answer, err := http.Get(localStackURL + "/_localstack/health")
		if err != nil {
			return false
		}
		answer.Body.Close()
		return answer.StatusCode == http.StatusOK
	})
	if err != nil {
		c.recorder.close()
		return nil, nil, err
	}
	asker, err := c.startAsking(ctx)
	if err != nil {
		server.stop()
		c.recorder.close()
		return nil, nil, err
	}
	stop = func() {
		asker.stop()
		server.stop()
		c.recorder.close()
		os.RemoveAll(root)
	}
	config := engineConfig(localStackURL)
	c.secrets, c.events = secretsmanager.NewFromConfig(config), eventbridge.NewFromConfig(config)
	c.objects = s3.NewFromConfig(config, func(o *s3.Options) { o.UsePathStyle = true })
	return c, stop, nil
}

// engineConfig leads the SDK to an engine. The keys open nothing.
func engineConfig(url string) aws.Config {
	return aws.Config{
		Region: labtest.Region, BaseEndpoint: aws.String(url),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
		}),
	}
}

// fill makes what an operator has before the first deployment: the admin's secret,
// and the bucket for the code.
func (c *cloud) fill(ctx context.Context) (err error) {
	if err := c.makeBucket(ctx, codeBucket); err != nil {
		return err
	}
	c.adminARN, err = c.makeSecret(ctx, labtest.AdminSecret,
		fmt.Sprintf(`{"email":%q,"password":%q}`, databraintest.ExampleEmail, databraintest.ExamplePassword))
	return err
}

func (c *cloud) makeBucket(ctx context.Context, name string) error {
	_, err := c.objects.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String(name)})
	return err
}

func (c *cloud) makeSecret(ctx context.Context, name, value string) (arn string, err error) {
	out, err := c.secrets.CreateSecret(ctx,
		&secretsmanager.CreateSecretInput{Name: aws.String(name), SecretString: aws.String(value)})
	if err != nil {
		return "", err
	}
	return *out.ARN, nil
}
