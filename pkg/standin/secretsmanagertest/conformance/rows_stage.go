package conformance

import (
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
)

func stageRows() []Row {
	const (
		page = "API reference, UpdateSecretVersionStage"
		from = page + ", RemoveFromVersionId"
	)
	return []Row{
		{"stage-current-takes-previous-along", page, func(p *probe) {
			one := p.create("one")
			two := p.put("two", pending)
			p.must(p.stage(current, two, one))
			p.labeled(labels{one: {previous}, two: {current, pending}})
			p.holds("", "", "two")
			p.holds("", previous, "one")
		}},
		{"stage-current-back-to-previous", page, func(p *probe) {
			one := p.create("one")
			two := p.put("two")
			p.must(p.stage(current, one, two))
			p.labeled(labels{one: {current}, two: {previous}})
			p.holds("", "", "one")
		}},
		{"stage-holder-must-be-named", from, func(p *probe) {
			one := p.create("one")
			two := p.put("two", pending)
			refused[*types.InvalidParameterException](p, "move", p.stage(current, two, ""), "RemoveFromVersionId")
			p.labeled(labels{one: {current}, two: {pending}})
		}},
		{"stage-holder-must-be-named-for-any-label", from, func(p *probe) {
			one := p.create("one")
			two := p.put("two", pending)
			refused[*types.InvalidParameterException](p, "move", p.stage(pending, one, ""), "RemoveFromVersionId")
			p.labeled(labels{one: {current}, two: {pending}})
		}},
		{"stage-holder-must-match", from, func(p *probe) {
			one := p.create("one")
			two := p.put("two", pending)
			refused[*types.InvalidParameterException](p, "move", p.stage(current, two, two), "")
			p.labeled(labels{one: {current}, two: {pending}})
		}},
		{"stage-attach-a-free-label", page, func(p *probe) {
			one := p.create("one")
			p.must(p.stage("mine", one, ""))
			p.labeled(labels{one: {current, "mine"}})
		}},
		{"stage-remove-a-label", page + ", MoveToVersionId", func(p *probe) {
			one := p.create("one")
			two := p.put("two", pending)
			p.must(p.stage(pending, "", two))
			p.labeled(labels{one: {current}})
			p.holds(two, "", "two") // deprecated, not gone
		}},
		{"stage-current-can-not-be-removed", "User guide, What's in a secret: Version", func(p *probe) {
			one := p.create("one")
			refused[*types.InvalidParameterException](p, "remove", p.stage(current, "", one), "AWSCURRENT")
			p.labeled(labels{one: {current}})
		}},
		{"stage-custom-label-leaves-previous-alone", page, func(p *probe) {
			one := p.create("one")
			two := p.put("two", current, "mine")
			p.must(p.stage("mine", one, two))
			p.labeled(labels{one: {previous, "mine"}, two: {current}})
		}},
	}
}
