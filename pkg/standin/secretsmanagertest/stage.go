package secretsmanagertest

type updateStageInput struct {
	SecretId, VersionStage, MoveToVersionId, RemoveFromVersionId string
}

// updateSecretVersionStage moves or removes one label. When the label is on another
// version, RemoveFromVersionId must name that version (API reference,
// UpdateSecretVersionStage). It makes no version, so it abandons no rotation:
// AWSPENDING stays where it is.
func (s *Server) updateSecretVersionStage(in updateStageInput) (any, *Error) {
	sec, err := s.findLive(in.SecretId)
	if err != nil {
		return nil, err
	}
	if n := len(in.VersionStage); n < 1 || n > 256 {
		return nil, fail(CodeInvalidParameter, "A staging label must have 1 to 256 characters.")
	}
	if in.MoveToVersionId == "" && in.RemoveFromVersionId == "" {
		return nil, fail(CodeInvalidParameter, "You must provide MoveToVersionId, RemoveFromVersionId, or both.")
	}
	holder := sec.holder(in.VersionStage)
	if err := checkHolder(sec, in, holder); err != nil {
		return nil, err
	}
	if in.MoveToVersionId != "" {
		sec.move(in.VersionStage, sec.version(in.MoveToVersionId))
	} else {
		holder.detach(in.VersionStage)
	}
	sec.changed = s.cfg.Now()
	return named{ARN: sec.arn, Name: sec.name}, nil
}

func checkHolder(sec *secret, in updateStageInput, holder *version) *Error {
	for _, id := range []string{in.MoveToVersionId, in.RemoveFromVersionId} {
		if id != "" && sec.version(id) == nil {
			return fail(CodeInvalidParameter, "Not a valid version: %s", id)
		}
	}
	if in.RemoveFromVersionId != "" && (holder == nil || holder.id != in.RemoveFromVersionId) {
		return fail(
			CodeInvalidParameter,
			"Staging label %s is not attached to version %s.",
			in.VersionStage,
			in.RemoveFromVersionId,
		)
	}
	if in.MoveToVersionId == "" {
		if in.VersionStage == Current {
			return fail(
				CodeInvalidParameter,
				"You can only move staging label AWSCURRENT to a different secret version. It can't be completely removed.",
			)
		}
		return nil
	}
	if holder != nil && holder.id != in.MoveToVersionId && in.RemoveFromVersionId == "" {
		return fail(
			CodeInvalidParameter,
			"The parameter RemoveFromVersionId can't be empty. Staging label %s is currently attached to version %s, so "+
				"you must explicitly reference that version in RemoveFromVersionId.",
			in.VersionStage,
			holder.id,
		)
	}
	return nil
}
