package conformance

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
)

const (
	current  = "AWSCURRENT"
	pending  = "AWSPENDING"
	previous = "AWSPREVIOUS"
)

// probe is one row at work on one secret. Failures are collected; a failure that
// leaves nothing to go on with ends the row.
type probe struct {
	ctx      context.Context
	client   *secretsmanager.Client
	name     string
	failures []error
}

// endOfRow unwinds a check; nothing else panics with it.
type endOfRow struct{}

func (p *probe) run(check func(*probe)) {
	defer func() {
		if cause := recover(); cause != nil && cause != (endOfRow{}) {
			panic(cause)
		}
	}()
	check(p)
}

func (p *probe) errorf(format string, args ...any) {
	p.failures = append(p.failures, fmt.Errorf(format, args...))
}

// must ends the row on an error.
func (p *probe) must(err error) {
	if err != nil {
		p.errorf("%w", err)
		panic(endOfRow{})
	}
}

// refused demands an error of type T whose message contains text.
func refused[T error](p *probe, what string, err error, text string) {
	if _, ok := errors.AsType[T](err); !ok {
		var want T
		p.errorf("%s: got %v, want a %T", what, err, want)
		return
	}
	if api, ok := errors.AsType[smithy.APIError](err); ok && !strings.Contains(api.ErrorMessage(), text) {
		p.errorf("%s: the message is %q, want %q in it", what, api.ErrorMessage(), text)
	}
}

func (p *probe) id() *string { return aws.String(p.name) }

// create makes the row's secret with a first version and returns the version's id.
func (p *probe) create(text string) string {
	out, err := p.client.CreateSecret(
		p.ctx,
		&secretsmanager.CreateSecretInput{Name: p.id(), SecretString: aws.String(text)},
	)
	p.must(err)
	return aws.ToString(out.VersionId)
}

// createEmpty makes the row's secret without a version and returns its ARN.
func (p *probe) createEmpty() string {
	out, err := p.client.CreateSecret(p.ctx, &secretsmanager.CreateSecretInput{Name: p.id()})
	p.must(err)
	return aws.ToString(out.ARN)
}

// put stores text as a new version and returns its id; without stages the request
// names none.
func (p *probe) put(text string, stages ...string) string {
	id := uuid.NewString()
	p.must(p.tryPut(id, text, stages...))
	return id
}

func (p *probe) tryPut(token, text string, stages ...string) error {
	_, err := p.client.PutSecretValue(p.ctx, &secretsmanager.PutSecretValueInput{
		SecretId: p.id(), ClientRequestToken: aws.String(token), SecretString: aws.String(text), VersionStages: stages,
	})
	return err
}

// get reads the value; an empty id or stage is left out of the request.
func (p *probe) get(id, stage string) (*secretsmanager.GetSecretValueOutput, error) {
	in := &secretsmanager.GetSecretValueInput{SecretId: p.id()}
	if id != "" {
		in.VersionId = aws.String(id)
	}
	if stage != "" {
		in.VersionStage = aws.String(stage)
	}
	return p.client.GetSecretValue(p.ctx, in)
}

// holds demands that a read finds text.
func (p *probe) holds(id, stage, text string) {
	out, err := p.get(id, stage)
	if err != nil {
		p.errorf("read of version %q, stage %q: %w", id, stage, err)
	} else if got := aws.ToString(out.SecretString); got != text {
		p.errorf("read of version %q, stage %q: got %q, want %q", id, stage, got, text)
	}
}

// stage moves a label; an empty id is left out of the request.
func (p *probe) stage(label, to, from string) error {
	in := &secretsmanager.UpdateSecretVersionStageInput{SecretId: p.id(), VersionStage: aws.String(label)}
	if to != "" {
		in.MoveToVersionId = aws.String(to)
	}
	if from != "" {
		in.RemoveFromVersionId = aws.String(from)
	}
	_, err := p.client.UpdateSecretVersionStage(p.ctx, in)
	return err
}

func (p *probe) describe() *secretsmanager.DescribeSecretOutput {
	out, err := p.client.DescribeSecret(p.ctx, &secretsmanager.DescribeSecretInput{SecretId: p.id()})
	p.must(err)
	return out
}

type labels map[string][]string

// labeled demands exactly these labeled versions of DescribeSecret. Whether the
// others are left out is a row of its own.
func (p *probe) labeled(want labels) {
	if diff := cmp.Diff(want, p.labels()); diff != "" {
		p.errorf("VersionIdsToStages (-want +got):\n%s", diff)
	}
}

func (p *probe) labels() labels {
	got := labels{}
	for id, stages := range p.describe().VersionIdsToStages {
		if len(stages) > 0 {
			got[id] = slices.Sorted(slices.Values(stages))
		}
	}
	return got
}

// eventually polls, for what the service does in the background.
func (p *probe) eventually(what string, ok func() bool) {
	for wait := time.Millisecond; !ok(); wait *= 2 {
		if wait > 16*time.Second {
			p.errorf("%s: still not so after half a minute", what)
			return
		}
		time.Sleep(wait)
	}
}
