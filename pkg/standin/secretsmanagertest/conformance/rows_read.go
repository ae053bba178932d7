package conformance

import (
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/google/uuid"
)

func readRows() []Row {
	const page = "API reference, GetSecretValue"
	return []Row{
		{"get-unknown-secret", page + ", Errors", func(p *probe) {
			_, err := p.get("", "")
			refused[*types.ResourceNotFoundException](p, "read", err, "can't find the specified secret.")
			_, err = p.client.DescribeSecret(p.ctx, &secretsmanager.DescribeSecretInput{SecretId: p.id()})
			refused[*types.ResourceNotFoundException](p, "describe", err, "can't find the specified secret.")
		}},
		{"get-unknown-version", page + ", Errors", func(p *probe) {
			p.create("one")
			id := uuid.NewString()
			_, err := p.get(id, "")
			refused[*types.ResourceNotFoundException](p, "read", err, "VersionId: "+id)
		}},
		{"get-unknown-stage", page + ", Errors", func(p *probe) {
			p.create("one")
			_, err := p.get("", pending)
			refused[*types.ResourceNotFoundException](p, "read", err, "staging label: AWSPENDING")
		}},
		{"get-version-and-stage-must-agree", page + ", VersionStage", func(p *probe) {
			one := p.create("one")
			two := p.put("two", pending)
			p.holds(two, pending, "two")
			_, err := p.get(one, pending)
			refused[*types.InvalidRequestException](p, "read", err, "not associated to the provided VersionId")
		}},
		{"get-by-name-arn-and-partial-arn", "User guide, Troubleshoot: Finding a secret from a partial ARN", func(p *probe) {
			p.create("one")
			arn := aws.ToString(p.describe().ARN)
			if !strings.HasPrefix(arn[len(arn)-7:], "-") {
				p.errorf("the ARN %s does not end in a hyphen and six characters", arn)
			}
			for _, id := range []string{arn, arn[:len(arn)-7]} {
				out, err := p.client.GetSecretValue(p.ctx, &secretsmanager.GetSecretValueInput{SecretId: aws.String(id)})
				if err != nil {
					p.errorf("read by %s: %w", id, err)
				} else if aws.ToString(out.Name) != p.name {
					p.errorf("read by %s: got %s", id, aws.ToString(out.Name))
				}
			}
		}},
		{"get-deprecated-version-by-id", "User guide, What's in a secret: Version", func(p *probe) {
			one := p.create("one")
			p.put("two")
			p.put("three")
			p.holds(one, "", "one")
		}},
		{"describe-leaves-deprecated-versions-out", "API reference, DescribeSecret, VersionIdsToStages", func(p *probe) {
			p.create("one")
			p.put("two")
			p.put("three")
			if got := len(p.describe().VersionIdsToStages); got != 2 {
				p.errorf("%d versions, want the 2 with labels", got)
			}
		}},
		{"list-versions-hides-deprecated", "API reference, ListSecretVersionIds, IncludeDeprecated", func(p *probe) {
			p.create("one")
			p.put("two")
			p.put("three")
			for deprecated, want := range map[bool]int{false: 2, true: 3} {
				out, err := p.client.ListSecretVersionIds(
					p.ctx,
					&secretsmanager.ListSecretVersionIdsInput{SecretId: p.id(), IncludeDeprecated: aws.Bool(deprecated)},
				)
				p.must(err)
				if len(out.Versions) != want {
					p.errorf("IncludeDeprecated=%t: %d versions, want %d", deprecated, len(out.Versions), want)
				}
			}
		}},
		{"list-versions-in-pages", "API reference, ListSecretVersionIds, MaxResults", func(p *probe) {
			p.create("one")
			p.put("two")
			pages := secretsmanager.NewListSecretVersionIdsPaginator(p.client,
				&secretsmanager.ListSecretVersionIdsInput{SecretId: p.id(), MaxResults: aws.Int32(1)})
			var sizes []int
			for pages.HasMorePages() && len(sizes) < 5 {
				out, err := pages.NextPage(p.ctx)
				p.must(err)
				sizes = append(sizes, len(out.Versions))
			}
			if got := fmt.Sprint(sizes); got != "[1 1]" {
				p.errorf("pages of %s versions, want [1 1]", got)
			}
		}},
	}
}
