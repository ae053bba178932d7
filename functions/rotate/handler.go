package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"databrain-rotation/pkg/bootstrap"
	"databrain-rotation/pkg/databrain"
	"databrain-rotation/pkg/rotation"
)

// requestTime bounds one request to Databrain: a step has a minute, and some make
// five requests.
const requestTime = 10 * time.Second

// setUp makes the handler from the environment.
func setUp(ctx context.Context, env bootstrap.Environment) (bootstrap.Handler, error) {
	c, err := parseConfig(env.Getenv)
	if err != nil {
		return nil, err
	}
	sdk, err := awsconfig.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, &InvalidAWSConfig{err}
	}
	instance := databrain.New(c.instance, databrain.Options{
		Timeout: requestTime, Now: env.Now, UserAgent: "databrain-rotation/" + env.Version,
	})
	rotator := rotation.New(secretsmanager.NewFromConfig(sdk), instance, c.rotation, env.Log, env.Stdout, env.Now)
	return func(ctx context.Context, payload json.RawMessage) (any, error) {
		event, err := rotation.ParseEvent(payload)
		if err != nil {
			return nil, err
		}
		return nil, rotator.Handle(ctx, event)
	}, nil
}

// InvalidAWSConfig is a cold start whose AWS settings could not be loaded.
type InvalidAWSConfig struct{ Err error }

func (e *InvalidAWSConfig) Error() string {
	return fmt.Sprintf("the AWS settings of the environment could not be loaded; nothing was done: %v", e.Err)
}
