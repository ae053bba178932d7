package eventbridgetest_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"databrain-rotation/pkg/standin"
	"databrain-rotation/pkg/standin/eventbridgetest"
)

var instant = time.Date(2026, 3, 4, 5, 6, 7, 890e6, time.UTC)

func client(httpClient eventbridge.HTTPClient, endpoint string) *eventbridge.Client {
	return eventbridge.New(eventbridge.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(endpoint), HTTPClient: httpClient,
		Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "example", ""),
	})
}

func inProcess(c eventbridgetest.Config) (*eventbridgetest.Server, *eventbridge.Client) {
	s := eventbridgetest.New(c)
	return s, client(s.Client(), "http://events.test")
}

func entry(detail string) types.PutEventsRequestEntry {
	return types.PutEventsRequestEntry{
		Source:     aws.String("a.source"),
		DetailType: aws.String("A Type"),
		Detail:     aws.String(detail),
	}
}

func put(
	ctx context.Context,
	c *eventbridge.Client,
	entries ...types.PutEventsRequestEntry,
) (*eventbridge.PutEventsOutput, error) {
	return c.PutEvents(ctx, &eventbridge.PutEventsInput{Entries: entries})
}

func TestEntriesAreRecorded(t *testing.T) {
	s := eventbridgetest.New(eventbridgetest.Config{Now: func() time.Time { return instant }})
	url, err := s.Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	full := entry(`{"n": 2}`)
	full.EventBusName, full.Resources, full.Time = aws.String("audit"), []string{"arn:a"}, aws.Time(instant.Add(time.Hour))
	out, err := put(t.Context(), client(nil, url), entry(`{"n": 1}`), full)
	if err != nil {
		t.Fatal(err)
	}
	want := []eventbridgetest.Entry{
		{Bus: "default", Source: "a.source", DetailType: "A Type", Detail: `{"n": 1}`, Time: instant},
		{
			Bus:        "audit",
			Source:     "a.source",
			DetailType: "A Type",
			Detail:     `{"n": 2}`,
			Resources:  []string{"arn:a"},
			Time:       instant.Add(time.Hour),
		},
	}
	got := s.Entries()
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(eventbridgetest.Entry{}, "ID")); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
	if out.FailedEntryCount != 0 || aws.ToString(out.Entries[1].EventId) != got[1].ID || got[0].ID == got[1].ID {
		t.Errorf("answer %+v for entries %+v", out, got)
	}
	if s.Accepted() != 2 || s.Count("PutEvents") != 1 {
		t.Errorf("%d accepted in %d calls", s.Accepted(), s.Count("PutEvents"))
	}
	s.ClearEntries()
	if s.Accepted() != 0 || len(s.Entries()) != 0 {
		t.Error("entries are left after ClearEntries")
	}
}

func TestCallsOverTheLimits(t *testing.T) {
	// Source and detail type are 14 bytes, the braces, quotes and colon of a detail 7.
	sized := func(total int) types.PutEventsRequestEntry {
		return entry(`{"":"` + strings.Repeat("x", total-14-7) + `"}`)
	}
	timed := sized(86)
	timed.Time, timed.Resources = aws.Time(instant), []string{"é"}
	tests := map[string]struct {
		entries []types.PutEventsRequestEntry
		ok      bool
	}{
		"ten entries":                      {ok: true, entries: slicesOf(10, entry(`{}`))},
		"eleven entries":                   {entries: slicesOf(11, entry(`{}`))},
		"no entries":                       {entries: []types.PutEventsRequestEntry{}},
		"a byte below the size":            {ok: true, entries: []types.PutEventsRequestEntry{sized(50), sized(49)}},
		"at the size":                      {entries: []types.PutEventsRequestEntry{sized(50), sized(50)}},
		"a time is 14 bytes":               {entries: []types.PutEventsRequestEntry{timed}},
		"the same without time and source": {ok: true, entries: []types.PutEventsRequestEntry{sized(86)}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s, c := inProcess(eventbridgetest.Config{MaxBytes: 100})
			if strings.HasSuffix(name, "entries") {
				s, c = inProcess(eventbridgetest.Config{})
			}
			_, err := put(t.Context(), c, tt.entries...)
			if tt.ok {
				if err != nil || s.Accepted() != len(tt.entries) {
					t.Errorf("%d accepted, %v", s.Accepted(), err)
				}
				return
			}
			var api smithy.APIError
			if !errors.As(err, &api) || api.ErrorCode() != "ValidationException" || s.Accepted() != 0 {
				t.Errorf("%d accepted, %v", s.Accepted(), err)
			}
			if s.Count("") != 1 {
				t.Errorf("the SDK sent it %d times", s.Count(""))
			}
		})
	}
}

