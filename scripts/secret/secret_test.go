package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"databrain-rotation/pkg/standin"
	"databrain-rotation/pkg/standin/databraintest"
	"databrain-rotation/pkg/standin/labtest"
	"databrain-rotation/pkg/standin/secretsmanagertest"
)

const (
	inForce = "6a0f4c1e-6a57-4d0f-9f0e-0d6f4b8f7f10" // what Databrain accepts
	stale   = "00000000-1111-4222-8333-444444444444" // what it does not

	id = labtest.TokenSecret
)

// start returns an account whose secret has the given value, while Databrain accepts
// the token inForce, with the environment that leads there.
func start(t *testing.T, value string) *labtest.Lab {
	t.Helper()
	labtest.OnlyTheStandIns(t)
	lab, err := labtest.Start(labtest.Config{Secret: value})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = lab.Close() })
	lab.Databrain.SetToken(inForce)
	for name, value := range lab.AWS() {
		t.Setenv(name, value)
	}
	return lab
}

// operate runs the program as the script does. Everything that it shows is searched
// for what was typed.
func operate(t *testing.T, lab *labtest.Lab, typed string, args ...string) (shown string, err error) {
	t.Helper()
	getenv := func(name string) string { return map[string]string{"DATABRAIN_BASE_URL": lab.DatabrainURL}[name] }
	var out bytes.Buffer
	err = run(t.Context(), args, getenv, strings.NewReader(typed), &out, &out)
	shown = out.String()
	all := shown
	if err != nil {
		all += err.Error()
	}
	for _, secret := range append(strings.Fields(typed), inForce, stale, databraintest.ExamplePassword) {
		if len(secret) > 8 && strings.Contains(all, secret) {
			t.Errorf("a credential was shown: %s", all)
		}
	}
	return shown, err
}

func current(t *testing.T, lab *labtest.Lab, secret string) string {
	t.Helper()
	value, _ := lab.Secrets.Value(secret, lab.Secrets.Holder(secret, "AWSCURRENT"))
	return value
}

func TestStoreToken(t *testing.T) {
	const members = `{ "z": 1.50e3,` + "\n\t" + `"token" : "` + stale + `" , "a":[1] }`
	for name, c := range map[string]struct {
		value, typed string
		breaks       func(*labtest.Lab)
		want, fault  string // the value afterwards, "" for the same as before; the error
	}{
		"every other byte stays": {members, inForce + "\n", nil, strings.Replace(members, stale, inForce, 1), ""},
		"the empty secret":       {`{"token":""}`, inForce, nil, `{"token":"` + inForce + `"}`, ""},
		"a bare UUID":            {stale, inForce + "\r\n", nil, inForce, ""},
		"a pasted line comes first": {members, "aws secretsmanager rotate-secret\n\n" + inForce + "\n", nil,
			strings.Replace(members, stale, inForce, 1), ""},
		"the token that is there":   {`{"token":"` + inForce + `","a":1}`, inForce + "\n", nil, "", ""},
		"a version without a value": {"{}", inForce + "\n", noValue, `{"token":"` + inForce + `"}`, ""},
		"another member":            {`{"a":"` + inForce + `"}`, inForce, nil, "", "correct it there"},
		"nothing":                   {members, "", nil, "", "no token in use was given"},
		"Enter alone":               {members, "\n\n\n\n", nil, "", "no token in use was given"},
		"three pasted lines": {members, "a b\nc d\ne f\n" + inForce + "\n", nil, "",
			"what was given is no token in use"},
		"a token that is rejected": {members, stale[1:] + "0\n", nil, "", "this token is rejected"},
		"no answer": {members, inForce + "\n", func(l *labtest.Lab) { _ = l.Databrain.Close() }, "",
			"no usable answer"},
		"the read is refused": {members, inForce + "\n", func(l *labtest.Lab) {
			l.Secrets.Inject(standin.Fault{Operation: "GetSecretValue",
				Do: standin.Error(secretsmanagertest.CodeAccessDenied), Times: -1})
		}, "", "AccessDenied"},
		"the description is refused": {members, inForce + "\n", func(l *labtest.Lab) {
			l.Secrets.Inject(standin.Fault{Operation: "DescribeSecret",
				Do: standin.Error(secretsmanagertest.CodeDecryption), Times: -1})
		}, "", "DecryptionFailure"},
		"an answer cut off": {members, inForce + "\n", func(l *labtest.Lab) {
			l.Secrets.Inject(standin.Fault{Operation: "GetSecretValue", Do: standin.TruncateBody(), Times: -1})
		}, "", "did not answer"},
		"a value that is no object": {`["` + stale + `"]`, inForce + "\n", nil, "",
			"is a JSON array, where an object belongs"},
	} {
		t.Run(name, func(t *testing.T) {
			lab := start(t, c.value)
			if c.breaks != nil {
				c.breaks(lab)
			}
			before := lab.Secrets.Snapshot(id)
			_, err := operate(t, lab, c.typed, "store-token", id)
			if c.fault == "" && err != nil || c.fault != "" && (err == nil || !strings.Contains(err.Error(), c.fault)) {
				t.Errorf("error %v, want %q", err, c.fault)
			}
			if c.want == "" {
				if diff := cmp.Diff(before, lab.Secrets.Snapshot(id)); diff != "" {
					t.Errorf("the secret changed (-before +after):\n%s", diff)
				}
			} else if got := current(t, lab, id); got != c.want {
				t.Errorf("AWSCURRENT holds %s, want %s", got, c.want)
			}
		})
	}
}

