package conformance

import (
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/aws/smithy-go"
	"github.com/google/uuid"
)

// rotate starts a rotation whose function does nothing, so that it stops where it
// began.
func (p *probe) rotate(token string, now bool) error {
	_, err := p.client.RotateSecret(p.ctx, &secretsmanager.RotateSecretInput{
		SecretId: p.id(), ClientRequestToken: aws.String(token), RotateImmediately: aws.Bool(now),
		RotationLambdaARN: aws.String(RotationFunctionARN),
		RotationRules:     &types.RotationRulesType{AutomaticallyAfterDays: aws.Int64(30)},
	})
	return err
}

func rotationRows() []Row {
	const (
		describe = "API reference, DescribeSecret"
		page     = "API reference, RotateSecret"
		cancel   = "API reference, CancelRotateSecret"
	)
	return []Row{
		{"rotation-is-null-until-configured", describe + ", RotationEnabled", func(p *probe) {
			p.create("one")
			if d := p.describe(); d.RotationEnabled != nil || d.RotationRules != nil || d.LastRotatedDate != nil ||
				d.NextRotationDate != nil {
				p.errorf("got RotationEnabled %v, RotationRules %v, LastRotatedDate %v, NextRotationDate %v, want none",
					d.RotationEnabled, d.RotationRules, d.LastRotatedDate, d.NextRotationDate)
			}
		}},
		{"rotation-needs-a-function", page + ", InvalidRequestException", func(p *probe) {
			one := p.create("one")
			_, err := p.client.RotateSecret(p.ctx, &secretsmanager.RotateSecretInput{SecretId: p.id()})
			refused[*types.InvalidRequestException](p, "rotate", err, "Lambda")
			p.labeled(labels{one: {current}})
		}},
		{"rotation-needs-a-function-it-may-invoke", "User guide, Troubleshoot rotation: access denied", func(p *probe) {
			one := p.create("one")
			_, err := p.client.RotateSecret(p.ctx, &secretsmanager.RotateSecretInput{SecretId: p.id(),
				RotationLambdaARN: aws.String(RotationFunctionARN + "-nobody-may-invoke")})
			if api, ok := errors.AsType[smithy.APIError](err); !ok || api.ErrorCode() != "AccessDeniedException" {
				p.errorf("got %v, want AccessDeniedException", err)
			}
			p.labeled(labels{one: {current}})
		}},
		{"rotation-token-has-32-to-64-characters", page + ", ClientRequestToken", func(p *probe) {
			p.create("one")
			refused[*types.InvalidParameterException](p, "rotate", p.rotate(strings.Repeat("a", 31), true), "ClientRequestToken")
		}},
		{"rotation-begins-with-an-empty-pending-version", describe + ", VersionIdsToStages", func(p *probe) {
			one, token := p.create("one"), uuid.NewString()
			p.must(p.rotate(token, true))
			p.labeled(labels{one: {current}, token: {pending}})
			for what, stage := range map[string]string{"by id": "", "by id and stage": pending} {
				_, err := p.get(token, stage)
				refused[*types.ResourceNotFoundException](p, "read "+what, err, "can't find the specified secret value")
			}
			p.must(p.tryPut(token, "two", pending))
			p.holds(token, pending, "two")
			p.labeled(labels{one: {current}, token: {pending}})
		}},
		{"rotation-is-described", describe, func(p *probe) {
			p.create("one")
			p.must(p.rotate(uuid.NewString(), true))
			d := p.describe()
			if !aws.ToBool(d.RotationEnabled) || aws.ToString(d.RotationLambdaARN) != RotationFunctionARN ||
				d.NextRotationDate == nil ||
				d.RotationRules == nil ||
				aws.ToInt64(d.RotationRules.AutomaticallyAfterDays) != 30 {
				p.errorf("got RotationEnabled %v, RotationLambdaARN %v, RotationRules %v, NextRotationDate %v",
					d.RotationEnabled, d.RotationLambdaARN, d.RotationRules, d.NextRotationDate)
			}
		}},
		{"rotation-incomplete-refuses-another", page, func(p *probe) {
			one, token := p.create("one"), uuid.NewString()
			p.must(p.rotate(token, true))
			refused[*types.InvalidRequestException](p, "rotate", p.rotate(uuid.NewString(), true), "previous rotation")
			p.must(p.rotate(token, true)) // the same one again
			p.labeled(labels{one: {current}, token: {pending}})
		}},
		{"rotation-test-alone-leaves-no-version", page + ", RotateImmediately", func(p *probe) {
			one := p.create("one")
			p.must(p.rotate(uuid.NewString(), false))
			p.eventually("AWSPENDING is removed", func() bool { return len(p.labels()) == 1 })
			p.labeled(labels{one: {current}})
			p.holds("", "", "one")
			if !aws.ToBool(p.describe().RotationEnabled) {
				p.errorf("rotation is not on")
			}
		}},
		{"rotation-cancel-keeps-labels", cancel, func(p *probe) {
			one, token := p.create("one"), uuid.NewString()
			p.must(p.rotate(token, true))
			out, err := p.client.CancelRotateSecret(p.ctx, &secretsmanager.CancelRotateSecretInput{SecretId: p.id()})
			p.must(err)
			if got := aws.ToString(out.VersionId); got != token {
				p.errorf("VersionId is %q, want the unfinished %q", got, token)
			}
			p.labeled(labels{one: {current}, token: {pending}})
			d := p.describe()
			if d.RotationEnabled == nil || *d.RotationEnabled {
				p.errorf("RotationEnabled is %v, want false", d.RotationEnabled)
			}
			if d.RotationRules == nil || aws.ToString(d.RotationLambdaARN) == "" {
				p.errorf("the previous schedule and function are gone")
			}
		}},
	}
}
