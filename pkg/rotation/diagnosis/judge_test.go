package diagnosis_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"databrain-rotation/pkg/rotation"
	"databrain-rotation/pkg/rotation/diagnosis"
)

var (
	standings = []diagnosis.Standing{
		"", diagnosis.Accepted, diagnosis.Rejected, diagnosis.NoAnswer,
		diagnosis.Empty, diagnosis.Malformed, diagnosis.Unreadable,
	}
	admins = []diagnosis.Standing{
		diagnosis.Accepted, diagnosis.Refused, diagnosis.NoAnswer,
		diagnosis.Malformed, diagnosis.Unreadable, diagnosis.NotAsked,
	}
	takeovers = []rotation.Takeover{rotation.TakeoverNever, rotation.TakeoverEmpty, rotation.TakeoverInvalid}
)

// facts describes a secret whose versions have these standings, "" for no version.
func facts(current, pending, previous, unlabelled diagnosis.Standing) diagnosis.Facts {
	f := diagnosis.Facts{
		Admin: diagnosis.Admin{Standing: diagnosis.Accepted}, AdminID: "databrain/admin",
		Instance: diagnosis.InstanceFacts{URL: "https://databrain.test", Answers: true},
		Strategy: rotation.Replace, Contract: rotation.ContractServiceToken, Takeover: rotation.TakeoverEmpty,
		Now: time.Date(2026, 1, 15, 0, 0, 0, 0, time.UTC),
		Secret: diagnosis.SecretFacts{
			ARN:  "arn:aws:secretsmanager:us-east-1:123456789012:secret:s-AbCdEf",
			Name: "s", Region: "us-east-1", Function: "arn:f",
			Metadata: rotation.Metadata{RotationEnabled: true, Labels: map[string][]string{}},
		},
	}
	for label, s := range map[string]diagnosis.Standing{
		"AWSCURRENT": current, "AWSPENDING": pending, "AWSPREVIOUS": previous, "": unlabelled,
	} {
		if s == "" {
			continue
		}
		id := "version-of-" + label + "."
		f.Versions = append(f.Versions, diagnosis.Version{ID: id, Label: label, Standing: s, Why: "why", Fingerprint: label})
		if label != "" {
			f.Secret.Labels[id] = []string{label}
		}
	}
	slices.SortFunc(f.Versions, func(a, b diagnosis.Version) int {
		order := []string{"AWSCURRENT", "AWSPENDING", "AWSPREVIOUS", ""}
		return slices.Index(order, a.Label) - slices.Index(order, b.Label)
	})
	return f
}

// TestEveryState judges every combination of what may be known.
func TestEveryState(t *testing.T) {
	n := 0
	for _, current := range standings {
		for _, pending := range standings {
			for _, previous := range standings {
				for _, unlabelled := range []diagnosis.Standing{"", diagnosis.Accepted, diagnosis.Rejected, diagnosis.NoAnswer} {
					for _, admin := range admins {
						for _, takeover := range takeovers {
							for _, strategy := range []rotation.Strategy{rotation.Replace, rotation.Grace} {
								for _, on := range []bool{true, false} {
									f := facts(current, pending, previous, unlabelled)
									f.Admin.Standing, f.Takeover, f.Strategy, f.Secret.RotationEnabled = admin, takeover, strategy, on
									name := fmt.Sprint(current, pending, previous, unlabelled, admin, takeover, strategy, on)
									checkState(t, name, f)
									n++
								}
							}
						}
					}
				}
			}
		}
	}
	t.Logf("%d states", n)
}

func checkState(t *testing.T, name string, f diagnosis.Facts) {
	t.Helper()
	r, next := diagnosis.Judge(f), diagnosis.Predict(f)
	fault := func(format string, args ...any) { t.Errorf(name+": "+format+"\n"+r.Render(), args...) }
	if (r.Verdict == diagnosis.Healthy) != (len(r.Problems) == 0) {
		fault("verdict %s with %d problems", r.Verdict, len(r.Problems))
	}
	if r.Summary == "" {
		fault("summary %q", r.Summary)
	}
	known := func(code diagnosis.Code) bool {
		return slices.ContainsFunc(r.Problems, func(p diagnosis.Problem) bool { return p.Code == code })
	}
	moves := f.Key != nil && len(r.Problems) > 0 && len(r.Problems[0].Do) > 0 &&
		strings.Contains(r.Problems[0].Do[0], "--version-stage AWSCURRENT") // the next rotation finds another state
	if next.Fails != "" && !moves && !slices.ContainsFunc(diagnosis.OfError(next.Fails), known) {
		fault("the next rotation ends with %s, which no problem tells of", next.Fails)
	}
	current, pending := standing(f, "AWSCURRENT"), standing(f, "AWSPENDING")
	dead := slices.Contains([]diagnosis.Standing{"", diagnosis.Rejected, diagnosis.Empty, diagnosis.Malformed}, current)
	if dead != (r.Verdict == diagnosis.Broken) {
		fault("verdict %s with AWSCURRENT %s", r.Verdict, current)
	}
	for _, p := range r.Problems {
		if p.Text == "" || !slices.Contains(diagnosis.Codes(), p.Code) {
			fault("the problem %s says nothing, or nobody knows it", p.Code)
		}
		for _, command := range p.Do {
			drops := strings.Contains(command, "drop-pending") || strings.Contains(command, "--version-stage AWSPENDING")
			if drops &&
				slices.Contains([]diagnosis.Standing{diagnosis.Accepted, diagnosis.NoAnswer, diagnosis.Unreadable}, pending) {
				fault("it takes AWSPENDING, which is %s, away", pending)
			}
			if drops && pending == diagnosis.Malformed && (current != diagnosis.Accepted || f.Strategy == rotation.Grace) {
				fault("it takes away an AWSPENDING that nobody has looked at")
			}
			if strings.Contains(command, "--version-stage AWSCURRENT") && current == diagnosis.Accepted &&
				pending != diagnosis.Accepted {
				fault("it moves AWSCURRENT away from a token that works")
			}
			for _, v := range f.Versions {
				if strings.Contains(command, "--move-to-version-id "+v.ID) && v.Standing != diagnosis.Accepted {
					fault("it moves AWSCURRENT to a token that is %s", v.Standing)
				}
			}
		}
		for _, c := range p.Decide { // a person pastes all commands of a choice at once
			all := strings.Join(c.Do, "\n")
			if strings.Contains(all, "get-secret-value") && len(c.Do) > 1 {
				fault("what a person has to look at decides about the next command of the same choice")
			}
		}
	}
}

