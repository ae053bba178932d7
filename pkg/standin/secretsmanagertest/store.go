package secretsmanagertest

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// A secret is kept with its versions in the order they were made.
type secret struct {
	arn, name, description, kmsKeyID string

	tags     json.RawMessage
	versions []*version
	rotation rotation

	created, changed, accessed, rotated, next time.Time
	// deleted is the end of the recovery window; zero while the secret is in use.
	deleted time.Time
}

// A version without a value is one that a rotation has announced and not filled.
type version struct {
	id                string
	value             value
	labels            []string // sorted, as the service lists them
	created, accessed time.Time
	hidden            hidden
}

// value is a SecretString or a SecretBinary; neither when both are nil.
type value struct {
	text   *string
	binary []byte
}

func (v value) empty() bool { return v.text == nil && v.binary == nil }

func (v value) equal(o value) bool {
	if v.text != nil && o.text != nil {
		return *v.text == *o.text
	}
	return v.text == nil && o.text == nil && bytes.Equal(v.binary, o.binary)
}

func (sec *secret) version(id string) *version {
	for _, v := range sec.versions {
		if v.id == id {
			return v
		}
	}
	return nil
}

func (sec *secret) removeVersion(id string) {
	sec.versions = slices.DeleteFunc(sec.versions, func(v *version) bool { return v.id == id })
}

// find returns the secret named by a name, a complete ARN, or an ARN without the
// six random characters that Secrets Manager adds (user guide, "Finding a secret
// from a partial ARN"). A secret whose recovery window has ended is gone.
func (s *Server) find(id string) (*secret, *Error) {
	for _, sec := range s.secrets {
		if id != sec.name && id != sec.arn && id != sec.arn[:len(sec.arn)-len("-abcdef")] {
			continue
		}
		if !sec.deleted.IsZero() && !s.cfg.Now().Before(sec.deleted) {
			continue
		}
		return sec, nil
	}
	return nil, errNoSecret()
}

// findLive is find for operations that a deleted secret refuses.
func (s *Server) findLive(id string) (*secret, *Error) {
	sec, err := s.find(id)
	if err == nil && !sec.deleted.IsZero() {
		return nil, errDeleted()
	}
	return sec, err
}

func (s *Server) remove(gone *secret) {
	s.secrets = slices.DeleteFunc(s.secrets, func(sec *secret) bool { return sec == gone })
}

// addVersion appends a version that has no labels yet.
func (s *Server) addVersion(sec *secret, id string, val value) *version {
	v := &version{id: id, value: val, created: s.cfg.Now(), hidden: s.lag.begin(s.cfg.Now())}
	sec.versions = append(sec.versions, v)
	sec.expire(s.cfg.Now())
	return v
}

// expire drops the oldest unlabeled versions beyond a hundred, and none that is
// younger than a day (API reference, PutSecretValue).
func (sec *secret) expire(now time.Time) {
	excess := len(sec.versions) - 100
	sec.versions = slices.DeleteFunc(sec.versions, func(v *version) bool {
		if excess <= 0 || len(v.labels) > 0 || now.Sub(v.created) < 24*time.Hour {
			return false
		}
		excess--
		return true
	})
}

// newARN names a secret with the hyphen and six random characters that the service
// appends (API reference, CreateSecret).
func (s *Server) newARN(name string) string {
	suffix := s.cfg.Suffix
	if suffix == nil {
		suffix = func(string) string { return rand.Text()[:6] }
	}
	return strings.Join(
		[]string{"arn:aws:secretsmanager", s.cfg.Region, s.cfg.Account, "secret", name + "-" + suffix(name)},
		":",
	)
}
