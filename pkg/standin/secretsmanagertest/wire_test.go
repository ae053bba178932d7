package secretsmanagertest_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"databrain-rotation/pkg/standin/secretsmanagertest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"
)

// TestErrorsAsTheSDKSeesThem: every modeled error arrives as the SDK's own type,
// with AWS's wording.
func TestErrorsAsTheSDKSeesThem(t *testing.T) {
	overBoth(t, func(t *testing.T, sm *secretsmanagertest.Server, client *secretsmanager.Client) {
		ctx := t.Context()
		one := sm.Holder(name, secretsmanagertest.Current)

		_, err := get(ctx, client, "", "AWSPENDING")
		wantError[*types.ResourceNotFoundException](
			t,
			err,
			"Secrets Manager can't find the specified secret value for staging label: AWSPENDING",
		)

		_, err = client.CreateSecret(
			ctx,
			&secretsmanager.CreateSecretInput{Name: aws.String(name), SecretString: aws.String("x")},
		)
		wantError[*types.ResourceExistsException](t, err, "The operation failed because the secret "+name+" already exists.")

		_, err = get(ctx, client, one, "AWSPENDING")
		wantError[*types.InvalidRequestException](
			t,
			err,
			"You provided a VersionStage that is not associated to the provided VersionId.",
		)

		err = put(ctx, client, "short", "x")
		wantError[*types.InvalidParameterException](t, err, "ClientRequestToken must be 32-64 characters long.")

		_, err = client.ListSecretVersionIds(
			ctx,
			&secretsmanager.ListSecretVersionIdsInput{SecretId: aws.String(name), NextToken: aws.String("x")},
		)
		wantError[*types.InvalidNextTokenException](t, err, "The NextToken value is invalid.")

		_, err = client.DeleteSecret(ctx, &secretsmanager.DeleteSecretInput{SecretId: aws.String(name)})
		must(t, err)
		_, err = get(ctx, client, "", "")
		wantError[*types.InvalidRequestException](
			t,
			err,
			"You can't perform this operation on the secret because it was marked for deletion.",
		)
	})
}

func wantError[T smithy.APIError](t *testing.T, err error, message string) {
	t.Helper()
	api, ok := errors.AsType[T](err)
	if !ok {
		t.Errorf("got %v, want a %T", err, *new(T))
	} else if api.ErrorMessage() != message {
		t.Errorf("got the message %q, want %q", api.ErrorMessage(), message)
	}
}

