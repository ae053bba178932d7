package finding

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"databrain-rotation/pkg/databrain"
)

// ManagedBy is the secret that holds an API token, so that Secrets Manager can rotate it.
type ManagedBy struct {
	Secret       string    `json:"secret"` // its name
	Rotation     bool      `json:"rotation"`
	NextRotation time.Time `json:"nextRotation,omitzero"`
	Also         []string  `json:"also,omitempty"` // other secrets that hold or name the same token, by name
}

// maxAlso is how many other secrets a [ManagedBy] names, so that an event keeps its size.
const maxAlso = 10

// ManagedSecret is what a run learnt of one secret that is to hold an API token.
type ManagedSecret struct {
	ManagedBy
	Posture Posture // Posture.Read is false if the secret could not be described

	// Read: AWSCURRENT was read, and is of the right form. What follows is known only then.
	Read        bool
	DataApp     string // names, as the secret spells them
	Token       string
	Fingerprint string // of the key; "" before the first rotation

	// Moving: a rotation is under way, or AWSCURRENT got another key while the lists were
	// read, so that nothing follows from a list without the key.
	Moving bool
}

// Managed are the secrets that hold API tokens.
type Managed struct {
	Asked    bool            // the audit was told where they are
	Complete bool            // the list of the secrets was read in full
	Secrets  []ManagedSecret // by name
}

// secret returns the secret of that name; nil if it was not listed.
func (m *Managed) secret(name string) *ManagedSecret {
	at, found := slices.BinarySearchFunc(m.Secrets, name, func(s ManagedSecret, name string) int {
		return cmp.Compare(s.Secret, name)
	})
	if !found {
		return nil
	}
	return &m.Secrets[at]
}

// gone reports whether no such secret is there.
func (m *Managed) gone(name string) bool { return m.Asked && m.Complete && m.secret(name) == nil }

// Known reports whether every secret was read.
func (m *Managed) Known() bool {
	return m.Asked && m.Complete && !slices.ContainsFunc(m.Secrets, func(s ManagedSecret) bool { return !s.Read })
}

// compare fills in which secrets hold or name the same token.
func (m *Managed) compare() {
	sharing := make(map[string][]string)
	for i := range m.Secrets {
		for _, key := range m.Secrets[i].marks() {
			sharing[key] = append(sharing[key], m.Secrets[i].Secret)
		}
	}
	for i := range m.Secrets {
		s := &m.Secrets[i]
		s.Also = nil
		for _, key := range s.marks() {
			s.Also = append(s.Also, sharing[key]...)
		}
		s.Also = slices.DeleteFunc(s.Also, func(name string) bool { return name == s.Secret })
		slices.Sort(s.Also)
		s.Also = slices.Compact(s.Also)
		s.Also = s.Also[:min(len(s.Also), maxAlso)]
	}
}

// marks returns what no other secret may have as well.
func (s *ManagedSecret) marks() []string {
	if !s.Read {
		return nil
	}
	marks := []string{Digest("name", s.DataApp, s.Token)}
	if s.Fingerprint != "" {
		marks = append(marks, Digest("key", s.Fingerprint))
	}
	return marks
}

// held is a key that a secret holds.
type held struct {
	by     *ManagedBy
	app    string // whose list has it; "" while none was read that does
	listed databrain.APIToken
}

// Manage tells the evaluation which secrets hold API tokens. It is called before the
// first App. Of two secrets with one key, the first by name counts as its manager.
func (e *Evaluation) Manage(m *Managed) {
	slices.SortFunc(m.Secrets, func(a, b ManagedSecret) int { return cmp.Compare(a.Secret, b.Secret) })
	m.compare()
	e.held = make(map[string]*held)
	for i := range m.Secrets {
		s := &m.Secrets[i]
		if s.Fingerprint != "" && e.held[s.Fingerprint] == nil {
			e.held[s.Fingerprint] = &held{by: &s.ManagedBy}
		}
	}
}

// Listed reports whether a list that was read has the key of s.
func (e *Evaluation) Listed(s *ManagedSecret) bool {
	h := e.held[s.Fingerprint]
	return h != nil && h.app != ""
}

// manage fills in which findings are about tokens that a secret holds.
func (e *Evaluation) manage(findings []Finding) {
	for i := range findings {
		if f := &findings[i]; f.Token != nil && f.ManagedBy == nil {
			if h := e.held[f.Token.Fingerprint]; h != nil {
				f.ManagedBy = h.by
			}
		}
	}
}

// about fills in a finding on s.
func (o *observation) about(f *Finding, s *ManagedSecret) {
	f.ManagedBy, f.DataApp = &s.ManagedBy, s.DataApp
	if s.Fingerprint == "" {
		return
	}
	f.Token = &Token{Fingerprint: s.Fingerprint, Name: ShownName(s.Token)}
	h := o.held[s.Fingerprint]
	if h == nil || h.app == "" {
		return
	}
	f.DataApp = h.app
	if created := h.listed.CreatedAt; usable(created) {
		f.Token.CreatedAt, f.Token.AgeDays = created, AgeDays(o.now, created)
	}
}

// usable reports whether a creation time is one that software did not put in place of none.
func usable(created time.Time) bool {
	return !created.Before(noDateBefore) && created.Year() <= 9999 // JSON has no later year
}

// rotateCommand is what a person types to rotate the secret. Secrets Manager allows no
// character in a name that a shell would read as anything else.
func rotateCommand(m *ManagedBy) string {
	return "aws secretsmanager rotate-secret --secret-id " + m.Secret
}

// holder returns the secret that f is about; one without a name if f names none.
func (f *Finding) holder() *ManagedBy {
	if f.ManagedBy == nil {
		return &ManagedBy{}
	}
	return f.ManagedBy
}

// shared reports whether another secret holds or names the same token.
func (m *ManagedBy) shared() bool { return len(m.Also) > 0 }

// others writes the names of the other secrets.
func (m *ManagedBy) others() string {
	names := make([]string, len(m.Also))
	for i, name := range m.Also {
		names[i] = quoted(name)
	}
	return strings.Join(names, ", ")
}
