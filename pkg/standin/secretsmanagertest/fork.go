package secretsmanagertest

import "slices"

// Fork returns another Server with the secrets of s, the same clock and no requests in its
// log. No rotation is running there, and no function is attached. What happens to the one
// does not happen to the other.
func (s *Server) Fork() *Server {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := New(s.cfg)
	f.lag = s.lag
	for _, sec := range s.secrets {
		copied := *sec
		copied.rotation.job = nil
		copied.versions = make([]*version, len(sec.versions))
		for i, v := range sec.versions {
			other := *v
			other.labels = slices.Clone(v.labels)
			copied.versions[i] = &other
		}
		f.secrets = append(f.secrets, &copied)
	}
	return f
}
