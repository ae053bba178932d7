package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"time"

	"databrain-rotation/pkg/standin"
	"databrain-rotation/pkg/standin/databraintest"
	"databrain-rotation/pkg/standin/eventbridgetest"
	"databrain-rotation/pkg/standin/labtest"
	"databrain-rotation/pkg/standin/runtimetest"
)

// event is what a rule of EventBridge sees.
type event struct {
	name     string
	envelope map[string]any
}

// sentEvents are those of the audit and of Secrets Manager, and near misses of both.
func (w *workshop) sentEvents(ctx context.Context) ([]event, error) {
	audits, err := w.auditEvents(ctx)
	if err != nil {
		return nil, err
	}
	return append(append(audits, nearMisses(audits)...), secretsEvents()...), nil
}

// firstPolicy and stricterPolicy make a token of 80 days due and then stale, and one of
// 200 days high and then critical.
const (
	exceptions     = `"exceptions":[{"id":"a","reason":"r","owner":"o","expiresAt":"2999-01-01","dataApp":"accepted"}]`
	firstPolicy    = `{` + exceptions + `}`
	stricterPolicy = `{"maxAgeDays":70,"severities":[{"afterDays":70,"severity":"medium"},` +
		`{"afterDays":180,"severity":"critical"}],` + exceptions + `}`
)

// auditEvents runs the built audit over an instance whose tokens become worse, go and
// come back. The name of an event is the run's, then the data app's or the check's.
func (w *workshop) auditEvents(ctx context.Context) ([]event, error) {
	lab, err := labtest.Start(labtest.Config{})
	if err != nil {
		return nil, err
	}
	defer lab.Close()
	unreadable := databraintest.Error(http.StatusForbidden, "FORBIDDEN", "no")
	rejected := standin.Fault{Times: -1, Do: databraintest.Error(http.StatusUnauthorized, "AUTHENTICATION_ERROR", "no")}
	var all []event
	for _, run := range []struct {
		name, policy string
		ages         map[string]int // of the data apps' tokens, in days
		env          map[string]string
		payload      string
		fault        standin.Fault
	}{
		{name: "first", policy: firstPolicy, payload: `{}`, ages: map[string]int{
			"critical": 400, "high": 200, "medium": 100, "due": 80, "fresh": 1, "accepted": 400, "goes": 400, "unread": 1,
		}, fault: standin.Fault{Times: -1, Do: unreadable, When: func(r *http.Request) bool {
			return strings.Contains(r.URL.RawQuery, "unread")
		}}},
		{name: "second", policy: stricterPolicy, payload: `{}`, ages: map[string]int{
			"critical": 400, "high": 200, "medium": 100, "due": 80, "fresh": 1, "accepted": 400, "unread": 1,
		}},
		{name: "third", policy: stricterPolicy, payload: `{}`, ages: map[string]int{"critical": 400, "goes": 400}},
		{name: "dry run", payload: `{"dryRun":true}`, ages: map[string]int{"critical": 400}},
		{name: "stateless", payload: `{}`, ages: map[string]int{"critical": 400, "medium": 100},
			env: map[string]string{"AUDIT_BUCKET": ""}},
		{name: "flood", payload: `{}`, ages: map[string]int{"older": 500, "critical": 400, "medium": 100},
			env: map[string]string{"AUDIT_BUCKET": "", "AUDIT_MESSAGES_PER_RUN": "1"}},
		{name: "mild flood", payload: `{}`, ages: map[string]int{"critical": 400, "medium": 100},
			env: map[string]string{"AUDIT_BUCKET": "", "AUDIT_MESSAGES_PER_RUN": "1"}},
		{name: "failed", payload: `{}`, ages: map[string]int{"critical": 400}, fault: rejected},
	} {
		setTokens(lab, run.ages)
		lab.Databrain.ClearFaults()
		if run.fault.Times != 0 {
			lab.Databrain.Inject(run.fault)
		}
		env := lab.Audit()
		env["AUDIT_POLICY"] = run.policy
		maps.Copy(env, run.env)
		lab.Events.ClearEntries()
		result, err := w.invoke(ctx, env, run.payload)
		if err != nil {
			return nil, err
		}
		if failed := result.Err != nil; failed != (run.name == "failed") {
			return nil, fmt.Errorf("the run %q: %w", run.name, result.Err)
		}
		entries := lab.Events.Entries()
		if sent := len(entries) > 0; sent == (run.name == "dry run") {
			return nil, fmt.Errorf("the run %q sent %d events", run.name, len(entries))
		}
		for _, entry := range entries {
			e, err := received(run.name, entry, lab.DatabrainURL)
			if err != nil {
				return nil, err
			}
			all = append(all, e)
		}
	}
	return all, nil
}

