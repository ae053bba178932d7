package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"databrain-rotation/pkg/standin/databraintest"

	"github.com/google/uuid"
)

// freshInstance is an instance with a service token that no secret holds, as on the
// day of the first deployment.
func freshInstance() databraintest.Config {
	return databraintest.Config{ServiceToken: uuid.NewString()}
}

// rotateAndAudit plays the life of a deployment with nothing but defaults, on the
// commands that the stack prints.
func (c *cloud) rotateAndAudit(ctx context.Context) {
	s, err := c.newStack("tokens", freshInstance())
	if err != nil {
		c.check(ctx, "a Databrain starts", func() error { return err })
		return
	}
	defer s.close()
	if !c.check(ctx, "sam deploy of the unchanged template", func() error {
		template, err := c.builtTemplate()
		if err != nil {
			return err
		}
		if err := s.deploy(ctx, template, map[string]string{"TokenSecretName": "databrain/service-token"}); err != nil {
			return err
		}
		if err := s.openMail(ctx); err != nil {
			return err
		}
		resources, err := s.resources(ctx)
		if err != nil {
			return err
		}
		return s.keepRoles(ctx, resources)
	}) {
		return
	}
	if c.check(ctx, "the first rotation, from the empty secret", func() error { return s.firstRotation(ctx) }) {
		c.check(ctx, "a second rotation, by RotateNowCommand", func() error { return s.rotate(ctx) })
		c.check(ctx, "a rotation through an outage of Databrain and back", func() error { return s.rotateThroughOutage(ctx) })
		s.findings(ctx)
		c.check(ctx, "a rotation that failed is one message", func() error {
			return s.failedRotation(ctx, s.outputs["TokenSecretArn"])
		})
		c.check(ctx, "an audit that fails lands in the failure queue after two attempts", func() error {
			return s.failingAudit(ctx)
		})
		c.check(ctx, "every command that the stack prints was executed", func() error { return s.everyCommand(ctx) })
		c.check(ctx, "a deleted stack leaves its secret and its bucket, and the next one adopts them", func() error {
			return s.adopt(ctx)
		})
	}
}

// firstRotation does what CloudFormation does with the template's RotationSchedule,
// which LocalStack only records, and rotates at once.
func (s *stack) firstRotation(ctx context.Context) error {
	return s.rotated(ctx, func() error {
		return s.switchOn(ctx, s.outputs["TokenSecretArn"], s.outputs["RotateFunctionArn"])
	})
}

// switchOn names a secret's rotation function and interval, and rotates.
func (s *stack) switchOn(ctx context.Context, secret, function string) error {
	return s.ask(ctx, nil, "secretsmanager", "rotate_secret", params{
		"SecretId": secret, "RotationLambdaARN": function, "RotationRules": params{"AutomaticallyAfterDays": 30},
	})
}

// rotate rotates by the stack's own command.
func (s *stack) rotate(ctx context.Context) error {
	return s.rotated(ctx, func() error {
		_, err := s.run(ctx, "RotateNowCommand")
		return err
	})
}

// rotated wants a rotation to have brought a new token into force and into
// AWSCURRENT, and the one before into AWSPREVIOUS. The error ends with the function's log.
func (s *stack) rotated(ctx context.Context, rotate func() error) error {
	err := s.moved(ctx, rotate)
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w\n%s", err, s.lastLines(ctx, "rotate"))
}

func (s *stack) moved(ctx context.Context, rotate func() error) error {
	before, err := s.token(ctx, "AWSCURRENT")
	if err != nil {
		return err
	}
	inForce := s.databrain.CurrentToken()
	if err := rotate(); err != nil {
		return err
	}
	current, err := s.token(ctx, "AWSCURRENT")
	if err != nil {
		return err
	}
	previous, err := s.token(ctx, "AWSPREVIOUS")
	if err != nil {
		return err
	}
	switch {
	case current == before || current == inForce:
		return errors.New("AWSCURRENT holds the old token")
	case current != s.databrain.CurrentToken():
		return errors.New("the token in AWSCURRENT is not the one in force")
	case previous != before:
		return errors.New("AWSPREVIOUS does not hold the token from before")
	}
	return nil
}

