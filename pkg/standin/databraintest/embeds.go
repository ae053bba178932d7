package databraintest

import (
	"cmp"
	"net/http"
	"slices"
)

// listEmbeds is GET /api/v2/data-app/embeds ({REF}/list-embed), for an API token: a
// read that proves it, and whose answer holds no credential.
func (s *Server) listEmbeds(c *call) answer {
	var apps []*app
	switch key := s.liveKey(c.bearer(), c.now); {
	case key != nil:
		apps = []*app{s.owner(key)}
	case s.switches.EmbedsByServiceToken && s.holdsServiceToken(c):
		apps = s.apps
	default:
		code := cmp.Or(s.switches.BadAPIKeyCode, "INVALID_DATA_APP_API_KEY")
		return s.fail(cmp.Or(s.switches.BadAPIKeyStatus, http.StatusUnauthorized), code, code)
	}
	pages, text := parsePaging(c.r.URL.Query())
	if text != "" {
		return s.invalidBody(text)
	}
	var all []ownedEmbed
	for _, a := range apps {
		for _, e := range a.Embeds {
			all = append(all, ownedEmbed{a.Name, e})
		}
	}
	return s.list(rows(s.paged(pages), s.pageSize(), slices.Values(all), embedRow))
}

type ownedEmbed struct {
	app string
	Embed
}

// embedRow has the members of the page's example; embedType is cut to one of its
// values.
func embedRow(e ownedEmbed) []byte {
	type metadata struct {
		DataAppName string `json:"dataAppName"`
	}
	return encode(struct {
		ID        string   `json:"embedId"`
		Type      string   `json:"embedType"`
		Name      string   `json:"name"`
		Dashboard any      `json:"externalDashboard"`
		Metric    any      `json:"externalMetric"`
		Metadata  metadata `json:"embedMetadata"`
	}{ID: e.ID, Type: "dashboard", Name: e.Name, Metadata: metadata{e.app}})
}