func standing(f diagnosis.Facts, label string) diagnosis.Standing {
	for _, v := range f.Versions {
		if v.Label == label {
			return v.Standing
		}
	}
	return ""
}

// TestPlaces: what lies around the tokens.
func TestPlaces(t *testing.T) {
	for name, tt := range map[string]struct {
		with    func(*diagnosis.Facts)
		verdict diagnosis.Verdict
		code    diagnosis.Code
		says    string
	}{
		"all is well": {func(*diagnosis.Facts) {}, diagnosis.Healthy, "", "would succeed"},
		"replica": {func(f *diagnosis.Facts) {
			f.Secret.Primary = "eu-west-1"
		}, diagnosis.Attention, diagnosis.SecretIsReplica, "eu-west-1"},
		"deleted": {func(f *diagnosis.Facts) {
			f.Secret.Deleted = true
		}, diagnosis.Broken, diagnosis.SecretDeleted, "restore-secret"},
		"admin's secret deleted": {func(f *diagnosis.Facts) {
			f.Admin.Standing, f.Admin.Why = diagnosis.Unreadable, "InvalidRequestException"
		}, diagnosis.Attention, diagnosis.AdminUnreadable, "scheduled for deletion"},
		"damaged AWSPREVIOUS": {func(f *diagnosis.Facts) {
			f.Versions = []diagnosis.Version{
				{ID: "v-current", Label: "AWSCURRENT", Standing: diagnosis.Rejected, Why: "status 401"},
				{ID: "v-previous", Label: "AWSPREVIOUS", Standing: diagnosis.Malformed, Why: "is no JSON object"},
			}
		}, diagnosis.Broken, diagnosis.CurrentRejected, "you have not seen the value of AWSPREVIOUS"},
		"admin's own": {func(f *diagnosis.Facts) {
			f.AdminSame = true
		}, diagnosis.Unknown, diagnosis.AdminIsRotated, "AdminSecretArn"},
		"another kind": {func(f *diagnosis.Facts) {
			f.Secret.Kind = "an API token's"
		}, diagnosis.Unknown, diagnosis.SecretOfOtherKind, "API token"},
		"never set up": {func(f *diagnosis.Facts) {
			f.Secret.RotationEnabled, f.Secret.Function = false, ""
		}, diagnosis.Attention, diagnosis.RotationOff, "Deploy the stack"},
		"overdue": {func(f *diagnosis.Facts) {
			f.Secret.Next = f.Now.Add(-48 * time.Hour)
		}, diagnosis.Attention, diagnosis.RotationOverdue, "has not begun"},
		"no right to save": {func(f *diagnosis.Facts) {
			f.Admin.Standing, f.AdminForGood = diagnosis.Refused, true
		}, diagnosis.Attention, diagnosis.AdminRefusedByKind, "No password cures"},
		"the same token twice": {func(f *diagnosis.Facts) {
			f.Versions = append(f.Versions, diagnosis.Version{
				ID: "p", Label: "AWSPENDING", Standing: diagnosis.Accepted, Fingerprint: "AWSCURRENT",
			})
			f.Secret.Labels["p"] = []string{"AWSPENDING"}
		}, diagnosis.Attention, diagnosis.PendingSame, "--remove-from-version-id p"},
	} {
		f := facts(diagnosis.Accepted, "", "", "")
		tt.with(&f)
		r := diagnosis.Judge(f)
		if r.Verdict != tt.verdict || tt.code != "" && r.Problems[0].Code != tt.code ||
			!strings.Contains(r.Render(), tt.says) {
			t.Errorf("%s:\n%s", name, r.Render())
		}
	}
}
