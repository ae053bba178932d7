package secretsmanagertest

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// metadata is what DescribeSecret and ListSecrets have in common. Only fields that
// have a value appear (API reference, DescribeSecret).
type metadata struct {
	ARN, Name         string
	Description       string          `json:",omitempty"`
	KmsKeyId          string          `json:",omitempty"`
	RotationEnabled   *bool           `json:",omitempty"`
	RotationLambdaARN string          `json:",omitempty"`
	RotationRules     *RotationRules  `json:",omitempty"`
	Tags              json.RawMessage `json:",omitempty"`
	CreatedDate       *epoch          `json:",omitempty"`
	LastChangedDate   *epoch          `json:",omitempty"`
	LastAccessedDate  *epoch          `json:",omitempty"`
	LastRotatedDate   *epoch          `json:",omitempty"`
	NextRotationDate  *epoch          `json:",omitempty"`
	DeletedDate       *epoch          `json:",omitempty"`
}

func (sec *secret) metadata() metadata {
	m := metadata{
		ARN: sec.arn, Name: sec.name, Description: sec.description, KmsKeyId: sec.kmsKeyID, Tags: sec.tags,
		RotationEnabled: sec.rotation.enabled, RotationLambdaARN: sec.rotation.functionARN, RotationRules: sec.rotation.rules,
		CreatedDate: when(sec.created), LastChangedDate: when(sec.changed), LastAccessedDate: when(sec.accessed),
		DeletedDate: when(sec.deleted),
	}
	if sec.rotation.on() { // both are null without rotation (API reference, DescribeSecret)
		m.LastRotatedDate, m.NextRotationDate = when(sec.rotated), when(sec.next)
	}
	return m
}

// describeSecret answers for a deleted secret as well, with its DeletedDate.
func (s *Server) describeSecret(in secretIDInput) (any, *Error) {
	sec, err := s.find(in.SecretId)
	if err != nil {
		return nil, err
	}
	return struct {
		metadata
		VersionIdsToStages map[string][]string `json:",omitempty"`
	}{sec.metadata(), sec.stages()}, nil
}

type listSecretsInput struct {
	IncludePlannedDeletion bool
	MaxResults             int
	NextToken              string
	Filters                []filter
}

// filter is a Filter of ListSecrets: https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_Filter.html
type filter struct {
	Key    string
	Values []string
}

// check returns an error for a filter that the service or the stand-in refuses.
func (f filter) check() *Error {
	if f.Key != "name" {
		return fail(CodeInvalidParameter, "the stand-in filters secrets by name alone")
	}
	if n := len(f.Values); n < 1 || n > 10 {
		return fail(CodeInvalidParameter, "A filter must have 1 to 10 values.")
	}
	return nil
}

// matches reports whether a name begins with one of the values. A value that begins
// with an exclamation mark stands for the names that do not begin with the rest.
func (f filter) matches(name string) bool {
	return slices.ContainsFunc(f.Values, func(value string) bool {
		prefix, negated := strings.CutPrefix(value, "!")
		return strings.HasPrefix(name, prefix) != negated
	})
}

// listSecrets lists the secrets that match every filter (API reference,
// ListSecrets).
func (s *Server) listSecrets(in listSecretsInput) (any, *Error) {
	type entry struct {
		metadata
		SecretVersionsToStages map[string][]string `json:",omitempty"`
	}
	if len(in.Filters) > 10 {
		return nil, fail(CodeInvalidParameter, "There can be at most 10 filters.")
	}
	for _, f := range in.Filters {
		if err := f.check(); err != nil {
			return nil, err
		}
	}
	all := []entry{}
	for _, sec := range s.secrets {
		if slices.ContainsFunc(in.Filters, func(f filter) bool { return !f.matches(sec.name) }) {
			continue
		}
		if _, err := s.find(sec.arn); err == nil && (sec.deleted.IsZero() || in.IncludePlannedDeletion) {
			all = append(all, entry{sec.metadata(), sec.stages()})
		}
	}
	page, next, err := s.pageOf(len(all), in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	return struct {
		SecretList []entry
		NextToken  string `json:",omitempty"`
	}{all[page.from:page.to], next}, nil
}

type listVersionsInput struct {
	SecretId, NextToken string
	IncludeDeprecated   bool
	MaxResults          int
}

// listSecretVersionIDs leaves versions without labels out unless they are asked
// for (API reference, ListSecretVersionIds, IncludeDeprecated).
func (s *Server) listSecretVersionIDs(in listVersionsInput) (any, *Error) {
	sec, err := s.find(in.SecretId)
	if err != nil {
		return nil, err
	}
	type entry struct {
		VersionId        string
		VersionStages    []string `json:",omitempty"`
		KmsKeyIds        []string
		CreatedDate      *epoch
		LastAccessedDate *epoch `json:",omitempty"`
	}
	key := sec.kmsKeyID
	if key == "" {
		key = "DefaultEncryptionKey"
	}
	all := []entry{}
	for _, v := range sec.versions {
		if len(v.labels) > 0 || in.IncludeDeprecated {
			all = append(all, entry{v.id, v.labels, []string{key}, when(v.created), when(v.accessed)})
		}
	}
	page, next, err := s.pageOf(len(all), in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	return struct {
		ARN, Name string
		Versions  []entry
		NextToken string `json:",omitempty"`
	}{sec.arn, sec.name, all[page.from:page.to], next}, nil
}

type page struct{ from, to int }

// pageOf cuts one page of a list; the token is the offset of the next one. A page may
// hold less than was asked for, and only the token says that there is more (API
// reference, ListSecrets, MaxResults).
func (s *Server) pageOf(all, size int, token string) (p page, next string, fault *Error) {
	if size == 0 {
		size = 100
	}
	if size < 1 || size > 100 {
		return page{}, "", fail(CodeInvalidParameter, "MaxResults must be between 1 and 100.")
	}
	if s.cfg.PageSize > 0 {
		size = min(size, s.cfg.PageSize)
	}
	if token != "" {
		from, err := strconv.Atoi(token)
		if err != nil || from < 0 || from > all {
			return page{}, "", fail(CodeInvalidNextToken, "The NextToken value is invalid.")
		}
		p.from = from
	}
	p.to = min(p.from+size, all)
	if p.to < all {
		next = strconv.Itoa(p.to)
	}
	return p, next, nil
}
