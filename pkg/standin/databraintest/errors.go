package databraintest

import "net/http"

// fail is the API's error: {"error":{"code":…,"message":…}}, with a status inside
// on older pages ({REF}, import and export dashboard, guest token).
func (s *Server) fail(status int, code, message string) answer {
	e := map[string]any{"code": code, "message": message}
	if s.switches.ErrorStatus {
		e["status"] = status
	}
	return typed(status, jsonType, encode(map[string]any{"error": e}))
}

// bad is a 400 whose text the page does not give: the code stands in for it.
func (s *Server) bad(code string) answer { return s.fail(http.StatusBadRequest, code, code) }

// invalidBody carries a Joi text, also where the fault is in the query ({REF}, all
// data app pages).
func (s *Server) invalidBody(text string) answer {
	return s.fail(http.StatusBadRequest, "INVALID_REQUEST_BODY", text)
}

// spacedInvalidBody is the spelling of {REF}/create-admin-account.
func (s *Server) spacedInvalidBody(text string) answer {
	return s.fail(http.StatusBadRequest, "INVALID REQUEST BODY", text)
}

// selfHostedOnly is a client's fault under 500, on all admin pages.
func (s *Server) selfHostedOnly() answer {
	return s.fail(http.StatusInternalServerError, "SELFHOSTED_APP_ERROR",
		"This feature is only available for self-hosted instances")
}

// badServiceToken: the data app pages list AUTHENTICATION_ERROR under 400.
func (s *Server) badServiceToken() answer {
	status := http.StatusBadRequest
	if s.switches.BadServiceToken401 {
		status = http.StatusUnauthorized
	}
	return s.fail(status, "AUTHENTICATION_ERROR", "AUTHENTICATION_ERROR")
}

// badJWT: no page says what a missing, bad or expired JWT gets. Inferred, not
// documented.
func (s *Server) badJWT() answer {
	status := http.StatusUnauthorized
	if s.switches.BadJWT400 {
		status = http.StatusBadRequest
	}
	return s.fail(status, "AUTHENTICATION_ERROR", "AUTHENTICATION_ERROR")
}
