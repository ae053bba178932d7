package databraintest

import "net/http"

// healthLive is GET /health/live ({REF}/health-check): no credential, no dependency.
func (s *Server) healthLive(*call) answer {
	return typed(http.StatusOK, jsonType, []byte(`{"status":"live"}`))
}

// healthReady is GET /health/ready ({REF}/health-check). The text of a failed check is
// cut on the page; the name of its field, error, is inferred.
func (s *Server) healthReady(*call) answer {
	if s.switches.NotReady {
		return typed(http.StatusServiceUnavailable, jsonType,
			[]byte(`{"status":"not_ready","checks":{"hasura":{"status":"UNKNOWN","error":"HASURA_ENDPOINT not configured"}}}`))
	}
	return typed(http.StatusOK, jsonType,
		[]byte(`{"status":"ready","checks":{"hasura":{"status":"UP","statusCode":200}}}`))
}
