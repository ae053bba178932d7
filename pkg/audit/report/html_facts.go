package report

import (
	"cmp"
	"fmt"
	"strings"

	"databrain-rotation/pkg/audit/finding"
)

// serviceFacts is the posture of the secret that the audit signs in with, each
// fact in the colour of the finding on it, if there is one.
func serviceFacts(r *Report) []fact {
	if !r.Posture.Read {
		return []fact{
			{Name: "Rotation", Value: "not known: Secrets Manager was not asked or did not answer", Class: "medium"},
		}
	}
	class := func(c finding.Check) string {
		for i := range r.Findings {
			if r.Findings[i].Check == c {
				return string(r.Findings[i].Severity)
			}
		}
		return "good"
	}
	p := &r.Posture
	previous := map[finding.Answer]string{
		finding.NoAnswer: "not asked, or without an answer", finding.Accepted: "still works",
		finding.Refused: "no longer works",
	}[r.Previous.Answer]
	rotation, rotated, pending := "off", "not known", "nothing pending"
	if p.Rotation {
		rotation = "on"
	}
	if !p.RotatedAt.IsZero() {
		rotated = fmt.Sprintf("%s, %s ago", finding.Day(p.RotatedAt), plural(p.AgeDays, "day"))
	}
	if !p.PendingSince.IsZero() {
		pending = "begun " + p.PendingSince.UTC().Format("2006-01-02 15:04 UTC") + " and not finished"
	}
	beforeClass := class(finding.ServiceTokenPreviousAlive)
	if r.Previous.Answer == finding.NoAnswer {
		beforeClass = ""
	}
	return []fact{
		{"Rotation", rotation, class(finding.ServiceTokenRotationOff)},
		{"Last rotated", rotated, class(finding.ServiceTokenAge)},
		{"A rotation under way", pending, class(finding.ServiceTokenRotationStuck)},
		{"The token before", previous, beforeClass},
	}
}

func policyFacts(r *Report) []fact {
	p := &r.Policy
	var tiers, rules []string
	for _, t := range p.Severities {
		tiers = append(tiers, fmt.Sprintf("%s from %s", t.Severity, plural(t.AfterDays, "day")))
	}
	for _, rule := range p.Rules[:min(len(p.Rules), 20)] {
		rules = append(rules, fmt.Sprintf("%s: %s", shorten(rule.ID), plural(rule.MaxAgeDays, "day")))
	}
	if n := len(p.Rules) - len(rules); n > 0 {
		rules = append(rules, fmt.Sprintf("and %d more", n))
	}
	facts := []fact{
		{Name: "A token is stale after", Value: plural(p.MaxAgeDays, "day")},
		{Name: "Announced ahead of that by", Value: plural(p.DueWithinDays, "day")},
		{Name: "Severity", Value: strings.Join(tiers, ", ")},
		{Name: "Rules with another age", Value: cmp.Or(strings.Join(rules, "; "), "none")},
	}
	unused := 0
	for i := range r.Findings {
		if r.Findings[i].Check == finding.RuleUnused {
			unused++
		}
	}
	if unused > 0 {
		facts = append(facts, fact{
			Name: "Rules that decide for no token", Value: thousands(unused) + " of " + thousands(len(p.Rules)),
			Class: string(finding.Low),
		})
	}
	return facts
}