// rotateThroughOutage wants a rotation that meets no Databrain to leave the token in
// AWSCURRENT alone, and the next attempt to end it with the version that it began.
func (s *stack) rotateThroughOutage(ctx context.Context) error {
	before, err := s.token(ctx, "AWSCURRENT")
	if err != nil {
		return err
	}
	if err := s.databrain.Close(); err != nil {
		return err
	}
	s.run(ctx, "RotateNowCommand") // LocalStack answers as though it had begun, or with the failure
	during, err := s.token(ctx, "AWSCURRENT")
	if err != nil {
		return err
	}
	pending, err := s.holder(ctx, "AWSPENDING")
	if err != nil {
		return err
	}
	if during != before || pending == "" {
		return fmt.Errorf("in the outage AWSCURRENT changed: %v; AWSPENDING is on %q", during != before, pending)
	}
	if _, err := s.databrain.Start(s.address); err != nil {
		return err
	}
	if !s.databrain.TokenWorks(before) {
		return errors.New("the token in AWSCURRENT died in the outage")
	}
	if err := s.rotate(ctx); err != nil {
		return fmt.Errorf("after the outage: %w", err)
	}
	if current, err := s.holder(ctx, "AWSCURRENT"); err != nil || current != pending {
		return fmt.Errorf("AWSCURRENT is on %s, the rotation began with %s (%v)", current, pending, err)
	}
	return nil
}

// holder is the version that carries a label, by RotationStateCommand.
func (s *stack) holder(ctx context.Context, label string) (version string, err error) {
	out, err := s.run(ctx, "RotationStateCommand")
	if err != nil {
		return "", err
	}
	var state struct{ VersionIdsToStages map[string][]string }
	if err := unmarshal(out, &state); err != nil {
		return "", err
	}
	for id, labels := range state.VersionIdsToStages {
		if slices.Contains(labels, label) {
			version = id
		}
	}
	return version, nil
}

// everyCommand runs what no scene has used and fails for a command that it knows no
// end of. RotationLogsCommand follows the log until it is interrupted.
func (s *stack) everyCommand(ctx context.Context) error {
	log, err := s.followed(ctx, "RotationLogsCommand", "setSecret")
	if err != nil {
		return err
	}
	if !strings.Contains(log, "setSecret") || strings.Contains(log, s.databrain.CurrentToken()) {
		return fmt.Errorf("RotationLogsCommand shows no step, or a token:\n%s", tail(log, 5))
	}
	diagnosis, err := s.run(ctx, "DiagnoseCommand")
	if err != nil {
		return err
	}
	if !strings.Contains(diagnosis, "HEALTHY") || strings.Contains(diagnosis, s.databrain.CurrentToken()) {
		return fmt.Errorf("DiagnoseCommand does not say HEALTHY, or shows a token:\n%s", diagnosis)
	}
	for name := range s.outputs {
		if strings.HasSuffix(name, "Command") && !s.executed[name] {
			return fmt.Errorf("no check executes %s", name)
		}
	}
	return nil
}

// adopt deletes the stack and deploys it again around the secret and the bucket.
func (s *stack) adopt(ctx context.Context) error {
	secret, bucket := s.outputs["TokenSecretArn"], s.outputs["AuditBucketName"]
	if err := s.remove(ctx); err != nil {
		return err
	}
	if current, err := s.token(ctx, "AWSCURRENT"); err != nil || current != s.databrain.CurrentToken() {
		return fmt.Errorf("the secret did not outlive the stack: %w", err)
	}
	template, err := s.builtTemplate()
	if err != nil {
		return err
	}
	if err := s.deploy(ctx, template, map[string]string{"TokenSecretArn": secret, "AuditBucketName": bucket}); err != nil {
		return err
	}
	// The state from before: no finding is new.
	if got, err := s.audit(ctx, "AuditNowCommand"); err != nil || got.Counts.New > 0 || got.Counts.Ongoing == 0 {
		return fmt.Errorf("the audit does not go on from the state in the bucket: %+v (%w)", got, err)
	}
	return s.firstRotation(ctx)
}
