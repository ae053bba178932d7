package rotation

import (
	"context"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
)

// answer is what Secrets Manager said about a version, before anybody looks at it.
type answer struct {
	out *secretsmanager.GetSecretValueOutput
	err error
}

// open asks for the description of the secret and, at the same time, for the versions
// that the step reads in any case. What came of a version is kept for [step.value], which
// a step calls after the guards: they know the description alone, so that an event
// that must not proceed fails as if no version had been read.
func (s *step) open(ctx context.Context) error {
	labels := s.kind.reads()
	answers := make([]answer, len(labels))
	calls := []func() error{func() error { return s.describe(ctx) }}
	for i, label := range labels {
		version := "" // the description will tell who has AWSCURRENT
		if label == labelPending {
			version = s.event.Version
		}
		calls = append(calls, func() error {
			answers[i] = s.get(ctx, version, label)
			return nil
		})
	}
	err := together(calls...)
	s.opened = make(map[string]answer)
	for i, label := range labels {
		s.opened[label] = answers[i]
	}
	return err
}

// get asks for the version with label; version is "" if only the label is known.
func (s *step) get(ctx context.Context, version, label string) answer {
	in := &secretsmanager.GetSecretValueInput{SecretId: &s.event.SecretID, VersionStage: &label}
	if version != "" {
		in.VersionId = &version
	}
	out, err := s.secrets.GetSecretValue(ctx, in)
	return answer{out, err}
}

// together makes calls at the same time, each of which needs nothing of the others. It
// returns when all have ended, with the first error in the order of its arguments.
func together(calls ...func() error) error {
	errs := make([]error, len(calls))
	var running sync.WaitGroup
	for i, call := range calls {
		running.Go(func() { errs[i] = call() })
	}
	running.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
