package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"databrain-rotation/pkg/audit/finding"
	audit "databrain-rotation/pkg/audit/report"
	"databrain-rotation/pkg/databrain"
	"databrain-rotation/pkg/standin"
	"databrain-rotation/pkg/standin/labtest"
)

// apiTokenGrace is the shape's grace period in hours, which the clock of its instance
// passes at once.
const apiTokenGrace = "1h"

// managedToken is the way of a stale API token from the audit's finding to a key that
// Secrets Manager keeps fresh, by the commands that the stack prints.
type managedToken struct {
	*stack
	secret string // its name, under the stack's prefix
	arn    string
	keys   []string // that were in AWSCURRENT, the last one last
}

// keepsAPITokenFresh goes that way from the beginning to the end.
func keepsAPITokenFresh(ctx context.Context, s *stack) error {
	t := &managedToken{stack: s, secret: labtest.APITokenSecret}
	if err := s.firstRotation(ctx); err != nil { // the lists are read with the service token
		return err
	}
	for _, scene := range []struct {
		name string
		play func(context.Context) error
	}{
		{"the audit finds a stale one that no secret holds", t.isUnmanaged},
		{"ManageApiTokenCommand imports the key", t.isImported},
		{"the audit names the secret that holds the stale one", t.isManaged},
		{"ManageApiTokenCommand rotates the key", t.isRotated},
		{"a lost answer is found in the list by the same attempt", t.isHealed},
		{"the audit finds nothing about it any more", t.isFresh},
		{"DiagnoseApiTokenCommand says that it is well", t.isWell},
		{"a rotation that failed is one message, and a label that moved is", t.isToldOf},
		{"old keys work until their grace period is over", t.graceEnds},
	} {
		if !s.check(ctx, "an API token: "+scene.name, func() error { return scene.play(ctx) }) {
			return fmt.Errorf("%s\n%s", scene.name, s.lastLines(ctx, "rotate-api-token"))
		}
	}
	return nil
}

// isUnmanaged makes the secret after the audit, with an empty key.
func (t *managedToken) isUnmanaged(ctx context.Context) error {
	got, err := t.audit(ctx, "AuditNowCommand")
	if err != nil {
		return err
	}
	if old := staleToken(got); old == nil || old.ManagedBy != nil || got.Managed.Tokens != 0 {
		return fmt.Errorf("the finding: %+v; managed: %+v", old, got.Managed)
	}
	t.arn, err = t.makeSecret(ctx, t.secret, labtest.APITokenValue)
	return err
}

// staleToken is the finding about the age of the token that the secret names.
func staleToken(summary audit.Summary) *audit.Detail {
	for _, d := range summary.Worst {
		if d.Finding.Check == finding.TokenAge && d.Token.Fingerprint == fingerprint(exampleKey()) {
			return &d
		}
	}
	return nil
}

func fingerprint(key string) string { return databrain.NewSecret(key).Fingerprint() }

// isImported runs the command as it is printed. LocalStack takes no schedule, so that
// rotation stays switched off, the function refuses and nothing changes; an interval in
// days, given once, switches it on.
func (t *managedToken) isImported(ctx context.Context) error {
	if err := t.manage(ctx); err != nil {
		return err
	}
	value, err := t.valueOf(ctx, t.secret, "AWSCURRENT")
	if err != nil {
		return err
	}
	log, err := t.log(ctx, "rotate-api-token")
	if err != nil {
		return err
	}
	if value != labtest.APITokenValue || !strings.Contains(log, "RotationNotEnabled") {
		return fmt.Errorf("LocalStack takes schedules now and needs no interval:\n%s", tail(log, 6))
	}
	if err := t.switchOn(ctx, t.secret, t.outputs["RotateApiTokenFunctionArn"]); err != nil {
		return err
	}
	if err := t.hasKey(ctx, 0); err != nil {
		return err
	}
	if t.keys[0] != exampleKey() {
		return errors.New("AWSCURRENT holds another key than the one that the data app had")
	}
	return nil
}

// manage runs ManageApiTokenCommand with the secret's name in place of NAME.
func (t *managedToken) manage(ctx context.Context) error {
	_, err := t.runFor(ctx, "ManageApiTokenCommand", strings.TrimPrefix(t.secret, labtest.APITokenPrefix))
	return err
}

