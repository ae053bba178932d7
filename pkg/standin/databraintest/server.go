package databraintest

import (
	"crypto/rand"
	"net/http"
	"strings"
	"sync"
	"time"

	"databrain-rotation/pkg/standin"
)

// Config is what a [Server] starts from. The zero value is the documentation's
// example instance.
type Config struct {
	// Fresh starts from a new instance: nothing of the example is there, only what
	// the fields below set.
	Fresh bool
	// Admin is the one admin account. Zero = the example's, or none when Fresh.
	Admin Account
	// ServiceToken is the service token in force. Zero = [ExampleServiceToken], or
	// none when Fresh.
	ServiceToken string
	// DataApps are the data apps. Nil = [ExampleDataApps], or none when Fresh.
	DataApps []DataApp
	// PathPrefix stands before every path, such as "/databrain".
	PathPrefix string
	// Now is the clock of grace periods, lifetimes and the request log. Nil =
	// time.Now. It must not call the Server.
	Now func() time.Time
	// Switches choose among undocumented behaviours.
	Switches Switches
}

// Server is a stand-in of one Databrain instance. Make it with [New]. It is safe
// for concurrent use.
type Server struct {
	*standin.Wire
	prefix   string
	now      func() time.Time
	switches Switches
	signing  []byte
	routes   map[string]func(*call) answer

	mu      sync.Mutex // guards what follows, and is held by every route
	admin   Account
	signIns int
	// mintedKeys is the number of API tokens that requests brought into being.
	mintedKeys int
	tokens     tokenStore
	apps       []*app
	byName     map[string]*app
	shuffle    uint64
	windows    map[string]window
}

// New makes a Server from c.
func New(c Config) *Server {
	if !c.Fresh {
		c = withExample(c)
	}
	s := &Server{
		prefix:   strings.TrimRight(c.PathPrefix, "/"),
		now:      c.Now,
		switches: c.Switches,
		signing:  make([]byte, 32),
		admin:    c.Admin,
		windows:  make(map[string]window),
	}
	rand.Read(s.signing)
	if s.now == nil {
		s.now = time.Now
	}
	s.tokens.all = make(map[string]*serviceToken)
	if c.ServiceToken != "" {
		s.tokens.all[c.ServiceToken] = &serviceToken{}
		s.tokens.current = c.ServiceToken
	}
	s.setApps(newApps(c.DataApps))
	s.routes = s.table()
	s.Wire = standin.New(standin.Service{Name: "Databrain", Route: s.route, Fail: failCall, Now: s.now})
	return s
}

// table is the whole API. The reference names no way to read, change or delete a
// single token, so there is none here.
func (s *Server) table() map[string]func(*call) answer {
	return map[string]func(*call) answer{
		"POST /api/v2/admin-account/jwt":    s.signIn,
		"POST /api/v2/service-token":        s.saveServiceToken,
		"POST /api/v2/service-token/rotate": s.rotateServiceToken,
		"GET /api/v2/data-app":              s.listApps,
		"GET /api/v2/data-app/api-tokens":   s.listAPITokens,
		"GET /api/v2/data-app/embeds":       s.listEmbeds,
		"POST /api/v2/data-app/api-tokens":  s.createAPIToken,
		"POST /api/v2/data-app/rotate-api":  s.rotateAPIToken,
		"GET /health/live":                  s.healthLive,
	}
}

// Start listens as [standin.Wire.Start] does. The base URL has the prefix.
func (s *Server) Start(addr string) (url string, err error) {
	url, err = s.Wire.Start(addr)
	if err != nil {
		return "", err
	}
	return url + s.prefix, nil
}

// route names a request by its method and by the path under which the API is known.
func (s *Server) route(r *http.Request, body []byte) (method, path string, perform func() standin.Answer) {
	path = s.path(r)
	c := &call{r: r, endpoint: r.Method + " " + path, raw: body}
	return r.Method, path, func() standin.Answer { return s.handle(c) }
}

// handle lets the request take effect and gives its answer.
func (s *Server) handle(c *call) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.now = s.now()
	if s.limited(c) {
		return tooManyRequests("")
	}
	route, known := s.routes[c.endpoint]
	if !known {
		return cannot(c.r)
	}
	if bad := c.parseBody(); bad != nil {
		return *bad
	}
	return route(c)
}

// path is the path of r without the prefix, and in the newer of the two spellings.
// The legacy tab is on the pages of data apps and API tokens; rotate-api-key has none.
func (s *Server) path(r *http.Request) string {
	path, ok := strings.CutPrefix(r.URL.Path, s.prefix)
	if !ok {
		return r.URL.Path + " (outside the prefix)"
	}
	if s.switches.KebabOnly {
		return path
	}
	switch path {
	case "/api/v2/dataApp":
		return "/api/v2/data-app"
	case "/api/v2/dataApp/api-tokens":
		return "/api/v2/data-app/api-tokens"
	case "/api/v2/dataApp/embeds":
		return "/api/v2/data-app/embeds"
	}
	return path
}
