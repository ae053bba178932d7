package secretsmanagertest

import (
	"encoding/json"
	"regexp"
	"time"
)

// named is the answer of every action that names a secret and perhaps a version.
type named struct {
	ARN, Name string
	VersionId string `json:",omitempty"`
}

type createSecretInput struct {
	Name, ClientRequestToken string
	Description, KmsKeyId    string
	SecretString             *string
	SecretBinary             []byte
	Tags                     json.RawMessage
}

// secretName is what a name may be made of (API reference, CreateSecret, Name).
var secretName = regexp.MustCompile(`^[A-Za-z0-9/_+=.@!-]{1,512}$`)

// createSecret: a secret without a value has no version (API reference,
// CreateSecret).
func (s *Server) createSecret(in createSecretInput) (any, *Error) {
	if err := checkToken(in.ClientRequestToken, CodeInvalidRequest); err != nil {
		return nil, err
	}
	if !secretName.MatchString(in.Name) {
		return nil, fail(
			CodeValidation,
			"Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!",
		)
	}
	val, err := newValue(in.SecretString, in.SecretBinary)
	if err != nil {
		return nil, err
	}
	if old, err := s.find(in.Name); err == nil {
		return s.recreate(old, in.ClientRequestToken, val)
	}
	sec := s.newSecret(in.Name)
	sec.description, sec.kmsKeyID, sec.tags = in.Description, in.KmsKeyId, in.Tags
	out := named{ARN: sec.arn, Name: sec.name}
	if !val.empty() {
		s.addVersion(sec, in.ClientRequestToken, val).attach(Current)
		out.VersionId = in.ClientRequestToken
	}
	return out, nil
}

// recreate answers CreateSecret for a name that is taken: the same request again
// is ignored (API reference, CreateSecret, ClientRequestToken).
func (s *Server) recreate(old *secret, token string, val value) (any, *Error) {
	if !old.deleted.IsZero() {
		return nil, fail(
			CodeInvalidRequest,
			"You can't create this secret because a secret with this name is already scheduled for deletion.",
		)
	}
	if v := old.version(token); v != nil && !v.value.empty() && v.value.equal(val) {
		return named{old.arn, old.name, v.id}, nil
	}
	return nil, fail(CodeExists, "The operation failed because the secret %s already exists.", old.name)
}

func (s *Server) newSecret(name string) *secret {
	now := s.cfg.Now()
	sec := &secret{arn: s.newARN(name), name: name, created: now, changed: now}
	s.secrets = append(s.secrets, sec)
	return sec
}

type deleteSecretInput struct {
	SecretId                   string
	RecoveryWindowInDays       *int64
	ForceDeleteWithoutRecovery bool
}

func (s *Server) deleteSecret(in deleteSecretInput) (any, *Error) {
	days := int64(30)
	if in.RecoveryWindowInDays != nil {
		days = *in.RecoveryWindowInDays
		if in.ForceDeleteWithoutRecovery {
			return nil, fail(
				CodeInvalidParameter,
				"You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.",
			)
		}
		if days < 7 || days > 30 {
			return nil, fail(CodeInvalidParameter, "The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).")
		}
	}
	type output struct {
		ARN, Name    string
		DeletionDate *epoch
	}
	now := s.cfg.Now()
	sec, err := s.find(in.SecretId)
	if in.ForceDeleteWithoutRecovery {
		if err != nil { // not an error (API reference, ForceDeleteWithoutRecovery)
			return output{s.newARN(in.SecretId), in.SecretId, when(now)}, nil
		}
		sec.rotation.cancelJob()
		s.remove(sec)
		return output{sec.arn, sec.name, when(now)}, nil
	}
	if sec, err = s.findLive(in.SecretId); err != nil {
		return nil, err
	}
	sec.deleted = now.Add(time.Duration(days) * 24 * time.Hour)
	return output{sec.arn, sec.name, when(sec.deleted)}, nil
}

type secretIDInput struct{ SecretId string }

func (s *Server) restoreSecret(in secretIDInput) (any, *Error) {
	sec, err := s.find(in.SecretId)
	if err != nil {
		return nil, err
	}
	sec.deleted = time.Time{}
	return named{ARN: sec.arn, Name: sec.name}, nil
}
