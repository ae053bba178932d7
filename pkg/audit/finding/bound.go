package finding

import (
	"cmp"
	"errors"
	"io"
	"slices"
)

// What the fixed parts of a state take in memory, in bytes. A record counts as one of
// a token, as nearly all are.
const (
	recordWeight = 640
	appWeight    = 128
	importWeight = 96
)

// Dropped counts the records that a state had no room for.
type Dropped struct {
	Open     int // of findings that were there when they were last looked at
	Resolved int
}

// Fit drops records until s takes no more than limit bytes of memory. What has been
// resolved longest goes first, then what this release does not know, then what is
// suppressed, then the least severe. If something open is dropped, s is Incomplete, so
// that the next run does not take it for new. A limit of 0 drops nothing.
func (s *Snapshot) Fit(limit int64) {
	if limit == 0 || s.weight() <= limit {
		return
	}
	slices.SortFunc(s.Findings, func(a, b Record) int { return keptFirst(&a, &b) })
	kept := len(s.Findings)
	for weight := s.weight(); weight > limit && kept > 0; kept-- {
		last := &s.Findings[kept-1]
		weight -= last.weight()
		if last.ResolvedAt.IsZero() {
			s.Dropped.Open++
			s.Incomplete = true
		} else {
			s.Dropped.Resolved++
		}
	}
	clear(s.Findings[kept:])
	s.Findings = s.Findings[:kept]
}

// weight returns about how many bytes of memory s takes.
func (s *Snapshot) weight() int64 {
	weight := int64(0)
	for name := range s.Apps {
		weight += int64(appWeight + len(name))
	}
	for i := range s.Findings {
		weight += s.Findings[i].weight()
	}
	return weight
}

func (r *Record) weight() int64 {
	weight := recordWeight + len(r.DataApp) + len(r.Rule) + len(r.Foreign)
	if r.Token != nil {
		weight += len(r.Token.Name)
	}
	if e := r.Exception; e != nil {
		weight += len(e.Reason) + len(e.Owner)
	}
	if r.Import != nil {
		weight += importWeight
	}
	return int64(weight)
}

// keptFirst orders records by what a state is kept for; see [Snapshot.Fit].
func keptFirst(a, b *Record) int {
	return cmp.Or(
		compareBool(!a.ResolvedAt.IsZero(), !b.ResolvedAt.IsZero()),
		b.ResolvedAt.Compare(a.ResolvedAt),
		compareBool(a.Foreign != nil, b.Foreign != nil),
		compareBool(a.Suppressed, b.Suppressed),
		WorstFirst(&a.Finding, &b.Finding),
	)
}

// errTooLong: a member of the state, or a record, is longer than the whole may be.
var errTooLong = errors.New("a part of the state is too long")

// portion reads no more than room bytes between two calls of next: a decoder holds the
// whole text of a value in memory, and nothing says how long a damaged value is.
type portion struct {
	r          io.Reader
	room, left int64
}

func (p *portion) next() { p.left = p.room }

func (p *portion) Read(b []byte) (int, error) {
	if p.room == 0 {
		return p.r.Read(b)
	}
	if p.left <= 0 {
		return 0, errTooLong
	}
	n, err := p.r.Read(b[:min(int64(len(b)), p.left)])
	p.left -= int64(n)
	return n, err
}
