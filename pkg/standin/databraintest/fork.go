package databraintest

import "maps"

// Fork returns another Server in the state of s, with the same clock and no requests in
// its log. What happens to the one does not happen to the other.
func (s *Server) Fork() *Server {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := New(Config{Fresh: true, Admin: s.admin, PathPrefix: s.prefix, Now: s.now, Switches: s.switches})
	f.signing, f.signIns = s.signing, s.signIns
	f.mintedKeys, f.shuffle = s.mintedKeys, s.shuffle
	f.windows = maps.Clone(s.windows)
	f.tokens.current, f.tokens.minted = s.tokens.current, s.tokens.minted
	for value, t := range s.tokens.all {
		token := *t
		f.tokens.all[value] = &token
	}
	apps := make([]*app, len(s.apps))
	for i, a := range s.apps {
		apps[i] = &app{DataApp: a.DataApp}
		for _, k := range a.keys {
			key := *k
			apps[i].keys = append(apps[i].keys, &key)
		}
	}
	f.setApps(apps)
	return f
}
