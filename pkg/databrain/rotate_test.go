package databrain_test

import (
	"encoding/json"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"databrain-rotation/pkg/databrain"
	"databrain-rotation/pkg/standin"
	"databrain-rotation/pkg/standin/databraintest"
)

// TestRotateContracts: each contract works with an instance that speaks it and is
// refused by one that speaks the other, with nothing minted.
func TestRotateContracts(t *testing.T) {
	for _, spoken := range []databraintest.Contract{databraintest.ServiceTokenContract, databraintest.AdminContract} {
		for _, o := range rotations() {
			now := time.Unix(1_700_000_000, 0)
			db := databraintest.New(databraintest.Config{
				Now: func() time.Time { return now }, Switches: databraintest.Switches{RotateContract: spoken},
			})
			c := inProcess(t, db.Client().Transport, databrain.Options{})
			fresh, err := rotate(t.Context(), c, o, o.jwt(t, c), serviceToken())
			if o.contract != spoken {
				if err == nil || databrain.Unknown(err) || db.Minted() != 0 || !fresh.Empty() {
					t.Errorf("%s with the other contract: %v, %d minted", o.name, err, db.Minted())
				}
				continue
			}
			if err != nil || fresh.Equal(serviceToken()) || fresh.Reveal() != db.CurrentToken() {
				t.Errorf("%s: %v", o.name, err)
			}
			for _, token := range []databrain.Secret{serviceToken(), fresh} {
				if err := c.Probe(t.Context(), token); err != nil {
					t.Errorf("%s: in the grace period: %v", o.name, err)
				}
			}
			now = now.Add(time.Hour)
			if err := c.Probe(t.Context(), serviceToken()); !databrain.Rejected(err) {
				t.Errorf("%s: after the grace period: %v", o.name, err)
			}
			if err := c.Probe(t.Context(), fresh); err != nil {
				t.Errorf("%s: after the grace period: %v", o.name, err)
			}
		}
	}
}

// TestRotateBodies: the grace period is a JSON number of whole seconds, and the
// newer contract has no token in its body.
func TestRotateBodies(t *testing.T) {
	var body string
	c := inProcess(t, standin.Transport{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent, _ := io.ReadAll(r.Body)
		body = string(sent)
		io.WriteString(w, `{"key":"`+freshToken+`"}`)
	})}, databrain.Options{})
	for grace, want := range map[time.Duration]string{
		time.Second:                        "1",
		1999 * time.Millisecond:            "1",
		time.Hour:                          "3600",
		24 * time.Hour:                     "86400",
		time.Duration(1<<63 - 1):           "9223372036",
		100*24*time.Hour + time.Nanosecond: "8640000",
	} {
		for as, tt := range map[string]struct {
			call func() (databrain.Secret, error)
			want map[string]string
		}{
			"service token": {func() (databrain.Secret, error) {
				return c.RotateServiceToken(t.Context(), serviceToken(), grace)
			}, map[string]string{"expireAt": want}},
			"admin": {func() (databrain.Secret, error) {
				return c.RotateServiceTokenAsAdmin(t.Context(), databrain.NewSecret("jwt"), serviceToken(), grace)
			}, map[string]string{"expireAt": want, "token": `"` + databraintest.ExampleServiceToken + `"`}},
		} {
			key, err := tt.call()
			if err != nil || key.Reveal() != freshToken {
				t.Errorf("%v as %s: %v", grace, as, err)
			}
			var members map[string]json.RawMessage
			if err := json.Unmarshal([]byte(body), &members); err != nil {
				t.Fatal(err)
			}
			got := make(map[string]string)
			for name, value := range members {
				got[name] = string(value)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("%v as %s: -want +got\n%s", grace, as, diff)
			}
		}
	}
}

// TestRotateWithoutGrace: with a period of 0 a lost answer would lock everybody
// out, so it is refused before anything is sent.
func TestRotateWithoutGrace(t *testing.T) {
	db := databraintest.New(databraintest.Config{})
	c := inProcess(t, db.Client().Transport, databrain.Options{})
	for _, grace := range []time.Duration{0, -time.Hour, time.Second - 1, -1 << 63} {
		_, err := c.RotateServiceToken(t.Context(), serviceToken(), grace)
		_, asAdmin := c.RotateServiceTokenAsAdmin(t.Context(), databrain.NewSecret("jwt"), serviceToken(), grace)
		for _, err := range []error{err, asAdmin} {
			if diff := cmp.Diff(outcome{Class: databrain.ClassInvalid}, outcomeOf(t, err)); diff != "" {
				t.Errorf("%v: %s", grace, diff)
			}
		}
	}
	if n := len(db.Calls()); n != 0 {
		t.Errorf("sent %d requests", n)
	}
}

