package finding_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"databrain-rotation/pkg/audit/finding"
)

// remedy is what is to be done about a finding of check on a token that m holds.
func remedy(check finding.Check, m *finding.ManagedBy) string {
	f := finding.Finding{
		Check: check, Since: evalAt, DataApp: "App", Rule: "r", ManagedBy: m,
		Token: &finding.Token{Fingerprint: "f", Name: "t", CreatedAt: evalAt, StaleSince: evalAt},
	}
	return f.Prose().Remedy
}

// inOrder reports what of parts text lacks, or has before the part that precedes it.
func inOrder(text string, parts ...string) (missing string) {
	for _, part := range parts {
		_, after, found := strings.Cut(text, part)
		if !found {
			return part
		}
		text = after
	}
	return ""
}

// TestServiceTokenRemedies: a rotation of a secret without the token in use ends that token.
// The output DiagnoseCommand is in no stack of the audit alone.
func TestServiceTokenRemedies(t *testing.T) {
	const which = "scripts/secret.sh which"
	for check, parts := range map[finding.Check][]string{
		finding.ServiceTokenAge: {
			"whether AWSCURRENT works", "DiagnoseCommand", which, "Only if it works, rotate the secret",
			"Without a rotation function, do not rotate", "exception",
		},
		finding.ServiceTokenRotationOff: {
			"whether AWSCURRENT works", "only then", "DiagnoseCommand", "audit alone", which, "AdminSecretArn", "exception",
		},
		finding.ServiceTokenRotationStuck: {"DiagnoseCommand", "no such output", which},
	} {
		text := remedy(check, nil)
		if missing := inOrder(text, parts...); missing != "" {
			t.Errorf("%s: %q is missing or out of order in %q", check, missing, text)
		}
	}
	f := finding.Finding{Check: finding.ServiceTokenAge, Since: evalAt, Rule: "r"}
	if text := f.Prose().Description; !strings.Contains(text, "last rotated or created ") {
		t.Errorf("of a secret that was never rotated: %q", text)
	}
}

// TestRemediesOfSharedTokens: the findings on secrets that share a token do not contradict
// each other, whichever secret the operator keeps. No command names one to take away.
func TestRemediesOfSharedTokens(t *testing.T) {
	keepOne := []string{
		"let all consumers read one of the secrets", "Once nobody reads the other", "cancel-rotate-secret",
		"delete it with a recovery window (delete-secret)",
	}
	for _, rotation := range []bool{true, false} {
		m := &finding.ManagedBy{Secret: "api/b", Rotation: rotation, Also: []string{"api/a"}}
		for _, check := range []finding.Check{
			finding.APITokenManagedTwice, finding.APITokenRotationOff, finding.APITokenUnlisted, finding.TokenAge,
			finding.TokenAgeApproaching,
		} {
			parts, aged := slices.Clone(keepOne), strings.HasPrefix(string(check), "token-age")
			switch {
			case check == finding.APITokenRotationOff, aged && !rotation:
				parts = append(parts, "rotation on for the one that stays", "ManageApiTokenCommand")
			case aged:
				parts = append(parts, "if this one stays: aws secretsmanager rotate-secret --secret-id api/b")
			}
			text := remedy(check, m)
			if missing := inOrder(text, parts...); missing != "" {
				t.Errorf("%s, rotation %t: %q is missing or out of order in %q", check, rotation, missing, text)
			}
			if regexp.MustCompile(`(cancel-rotate|delete)-secret --secret-id`).MatchString(text) {
				t.Errorf("%s names the secret to take away: %q", check, text)
			}
		}
	}
}

// TestRemediesOfAnUnlistedKey: Secrets Manager refuses to rotate a secret without a rotation function.
func TestRemediesOfAnUnlistedKey(t *testing.T) {
	const command = "aws secretsmanager rotate-secret --secret-id api/a"
	on := remedy(finding.APITokenUnlisted, &finding.ManagedBy{Secret: "api/a", Rotation: true})
	off := remedy(finding.APITokenUnlisted, &finding.ManagedBy{Secret: "api/a"})
	for _, text := range []string{on, off} {
		if missing := inOrder(text, "another instance, do not rotate it", "correct its members"); missing != "" {
			t.Errorf("%q is missing in %q", missing, text)
		}
	}
	if !strings.HasSuffix(on, ": "+command) {
		t.Errorf("rotation is on: %q", on)
	}
	if strings.Contains(off, "rotate-secret") || !strings.Contains(off, "ManageApiTokenCommand") {
		t.Errorf("rotation is off: %q", off)
	}
}

// TestRemedyOfATokenWithoutASecret holds in every stack, and without one.
func TestRemedyOfATokenWithoutASecret(t *testing.T) {
	for _, check := range []finding.Check{finding.TokenAge, finding.TokenAgeApproaching} {
		text := remedy(check, nil)
		if missing := inOrder(text, "functions/rotate-api-token/README.md says how",
			"A stack with the parameter ApiTokenSecretPrefix", "ManageApiTokenCommand", "by hand"); missing != "" {
			t.Errorf("%s: %q is missing in %q", check, missing, text)
		}
	}
}

// TestRemediesFit: Security Hub allows 512 units of UTF-16, and a usual name leaves a remedy whole.
func TestRemediesFit(t *testing.T) {
	name := strings.Repeat("s", 60)
	for _, check := range finding.Checks() {
		for _, m := range []*finding.ManagedBy{
			nil, {Secret: name}, {Secret: name, Rotation: true},
			{Secret: name, Also: []string{name}}, {Secret: name, Rotation: true, Also: []string{name}},
		} {
			f := finding.Finding{
				Check: check, Since: evalAt, ManagedBy: m, Token: &finding.Token{CreatedAt: evalAt, StaleSince: evalAt},
				Gap: &finding.Gap{Class: finding.GapServer}, Exception: &finding.Exception{ID: "e", ExpiresAt: "2030-01-01"},
			}
			if text := f.Prose().Remedy; len(utf16.Encode([]rune(text))) > 512 {
				t.Errorf("%s: %d units: %q", check, len(utf16.Encode([]rune(text))), text)
			}
		}
	}
}
