package bootstrap

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"

	"databrain-rotation/pkg/transport"
)

// attemptTime is how long one attempt of the SDK may hang: three of them, the SDK's
// default, fit into a step of a rotation.
const attemptTime = 5 * time.Second

// LoadAWS reads the SDK's settings from the environment, for clients that share
// and keep their connections and, like the one of Databrain, use no proxy. The
// error is an [*InvalidAWSConfig].
func LoadAWS(ctx context.Context) (aws.Config, error) {
	direct := awshttp.NewBuildableClient().WithTransportOptions(transport.Set)
	c, err := config.LoadDefaultConfig(ctx, config.WithHTTPClient(direct))
	if err != nil {
		return c, &InvalidAWSConfig{err}
	}
	c.HTTPClient = transport.Bounded(c.HTTPClient, attemptTime)
	return c, nil
}

// InvalidAWSConfig is a cold start whose AWS settings could not be loaded.
type InvalidAWSConfig struct{ Err error }

func (e *InvalidAWSConfig) Error() string {
	return fmt.Sprintf(
		"the AWS settings of the environment could not be loaded (%v); nothing was done. Correct the function's AWS_ "+
			"variables",
		e.Err,
	)
}

// Unwrap returns what the SDK says.
func (e *InvalidAWSConfig) Unwrap() error { return e.Err }