func TestRawRequests(t *testing.T) {
	sm := secretsmanagertest.New(secretsmanagertest.Config{})
	create(t, sm, "one")
	const missing = "You must provide a ClientRequestToken value. We recommend a UUID-type value."
	for title, tc := range map[string]struct {
		target, body string
		status       int
		want         map[string]string
	}{
		"no token for a put": {
			"secretsmanager.PutSecretValue", `{"SecretId":"` + name + `","SecretString":"x"}`, 400,
			map[string]string{"__type": "InvalidRequestException", "Message": missing},
		},
		"no token for a rotation": {
			"secretsmanager.RotateSecret", `{"SecretId":"` + name + `"}`, 400,
			map[string]string{"__type": "InvalidParameterException", "Message": missing},
		},
		"unknown operation": {
			"secretsmanager.BatchGetSecretValue", `{}`, 400,
			map[string]string{"__type": "UnknownOperationException", "message": "the stand-in has no such operation"},
		},
		"another service": {
			"AWSEvents.PutEvents", `{}`, 400,
			map[string]string{"__type": "UnknownOperationException", "message": "the stand-in has no such operation"},
		},
		"not JSON": {
			"secretsmanager.GetSecretValue", `{"SecretId":`, 400,
			map[string]string{"__type": "SerializationException",
				"message": "the request is not the JSON that the operation takes"},
		},
		"wrong type": {
			"secretsmanager.GetSecretValue", `{"SecretId":7}`, 400,
			map[string]string{"__type": "SerializationException",
				"message": "the request is not the JSON that the operation takes"},
		},
		"a name that is none": {
			"secretsmanager.CreateSecret", `{"Name":"a b","ClientRequestToken":"0123456789abcdef0123456789abcdef"}`, 400,
			map[string]string{"__type": "ValidationException", "message": "Invalid name. Must be a valid name containing " +
				"alphanumeric characters, or any of the following: -/_+=.@!"},
		},
		"an empty list of stages": {
			"secretsmanager.PutSecretValue", `{"SecretId":"` + name +
				`","SecretString":"x","ClientRequestToken":"0123456789abcdef0123456789abcdef","VersionStages":[]}`, 400,
			map[string]string{"__type": "InvalidParameterException",
				"Message": "VersionStages must hold 1 to 20 staging labels."},
		},
		"both kinds of value": {
			"secretsmanager.PutSecretValue", `{"SecretId":"` + name +
				`","SecretString":"x","SecretBinary":"eA==","ClientRequestToken":"0123456789abcdef0123456789abcdef"}`, 400,
			map[string]string{"__type": "InvalidParameterException",
				"Message": "You can't specify both a binary secret value and a string secret value in the same secret."},
		},
	} {
		req, err := http.NewRequestWithContext(
			t.Context(),
			http.MethodPost,
			"http://secretsmanager.test/",
			strings.NewReader(tc.body),
		)
		must(t, err)
		req.Header.Set("X-Amz-Target", tc.target)
		resp, err := sm.Client().Do(req)
		must(t, err)
		body, err := io.ReadAll(resp.Body)
		must(t, err)
		resp.Body.Close()
		var got map[string]string
		must(t, json.Unmarshal(body, &got))
		if diff := cmp.Diff(tc.want, got); diff != "" || resp.StatusCode != tc.status {
			t.Errorf("%s: status %d, answer (-want +got):\n%s", title, resp.StatusCode, diff)
		}
		if resp.Header.Get("Content-Type") != "application/x-amz-json-1.1" || resp.Header.Get("X-Amzn-RequestId") == "" {
			t.Errorf("%s: headers %v", title, resp.Header)
		}
	}
}

func TestDatesFollowTheClock(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 30, 45, 250e6, time.UTC)
	sm := secretsmanagertest.New(secretsmanagertest.Config{Now: func() time.Time { return now }})
	create(t, sm, "one")
	client := inProcess(sm)
	created := now
	now = now.Add(36 * time.Hour)
	_, err := get(t.Context(), client, "", "")
	must(t, err)
	_, err = client.DeleteSecret(
		t.Context(),
		&secretsmanager.DeleteSecretInput{SecretId: aws.String(name), RecoveryWindowInDays: aws.Int64(7)},
	)
	must(t, err)
	d := describe(t, client)
	for what, pair := range map[string][2]time.Time{
		"CreatedDate":                     {*d.CreatedDate, created},
		"LastAccessedDate, the day alone": {*d.LastAccessedDate, time.Date(2026, 3, 3, 0, 0, 0, 0, time.UTC)},
		"DeletedDate":                     {*d.DeletedDate, now.Add(7 * 24 * time.Hour)},
	} {
		if !pair[0].Equal(pair[1]) {
			t.Errorf("%s: got %v, want %v", what, pair[0], pair[1])
		}
	}

	now = now.Add(7 * 24 * time.Hour)
	if _, err := sm.Create(name, "two"); err != nil {
		t.Errorf("the name is still taken after the recovery window: %v", err)
	}
}

func TestOldVersionsWithoutLabelsExpire(t *testing.T) {
	now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	sm := secretsmanagertest.New(secretsmanagertest.Config{Now: func() time.Time { return now }})
	create(t, sm, "0")
	manualPuts := func(n int) {
		for range n {
			_, err := sm.ManualPut(name, "next")
			must(t, err)
		}
	}
	manualPuts(149)
	if got := len(sm.Snapshot(name)); got != 150 {
		t.Errorf("%d versions within a day, want all 150", got)
	}
	now = now.Add(25 * time.Hour)
	manualPuts(1)
	if got := len(sm.Snapshot(name)); got != 100 {
		t.Errorf("%d versions after a day, want the latest 100", got)
	}
}

