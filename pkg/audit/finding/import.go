package finding

import "time"

// Import is the last import of a finding into Security Hub.
type Import struct {
	At     time.Time `json:"at,omitzero"`      // its UpdatedAt; zero before the first import
	Digest string    `json:"digest,omitempty"` // of what was imported; "" unless Security Hub is known to have taken it
}

// Next returns the UpdatedAt of an import at now. Security Hub ignores an import whose
// UpdatedAt is not later than that of the last one, and a clock may have been put back
// (https://docs.aws.amazon.com/securityhub/latest/userguide/finding-update-batchimportfindings.html).
func (i *Import) Next(now time.Time) time.Time {
	now = now.UTC().Truncate(time.Millisecond)
	if i != nil && !now.After(i.At) {
		return i.At.Add(time.Millisecond)
	}
	return now
}

// Aged reports whether an import is to be made again at now even if nothing has changed:
// once a day (UTC), because Security Hub deletes what was not updated for 90 days
// (https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub-findings-update-types.html).
func (i *Import) Aged(now time.Time) bool {
	return i.At.UTC().Format(time.DateOnly) != now.UTC().Format(time.DateOnly)
}

// Owe notes that an import of r is due, for the next run if this one does not make it.
func (r *Record) Owe() {
	owed := &Import{}
	if r.Import != nil {
		owed.At = r.Import.At
	}
	r.Import = owed
}

// Owed reports whether an import of r is due that Security Hub is not known to have taken.
func (r *Record) Owed() bool { return r.Import != nil && r.Import.Digest == "" }

// Stated returns the finding as the run that wrote r saw it.
func (r *Record) Stated() Finding {
	f := r.Finding
	f.State, f.Superseded = Ongoing, r.SupersededBy
	switch {
	case !r.ResolvedAt.IsZero():
		f.State = Resolved
	case r.Suppressed:
		f.State = Suppressed
	}
	return f
}

// ForgetArchived drops what Security Hub has archived: of each resolved finding it keeps
// no more than what reopens it.
func (s *Snapshot) ForgetArchived() {
	kept := s.Findings[:0]
	for _, r := range s.Findings {
		archived := !r.ResolvedAt.IsZero() && r.Import != nil && !r.Owed()
		if !archived || r.close() {
			kept = append(kept, r)
		}
	}
	clear(s.Findings[len(kept):])
	s.Findings = kept
}

// close keeps of a resolved finding no more than what reopens it. It reports whether
// anything can: a token that was replaced in time cannot come back.
func (r *Record) close() bool {
	returns := r.Check != TokenAgeApproaching || r.SupersededBy != ""
	*r = Record{
		Finding: Finding{
			ID: r.ID, Check: r.Check, Severity: r.Severity, FirstSeen: r.FirstSeen, LastSeen: r.LastSeen,
		},
		ResolvedAt: r.ResolvedAt,
	}
	return returns
}
