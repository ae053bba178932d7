package databraintest

import "net/http"

// healthLive is GET /health/live ({REF}/health-check): no credential, no dependency.
func (s *Server) healthLive(*call) answer {
	return typed(http.StatusOK, jsonType, []byte(`{"status":"live"}`))
}
