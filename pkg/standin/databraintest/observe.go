package databraintest

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// Count is the number of requests to an endpoint, such as
// "POST /api/v2/service-token".
func (s *Server) Count(endpoint string) int {
	n := 0
	for _, c := range s.Calls() {
		if c.Operation+" "+c.Target == endpoint {
			n++
		}
	}
	return n
}

// SignIns is the number of sign-ins that gave a JWT.
func (s *Server) SignIns() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.signIns
}

// Minted is the number of different service tokens that came into being through
// the API: values saved for the first time, and tokens made by rotating.
func (s *Server) Minted() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tokens.minted
}

// TokenWorks reports whether the instance accepts a service token now, the delay
// of reads aside.
func (s *Server) TokenWorks(token string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tokens.all[token]
	return t != nil && t.live(s.now())
}

// CurrentToken is the service token that was saved or minted last, or "".
func (s *Server) CurrentToken() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tokens.current
}

// LiveTokens are all service tokens that work now, sorted.
func (s *Server) LiveTokens() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	live := maps.Clone(s.tokens.all)
	maps.DeleteFunc(live, func(_ string, t *serviceToken) bool { return !t.live(now) })
	return slices.Sorted(maps.Keys(live))
}

// ServiceTokens describes every service token that the instance knows or knew, by its
// value: whether it is the current one, and the times to come, rounded to unit. An
// instance answers like another with the same descriptions.
func (s *Server) ServiceTokens(unit time.Duration) map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	now, delay := s.now(), s.switches.PropagationDelay
	to := func(t time.Time) time.Duration {
		if t.IsZero() {
			return 0
		}
		return max(0, t.Sub(now)).Round(unit)
	}
	states := make(map[string]string, len(s.tokens.all))
	for value, t := range s.tokens.all {
		states[value] = fmt.Sprint(value == s.tokens.current, t.live(now), t.replaced, t.until.IsZero(), to(t.until),
			to(t.from.Add(delay)), to(t.untilSet.Add(delay)))
	}
	return states
}

// APITokenWorks reports whether a data app's API token works now.
func (s *Server) APITokenWorks(key string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.liveKey(key, s.now()) != nil
}

// APITokenName is the name of the API token with that key, "" if none works.
func (s *Server) APITokenName(key string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if k := s.liveKey(key, s.now()); k != nil {
		return k.Name
	}
	return ""
}

// MintedAPITokens is the number of API tokens that came into being through the API.
func (s *Server) MintedAPITokens() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mintedKeys
}

// LiveAPITokens are the keys of a data app's API tokens that work now, sorted.
func (s *Server) LiveAPITokens(dataApp string) (live []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.byName[dataApp]; a != nil {
		for _, k := range a.keys {
			if k.live(s.now()) {
				live = append(live, k.Key)
			}
		}
	}
	slices.Sort(live)
	return live
}
