package conformance

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/google/uuid"
)

func createRows() []Row {
	const page = "API reference, CreateSecret"
	return []Row{
		{"create-first-version-is-current", page, func(p *probe) {
			id := p.create("one")
			p.labeled(labels{id: {current}})
			p.holds("", "", "one")
		}},
		{"create-without-value-has-no-version", page, func(p *probe) {
			p.createEmpty()
			p.labeled(labels{})
			_, err := p.get("", "")
			refused[*types.ResourceNotFoundException](p, "read", err, "staging label: AWSCURRENT")
		}},
		{"create-taken-name-is-refused", page + ", Errors", func(p *probe) {
			p.create("one")
			_, err := p.client.CreateSecret(
				p.ctx,
				&secretsmanager.CreateSecretInput{Name: p.id(), SecretString: aws.String("two")},
			)
			refused[*types.ResourceExistsException](p, "second create", err, "already exists")
		}},
		{"create-same-request-is-ignored", page + ", ClientRequestToken", func(p *probe) {
			in := &secretsmanager.CreateSecretInput{
				Name:               p.id(),
				SecretString:       aws.String("one"),
				ClientRequestToken: aws.String(uuid.NewString()),
			}
			first, err := p.client.CreateSecret(p.ctx, in)
			p.must(err)
			again, err := p.client.CreateSecret(p.ctx, in)
			p.must(err)
			if aws.ToString(first.ARN) != aws.ToString(again.ARN) {
				p.errorf("the second request made another secret")
			}
		}},
		{"create-token-becomes-version-id", page + ", ClientRequestToken", func(p *probe) {
			token := uuid.NewString()
			out, err := p.client.CreateSecret(
				p.ctx,
				&secretsmanager.CreateSecretInput{
					Name:               p.id(),
					SecretString:       aws.String("one"),
					ClientRequestToken: aws.String(token),
				},
			)
			p.must(err)
			if got := aws.ToString(out.VersionId); got != token {
				p.errorf("VersionId is %q, want the token %q", got, token)
			}
		}},
		{"create-dates-and-key", "API reference, DescribeSecret", func(p *probe) {
			p.create("one")
			d := p.describe()
			if d.CreatedDate == nil || d.LastChangedDate == nil {
				p.errorf("CreatedDate %v, LastChangedDate %v, want both", d.CreatedDate, d.LastChangedDate)
			}
			if d.KmsKeyId != nil || d.DeletedDate != nil {
				p.errorf("KmsKeyId %v, DeletedDate %v, want neither", d.KmsKeyId, d.DeletedDate)
			}
		}},
	}
}
