package secretsmanagertest

import (
	"encoding/json"
	"strconv"
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
	Filters                json.RawMessage
}

func (s *Server) listSecrets(in listSecretsInput) (any, *Error) {
	type entry struct {
		metadata
		SecretVersionsToStages map[string][]string `json:",omitempty"`
	}
	if in.Filters != nil {
		return nil, fail(CodeInvalidParameter, "the stand-in does not filter secrets")
	}
	all := []entry{}
	for _, sec := range s.secrets {
		if _, err := s.find(sec.arn); err == nil && (sec.deleted.IsZero() || in.IncludePlannedDeletion) {
			all = append(all, entry{sec.metadata(), sec.stages()})
		}
	}
	page, next, err := pageOf(all, in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	return struct {
		SecretList []entry
		NextToken  string `json:",omitempty"`
	}{page, next}, nil
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
	page, next, err := pageOf(all, in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	return struct {
		ARN, Name string
		Versions  []entry
		NextToken string `json:",omitempty"`
	}{sec.arn, sec.name, page, next}, nil
}

// pageOf cuts one page; the token is the offset of the next one.
func pageOf[E any](all []E, size int, token string) (page []E, next string, fault *Error) {
	if size == 0 {
		size = 100
	}
	if size < 1 || size > 100 {
		return nil, "", fail(CodeInvalidParameter, "MaxResults must be between 1 and 100.")
	}
	from := 0
	if token != "" {
		var err error
		if from, err = strconv.Atoi(token); err != nil || from < 0 || from > len(all) {
			return nil, "", fail(CodeInvalidNextToken, "The NextToken value is invalid.")
		}
	}
	to := min(from+size, len(all))
	if to < len(all) {
		next = strconv.Itoa(to)
	}
	return all[from:to], next, nil
}
