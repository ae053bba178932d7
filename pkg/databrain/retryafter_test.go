package databrain_test

import (
	"net/http"
	"testing"
	"time"

	"databrain-rotation/pkg/databrain"
	"databrain-rotation/pkg/standin"
)

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)
	const day = 24 * time.Hour
	date := func(d time.Duration, layout string) string { return now.Add(d).Format(layout) }
	for name, tt := range map[string]struct {
		header http.Header
		want   time.Duration
	}{
		"absent":              {nil, 0},
		"empty":               {http.Header{"Retry-After": {""}}, 0},
		"0":                   {http.Header{"Retry-After": {"0"}}, 0},
		"seconds":             {http.Header{"Retry-After": {"120"}}, 2 * time.Minute},
		"leading zeros":       {http.Header{"Retry-After": {"007"}}, 7 * time.Second},
		"a day":               {http.Header{"Retry-After": {"86400"}}, day},
		"over a day":          {http.Header{"Retry-After": {"86401"}}, day},
		"int64 of ns":         {http.Header{"Retry-After": {"9223372037"}}, day},
		"int64":               {http.Header{"Retry-After": {"9223372036854775808"}}, day},
		"over uint64":         {http.Header{"Retry-After": {"99999999999999999999999999"}}, day},
		"negative":            {http.Header{"Retry-After": {"-5"}}, 0},
		"plus":                {http.Header{"Retry-After": {"+5"}}, 0},
		"fraction":            {http.Header{"Retry-After": {"1.5"}}, 0},
		"exponent":            {http.Header{"Retry-After": {"1e3"}}, 0},
		"hexadecimal":         {http.Header{"Retry-After": {"0x10"}}, 0},
		"underscore":          {http.Header{"Retry-After": {"1_000"}}, 0},
		"unit":                {http.Header{"Retry-After": {"30s"}}, 0},
		"words":               {http.Header{"Retry-After": {"in a while"}}, 0},
		"Arabic digits":       {http.Header{"Retry-After": {"٣٠"}}, 0},
		"date":                {http.Header{"Retry-After": {date(90*time.Second, http.TimeFormat)}}, 90 * time.Second},
		"date of RFC 850":     {http.Header{"Retry-After": {date(90*time.Second, time.RFC850)}}, 90 * time.Second},
		"date of C":           {http.Header{"Retry-After": {date(90*time.Second, time.ANSIC)}}, 90 * time.Second},
		"date in the past":    {http.Header{"Retry-After": {date(-90*time.Second, http.TimeFormat)}}, 0},
		"date of now":         {http.Header{"Retry-After": {date(0, http.TimeFormat)}}, 0},
		"date far away":       {http.Header{"Retry-After": {date(10000*day, http.TimeFormat)}}, day},
		"date beyond int64":   {http.Header{"Retry-After": {"Fri, 31 Dec 9999 23:59:59 GMT"}}, day},
		"date before int64":   {http.Header{"Retry-After": {"Mon, 01 Jan 0001 00:00:00 GMT"}}, 0},
		"date of no calendar": {http.Header{"Retry-After": {"Sun, 31 Feb 2026 12:00:00 GMT"}}, 0},
		"RFC 3339":            {http.Header{"Retry-After": {date(90*time.Second, time.RFC3339)}}, 0},
		"twice":               {http.Header{"Retry-After": {"3", "9"}}, 3 * time.Second},
		"limit's reset":       {http.Header{"Ratelimit-Reset": {"45"}}, 45 * time.Second},
		"both":                {http.Header{"Retry-After": {"3"}, "Ratelimit-Reset": {"45"}}, 3 * time.Second},
		"garbage and reset":   {http.Header{"Retry-After": {"soon"}, "Ratelimit-Reset": {"45"}}, 0},
	} {
		for _, status := range []int{429, 503, 400, 302} {
			c := inProcess(t, standin.Transport{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				for k, v := range tt.header {
					w.Header()[k] = v
				}
				w.WriteHeader(status)
			})}, databrain.Options{Now: func() time.Time { return now }})
			for _, o := range operations() {
				err := o.call(t.Context(), c, databrain.NewSecret("jwt"))
				if got := outcomeOf(t, err); got.RetryAfter != tt.want || got.Status != status {
					t.Errorf("%s, %d, %s: %v, want %v", name, status, o.name, got.RetryAfter, tt.want)
				}
			}
		}
	}
}