// noValue leaves AWSCURRENT on a version without a value.
func noValue(l *labtest.Lab) { _ = l.Secrets.Corrupt(id, l.Secrets.Holder(id, "AWSCURRENT"), "") }

// TestStoreTokenDuringARotation: a new AWSCURRENT takes AWSPENDING off its version, so
// no other token that works may be there.
func TestStoreTokenDuringARotation(t *testing.T) {
	for name, c := range map[string]struct {
		pending string
		breaks  func(*labtest.Lab)
		stored  bool
	}{
		"the pending token is the one to store": {inForce, nil, true},
		"the pending token is rejected":         {stale[1:] + "0", nil, true},
		"the pending token is empty":            {"", nil, true},
		"both work, in a grace period":          {stale[1:] + "0", graced, false},
		"no answer about the pending token":     {stale[1:] + "0", unsure, false},
	} {
		t.Run(name, func(t *testing.T) {
			lab := start(t, `{"token":"`+stale+`"}`)
			version := addPending(t, lab, `{"token":"`+c.pending+`"}`)
			if c.breaks != nil {
				c.breaks(lab)
			}
			_, err := operate(t, lab, inForce+"\n", "store-token", id)
			if stored := strings.Contains(current(t, lab, id), inForce); stored != c.stored || stored != (err == nil) {
				t.Errorf("stored: %v, want %v (%v)", stored, c.stored, err)
			}
			if c.stored == (lab.Secrets.Holder(id, "AWSPENDING") == version) {
				t.Errorf("AWSPENDING is on %q", lab.Secrets.Holder(id, "AWSPENDING"))
			}
		})
	}
}

// graced lets Databrain accept the next two questions, whatever the token.
func graced(l *labtest.Lab) {
	l.Databrain.Inject(standin.Fault{Do: standin.Reply(200, "application/json", `{"data":[]}`), Times: 2})
}

// unsure answers the second question with an error.
func unsure(l *labtest.Lab) {
	l.Databrain.Inject(standin.Fault{Do: standin.BadGateway(), Skip: 1, Times: -1})
}

func TestStoreAdmin(t *testing.T) {
	const email, password = databraintest.ExampleEmail, databraintest.ExamplePassword
	for name, c := range map[string]struct {
		secret, value, typed string
		want, fault          string
	}{
		"a new secret": {"new/admin", "", password + "\n", `{"email":"` + email + `","password":"` +
			password + `"}`, ""},
		"every other byte stays": {"x", "{ \"n\": 1e3, \"password\" : \"old\",\"email\":\"a@b\"}", password + "\n",
			"{ \"n\": 1e3, \"password\" : \"" + password + "\",\"email\":\"" + email + "\"}", ""},
		"Enter alone": {"x", `{"email":"a","password":"b"}`, "\n\n\n", "", "no password was given"},
		"a wrong password": {"x", `{"email":"a","password":"b"}`, "wrong-password\n", "",
			"e-mail address and password is rejected"},
		"the rotated secret":       {id, "", password + "\n", "", "holds a service token"},
		"a bare UUID":              {"x", stale, password + "\n", "", "not a JSON object"},
		"somebody else's secret":   {"x", `{"user":"a"}`, password + "\n", "", "not the admin's secret"},
		"a password that is twice": {"x", `{"email":"a","password":"b","password":"c"}`, password + "\n", "", "given twice"},
	} {
		t.Run(name, func(t *testing.T) {
			lab := start(t, `{"token":"`+inForce+`"}`)
			if c.value != "" {
				if _, err := lab.Secrets.Create(c.secret, c.value); err != nil {
					t.Fatal(err)
				}
			}
			before := lab.Secrets.Snapshot(c.secret)
			shown, err := operate(t, lab, c.typed, "store-admin", c.secret, email)
			if c.fault == "" && err != nil || c.fault != "" && (err == nil || !strings.Contains(err.Error(), c.fault)) {
				t.Errorf("error %v, want %q", err, c.fault)
			}
			if c.want == "" {
				if diff := cmp.Diff(before, lab.Secrets.Snapshot(c.secret)); diff != "" {
					t.Errorf("the secret changed (-before +after):\n%s", diff)
				}
				return
			}
			if got := current(t, lab, c.secret); got != c.want {
				t.Errorf("the secret holds %s, want %s", got, c.want)
			}
			if !strings.Contains(shown, "\narn:aws:secretsmanager:") {
				t.Errorf("the ARN is not shown: %s", shown)
			}
		})
	}
}

