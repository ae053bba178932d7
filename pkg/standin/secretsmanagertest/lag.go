package secretsmanagertest

import "time"

// ReadLag makes reads trail behind writes: GetSecretValue by VersionId answers
// ResourceNotFoundException for a version that was just made or filled. Reads by a
// label alone do not lag. Both bounds must have passed; the zero value is no lag.
type ReadLag struct {
	Reads int           // number of reads of the version that find nothing
	For   time.Duration // time after the write in which reads find nothing
}

// SetReadLag applies to versions written from now on.
func (s *Server) SetReadLag(lag ReadLag) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lag = lag
}

// hidden is what is left of the lag of one version.
type hidden struct {
	reads int
	until time.Time
}

func (l ReadLag) begin(now time.Time) hidden {
	return hidden{reads: l.Reads, until: now.Add(l.For)}
}

// read tells whether a read at now still misses, and counts it.
func (h *hidden) read(now time.Time) bool {
	if h.reads > 0 {
		h.reads--
		return true
	}
	return now.Before(h.until)
}
