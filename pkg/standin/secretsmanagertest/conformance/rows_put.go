package conformance

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/google/uuid"
)

func putRows() []Row {
	const (
		page      = "API reference, PutSecretValue"
		token     = page + ", ClientRequestToken"
		stages    = page + ", VersionStages"
		abandoned = "User guide, Log Secrets Manager events with AWS CloudTrail: RotationAbandoned"
	)
	return []Row{
		{"put-without-stages-moves-current", stages, func(p *probe) {
			one := p.create("one")
			two := p.put("two")
			p.labeled(labels{one: {previous}, two: {current}})
			three := p.put("three")
			p.labeled(labels{two: {previous}, three: {current}})
		}},
		{"put-first-version-gets-current", page, func(p *probe) {
			p.createEmpty()
			id := p.put("one", pending)
			p.labeled(labels{id: {current, pending}})
		}},
		{"put-pending-leaves-current", stages, func(p *probe) {
			one := p.create("one")
			two := p.put("two", pending)
			p.labeled(labels{one: {current}, two: {pending}})
			p.holds("", "", "one")
			p.holds("", pending, "two")
		}},
		{"put-takes-a-label-from-its-holder", stages, func(p *probe) {
			one := p.create("one")
			p.put("two", pending)
			three := p.put("three", pending)
			p.labeled(labels{one: {current}, three: {pending}})
		}},
		{"put-current-by-name-moves-previous", stages, func(p *probe) {
			one := p.create("one")
			two := p.put("two", current, "mine")
			p.labeled(labels{one: {previous}, two: {current, "mine"}})
			three := p.put("three", current)
			p.labeled(labels{two: {previous, "mine"}, three: {current}})
		}},
		{"put-same-token-same-bytes-is-accepted", token, func(p *probe) {
			one, id := p.create("one"), uuid.NewString()
			p.must(p.tryPut(id, "two", pending))
			p.must(p.tryPut(id, "two", pending))
			p.labeled(labels{one: {current}, id: {pending}})
		}},
		{"put-repeated-does-nothing", page, func(p *probe) {
			one, id := p.create("one"), uuid.NewString()
			p.must(p.tryPut(id, "two", pending))
			p.must(p.tryPut(id, "two")) // would move AWSCURRENT if it did anything
			p.labeled(labels{one: {current}, id: {pending}})
		}},
		{"put-same-token-other-bytes-is-refused", token, func(p *probe) {
			one, id := p.create("one"), uuid.NewString()
			p.must(p.tryPut(id, "two", pending))
			refused[*types.ResourceExistsException](p, "put", p.tryPut(id, "three", pending), "ClientRequestToken")
			p.holds(id, "", "two")
			p.labeled(labels{one: {current}, id: {pending}})
		}},
		{"put-by-hand-abandons-the-pending-version", abandoned, func(p *probe) {
			one := p.create("one")
			two := p.put("two", pending)
			three := p.put("three")
			p.labeled(labels{one: {previous}, three: {current}})
			p.holds(two, "", "two")
		}},
		{"put-by-hand-clears-pending-of-a-finished-rotation", abandoned, func(p *probe) {
			one := p.create("one")
			two := p.put("two", pending)
			p.must(p.stage(current, two, one))
			three := p.put("three")
			p.labeled(labels{two: {previous}, three: {current}})
		}},
		{"put-binary", page + ", SecretBinary", func(p *probe) {
			p.createEmpty()
			_, err := p.client.PutSecretValue(
				p.ctx,
				&secretsmanager.PutSecretValueInput{SecretId: p.id(), SecretBinary: []byte{0, 1, 255}},
			)
			p.must(err)
			out, err := p.get("", "")
			p.must(err)
			if string(out.SecretBinary) != "\x00\x01\xff" || out.SecretString != nil {
				p.errorf("got binary %v and string %v", out.SecretBinary, out.SecretString)
			}
		}},
		{"put-up-to-65536-bytes", page + ", SecretString", func(p *probe) {
			p.create("one")
			p.must(p.tryPut(uuid.NewString(), strings.Repeat("x", 65536)))
			if err := p.tryPut(uuid.NewString(), strings.Repeat("x", 65537)); err == nil {
				p.errorf("65,537 bytes were accepted")
			}
		}},
		{"put-needs-a-value", page, func(p *probe) {
			p.create("one")
			_, err := p.client.PutSecretValue(p.ctx, &secretsmanager.PutSecretValueInput{SecretId: p.id()})
			refused[*types.InvalidRequestException](p, "put", err, "SecretString")
		}},
		{"put-token-has-32-to-64-characters", token, func(p *probe) {
			p.create("one")
			for _, token := range []string{strings.Repeat("a", 31), strings.Repeat("a", 65)} {
				refused[*types.InvalidParameterException](p, "put", p.tryPut(token, "two"), "ClientRequestToken")
			}
		}},
		{"update-moves-current", "API reference, UpdateSecret", func(p *probe) {
			one, id := p.create("one"), uuid.NewString()
			in := &secretsmanager.UpdateSecretInput{
				SecretId:           p.id(),
				SecretString:       aws.String("two"),
				ClientRequestToken: aws.String(id),
			}
			_, err := p.client.UpdateSecret(p.ctx, in)
			p.must(err)
			p.labeled(labels{one: {previous}, id: {current}})
			in.SecretString = aws.String("three")
			_, err = p.client.UpdateSecret(p.ctx, in)
			refused[*types.ResourceExistsException](p, "update with a used token", err, "ClientRequestToken")
		}},
	}
}