func TestStoreAdminStopsAtAReadThatFails(t *testing.T) {
	lab := start(t, "")
	lab.Secrets.Inject(
		standin.Fault{Operation: "GetSecretValue", Do: standin.Error(secretsmanagertest.CodeAccessDenied), Times: -1},
	)
	before := lab.Secrets.Snapshot(labtest.AdminSecret)
	_, err := operate(t, lab, databraintest.ExamplePassword+"\n", "store-admin", labtest.AdminSecret,
		databraintest.ExampleEmail)
	if err == nil || !strings.Contains(err.Error(), "AccessDenied") {
		t.Errorf("error %v", err)
	}
	if diff := cmp.Diff(before, lab.Secrets.Snapshot(labtest.AdminSecret)); diff != "" || lab.Databrain.SignIns() != 0 {
		t.Errorf("%d sign-ins; the secret changed (-before +after):\n%s", lab.Databrain.SignIns(), diff)
	}
}

// addPending stores value as a version with the label AWSPENDING, which the version
// that was current stays without.
func addPending(t *testing.T, lab *labtest.Lab, value string) (version string) {
	t.Helper()
	was := lab.Secrets.Holder(id, "AWSCURRENT")
	version, err := lab.Secrets.ManualPut(id, value)
	if err != nil {
		t.Fatal(err)
	}
	for holder, label := range map[string]string{was: "AWSCURRENT", version: "AWSPENDING"} {
		if err := lab.Secrets.SetLabels(id, holder, label); err != nil {
			t.Fatal(err)
		}
	}
	return version
}

func TestDropPending(t *testing.T) {
	for name, c := range map[string]struct {
		current, pending string // the tokens
		breaks           func(*labtest.Lab)
		dropped          bool
		fault            string
	}{
		"rejected":                {inForce, stale, nil, true, ""},
		"no token":                {inForce, "", nil, true, ""},
		"both rejected":           {stale, stale[1:] + "0", nil, true, ""},
		"the token of AWSCURRENT": {inForce, inForce, nil, true, ""},
		"accepted, the only copy": {stale, inForce, nil, false, "may be the only one that does"},
		"no answer": {stale, inForce, func(l *labtest.Lab) { _ = l.Databrain.Close() }, false,
			"no usable answer"},
		"a value that is not shown":  {inForce, stale, denied("GetSecretValue"), false, "AccessDenied"},
		"labels that are not shown":  {inForce, stale, denied("DescribeSecret"), false, "AccessDenied"},
		"a label that may not move":  {inForce, stale, denied("UpdateSecretVersionStage"), false, "AccessDenied"},
		"saved in the same moment":   {stale, stale[1:] + "0", savedMeanwhile, false, "was put back"},
		"an answer from a proxy":     {stale, inForce, proxied, false, "no usable answer"},
		"a value of something else":  {inForce, "\x01", nil, true, ""},
		"a token with a white space": {inForce, "a b", nil, true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			lab := start(t, `{"token":"`+c.current+`"}`)
			version := addPending(t, lab, `{"token":"`+c.pending+`"}`)
			if c.breaks != nil {
				c.breaks(lab)
			}
			_, err := operate(t, lab, "", "drop-pending", id)
			if c.fault == "" && err != nil || c.fault != "" && (err == nil || !strings.Contains(err.Error(), c.fault)) {
				t.Errorf("error %v, want %q", err, c.fault)
			}
			if dropped := lab.Secrets.Holder(id, "AWSPENDING") != version; dropped != c.dropped {
				t.Errorf("AWSPENDING is off the version: %v, want %v", dropped, c.dropped)
			}
		})
	}
}

