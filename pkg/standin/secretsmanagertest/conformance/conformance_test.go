package conformance_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"testing"

	"databrain-rotation/pkg/standin/secretsmanagertest"
	"databrain-rotation/pkg/standin/secretsmanagertest/conformance"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
)

func client(endpoint string, over *http.Client) *secretsmanager.Client {
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
	return secretsmanager.New(o)
}

func standIn(t *testing.T) *secretsmanagertest.Server {
	sm := secretsmanagertest.New(secretsmanagertest.Config{})
	sm.SetRotationFunction(conformance.RotationFunctionARN, func(context.Context, []byte) error { return nil })
	t.Cleanup(func() { sm.Close() })
	return sm
}

func TestStandInInProcess(t *testing.T) {
	conformance.RunConformance(t, func(t *testing.T) *secretsmanager.Client {
		return client("http://secretsmanager.test", standIn(t).Client())
	}, nil)
}

func TestStandInOverSockets(t *testing.T) {
	endpoint, err := standIn(t).Start("")
	if err != nil {
		t.Fatal(err)
	}
	conformance.RunConformance(t, func(*testing.T) *secretsmanager.Client { return client(endpoint, nil) }, nil)
}

// TestMoto shows that the rows are AWS's and not only the stand-in's: an
// implementation made by others passes them, but for the differences listed.
func TestMoto(t *testing.T) {
	endpoint := os.Getenv("MOTO_ENDPOINT")
	if endpoint == "" {
		t.Skip("needs a moto server: set MOTO_ENDPOINT to its URL")
	}
	conformance.RunConformance(
		t,
		func(*testing.T) *secretsmanager.Client { return client(endpoint, nil) },
		conformance.Moto(),
	)
}

func TestJudge(t *testing.T) {
	known := conformance.Differences{"listed": "because"}
	broken := errors.New("not as documented")
	for name, tc := range map[string]struct {
		row     string
		outcome error
		wantErr bool
	}{
		"a row that holds":           {"other", nil, false},
		"a row that fails":           {"other", broken, true},
		"a known difference":         {"listed", broken, false},
		"a known difference is gone": {"listed", nil, true},
	} {
		if err := conformance.Judge(tc.row, tc.outcome, known); (err != nil) != tc.wantErr {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestRowsAreNamedOnceAndHaveARule(t *testing.T) {
	seen := make(map[string]bool)
	for _, row := range conformance.Rows() {
		if seen[row.Name] || row.Rule == "" {
			t.Errorf("row %q: duplicate name or no rule", row.Name)
		}
		seen[row.Name] = true
	}
	if len(seen) == 0 {
		t.Error("there are no rows")
	}
}