func setTokens(lab *labtest.Lab, ages map[string]int) {
	var apps []databraintest.DataApp
	for name, days := range ages {
		apps = append(apps, databraintest.DataApp{Name: name, Tokens: []databraintest.APIToken{
			{Key: "key-of-" + name, Name: "token", CreatedAt: time.Now().AddDate(0, 0, -days)},
		}})
	}
	lab.Databrain.SetDataApps(apps)
}

// invoke invokes the built audit once.
func (w *workshop) invoke(ctx context.Context, env map[string]string, payload string) (runtimetest.Result, error) {
	env["AUDIT_REQUESTS_PER_MINUTE"] = "60000"
	function, err := w.startFunction(ctx, "AuditFunction", env)
	if err != nil {
		return runtimetest.Result{}, err
	}
	defer function.Close()
	return function.Invoke(ctx, []byte(payload), runtimetest.Options{})
}

// received is an entry as a rule sees it, from the instance that the patterns name.
func received(run string, entry eventbridgetest.Entry, instance string) (event, error) {
	var detail struct {
		Finding struct{ Check string }
		DataApp struct{ Name string }
	}
	text := bytes.ReplaceAll([]byte(entry.Detail), []byte(instance), []byte(patternInstance))
	if err := json.Unmarshal(text, &detail); err != nil {
		return event{}, err
	}
	name := run + ": " + detail.DataApp.Name
	if detail.DataApp.Name == "" {
		name += detail.Finding.Check
	}
	switch strings.TrimPrefix(entry.DetailType, "Databrain ") {
	case "Token Finding Resolved":
		name += " (" + detail.Finding.Check + " resolved)"
	case "Audit Coverage Gap":
		name += " (gap)"
	case "Audit Completed":
		name += "completed"
	}
	return event{name, envelope(entry.Source, entry.DetailType, json.RawMessage(text))}, nil
}

// envelope is what EventBridge lays around a detail
// (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html).
func envelope(source, detailType string, detail any, resources ...string) map[string]any {
	return map[string]any{
		"version": "0", "id": "8a6f0bd6-2b0c-4d4b-9a36-7b1f3d2f7c10", "source": source, "detail-type": detailType,
		"account": "123456789012", "region": labtest.Region, "time": "2026-03-01T06:00:00Z",
		"resources": append([]string{}, resources...), "detail": detail,
	}
}

// nearMisses are like the first run's critical finding but for one thing.
func nearMisses(audits []event) []event {
	var near []event
	for _, e := range audits {
		if e.name != "first: critical" {
			continue
		}
		detail := e.envelope["detail"].(json.RawMessage)
		elsewhere := bytes.ReplaceAll(detail, []byte(patternInstance), []byte(patternInstance+"/other"))
		observed := e.envelope["detail-type"].(string)
		near = append(near,
			event{"critical elsewhere", envelope("databrain.token-audit", observed, json.RawMessage(elsewhere))},
			event{"critical of another source", envelope("databrain.token-audit-test", observed, detail)},
			event{"critical of another type", envelope("databrain.token-audit", observed+" Twice", detail)})
	}
	return near
}

// secretsEvents are what Secrets Manager sends of a rotation: a record of CloudTrail
// (https://docs.aws.amazon.com/secretsmanager/latest/userguide/cloudtrail_log_entries.html)
// and an event for each label that moves
// (https://docs.aws.amazon.com/secretsmanager/latest/userguide/event-detail-secret-label-updated-secretsmanager.html).
func secretsEvents() []event {
	var all []event
	for _, secret := range []struct{ name, arn string }{
		{labtest.TokenSecret, labtest.TokenSecretARN},
		{labtest.TokenSecret + "-2", strings.TrimSuffix(labtest.TokenSecretARN, "AbCdEf") + "2-AbCdEf"},
		{labtest.APITokenSecret, labtest.APITokenSecretARN},
		{labtest.AdminSecret, labtest.AdminSecretARN},
	} {
		for _, step := range []string{
			"RotationStarted", "RotationSucceeded", "RotationFailed", "RotationAbandoned", "TestRotationStarted",
			"TestRotationSucceeded", "TestRotationFailed",
		} {
			all = append(all, event{secret.name + " " + step, envelope("aws.secretsmanager",
				"AWS Service Event via CloudTrail", map[string]any{
					"eventSource": "secretsmanager.amazonaws.com", "eventName": step, "eventType": "AwsServiceEvent",
					"additionalEventData": map[string]string{"SecretId": secret.arn},
				})})
		}
		for _, label := range []string{"AWSCURRENT", "AWSPREVIOUS", "AWSPENDING"} {
			all = append(all, event{secret.name + " " + label, envelope("aws.secretsmanager", "Secret Label Updated",
				map[string]any{"name": secret.name, "labelUpdated": label, "versionId": labtest.Version}, secret.arn)})
		}
	}
	return all
}
