package secretsmanagertest

import (
	"slices"
	"time"
)

// checkToken: 32 to 64 characters (API reference, ClientRequestToken). The code for
// a missing token differs between actions.
func checkToken(token, missing string) *Error {
	switch n := len(token); {
	case n == 0:
		return fail(missing, "You must provide a ClientRequestToken value. We recommend a UUID-type value.")
	case n < 32 || n > 64:
		return fail(CodeInvalidParameter, "ClientRequestToken must be 32-64 characters long.")
	}
	return nil
}

// newValue checks a value: at most one of the two forms, 1 to 65,536 bytes. Neither
// form gives the empty value.
func newValue(text *string, binary []byte) (value, *Error) {
	const tooLong = "1 validation error detected: Value at '%s' failed to satisfy constraint: Member must have " +
		"length less than or equal to 65536"
	switch {
	case text != nil && binary != nil:
		return value{}, fail(
			CodeInvalidParameter,
			"You can't specify both a binary secret value and a string secret value in the same secret.",
		)
	case text != nil && len(*text) > 65536:
		return value{}, fail(CodeValidation, tooLong, "secretString")
	case len(binary) > 65536:
		return value{}, fail(CodeValidation, tooLong, "secretBinary")
	case text != nil && *text == "", binary != nil && len(binary) == 0:
		return value{}, fail(
			CodeValidation,
			"1 validation error detected: the secret value must have length greater than or equal to 1",
		)
	}
	return value{text, binary}, nil
}

type getSecretValueInput struct{ SecretId, VersionId, VersionStage string }

// getSecretValue reads AWSCURRENT unless a version or a stage is named; with both,
// they must refer to the same version (API reference, GetSecretValue).
func (s *Server) getSecretValue(in getSecretValueInput) (any, *Error) {
	sec, err := s.findLive(in.SecretId)
	if err != nil {
		return nil, err
	}
	v, err := s.readable(sec, in.VersionId, in.VersionStage)
	if err != nil {
		return nil, err
	}
	day := s.cfg.Now().UTC().Truncate(24 * time.Hour) // the service keeps the date alone
	sec.accessed, v.accessed = day, day
	return struct {
		ARN, Name, VersionId string
		SecretString         *string `json:",omitempty"`
		SecretBinary         []byte  `json:",omitempty"`
		VersionStages        []string
		CreatedDate          *epoch
	}{sec.arn, sec.name, v.id, v.value.text, v.value.binary, slices.Clone(v.labels), when(v.created)}, nil
}

func (s *Server) readable(sec *secret, id, stage string) (*version, *Error) {
	if id == "" {
		if stage == "" {
			stage = Current
		}
		v := sec.holder(stage)
		if v == nil || v.value.empty() {
			return nil, errNoStage(stage)
		}
		return v, nil
	}
	v := sec.version(id)
	if v == nil || v.hidden.read(s.cfg.Now()) {
		return nil, errNoVersion(id)
	}
	if stage != "" && !v.has(stage) {
		return nil, fail(CodeInvalidRequest, "You provided a VersionStage that is not associated to the provided VersionId.")
	}
	switch {
	case v.value.empty() && stage != "":
		return nil, errNoStage(stage)
	case v.value.empty():
		return nil, errNoVersion(id)
	}
	return v, nil
}

type putSecretValueInput struct {
	SecretId, ClientRequestToken, RotationToken string
	SecretString                                *string
	SecretBinary                                []byte
	VersionStages                               *[]string
}

// putSecretValue follows the API reference, PutSecretValue. The repetition of a put
// is ignored whole, its stages included.
func (s *Server) putSecretValue(in putSecretValueInput) (any, *Error) {
	sec, err := s.findLive(in.SecretId)
	if err != nil {
		return nil, err
	}
	if err := checkToken(in.ClientRequestToken, CodeInvalidRequest); err != nil {
		return nil, err
	}
	val, err := newValue(in.SecretString, in.SecretBinary)
	if err != nil {
		return nil, err
	}
	if val.empty() {
		return nil, fail(CodeInvalidRequest, "You must provide either SecretString or SecretBinary.")
	}
	stages, err := checkStages(in.VersionStages)
	if err != nil {
		return nil, err
	}
	if err := s.checkRotationToken(sec, in.ClientRequestToken, in.RotationToken); err != nil {
		return nil, err
	}
	v := sec.version(in.ClientRequestToken)
	if v != nil && !v.value.empty() {
		if !v.value.equal(val) {
			return nil, errTokenInUse(in.ClientRequestToken, sec.arn)
		}
	} else {
		v = s.store(sec, in.ClientRequestToken, val, stages)
	}
	return struct {
		ARN, Name, VersionId string
		VersionStages        []string `json:",omitempty"`
	}{sec.arn, sec.name, v.id, slices.Clone(v.labels)}, nil
}

func checkStages(given *[]string) ([]string, *Error) {
	if given == nil {
		return []string{Current}, nil
	}
	if n := len(*given); n < 1 || n > 20 {
		return nil, fail(CodeInvalidParameter, "VersionStages must hold 1 to 20 staging labels.")
	}
	for _, stage := range *given {
		if n := len(stage); n < 1 || n > 256 {
			return nil, fail(CodeInvalidParameter, "A staging label must have 1 to 256 characters.")
		}
	}
	return *given, nil
}

// store makes the version, or fills one that a rotation announced, and labels it.
// The first version of a secret always gets AWSCURRENT. A version that takes
// AWSCURRENT at once was not made by a rotation, and abandons one under way.
func (s *Server) store(sec *secret, id string, val value, stages []string) *version {
	v := sec.version(id)
	if v == nil {
		if len(sec.versions) == 0 {
			stages = append(slices.Clone(stages), Current)
		}
		v = s.addVersion(sec, id, val)
	} else {
		v.value, v.hidden = val, s.lag.begin(s.cfg.Now())
	}
	for _, stage := range stages {
		sec.move(stage, v)
	}
	if slices.Contains(stages, Current) {
		sec.abandon(v)
	}
	sec.changed = s.cfg.Now()
	return v
}

type updateSecretInput struct {
	SecretId, ClientRequestToken string
	Description, KmsKeyId        *string
	SecretString                 *string
	SecretBinary                 []byte
}

// updateSecret refuses the id of any existing version (API reference,
// UpdateSecret).
func (s *Server) updateSecret(in updateSecretInput) (any, *Error) {
	sec, err := s.findLive(in.SecretId)
	if err != nil {
		return nil, err
	}
	if err := checkToken(in.ClientRequestToken, CodeInvalidRequest); err != nil {
		return nil, err
	}
	val, err := newValue(in.SecretString, in.SecretBinary)
	if err != nil {
		return nil, err
	}
	out := named{ARN: sec.arn, Name: sec.name}
	if !val.empty() {
		if sec.version(in.ClientRequestToken) != nil {
			return nil, errTokenInUse(in.ClientRequestToken, sec.arn)
		}
		out.VersionId = s.store(sec, in.ClientRequestToken, val, []string{Current}).id
	}
	if in.Description != nil {
		sec.description = *in.Description
	}
	if in.KmsKeyId != nil {
		sec.kmsKeyID = *in.KmsKeyId
	}
	sec.changed = s.cfg.Now()
	return out, nil
}
