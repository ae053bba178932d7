package bootstrap

import (
	"context"
	"fmt"
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
)

// LoadAWS reads the SDK's settings from the environment, for clients that share
// and keep their connections and, like the one of Databrain, use no proxy. The
// error is an [*InvalidAWSConfig].
func LoadAWS(ctx context.Context) (aws.Config, error) {
	direct := awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) { t.Proxy = nil })
	c, err := config.LoadDefaultConfig(ctx, config.WithHTTPClient(direct))
	if err != nil {
		return c, &InvalidAWSConfig{err}
	}
	c.HTTPClient = keeping{c.HTTPClient}
	return c, nil
}

// keeping hides the method WriteTo of request bodies. When the answer is there,
// the SDK closes the body, and its WriteTo returns io.EOF from then on, where
// io.WriterTo wants nil. If net/http has yet to look whether the body has an end,
// it takes that for a failed write and gives the connection up. A function that
// Lambda gives a fraction of a CPU is often late, and the next call pays for TLS.
type keeping struct{ client aws.HTTPClient }

func (k keeping) Do(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		r.Body = struct{ io.ReadCloser }{r.Body}
	}
	return k.client.Do(r)
}

// InvalidAWSConfig is a cold start whose AWS settings could not be loaded.
type InvalidAWSConfig struct{ Err error }

func (e *InvalidAWSConfig) Error() string {
	return fmt.Sprintf("the AWS settings of the environment could not be loaded (nothing was done; correct the function's AWS_ variables): %v", e.Err)
}

// Unwrap returns what the SDK says.
func (e *InvalidAWSConfig) Unwrap() error { return e.Err }