// TestReplace goes the way of a rotation without grace: sign in, save, and save
// again as after a lost answer.
func TestReplace(t *testing.T) {
	db := databraintest.New(databraintest.Config{})
	c := inProcess(t, db.Client().Transport, databrain.Options{})
	jwt, err := c.SignIn(t.Context(), admin())
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := c.SaveServiceToken(t.Context(), jwt, databrain.NewSecret(freshToken)); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Probe(t.Context(), databrain.NewSecret(freshToken)); err != nil {
		t.Error(err)
	}
	if err := c.Probe(t.Context(), serviceToken()); !databrain.Rejected(err) || databrain.Unknown(err) {
		t.Errorf("the replaced token: %v", err)
	}
	if db.SignIns() != 1 || db.Minted() != 1 {
		t.Errorf("%d sign-ins, %d tokens", db.SignIns(), db.Minted())
	}
}

// TestRefusals are the refusals of the plain stand-in, under its switches.
func TestRefusals(t *testing.T) {
	probe := func(token string) func(*testing.T, *databrain.Client) error {
		return func(t *testing.T, c *databrain.Client) error { return c.Probe(t.Context(), databrain.NewSecret(token)) }
	}
	signIn := func(email, password string) func(*testing.T, *databrain.Client) error {
		return func(t *testing.T, c *databrain.Client) error {
			_, err := c.SignIn(t.Context(), databrain.Credentials{Email: email, Password: databrain.NewSecret(password)})
			return err
		}
	}
	save := func(jwt, token string) func(*testing.T, *databrain.Client) error {
		return func(t *testing.T, c *databrain.Client) error {
			return c.SaveServiceToken(t.Context(), databrain.NewSecret(jwt), databrain.NewSecret(token))
		}
	}
	rejected := func(status int) outcome {
		return outcome{Class: databrain.ClassAuth, Rejected: true, Status: status, Code: "AUTHENTICATION_ERROR"}
	}
	for name, tt := range map[string]struct {
		switches databraintest.Switches
		call     func(*testing.T, *databrain.Client) error
		want     outcome
	}{
		"unknown token":      {call: probe(freshToken), want: rejected(400)},
		"unknown token, 401": {databraintest.Switches{BadServiceToken401: true}, probe(freshToken), rejected(401)},
		"no token":           {call: probe(""), want: rejected(400)},
		"unknown admin": {call: signIn("else@company.com", "x"), want: outcome{Class: databrain.ClassLogin,
			Status: 400, Code: "USER_NOT_FOUND"}},
		"wrong password": {call: signIn(databraintest.ExampleEmail, "x"),
			want: outcome{Class: databrain.ClassLogin, Status: 400, Code: "INVALID_CREDENTIALS"}},
		"no password": {call: signIn(databraintest.ExampleEmail, ""),
			want: outcome{Class: databrain.ClassInvalid, Status: 400, Code: "INVALID_REQUEST_BODY"}},
		"sign in at the cloud": {databraintest.Switches{Cloud: true}, signIn("a@b.c", "x"),
			outcome{Class: databrain.ClassPermanent, Status: 500, Code: "SELFHOSTED_APP_ERROR"}},
		"save with a bad JWT": {call: save("x.y.z", freshToken), want: rejected(401)},
		"save, bad JWT as 400": {databraintest.Switches{BadJWT400: true, ErrorStatus: true}, save("x.y.z",
			freshToken), rejected(400)},
		"save without a JWT": {call: save("", freshToken), want: rejected(401)},
		"an app that is gone": {call: func(t *testing.T, c *databrain.Client) error {
			return drain(c.APITokens(t.Context(), serviceToken(), "gone", databrain.Whole))
		}, want: outcome{Class: databrain.ClassNotFound, Status: 400, Code: "DATA_APP_NOT_FOUND"}},
		"over the limit": {databraintest.Switches{RateLimit: 1}, func(t *testing.T, c *databrain.Client) error {
			c.Probe(t.Context(), serviceToken())
			return c.Probe(t.Context(), serviceToken())
		}, outcome{Class: databrain.ClassRateLimited, Status: 429}},
		"rotate again in grace": {databraintest.Switches{RefuseRotateInGrace: true}, rotateTwice,
			outcome{Class: databrain.ClassAuth, Rejected: true, Status: 400, Code: "EXPIRED_SERVICE_TOKEN"}},
	} {
		t.Run(name, func(t *testing.T) {
			db := databraintest.New(databraintest.Config{Switches: tt.switches})
			err := tt.call(t, inProcess(t, db.Client().Transport, databrain.Options{}))
			if diff := cmp.Diff(tt.want, outcomeOf(t, err)); diff != "" {
				t.Errorf("-want +got\n%s\n%v", diff, err)
			}
		})
	}
}

func rotateTwice(t *testing.T, c *databrain.Client) error {
	if _, err := c.RotateServiceToken(t.Context(), serviceToken(), time.Hour); err != nil {
		t.Error(err)
	}
	_, err := c.RotateServiceToken(t.Context(), serviceToken(), time.Hour)
	return err
}
