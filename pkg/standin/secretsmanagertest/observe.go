package secretsmanagertest

import (
	"slices"

	"github.com/google/uuid"
)

// VersionState is one version as a test sees it.
type VersionState struct {
	ID       string
	Labels   []string // sorted
	HasValue bool
}

// Snapshot is every version of a secret in the order they were made, those without
// labels included; nil when there is no such secret. A deleted secret is shown.
func (s *Server) Snapshot(secretID string) []VersionState {
	s.mu.Lock()
	defer s.mu.Unlock()
	sec, err := s.find(secretID)
	if err != nil {
		return nil
	}
	states := make([]VersionState, len(sec.versions))
	for i, v := range sec.versions {
		states[i] = VersionState{v.id, slices.Clone(v.labels), !v.value.empty()}
	}
	return states
}

// Holder is the id of the version that carries label, or "".
func (s *Server) Holder(secretID, label string) string {
	for _, v := range s.Snapshot(secretID) {
		if slices.Contains(v.Labels, label) {
			return v.ID
		}
	}
	return ""
}

// Value is the stored value of a version, whether text or binary; false when there
// is none. Read lag does not apply.
func (s *Server) Value(secretID, versionID string) (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sec, err := s.find(secretID)
	if err != nil {
		return "", false
	}
	v := sec.version(versionID)
	if v == nil || v.value.empty() {
		return "", false
	}
	if v.value.text != nil {
		return *v.value.text, true
	}
	return string(v.value.binary), true
}

// Hidden is how many reads of a version will find nothing, see [ReadLag].
func (s *Server) Hidden(secretID, versionID string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if sec, err := s.find(secretID); err == nil && sec.version(versionID) != nil {
		return sec.version(versionID).hidden.reads
	}
	return 0
}

// Create makes a secret and returns its ARN. An empty value makes it without a
// version.
func (s *Server) Create(name, text string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	in := createSecretInput{Name: name, ClientRequestToken: uuid.NewString()}
	if text != "" {
		in.SecretString = &text
	}
	out, err := s.createSecret(in)
	if err != nil {
		return "", err
	}
	return out.(named).ARN, nil
}

// ManualPut stores a value as an operator does in the console: a new version that
// takes AWSCURRENT and abandons a rotation under way. It returns the version's id.
func (s *Server) ManualPut(secretID, text string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := uuid.NewString()
	_, err := s.putSecretValue(putSecretValueInput{SecretId: secretID, ClientRequestToken: id, SecretString: &text})
	if err != nil {
		return "", err
	}
	return id, nil
}

// SetLabels gives a version exactly these labels and takes them from the others,
// without the moves that the service makes by itself. A version that does not
// exist is made, without a value.
func (s *Server) SetLabels(secretID, versionID string, labels ...string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	sec, err := s.find(secretID)
	if err != nil {
		return err
	}
	v := sec.version(versionID)
	if v == nil {
		v = s.addVersion(sec, versionID, value{})
	}
	v.labels = nil
	for _, label := range labels {
		sec.place(label, v)
	}
	return nil
}

// Corrupt replaces the stored value of a version, which no call of the service can
// do. An empty text leaves the version without a value.
func (s *Server) Corrupt(secretID, versionID, text string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	sec, err := s.find(secretID)
	if err != nil {
		return err
	}
	v := sec.version(versionID)
	if v == nil {
		return errNoVersion(versionID)
	}
	v.value = value{}
	if text != "" {
		v.value.text = &text
	}
	return nil
}