func slicesOf(n int, e types.PutEventsRequestEntry) []types.PutEventsRequestEntry {
	entries := make([]types.PutEventsRequestEntry, n)
	for i := range entries {
		entries[i] = e
	}
	return entries
}

func TestDefaultSizeLimit(t *testing.T) {
	s, c := inProcess(eventbridgetest.Config{})
	fits := entry(`{"":"` + strings.Repeat("x", 256*1024-1-14-7) + `"}`)
	if _, err := put(t.Context(), c, fits); err != nil {
		t.Errorf("a byte below 256 KiB: %v", err)
	}
	if _, err := put(t.Context(), c, entry(aws.ToString(fits.Detail)+" ")); err == nil || s.Accepted() != 1 {
		t.Errorf("256 KiB: %v, %d accepted", err, s.Accepted())
	}
}

func TestEachEntryIsJudgedByItself(t *testing.T) {
	edit := func(f func(*types.PutEventsRequestEntry)) types.PutEventsRequestEntry {
		e := entry(`{}`)
		f(&e)
		return e
	}
	tests := map[string]struct {
		entry types.PutEventsRequestEntry
		code  string
	}{
		"no source": {edit(func(e *types.PutEventsRequestEntry) { e.Source = nil }), "InvalidArgument"},
		"no detail type": {
			edit(func(e *types.PutEventsRequestEntry) { e.DetailType = aws.String("") }),
			"InvalidArgument",
		},
		"a long detail type": {
			edit(func(e *types.PutEventsRequestEntry) { e.DetailType = aws.String(strings.Repeat("ü", 129)) }),
			"InvalidArgument",
		},
		"no detail":         {edit(func(e *types.PutEventsRequestEntry) { e.Detail = nil }), "InvalidArgument"},
		"detail: truncated": {entry(`{"a":`), "MalformedDetail"},
		"detail: an array":  {entry(`[1]`), "MalformedDetail"},
		"detail: null":      {entry(`null`), "MalformedDetail"},
		"detail: text":      {entry(`"text"`), "MalformedDetail"},
		"AWS as the source": {
			edit(func(e *types.PutEventsRequestEntry) { e.Source = aws.String("aws.ec2") }),
			"NotAuthorizedForSourceException",
		},
		"detail type at most": {
			edit(func(e *types.PutEventsRequestEntry) { e.DetailType = aws.String(strings.Repeat("ü", 128)) }),
			"",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s, c := inProcess(eventbridgetest.Config{})
			out, err := put(t.Context(), c, entry(`{}`), tt.entry)
			if err != nil {
				t.Fatal(err)
			}
			if got := aws.ToString(out.Entries[1].ErrorCode); got != tt.code {
				t.Errorf("error code %q, want %q", got, tt.code)
			}
			failed := 1
			if tt.code == "" {
				failed = 0
			}
			if int(out.FailedEntryCount) != failed || s.Accepted() != 2-failed || aws.ToString(out.Entries[0].EventId) == "" {
				t.Errorf("%d failed, %d accepted", out.FailedEntryCount, s.Accepted())
			}
		})
	}
}

