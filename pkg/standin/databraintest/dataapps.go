package databraintest

import (
	"iter"
	"slices"
	"time"
)

// DataApp is a data app and its API tokens. Its name is its only identity.
type DataApp struct {
	Name                 string
	CreatedAt, UpdatedAt time.Time
	Embeds               []Embed
	Tokens               []APIToken
	// Generate gives further tokens each time they are listed, so that very many
	// need no memory. They come after Tokens, and only lists know them.
	Generate iter.Seq[APIToken]
	// Raw, unless empty, is the JSON that stands for the app in lists: for entries
	// that no documentation allows.
	Raw string
}

// Embed is a part of a data app.
type Embed struct {
	Name, ID             string
	CreatedAt, UpdatedAt time.Time
}

// app is a data app as the server holds it. Its tokens are keys.
type app struct {
	DataApp
	keys []*apiKey
}

func newApps(given []DataApp) []*app {
	apps := make([]*app, 0, len(given))
	for _, d := range given {
		a := &app{DataApp: d}
		for _, t := range d.Tokens {
			a.keys = append(a.keys, &apiKey{APIToken: t})
		}
		a.Tokens = nil
		apps = append(apps, a)
	}
	return apps
}

// Many gives apps data apps named "Data App 00000" and on, each with tokens API
// tokens that token makes when they are listed.
func Many(apps, tokens int, created time.Time, token func(app, token int) APIToken) []DataApp {
	many := make([]DataApp, apps)
	for i := range many {
		many[i] = DataApp{
			Name: manyName(i), CreatedAt: created, UpdatedAt: created,
			Generate: func(yield func(APIToken) bool) {
				for j := range tokens {
					if !yield(token(i, j)) {
						return
					}
				}
			},
		}
	}
	return many
}

// listApps is GET /api/v2/data-app ({REF}/list-data-apps). The page's errors are
// inferred from its siblings.
func (s *Server) listApps(c *call) answer {
	if !s.holdsServiceToken(c) {
		return s.badServiceToken()
	}
	pages, text := parsePaging(c.r.URL.Query())
	if text != "" {
		return s.invalidBody(text)
	}
	apps := make([]DataApp, 0, len(s.apps))
	for _, a := range s.apps {
		apps = append(apps, a.DataApp)
	}
	arrange(s, apps, func(d DataApp) time.Time { return d.CreatedAt })
	return s.list(s.answered(rows(s.paged(pages), s.pageSize(), spoil(s, pages, slices.Values(apps)), s.appRow)))
}

// setApps puts apps in place, found by name. Of two with one name, which no request
// can bring about, the first is found.
func (s *Server) setApps(apps []*app) {
	s.apps, s.byName = apps, make(map[string]*app, len(apps))
	for _, a := range apps {
		if s.byName[a.Name] == nil {
			s.byName[a.Name] = a
		}
	}
}

func (s *Server) appRow(d DataApp) []byte {
	if d.Raw != "" {
		return []byte(d.Raw)
	}
	type embed struct {
		Name      string `json:"name"`
		ID        string `json:"embedId"`
		CreatedAt string `json:"createdAt"`
		UpdatedAt string `json:"updatedAt"`
	}
	embeds := make([]embed, 0, len(d.Embeds))
	for _, e := range d.Embeds {
		embeds = append(embeds, embed{e.Name, e.ID, s.date(e.CreatedAt), s.date(e.UpdatedAt)})
	}
	return encode(struct {
		Name       string  `json:"name"`
		Type       string  `json:"type"`
		CreatedAt  string  `json:"createdAt"`
		UpdatedAt  string  `json:"updatedAt"`
		EmbedCount int     `json:"embedCount"`
		Embeds     []embed `json:"embeds"`
	}{d.Name, "embedded", s.date(d.CreatedAt), s.date(d.UpdatedAt), len(embeds), embeds})
}
