package databraintest

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

// SetDataApps replaces all data apps.
func (s *Server) SetDataApps(apps []DataApp) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.setApps(newApps(apps))
}
