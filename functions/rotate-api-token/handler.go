package main

import (
	"context"
	"encoding/json"
	"time"

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
	sdk, err := bootstrap.LoadAWS(ctx)
	if err != nil {
		return nil, err
	}
	instance := databrain.New(c.instance, databrain.Options{
		Timeout: requestTime, Now: env.Now, UserAgent: "databrain-rotation/" + env.Version,
	})
	rotator := rotation.NewAPIToken(secretsmanager.NewFromConfig(sdk), instance, c.rotation, env.Log, env.Stdout, env.Now)
	return func(ctx context.Context, payload json.RawMessage) (any, error) {
		event, err := rotation.ParseEvent(payload)
		if err == nil {
			err = rotator.Handle(ctx, event)
		}
		if err != nil {
			bootstrap.LogFailure(ctx, env.Log.With(event.Attrs()...), "step failed", err)
		}
		return nil, err
	}, nil
}
