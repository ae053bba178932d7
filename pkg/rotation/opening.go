package rotation

import (
	"cmp"
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
// that the step reads in any case. What came of them is kept for [step.value], which the
// step calls after the guards. The guards know the description alone, so that an event
// that must not proceed fails as if no version had been read.
func (s *step) open(ctx context.Context) error {
	var pending, current answer
	calls := []func() error{
		func() error { return s.describe(ctx) },
		func() error {
			pending = s.get(ctx, s.event.Version, labelPending)
			return nil
		},
	}
	s.opened = map[string]*answer{labelPending: &pending}
	if s.kind.needsCurrent() {
		s.opened[labelCurrent] = &current
		calls = append(calls, func() error {
			current = s.get(ctx, "", labelCurrent)
			return nil
		})
	}
	return together(calls...)
}

// get asks for the version with label. The id of the version may be "": before the secret
// is described, nothing tells which version has AWSCURRENT.
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
	return cmp.Or(errs...)
}
