package bootstrap_test

import (
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"databrain-rotation/pkg/bootstrap"
	"databrain-rotation/pkg/standin/labtest"
)

// TestLoadAWSKeepsConnections makes so many calls that the SDK, left to itself,
// gives up several connections.
func TestLoadAWSKeepsConnections(t *testing.T) {
	lab, err := labtest.Start(labtest.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer lab.Close()
	labtest.OnlyTheStandIns(t)
	for name, value := range lab.AWS() {
		t.Setenv(name, value)
	}
	sdk, err := bootstrap.LoadAWS(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	client := secretsmanager.NewFromConfig(sdk)
	for range 300 {
		_, err := client.DescribeSecret(
			t.Context(),
			&secretsmanager.DescribeSecretInput{SecretId: aws.String(labtest.TokenSecret)},
		)
		if err != nil {
			t.Fatal(err)
		}
	}
	if n := lab.Secrets.NewConnections(); n != 1 {
		t.Errorf("%d connections for 300 calls, one after the other", n)
	}
}

func TestLoadAWSNamesItsError(t *testing.T) {
	labtest.OnlyTheStandIns(t)
	t.Setenv("AWS_RETRY_MODE", "no such mode")
	_, err := bootstrap.LoadAWS(t.Context())
	if _, ok := errors.AsType[*bootstrap.InvalidAWSConfig](err); !ok {
		t.Errorf("got %T: %v", err, err)
	}
}
