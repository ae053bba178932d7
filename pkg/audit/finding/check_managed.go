package finding

import "fmt"

// The checks on the secrets that hold API tokens.
const (
	APITokenRotationOff   Check = "api-token-rotation-off"
	APITokenRotationStuck Check = "api-token-rotation-stuck"
	APITokenUnlisted      Check = "api-token-unlisted"
	APITokenManagedTwice  Check = "api-token-managed-twice"
)

// managedChecks judge each secret that holds an API token. What could not be read of one
// makes no finding and resolves none; a note of the run says so.
var managedChecks = []definition{
	{
		check: APITokenRotationOff, severity: High, compliance: Fail, subject: aboutSecret, gone: secretDescribed,
		find: func(o *observation, add func(string) *Finding) {
			o.eachSecret(add, func(s *ManagedSecret) bool { return s.Posture.Read && !s.Posture.Rotation })
		},
		prose: func(f *Finding) Prose {
			return Prose{
				"Rotation of an API token is switched off",
				fmt.Sprintf("Secret %s holds %s and has no rotation switched on, "+
					"so the token stays the same until somebody changes it.", quoted(f.holder().Secret), heldToken(f)),
				switchOn(f.holder()), rotationDocs,
			}
		},
	},
	{
		check: APITokenRotationStuck, severity: High, compliance: Fail, subject: aboutSecret, gone: secretDescribed,
		find: func(o *observation, add func(string) *Finding) {
			for i := range o.coverage.Managed.Secrets {
				s := &o.coverage.Managed.Secrets[i]
				since := s.Posture.PendingSince
				if since.IsZero() || o.now.Sub(since) <= stuckAfter {
					continue
				}
				f := add(s.Secret)
				o.about(f, s)
				f.Since, f.FirstSeen = since.UTC(), since.Add(stuckAfter).UTC()
				f.reached = f.FirstSeen
			}
		},
		prose: func(f *Finding) Prose {
			return Prose{
				"Rotation of an API token is stuck",
				fmt.Sprintf("Secret %s holds %s. Its staging label AWSPENDING is on another version than AWSCURRENT since %s: "+
					"a rotation was begun and not finished.", quoted(f.holder().Secret), heldToken(f), Day(f.Since)),
				"The stack's output DiagnoseApiTokenCommand, with what follows the prefix of this name in place of NAME, " +
					"says what keeps it, and what to do.", troubleshooting,
			}
		},
	},
	{
		check: APITokenUnlisted, severity: High, compliance: Fail, subject: aboutSecret,
		find: func(o *observation, add func(string) *Finding) {
			if !o.coverage.whole() { // that no list has the key is known only then
				return
			}
			o.eachSecret(add, func(s *ManagedSecret) bool {
				return s.Read && s.Fingerprint != "" && !s.Moving && !o.Listed(s)
			})
		},
		gone: func(r *Record, s *sight) bool {
			name := r.ManagedBy.Secret
			if s.Managed.gone(name) {
				return true
			}
			now := s.Managed.secret(name)
			return now != nil && now.Read && !now.Moving && s.whole() && !s.emptied
		},
		prose: func(f *Finding) Prose {
			return Prose{
				"API token of a secret is in no list of Databrain",
				fmt.Sprintf("Secret %s holds %s, and no data app lists that key: "+
					"consumers of the secret may hold a dead key, or the secret belongs to another instance.",
					quoted(f.holder().Secret), heldToken(f)),
				findListed(f.holder()), databrainDocs + "list-api-tokens",
			}
		},
	},
	{
		check: APITokenManagedTwice, severity: Medium, compliance: Fail, subject: aboutSecret,
		find: func(o *observation, add func(string) *Finding) {
			// The first secret by name keeps the token; there is one finding on each further secret.
			o.eachSecret(add, func(s *ManagedSecret) bool { return len(s.Also) > 0 && s.Also[0] < s.Secret })
		},
		gone: func(r *Record, s *sight) bool { return s.Managed.gone(r.ManagedBy.Secret) || s.Managed.Known() },
		prose: func(f *Finding) Prose {
			return Prose{
				"Two secrets manage one API token",
				fmt.Sprintf("Secret %s and %s hold the same key or name the same token, %s: each rotation of one secret "+
					"takes the key from under the consumers of the other once its grace period is over.",
					quoted(f.holder().Secret), f.holder().others(), heldToken(f)),
				keepOne, rotationDocs,
			}
		},
	},
}

// eachSecret adds a finding on each secret that is about.
func (o *observation) eachSecret(add func(string) *Finding, about func(*ManagedSecret) bool) {
	for i := range o.coverage.Managed.Secrets {
		if s := &o.coverage.Managed.Secrets[i]; about(s) {
			o.about(add(s.Secret), s)
		}
	}
}

// secretDescribed reports whether the secret was described without the fault, or is gone.
func secretDescribed(r *Record, s *sight) bool {
	now := s.Managed.secret(r.ManagedBy.Secret)
	return now != nil && now.Posture.Read || s.Managed.gone(r.ManagedBy.Secret)
}

// heldToken names the token that a finding on a secret is about, as far as it is known.
func heldToken(f *Finding) string {
	switch {
	case f.Token != nil:
		return tokenName(f)
	case f.DataApp != "":
		return fmt.Sprintf("an API token of data app %s", quoted(ShownName(f.DataApp)))
	}
	return "an API token"
}

// keepOne is what to do about secrets that share a token. It names none of them, for the
// operator chooses.
const keepOne = "Correct the members dataApp and name of a secret if they are wrong. " +
	"Otherwise let all consumers read one of the secrets, with the newest key that works. " +
	"Once nobody reads the other, switch its rotation off (cancel-rotate-secret) " +
	"and delete it with a recovery window (delete-secret)."

const alsoHeld = "Another secret has this token. " + keepOne

// switchOn says how to let Secrets Manager rotate a secret. Of secrets that share a token,
// only one may be rotated.
func switchOn(m *ManagedBy) string {
	if m.shared() {
		return alsoHeld + " Then switch rotation on for the one that stays: the stack's output ManageApiTokenCommand, " +
			"with what follows the prefix of its name in place of NAME."
	}
	return "Switch rotation on with the command in the stack's output ManageApiTokenCommand, with what follows " +
		"the prefix of the name " + m.Secret + " in place of NAME: its first rotation begins at once."
}

// rotate says how to rotate the token of a secret.
func rotate(m *ManagedBy) string {
	switch {
	case !m.Rotation:
		return switchOn(m)
	case m.shared():
		return alsoHeld + " Then, if this one stays: " + rotateCommand(m)
	}
	return rotateCommand(m)
}

// findListed says what to do about a secret whose key no data app lists.
func findListed(m *ManagedBy) string {
	const (
		foreign = "If the secret belongs to another instance, do not rotate it: accept this check by an exception. "
		correct = foreign + "Otherwise correct its members dataApp and name if they are wrong. " +
			"A rotation then takes the newest token of that name, or says what it found"
	)
	switch {
	case m.shared():
		return foreign + alsoHeld
	case !m.Rotation:
		return correct + ". " + switchOn(m)
	}
	return correct + ": " + rotateCommand(m)
}