func TestEntryFaults(t *testing.T) {
	s, c := inProcess(eventbridgetest.Config{})
	s.InjectPart(standin.PartFault{Skip: 1})
	s.InjectPart(standin.PartFault{Of: "Other", Code: "InternalFailure", Times: 2})
	other := entry(`{}`)
	other.DetailType = aws.String("Other")
	codes := func() (got []string) {
		t.Helper()
		out, err := put(t.Context(), c, entry(`{}`), entry(`{}`), other)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range out.Entries {
			got = append(got, aws.ToString(e.ErrorCode))
		}
		return got
	}
	for i, want := range [][]string{
		{"", "ThrottlingException", "InternalFailure"},
		{"", "", "InternalFailure"},
		{"", "", ""},
	} {
		if diff := cmp.Diff(want, codes()); diff != "" {
			t.Errorf("call %d (-want +got):\n%s", i+1, diff)
		}
	}
	s.InjectPart(standin.PartFault{Times: -1})
	s.Inject(standin.Fault{Times: -1, Do: standin.Cut()})
	s.ClearFaults()
	if diff := cmp.Diff([]string{"", "", ""}, codes()); diff != "" {
		t.Errorf("after ClearFaults (-want +got):\n%s", diff)
	}
}

func TestCallFaultsAsTheSDKSeesThem(t *testing.T) {
	tests := map[string]struct {
		fault    standin.Fault
		accepted int // with the SDK's own retry
	}{
		"throttled":        {standin.Fault{Do: standin.Error("ThrottlingException")}, 1},
		"error, no effect": {standin.Fault{Do: standin.Error("")}, 1},
		"error, effect":    {standin.Fault{AfterEffect: true, Do: standin.Error("")}, 2},
		"cut, no effect":   {standin.Fault{Do: standin.Cut()}, 1},
		"cut, effect":      {standin.Fault{AfterEffect: true, Do: standin.Cut()}, 2},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, c := inProcess(eventbridgetest.Config{})
				s.Inject(tt.fault)
				if _, err := put(t.Context(), c, entry(`{}`)); err != nil {
					t.Errorf("the SDK gave up: %v", err)
				}
				if s.Accepted() != tt.accepted || s.Count("PutEvents") != 2 {
					t.Errorf("%d accepted in %d calls", s.Accepted(), s.Count("PutEvents"))
				}
				tt.fault.Times = -1
				s.Inject(tt.fault)
				if _, err := put(t.Context(), c, entry(`{}`)); err == nil {
					t.Error("the fault did not last")
				}
			})
		})
	}
}

func TestErrorCodesReachTheSDK(t *testing.T) {
	s, c := inProcess(eventbridgetest.Config{})
	s.Inject(standin.Fault{Do: standin.Error("AccessDeniedException")})
	_, err := put(t.Context(), c, entry(`{}`))
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != "AccessDeniedException" || api.ErrorMessage() == "" {
		t.Errorf("got %v", err)
	}
	if _, err := c.ListRules(t.Context(), &eventbridge.ListRulesInput{}); !errors.As(err, &api) ||
		api.ErrorCode() != "UnknownOperationException" {
		t.Errorf("another operation: %v", err)
	}
}

func TestMalformedRequest(t *testing.T) {
	s := eventbridgetest.New(eventbridgetest.Config{})
	for _, body := range []string{`{`, `{"Entries":[{"Time":"yesterday"}]}`, `{"Entries":{}}`, ``} {
		answer := post(t, s, body)
		var doc struct {
			Type string `json:"__type"`
		}
		if err := json.Unmarshal([]byte(answer), &doc); err != nil || doc.Type != "SerializationException" {
			t.Errorf("%s: answered %s", body, answer)
		}
	}
}

func post(t *testing.T, s *eventbridgetest.Server, body string) string {
	t.Helper()
	req := httptest.NewRequest(http.MethodPost, "http://events.test/", strings.NewReader(body))
	req.Header.Set("X-Amz-Target", "AWSEvents.PutEvents")
	w := httptest.NewRecorder()
	s.ServeHTTP(w, req)
	return w.Body.String()
}
