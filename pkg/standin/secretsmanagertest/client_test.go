package secretsmanagertest_test

import (
	"context"
	"net/http"
	"testing"

	"databrain-rotation/pkg/standin/secretsmanagertest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
)

const (
	name   = "databrain/service-token"
	lambda = "arn:aws:lambda:us-east-1:123456789012:function:rotate"
)

// newClient is the real SDK client without retries, so that each call is one
// request.
func newClient(endpoint string, over *http.Client) *secretsmanager.Client {
	return secretsmanager.New(options(endpoint, over))
}

func options(endpoint string, over *http.Client) secretsmanager.Options {
	o := secretsmanager.Options{
		Region:       "us-east-1",
		BaseEndpoint: aws.String(endpoint),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
		}),
		RetryMaxAttempts: 1,
	}
	if over != nil {
		o.HTTPClient = over
	}
	return o
}

func inProcess(sm *secretsmanagertest.Server) *secretsmanager.Client {
	return newClient("http://secretsmanager.test", sm.Client())
}

// overBoth runs a test on a socket and in process, each time on a Server with one
// secret of value "one".
func overBoth(t *testing.T, test func(t *testing.T, sm *secretsmanagertest.Server, client *secretsmanager.Client)) {
	t.Helper()
	fresh := func(t *testing.T) *secretsmanagertest.Server {
		sm := secretsmanagertest.New(secretsmanagertest.Config{})
		t.Cleanup(func() { sm.Close() })
		create(t, sm, "one")
		return sm
	}
	t.Run("in process", func(t *testing.T) {
		sm := fresh(t)
		test(t, sm, inProcess(sm))
	})
	t.Run("on a socket", func(t *testing.T) {
		sm := fresh(t)
		endpoint, err := sm.Start("")
		if err != nil {
			t.Fatal(err)
		}
		test(t, sm, newClient(endpoint, nil))
	})
}

func create(t *testing.T, sm *secretsmanagertest.Server, value string) (arn string) {
	t.Helper()
	arn, err := sm.Create(name, value)
	if err != nil {
		t.Fatal(err)
	}
	return arn
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func put(ctx context.Context, client *secretsmanager.Client, token, value string, stages ...string) error {
	_, err := client.PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{
		SecretId:           aws.String(name),
		ClientRequestToken: aws.String(token), SecretString: aws.String(value), VersionStages: stages,
	})
	return err
}

func get(ctx context.Context, client *secretsmanager.Client, id, stage string) (string, error) {
	in := &secretsmanager.GetSecretValueInput{SecretId: aws.String(name)}
	if id != "" {
		in.VersionId = aws.String(id)
	}
	if stage != "" {
		in.VersionStage = aws.String(stage)
	}
	out, err := client.GetSecretValue(ctx, in)
	if err != nil {
		return "", err
	}
	return aws.ToString(out.SecretString), nil
}

func describe(t *testing.T, client *secretsmanager.Client) *secretsmanager.DescribeSecretOutput {
	t.Helper()
	out, err := client.DescribeSecret(t.Context(), &secretsmanager.DescribeSecretInput{SecretId: aws.String(name)})
	must(t, err)
	return out
}