// hasKey wants AWSCURRENT to hold another key than before, which the instance accepts,
// with all other members as they were, and so many keys to have been made in all.
func (t *managedToken) hasKey(ctx context.Context, made int) error {
	value, err := t.valueOf(ctx, t.secret, "AWSCURRENT")
	if err != nil {
		return err
	}
	var document struct{ Key string }
	if err := unmarshal(value, &document); err != nil {
		return err
	}
	key := document.Key
	switch {
	case key == "":
		return errors.New("AWSCURRENT holds no key yet")
	case slices.Contains(t.keys, key):
		return errors.New("AWSCURRENT holds an old key")
	case !t.databrain.APITokenWorks(key):
		return errors.New("the key in AWSCURRENT does not work")
	case value != strings.Replace(labtest.APITokenValue, `"key": ""`, fmt.Sprintf(`"key": %q`, key), 1):
		return errors.New("another member of the secret changed")
	case t.databrain.MintedAPITokens() != made:
		return fmt.Errorf("%d keys were made, want %d", t.databrain.MintedAPITokens(), made)
	}
	t.keys = append(t.keys, key)
	return nil
}

func (t *managedToken) isManaged(ctx context.Context) error {
	got, err := t.audit(ctx, "AuditNowCommand")
	if err != nil {
		return err
	}
	old := staleToken(got)
	if old == nil || old.ManagedBy == nil || old.ManagedBy.Secret != t.secret || !old.ManagedBy.Rotation {
		return fmt.Errorf("the finding: %+v", old)
	}
	return nil
}

func (t *managedToken) isRotated(ctx context.Context) error {
	if err := t.manage(ctx); err != nil {
		return err
	}
	return t.hasKey(ctx, 1)
}

// isHealed loses the answer that has the new key.
func (t *managedToken) isHealed(ctx context.Context) error {
	t.databrain.Inject(standin.Fault{
		Operation: http.MethodPost, Target: "/api/v2/data-app/rotate-api", AfterEffect: true, Do: standin.Cut(),
	})
	if err := t.aws(ctx, nil, "secretsmanager", "rotate-secret", "--secret-id", t.secret); err != nil {
		return err
	}
	log, err := t.log(ctx, "rotate-api-token")
	if err != nil {
		return err
	}
	if strings.Count(log, `"Healed":1`) != 1 {
		return errors.New("the function does not say that it adopted a key")
	}
	return t.hasKey(ctx, 2)
}

func (t *managedToken) isFresh(ctx context.Context) error {
	got, err := t.audit(ctx, "AuditNowCommand")
	if err != nil {
		return err
	}
	managed := audit.ManagedSummary{Secrets: 1, Complete: true, Tokens: 1, StaleWithout: staleExamples() - 1}
	if got.Status != "complete" || got.Counts.Findings != managed.StaleWithout || *got.Managed != managed {
		return fmt.Errorf("the audit: %+v, managed %+v", got, got.Managed)
	}
	return nil
}

func (t *managedToken) isWell(ctx context.Context) error {
	text, err := t.runFor(ctx, "DiagnoseApiTokenCommand", strings.TrimPrefix(t.secret, labtest.APITokenPrefix))
	if err != nil {
		return err
	}
	log, err := t.log(ctx, "rotate-api-token")
	if err != nil {
		return err
	}
	if !strings.Contains(text, "HEALTHY") {
		return fmt.Errorf("it says:\n%s", text)
	}
	for _, key := range t.keys {
		if strings.Contains(text+log, key) {
			return errors.New("the diagnosis or the log shows a key")
		}
	}
	return nil
}

func (t *managedToken) isToldOf(ctx context.Context) error {
	if err := t.openMail(ctx); err != nil {
		return err
	}
	return errors.Join(t.failedRotation(ctx, t.arn), t.movedLabel(ctx, t.arn))
}

// graceEnds looks at all keys shortly before their time is up, and after it.
func (t *managedToken) graceEnds(context.Context) error {
	for _, ahead := range []time.Duration{50 * time.Minute, 61 * time.Minute} {
		t.ahead.Store(int64(ahead))
		for i, key := range t.keys {
			want := ahead < time.Hour || i == len(t.keys)-1
			if t.databrain.APITokenWorks(key) != want {
				return fmt.Errorf("after %v key %d of %d works: %v", ahead, i+1, len(t.keys), !want)
			}
		}
	}
	return nil
}

// sparesServiceToken wants the function of API tokens to refuse the service token's
// secret, although the stack's prefix begins its name.
func sparesServiceToken(ctx context.Context, s *stack) error {
	if err := s.firstRotation(ctx); err != nil {
		return err
	}
	before, err := s.value(ctx, "AWSCURRENT")
	if err != nil {
		return err
	}
	if err := s.switchOn(ctx, s.outputs["TokenSecretArn"], s.outputs["RotateApiTokenFunctionArn"]); err != nil {
		return err // LocalStack does not tell of the refusal, the log does
	}
	after, err := s.value(ctx, "AWSCURRENT")
	if err != nil {
		return err
	}
	log, err := s.log(ctx, "rotate-api-token")
	if err != nil {
		return err
	}
	if before != after || !strings.Contains(log, "ServiceTokenSecretIsRotatedSecret") {
		return fmt.Errorf("AWSCURRENT changed: %v\n%s", before != after, tail(log, 6))
	}
	return s.firstRotation(ctx)
}
