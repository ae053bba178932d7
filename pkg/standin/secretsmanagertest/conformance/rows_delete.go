package conformance

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/google/uuid"
)

func deleteRows() []Row {
	const page = "API reference, DeleteSecret"
	remove := func(p *probe, days int64) error {
		_, err := p.client.DeleteSecret(
			p.ctx,
			&secretsmanager.DeleteSecretInput{SecretId: p.id(), RecoveryWindowInDays: aws.Int64(days)},
		)
		return err
	}
	return []Row{
		{"delete-refuses-reads", page, func(p *probe) {
			p.create("one")
			p.must(remove(p, 7))
			_, err := p.get("", "")
			refused[*types.InvalidRequestException](p, "read", err, "marked")
		}},
		{"delete-refuses-writes", "API reference, InvalidRequestException", func(p *probe) {
			one := p.create("one")
			p.must(remove(p, 7))
			refused[*types.InvalidRequestException](p, "put", p.tryPut(uuid.NewString(), "two"), "marked")
			refused[*types.InvalidRequestException](p, "stage", p.stage("mine", one, ""), "marked")
		}},
		{"delete-refuses-rotation", "API reference, InvalidRequestException", func(p *probe) {
			p.create("one")
			p.must(remove(p, 7))
			_, err := p.client.RotateSecret(
				p.ctx,
				&secretsmanager.RotateSecretInput{SecretId: p.id(), RotationLambdaARN: aws.String(RotationFunctionARN)},
			)
			refused[*types.InvalidRequestException](p, "rotate", err, "marked")
		}},
		{"delete-is-described", "API reference, DescribeSecret, DeletedDate", func(p *probe) {
			p.create("one")
			p.must(remove(p, 7))
			if p.describe().DeletedDate == nil {
				p.errorf("no DeletedDate")
			}
		}},
		{"delete-keeps-the-name", "API reference, CreateSecret, InvalidRequestException", func(p *probe) {
			p.create("one")
			p.must(remove(p, 7))
			_, err := p.client.CreateSecret(
				p.ctx,
				&secretsmanager.CreateSecretInput{Name: p.id(), SecretString: aws.String("two")},
			)
			refused[*types.InvalidRequestException](p, "create", err, "scheduled for deletion")
		}},
		{"delete-window-is-7-to-30-days", page + ", RecoveryWindowInDays", func(p *probe) {
			p.create("one")
			for _, days := range []int64{6, 31} {
				refused[*types.InvalidParameterException](p, "delete", remove(p, days), "")
			}
			p.holds("", "", "one")
		}},
		{"delete-by-force-is-final", page + ", ForceDeleteWithoutRecovery", func(p *probe) {
			p.create("one")
			force := &secretsmanager.DeleteSecretInput{SecretId: p.id(), ForceDeleteWithoutRecovery: aws.Bool(true)}
			for range 2 { // the second finds nothing, and that is no error
				_, err := p.client.DeleteSecret(p.ctx, force)
				p.must(err)
			}
			_, err := p.get("", "")
			refused[*types.ResourceNotFoundException](p, "read", err, "")
		}},
		{"restore", "API reference, RestoreSecret", func(p *probe) {
			p.create("one")
			p.must(remove(p, 7))
			_, err := p.client.RestoreSecret(p.ctx, &secretsmanager.RestoreSecretInput{SecretId: p.id()})
			p.must(err)
			p.holds("", "", "one")
			if d := p.describe().DeletedDate; d != nil {
				p.errorf("DeletedDate is still %v", d)
			}
		}},
	}
}
