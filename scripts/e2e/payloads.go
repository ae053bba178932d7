package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"databrain-rotation/pkg/standin/labtest"
	"databrain-rotation/pkg/standin/secretsmanagertest"
)

// everyPayload fails for a payload that it knows no use for, so that none is left out.
func (i *invocation) everyPayload(ctx context.Context) {
	files, err := filepath.Glob(filepath.Join(i.root, "events", "*.json"))
	if err != nil || len(files) == 0 {
		i.check(ctx, "events/ has payloads", func() error { return fmt.Errorf("found %d (%v)", len(files), err) })
		return
	}
	var rotations, apiTokens, diagnoses, audits []string
	for _, file := range files {
		switch name := filepath.Base(file); {
		case name == "local-env.json": // not a payload: --env-vars
		case strings.HasSuffix(name, "-diagnose.json"):
			diagnoses = append(diagnoses, file)
		case strings.HasPrefix(name, "rotate-api-token-"):
			apiTokens = append(apiTokens, file)
		case strings.HasPrefix(name, "rotate-"):
			rotations = append(rotations, file)
		case strings.HasPrefix(name, "audit-"):
			audits = append(audits, file)
		default:
			i.check(ctx, "events/"+name, func() error { return fmt.Errorf("is for no function") })
		}
	}
	i.rotate(ctx, rotations)
	i.rotateAPIToken(ctx, apiTokens)
	for _, file := range diagnoses {
		function := "RotateFunction"
		if strings.HasPrefix(filepath.Base(file), "rotate-api-token-") {
			function = "RotateApiTokenFunction"
		}
		i.check(ctx, "sam local invoke "+function+", events/"+filepath.Base(file), func() error {
			return i.diagnose(ctx, function, file)
		})
	}
	for _, file := range audits {
		i.check(ctx, "sam local invoke AuditFunction, events/"+filepath.Base(file), func() error {
			return i.audit(ctx, file)
		})
	}
}

// rotate drives one rotation as Secrets Manager does, each step being an invocation
// with its payload, and checks after each what changed.
func (i *invocation) rotate(ctx context.Context, files []string) {
	used := map[string]bool{}
	before := i.lab.Databrain.CurrentToken()
	step := i.steps(ctx, "RotateFunction", "rotate-", used, func(step string) error { return i.changed(step, before) })
	i.lab.Secrets.SetRotationFunction(labtest.RotationARN, step)
	i.check(ctx, "the four steps are a rotation", func() error {
		_, err := i.lab.Secrets.Rotate(ctx, labtest.TokenSecret,
			secretsmanagertest.RotateOptions{ClientRequestToken: labtest.Version, Attempts: 1})
		return errors.Join(err, everyUse(files, used))
	})
}

// steps is what Secrets Manager calls: each step is an invocation of the function with
// the payload in events/ whose name begins with prefix, which is marked as used. What
// the step left is then checked, if there is a check.
func (i *invocation) steps(
	ctx context.Context, function, prefix string, used map[string]bool, changed func(step string) error,
) secretsmanagertest.Rotator {
	return func(_ context.Context, event []byte) error {
		var sent struct{ Step string }
		if err := json.Unmarshal(event, &sent); err != nil {
			return err
		}
		file := filepath.Join(i.root, "events", prefix+strings.TrimSuffix(sent.Step, "Secret")+".json")
		used[file] = true
		var failed error
		i.check(ctx, "sam local invoke "+function+", events/"+filepath.Base(file), func() error {
			if failed = sameEvent(event, file); failed == nil {
				_, failed = i.invoke(ctx, function, file)
			}
			if failed == nil && changed != nil {
				failed = changed(sent.Step)
			}
			return failed
		})
		return failed
	}
}

// everyUse wants each payload to have been used.
func everyUse(files []string, used map[string]bool) error {
	for _, file := range files {
		if !used[file] {
			return fmt.Errorf("%s is for no step", file)
		}
	}
	return nil
}

// diagnose wants to hear that all is well, and that nothing changed.
func (i *invocation) diagnose(ctx context.Context, function, file string) error {
	secrets := func() []any {
		return []any{i.lab.Secrets.Snapshot(labtest.TokenSecret), i.lab.Secrets.Snapshot(labtest.APITokenSecret)}
	}
	before := secrets()
	answer, err := i.invoke(ctx, function, file)
	if err != nil {
		return err
	}
	var report struct{ Schema, Verdict, Text string }
	if err := json.Unmarshal(answer, &report); err != nil {
		return err
	}
	if report.Schema != "databrain.token-rotation.diagnosis/1" || report.Verdict != "healthy" {
		return fmt.Errorf("%s: %s\n%s", report.Schema, report.Verdict, report.Text)
	}
	if !reflect.DeepEqual(before, secrets()) {
		return errors.New("the diagnosis changed a secret")
	}
	return nil
}

// sameEvent wants the payload in events/ to be what Secrets Manager sends, but for
// RotationToken, which differs from rotation to rotation.
func sameEvent(event []byte, file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var sent, stored map[string]string
	if err := json.Unmarshal(event, &sent); err != nil {
		return err
	}
	if err := json.Unmarshal(text, &stored); err != nil {
		return err
	}
	for _, member := range []string{"Step", "SecretId", "ClientRequestToken"} {
		if sent[member] != stored[member] {
			return fmt.Errorf("%s: %s is %q, Secrets Manager sends %q", file, member, stored[member], sent[member])
		}
	}
	return nil
}

// changed wants the state of the secret and the instance that a step leaves.
func (i *invocation) changed(step, before string) error {
	value, ok := i.lab.Secrets.Value(labtest.TokenSecret, labtest.Version)
	var secret struct{ Token, BaseURL string }
	if err := json.Unmarshal([]byte(value), &secret); err != nil || !ok {
		return fmt.Errorf("after %s the pending version holds no document: %v", step, err)
	}
	inForce := i.lab.Databrain.CurrentToken()
	current := i.lab.Secrets.Holder(labtest.TokenSecret, "AWSCURRENT") == labtest.Version
	switch {
	case secret.Token == "" || secret.Token == before:
		return fmt.Errorf("after %s the pending token is not new", step)
	case secret.BaseURL == "":
		return fmt.Errorf("after %s the secret's other members are gone", step)
	case step == secretsmanagertest.StepCreate && inForce != before:
		return fmt.Errorf("%s changed the token in force", step)
	case step != secretsmanagertest.StepCreate && inForce != secret.Token:
		return fmt.Errorf("after %s the pending token is not in force", step)
	case current != (step == secretsmanagertest.StepFinish):
		return fmt.Errorf("after %s AWSCURRENT is on the new version: %v", step, current)
	}
	return nil
}

// audit wants the example instance's three tokens, stale since 2024, in the answer,
// in the events and in the reports.
func (i *invocation) audit(ctx context.Context, file string) error {
	i.lab.Events.ClearEntries()
	answer, err := i.invoke(ctx, "AuditFunction", file)
	if err != nil {
		return err
	}
	var observed, completed int
	for _, e := range i.lab.Events.Entries() {
		switch e.DetailType {
		case "Databrain Token Finding Observed":
			observed++
		case "Databrain Audit Completed":
			completed++
		}
	}
	var report []byte
	for _, o := range i.lab.Objects.Objects() {
		if strings.HasSuffix(o.Key, "latest/findings.json") {
			report = o.Body
		}
	}
	return sameFindings(answer, observed, completed, report)
}
