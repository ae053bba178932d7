package main

import (
	"context"
	"net/url"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"databrain-rotation/pkg/bootstrap"
	"databrain-rotation/pkg/databrain"
	"databrain-rotation/pkg/rotation"
	"databrain-rotation/pkg/rotation/diagnosis"
)

// requestTime bounds one request to Databrain: a step has a minute and makes five
// requests, or more where it looks for a key in the lists of other apps.
const requestTime = 10 * time.Second

// setUp makes the handler from the environment.
func setUp(ctx context.Context, env bootstrap.Environment) (bootstrap.Handler, error) {
	c, err := parseConfig(env.Getenv)
	if err != nil {
		return nil, err
	}
	sdk, err := bootstrap.LoadAWS(ctx)
	if err != nil {
		return nil, err
	}
	secrets := secretsmanager.NewFromConfig(sdk)
	options := databrain.Options{Timeout: requestTime, Now: env.Now, UserAgent: "databrain-rotation/" + env.Version}
	rotator := rotation.NewAPIToken(
		secrets, databrain.New(c.instance, options), c.rotation, env.Log, env.Stdout, env.Now)
	diagnoser := &diagnosis.Diagnoser{
		Secrets: secrets, Instance: c.instance, Key: &c.rotation, Now: env.Now, Version: env.Version,
		Client: func(base *url.URL) *databrain.Client { return databrain.New(base, options) },
	}
	return diagnosis.Handler(rotator, diagnoser, env.Log), nil
}
