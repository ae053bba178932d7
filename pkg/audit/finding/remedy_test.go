package finding_test

import (
	"strings"
	"testing"

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