func TestListSecrets(t *testing.T) {
	sm := secretsmanagertest.New(secretsmanagertest.Config{})
	client := inProcess(sm)
	for _, n := range []string{"a", "b", "c"} {
		_, err := sm.Create(n, "x")
		must(t, err)
	}
	_, err := client.DeleteSecret(t.Context(), &secretsmanager.DeleteSecretInput{SecretId: aws.String("b")})
	must(t, err)
	for planned, want := range map[bool][]string{false: {"a", "c"}, true: {"a", "b", "c"}} {
		var got []string
		pages := secretsmanager.NewListSecretsPaginator(
			client,
			&secretsmanager.ListSecretsInput{MaxResults: aws.Int32(1), IncludePlannedDeletion: aws.Bool(planned)},
		)
		for pages.HasMorePages() {
			page, err := pages.NextPage(t.Context())
			must(t, err)
			for _, s := range page.SecretList {
				got = append(got, aws.ToString(s.Name))
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("IncludePlannedDeletion=%t (-want +got):\n%s", planned, diff)
		}
	}
}

// TestListSecretsByName: a name filter means a prefix, in its case; every filter must
// match, and one value of each. Pages may be shorter than was asked for.
func TestListSecretsByName(t *testing.T) {
	sm := secretsmanagertest.New(secretsmanagertest.Config{PageSize: 2})
	client := inProcess(sm)
	for _, n := range []string{"databrain/api-token/a", "databrain/api-token/b", "databrain/service-token",
		"Databrain/api-token/c", "x/databrain/api-token/d", "databrain/api-token/e"} {
		_, err := sm.Create(n, "x")
		must(t, err)
	}
	list := func(filters ...types.Filter) (names []string) {
		t.Helper()
		pages := secretsmanager.NewListSecretsPaginator(client, &secretsmanager.ListSecretsInput{Filters: filters})
		for pages.HasMorePages() {
			page, err := pages.NextPage(t.Context())
			must(t, err)
			if len(page.SecretList) > 2 {
				t.Errorf("a page of %d", len(page.SecretList))
			}
			for _, s := range page.SecretList {
				names = append(names, aws.ToString(s.Name))
			}
		}
		return names
	}
	byName := func(values ...string) types.Filter {
		return types.Filter{Key: types.FilterNameStringTypeName, Values: values}
	}
	managed := []string{"databrain/api-token/a", "databrain/api-token/b", "databrain/api-token/e"}
	for title, tt := range map[string]struct{ got, want []string }{
		"a prefix":     {list(byName("databrain/api-token/")), managed},
		"two values":   {list(byName("databrain/s", "x/")), []string{"databrain/service-token", "x/databrain/api-token/d"}},
		"two filters":  {list(byName("databrain/"), byName("!databrain/service-token")), managed},
		"nothing":      {list(byName("api-token")), nil},
		"no condition": {list()[:1], managed[:1]},
	} {
		if diff := cmp.Diff(tt.want, tt.got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", title, diff)
		}
	}
	for title, f := range map[string]types.Filter{
		"by a tag": {Key: types.FilterNameStringTypeTagKey, Values: []string{"a"}}, "without a value": byName(),
	} {
		_, err := client.ListSecrets(t.Context(), &secretsmanager.ListSecretsInput{Filters: []types.Filter{f}})
		if _, ok := errors.AsType[*types.InvalidParameterException](err); !ok {
			t.Errorf("a filter %s: %v", title, err)
		}
	}
}

func TestKnownARN(t *testing.T) {
	sm := secretsmanagertest.New(secretsmanagertest.Config{
		Region: "eu-central-1", Account: "210987654321", Suffix: func(string) string { return "AbCdEf" },
	})
	want := "arn:aws:secretsmanager:eu-central-1:210987654321:secret:" + name + "-AbCdEf"
	if got := create(t, sm, "one"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
