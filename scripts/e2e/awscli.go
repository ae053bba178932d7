package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"databrain-rotation/pkg/standin/labtest"
	"databrain-rotation/pkg/standin/secretsmanagertest"
)

// useAWSCLI has a client that we did not write drive the embedded Secrets Manager:
// an operator's way through a rotation, by the built function.
func (w *workshop) useAWSCLI(ctx context.Context) {
	lab, err := labtest.Start(labtest.Config{})
	if err != nil {
		w.check(ctx, "the stand-ins start", func() error { return err })
		return
	}
	defer lab.Close()
	c := &cli{lab: lab}
	if !w.check(ctx, "the AWS CLI 2 is there", func() (err error) {
		c.operator, err = w.operator(ctx, lab.SecretsManagerURL)
		return err
	}) {
		return
	}
	w.check(ctx, "the AWS CLI reads a secret", func() error { return c.read(ctx) })
	w.check(ctx, "the AWS CLI rotates, and the built function does the steps", func() error { return c.rotate(ctx) })
	w.check(ctx, "the AWS CLI stores a value by hand, and labels follow", func() error { return c.putByHand(ctx) })
	w.check(ctx, "the AWS CLI shows errors as of the service", func() error { return c.fail(ctx) })
}

type cli struct {
	*operator
	lab *labtest.Lab
}

// run calls `aws secretsmanager` for the rotated secret and decodes its answer.
func (c *cli) run(ctx context.Context, into any, operation string, args ...string) error {
	command := []string{"secretsmanager", operation, "--secret-id", labtest.TokenSecretARN}
	return c.aws(ctx, into, append(command, args...)...)
}

type secretValue struct{ ARN, VersionId, SecretString string }

func (c *cli) read(ctx context.Context) error {
	var value secretValue
	if err := c.run(ctx, &value, "get-secret-value"); err != nil {
		return err
	}
	if value.ARN != labtest.TokenSecretARN || !strings.Contains(value.SecretString, c.lab.Databrain.CurrentToken()) {
		return errors.New("it read another secret or another token")
	}
	return nil
}

func (c *cli) rotate(ctx context.Context) error {
	function, err := c.startFunction(ctx, "RotateFunction", c.lab.Rotate())
	if err != nil {
		return err
	}
	defer function.Close()
	steps := 0
	c.lab.Secrets.SetRotationFunction(labtest.RotationARN, func(ctx context.Context, event []byte) error {
		steps++
		_, err := invoke(ctx, function, event)
		return err
	})
	old := c.lab.Databrain.CurrentToken()
	if err := c.run(ctx, nil, "rotate-secret", "--client-request-token", labtest.Version); err != nil {
		return err
	}
	c.lab.Secrets.Wait()
	var state struct{ VersionIdsToStages map[string][]string }
	if err := c.run(ctx, &state, "describe-secret"); err != nil {
		return err
	}
	var value secretValue
	if err := c.run(ctx, &value, "get-secret-value", "--version-stage", "AWSCURRENT"); err != nil {
		return err
	}
	if steps != len(secretsmanagertest.Steps()) || value.VersionId != labtest.Version ||
		len(state.VersionIdsToStages) != 2 {
		return fmt.Errorf("%d steps, AWSCURRENT on %s, labels %v", steps, value.VersionId, state.VersionIdsToStages)
	}
	if current := c.lab.Databrain.CurrentToken(); current == old || !strings.Contains(value.SecretString, current) {
		return errors.New("the token in AWSCURRENT is not the one in force")
	}
	return nil
}

func (c *cli) putByHand(ctx context.Context) error {
	const version = "11111111-2222-4333-8444-555555555555"
	err := c.run(ctx, nil, "put-secret-value", "--client-request-token", version, "--secret-string", `{"token":""}`)
	if err != nil {
		return err
	}
	current := c.lab.Secrets.Holder(labtest.TokenSecret, "AWSCURRENT")
	previous := c.lab.Secrets.Holder(labtest.TokenSecret, "AWSPREVIOUS")
	if current != version || previous != labtest.Version {
		return fmt.Errorf("AWSCURRENT on %s, AWSPREVIOUS on %s", current, previous)
	}
	// Back again, as the runbook has it.
	return c.run(ctx, nil, "update-secret-version-stage", "--version-stage", "AWSCURRENT",
		"--move-to-version-id", labtest.Version, "--remove-from-version-id", version)
}

func (c *cli) fail(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	err := c.run(ctx, nil, "get-secret-value", "--version-stage", "NOBODY")
	if err == nil || !strings.Contains(err.Error(), "ResourceNotFoundException") {
		return fmt.Errorf("an unknown label was answered with %v", err)
	}
	return nil
}
