package databraintest

import "time"

// What follows are changes by someone else, in the web interface or by another
// client. They leave no trace in the request log.

// SetToken saves a service token as POST /api/v2/service-token does; "" leaves the
// instance without one.
func (s *Server) SetToken(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens.save(token, s.now(), s.switches.DropGraceOnSave)
}

// SetAdminPassword changes the admin's password.
func (s *Server) SetAdminPassword(password string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.admin.Password = password
}

// SetSwitches replaces all switches, as an upgrade of the instance may.
func (s *Server) SetSwitches(switches Switches) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.switches = switches
}

// SetDataApps replaces all data apps.
func (s *Server) SetDataApps(apps []DataApp) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.setApps(newApps(apps))
}

// AddAPIToken makes a further API token in a data app and returns its key. It panics
// if there is no such app.
func (s *Server) AddAPIToken(dataApp, name string) (key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.byName[dataApp]
	if a == nil {
		panic("databraintest: no data app is called " + dataApp)
	}
	return a.create(name, s.now())
}

// ReplaceAPIToken rotates an API token, which lives on for grace, and returns the new
// key. It panics if the token does not work.
func (s *Server) ReplaceAPIToken(key string, grace time.Duration) (fresh string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	old := s.liveKey(key, now)
	if old == nil {
		panic("databraintest: the API token to be replaced does not work")
	}
	return s.rotateKey(old, int64(grace/time.Second), now)
}
