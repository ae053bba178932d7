package finding

import "time"

// stuckAfter is how long AWSPENDING may stay on a version of its own: rotations
// take minutes, and Secrets Manager gives up retrying one within a day.
const stuckAfter = aDay

// posture judges the secret that holds the service token itself. What could not
// be read gives no finding here; a note of the run tells of it.
func (e *Evaluation) posture(p Posture) []Finding {
	if !p.Read {
		return nil
	}
	var findings []Finding
	add := func(check Check, severity Severity, since time.Time) *Finding {
		f := e.finding(check, severity, "")
		f.Since = since.UTC()
		findings = append(findings, f)
		return &findings[len(findings)-1]
	}
	if !p.RotatedAt.IsZero() && stale(e.now, p.RotatedAt, e.policy.MaxAgeDays) {
		f := add(ServiceTokenAge, e.policy.severity(e.now, p.RotatedAt), p.RotatedAt)
		f.Rule, f.MaxAgeDays = DefaultRule, e.policy.MaxAgeDays
		f.FirstSeen = p.RotatedAt.Add(WholeDays(f.MaxAgeDays)).UTC()
	}
	if !p.Rotation {
		add(ServiceTokenRotationOff, High, time.Time{})
	}
	if !p.PendingSince.IsZero() && e.now.Sub(p.PendingSince) > stuckAfter {
		f := add(ServiceTokenRotationStuck, High, p.PendingSince)
		f.FirstSeen = p.PendingSince.Add(stuckAfter).UTC()
	}
	return findings
}