func denied(operation string) func(*labtest.Lab) {
	return func(l *labtest.Lab) {
		l.Secrets.Inject(
			standin.Fault{Operation: operation, Do: standin.Error(secretsmanagertest.CodeAccessDenied), Times: -1},
		)
	}
}

func proxied(l *labtest.Lab) {
	l.Databrain.Inject(standin.Fault{Do: standin.LoginPage(), Times: -1})
}

// savedMeanwhile lets Databrain accept the pending token from its second question on,
// as when a rotation saves it in between.
func savedMeanwhile(l *labtest.Lab) {
	l.Databrain.SetToken(stale[1:] + "0")
	l.Databrain.Inject(standin.Fault{Do: databraintest.Error(401, "AUTHENTICATION_ERROR", "Invalid token"), Times: 1})
}

func TestDropPendingHasNothingToDo(t *testing.T) {
	lab := start(t, `{"token":"`+inForce+`"}`)
	for _, labels := range [][]string{{"AWSCURRENT"}, {"AWSCURRENT", "AWSPENDING"}} {
		if err := lab.Secrets.SetLabels(id, lab.Secrets.Holder(id, "AWSCURRENT"), labels...); err != nil {
			t.Fatal(err)
		}
		before := lab.Secrets.Snapshot(id)
		if _, err := operate(t, lab, "", "drop-pending", id); err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(before, lab.Secrets.Snapshot(id)); diff != "" {
			t.Errorf("the secret changed (-before +after):\n%s", diff)
		}
	}
}

func TestWhich(t *testing.T) {
	lab := start(t, `{"token":"`+inForce+`"}`)
	working := lab.Secrets.Holder(id, "AWSCURRENT")
	for range 2 { // the first version loses its last label
		if _, err := lab.Secrets.ManualPut(id, `{"token":"`+stale+`"}`); err != nil {
			t.Fatal(err)
		}
	}
	now := lab.Secrets.Holder(id, "AWSCURRENT")
	before := lab.Secrets.Snapshot(id)
	shown, err := operate(t, lab, "", "which", id)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"AWSCURRENT   rejected  auth, status 400, code AUTHENTICATION_ERROR\n", "AWSPREVIOUS  rejected", "accepted",
		"--version-stage AWSCURRENT --move-to-version-id " + working + " --remove-from-version-id " + now,
	} {
		if !strings.Contains(shown, want) {
			t.Errorf("%q is not shown:\n%s", want, shown)
		}
	}
	if diff := cmp.Diff(before, lab.Secrets.Snapshot(id)); diff != "" {
		t.Errorf("the secret changed (-before +after):\n%s", diff)
	}
}

func TestAdvice(t *testing.T) {
	for name, c := range map[string]struct {
		rows []row
		want string
	}{
		"current works": {[]row{{version: "c", labels: "AWSCURRENT", standing: accepted}, {version: "p",
			labels: "AWSPENDING", standing: rejected}}, "can go on"},
		"pending alone": {[]row{{version: "c", labels: "AWSCURRENT", standing: rejected}, {version: "p",
			labels: "AWSPENDING", standing: accepted}}, "rotate-secret --secret-id the-secret"},
		"no current": {[]row{{version: "p", labels: "AWSPENDING", standing: accepted}}, "rotate-secret"},
		"previous": {[]row{{version: "c", labels: "AWSCURRENT", standing: rejected}, {version: "v",
			labels: "AWSPREVIOUS", standing: accepted}}, "--move-to-version-id v --remove-from-version-id c"},
		"no answer": {[]row{{version: "c", labels: "AWSCURRENT", standing: noAnswer}, {version: "p",
			labels: "AWSPENDING", standing: accepted}}, "change nothing"},
		"half answered": {[]row{{version: "c", labels: "AWSCURRENT", standing: rejected}, {version: "p",
			labels: "AWSPENDING", standing: noAnswer}}, "Change nothing"},
		"all rejected": {[]row{{version: "c", labels: "AWSCURRENT", standing: rejected}}, "No stored token works"},
		"empty":        {[]row{{version: "c", labels: "AWSCURRENT", standing: unknown}}, "holds no token"},
	} {
		if got := advice("the-secret", c.rows); !strings.Contains(got, c.want) {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestUsage(t *testing.T) {
	lab := start(t, "")
	for _, args := range [][]string{{}, {"which"}, {"store-token", ""}, {"store-token", "--help"}, {"store-token",
		id, "extra"}, {"remove", id}, {"store-admin", "x"}} {
		if _, err := operate(t, lab, inForce, args...); err == nil || !strings.Contains(err.Error(), "usage") {
			t.Errorf("%q: %v", args, err)
		}
	}
}
