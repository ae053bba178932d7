package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"databrain-rotation/pkg/audit/finding"
	"databrain-rotation/pkg/audit/report"
	"databrain-rotation/pkg/standin"
	"databrain-rotation/pkg/standin/labtest"
	"databrain-rotation/pkg/standin/runtimetest"
	"databrain-rotation/pkg/standin/secretsmanagertest"
	"databrain-rotation/scripts/console"
)

const (
	rotateAPIPath = "/api/v2/data-app/rotate-api"
	apiTokenName  = "Production API Key" // of labtest.APITokenSecret
	apiTokenGrace = time.Hour
)

// apiTokenAct is the way of a stale API token from the audit's finding to a fresh
// token that Secrets Manager goes on rotating.
type apiTokenAct struct{ *stage }

func (a apiTokenAct) play(ctx context.Context) error {
	a.title("8. A stale API token comes under rotation")
	env := a.lab.Audit()
	env["AUDIT_API_TOKEN_PREFIX"] = labtest.APITokenPrefix
	auditor, err := a.function(ctx, "audit", env)
	if err != nil {
		return err
	}
	defer auditor.Close()
	before, err := a.audit(ctx, auditor)
	if err != nil {
		return err
	}
	a.promise(before.stale && before.managedBy == "",
		"the audit finds that the token is too old, and that no secret holds it")

	env = a.lab.RotateAPIToken()
	env["API_TOKEN_GRACE_PERIOD"] = apiTokenGrace.String()
	function, err := a.function(ctx, "rotate-api-token", env)
	if err != nil {
		return err
	}
	defer function.Close()
	a.lab.Secrets.SetRotationFunction(labtest.APITokenRotationARN, func(ctx context.Context, event []byte) error {
		return a.stepOf(ctx, function, event, labtest.APITokenPayload)
	})
	rules := secretsmanagertest.RotationRules{AutomaticallyAfterDays: 30}
	if err := a.lab.Secrets.ConfigureRotation(labtest.APITokenSecret, labtest.APITokenRotationARN, rules); err != nil {
		return err
	}
	old, err := a.importToken(ctx)
	if err != nil {
		return err
	}
	a.printf("\n")
	between, err := a.audit(ctx, auditor)
	if err != nil {
		return err
	}
	a.promise(between.stale && between.managedBy == labtest.APITokenSecret,
		"the audit finds that the token is too old, and that %s holds it", between.managedBy)
	if err := a.rotate(ctx, old); err != nil {
		return err
	}
	after, err := a.audit(ctx, auditor)
	if err != nil {
		return err
	}
	a.promise(!after.stale && after.managed == 1,
		"the audit finds nothing about the token any more, and counts it as managed")
	return nil
}

// verdict is what an audit says about the token.
type verdict struct {
	stale     bool
	managedBy string // the secret that the finding names
	managed   int    // tokens that a secret holds
}

// importToken rotates the secret with an empty key for the first time.
func (a apiTokenAct) importToken(ctx context.Context) (key string, err error) {
	a.printf("\n")
	a.note("A secret names the token and leaves its key empty; the first rotation fills it in.")
	if _, err := a.steps(ctx); err != nil {
		a.promise(false, "the first rotation succeeds: %v", err)
		return "", nil
	}
	key = a.key()
	a.promise(a.lab.Databrain.APITokenWorks(key) && a.lab.Databrain.MintedAPITokens() == 0,
		"the secret holds the token that the data app has, and nothing was made in Databrain")
	return key, nil
}

// rotate rotates once more and loses the answer that has the new key.
func (a apiTokenAct) rotate(ctx context.Context, old string) error {
	a.printf("\n")
	a.note("The next rotation. Databrain makes a new token, and its answer is lost.")
	a.lab.Databrain.Inject(standin.Fault{
		Operation: http.MethodPost, When: func(r *http.Request) bool { return r.URL.Path == rotateAPIPath },
		AfterEffect: true, Do: standin.Cut(),
	})
	if _, err := a.steps(ctx); err != nil {
		a.promise(false, "the rotation succeeds: %v", err)
		return nil
	}
	key := a.key()
	a.promise(key != old && a.lab.Databrain.APITokenWorks(key),
		"AWSCURRENT holds another token than before, and Databrain accepts it")
	a.promise(a.lab.Databrain.MintedAPITokens() == 1, "one token was made, and it was found again in the data app's list")
	value, _ := a.lab.Secrets.Value(labtest.APITokenSecret, a.current())
	want := strings.Replace(labtest.APITokenValue, `"key": ""`, fmt.Sprintf(`"key": %q`, key), 1)
	a.promise(value == want, "the other members of the secret are as they were, byte for byte")
	a.promise(a.lab.Databrain.APITokenWorks(old), "the old token still works, for the grace period")
	a.later(apiTokenGrace + time.Second)
	a.promise(!a.lab.Databrain.APITokenWorks(old), "an hour later the old token is dead")
	return nil
}

// steps drives one rotation and shows its steps and labels.
func (a apiTokenAct) steps(ctx context.Context) (secretsmanagertest.Result, error) {
	a.stepsBelow()
	result, err := a.lab.Secrets.Rotate(ctx, labtest.APITokenSecret,
		secretsmanagertest.RotateOptions{ClientRequestToken: uuid.NewString()})
	a.printf("\n")
	a.showLabels("after", labtest.APITokenSecret, keyOf, a.lab.Databrain.APITokenWorks)
	a.printf("\n")
	return result, err
}

// audit shows what an audit finds about the token, and what it advises.
func (a apiTokenAct) audit(ctx context.Context, auditor *runtimetest.Function) (v verdict, err error) {
	result, err := auditAct(a).invoke(ctx, auditor)
	if err != nil {
		return v, err
	}
	if result.Err != nil {
		return v, result.Err
	}
	var summary report.Summary
	if err := json.Unmarshal(result.Payload, &summary); err != nil {
		return v, err
	}
	if summary.Managed != nil {
		v.managed = summary.Managed.Tokens
	}
	var shown []report.Detail
	for _, item := range summary.Worst {
		if item.Token == nil || item.Token.Name != apiTokenName {
			continue
		}
		shown = append(shown, item)
		if item.Finding.Check == finding.TokenAge {
			v.stale = true
			if item.ManagedBy != nil {
				v.managedBy = item.ManagedBy.Secret
			}
		}
	}
	if len(shown) > 0 {
		a.table(console.Findings(shown))
		a.printf("\n")
		a.paragraph("What to do: " + a.advice())
	}
	return v, nil
}

// advice is what the last event about the token's age says is to be done.
func (a apiTokenAct) advice() (text string) {
	for _, entry := range a.lab.Events.Entries() {
		var detail report.Detail
		if json.Unmarshal([]byte(entry.Detail), &detail) != nil || detail.Token == nil || detail.Remediation == nil {
			continue
		}
		if detail.Token.Name == apiTokenName && detail.Finding.Check == finding.TokenAge {
			text = detail.Remediation.Text
		}
	}
	return text
}

func (a apiTokenAct) current() string {
	return a.lab.Secrets.Holder(labtest.APITokenSecret, secretsmanagertest.Current)
}

func (a apiTokenAct) key() string {
	value, _ := a.lab.Secrets.Value(labtest.APITokenSecret, a.current())
	return keyOf(value)
}

func keyOf(value string) string {
	var document struct{ Key string }
	if err := json.Unmarshal([]byte(value), &document); err != nil || document.Key == "" {
		return empty
	}
	return document.Key
}
