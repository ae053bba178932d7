package audit_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"databrain-rotation/pkg/audit/finding"
	"databrain-rotation/pkg/audit/report"
	"databrain-rotation/pkg/standin"
	"databrain-rotation/pkg/standin/databraintest"
	"databrain-rotation/pkg/standin/secretsmanagertest"
)

func TestFormsOfTheSecret(t *testing.T) {
	large(t)
	const token = databraintest.ExampleServiceToken
	for name, c := range map[string]struct {
		value string
		says  string // "" if the run succeeds
	}{
		"an object":           {`{"token":"` + token + `"}`, ""},
		"with other members":  {`{ "Token" : 7, "url":"x", "token" : "` + token + `", "nested":{"token":"y"} }`, ""},
		"a bare UUID":         {token, ""},
		"empty":               {`{"token":""}`, "holds no token yet"},
		"no token":            {`{"other":"x"}`, `no member "token" but others (other)`},
		"twice":               {`{"token":"` + token + `","token":"` + token + `"}`, "twice"},
		"null":                {`{"token":null}`, "not a string"},
		"white space":         {`{"token":" ` + token + `"}`, "white space"},
		"truncated":           {`{"token":"` + token, "not a sound JSON object"},
		"something after it":  {`{"token":"` + token + `"} {}`, "not a sound JSON object"},
		"a list":              {`["` + token + `"]`, "is a JSON array, where an object belongs"},
		"a bare word":         {`password`, "neither a JSON object nor a bare UUID"},
		"a UUID in a URN":     {`urn:uuid:` + token, "neither a JSON object nor a bare UUID"},
		"a UUID with a break": {token + "\n", "white space or a line break"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLab(t, databraintest.Config{DataApps: apps(2)})
				l.putValue(c.value)
				_, err := l.run()
				switch {
				case c.says == "" && err != nil:
					t.Error(err)
				case c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)):
					t.Errorf("error %v, want one that says %q", err, c.says)
				case c.says != "" && len(l.db.Calls()) != 0:
					t.Error("a request was made without a token")
				}
			})
		})
	}
}

func TestPostureFromSecretsManager(t *testing.T) {
	rotated := func(l *lab) {
		err := l.secrets.ConfigureRotation(labSecret, "arn:aws:lambda:us-east-1:123456789012:function:r",
			secretsmanagertest.RotationRules{AutomaticallyAfterDays: 30})
		if err != nil {
			l.t.Error(err)
		}
	}
	for _, c := range []struct {
		name   string
		before func(*lab)
		pass   time.Duration
		want   []finding.Check
		note   string
	}{
		{"rotation is on", rotated, days(10), nil, ""},
		{"rotation is off", func(*lab) {}, days(10), []finding.Check{finding.ServiceTokenRotationOff}, ""},
		{"not rotated for long", rotated, days(91), []finding.Check{finding.ServiceTokenAge}, ""},
		{"pending for an hour", func(l *lab) { rotated(l); l.putPending("11111111-2222-4333-8444-555555555555") },
			time.Hour, nil, ""},
		{"pending for two days", func(l *lab) { rotated(l); l.putPending("11111111-2222-4333-8444-555555555555") }, days(2),
			[]finding.Check{finding.ServiceTokenRotationStuck}, ""},
		{"pending without a value", func(l *lab) {
			rotated(l)
			if err := l.secrets.SetLabels(labSecret, "11111111-2222-4333-8444-555555555555", "AWSPENDING"); err != nil {
				l.t.Error(err)
			}
		}, days(2), []finding.Check{finding.ServiceTokenRotationStuck}, ""},
		{"not to be described", func(l *lab) {
			l.secrets.Inject(standin.Fault{Operation: "DescribeSecret", Times: -1, Do: standin.Error("AccessDeniedException")})
		}, days(91), nil, "AccessDeniedException"},
		{"no answer", func(l *lab) {
			l.secrets.Inject(standin.Fault{Operation: "DescribeSecret", Times: -1, Do: standin.Hang()})
		}, days(91), nil, "no answer in time"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLab(t, databraintest.Config{DataApps: []databraintest.DataApp{app("A")}})
				c.before(l)
				time.Sleep(c.pass)
				start := time.Now()
				s := l.mustRun()
				if took := time.Since(start); took > 11*time.Second {
					t.Errorf("took %v", took)
				}
				got := checks(l.details(report.FindingObserved))
				for _, check := range c.want {
					if got[check] != 1 {
						t.Errorf("no finding of %s: %v", check, got)
					}
				}
				notes := strings.Join(s.Notes, "\n")
				if len(got) != len(c.want) || c.note == "" && notes != "" || !strings.Contains(notes, c.note) {
					t.Errorf("findings %v, notes %q", got, s.Notes)
				}
			})
		})
	}
}
