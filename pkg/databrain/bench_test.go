package databrain_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"testing"

	"databrain-rotation/pkg/databrain"
)

// BenchmarkAPITokens decodes a list of 1,000 tokens.
func BenchmarkAPITokens(b *testing.B) {
	const tokens = 1000
	var answer bytes.Buffer
	answer.WriteString(`{"data":[`)
	for i := range tokens {
		if i > 0 {
			answer.WriteByte(',')
		}
		fmt.Fprintf(
			&answer,
			`{"key":"00000000-0000-4000-8000-%012d","name":"token %d","description":"API key for data app Sales",`+
				`"createdAt":"2024-01-15T10:30:00Z"}`,
			i,
			i,
		)
	}
	answer.WriteString(`]}`)
	client := databrain.New(
		&url.URL{Scheme: "https", Host: "databrain.test"},
		databrain.Options{Transport: fixed(answer.Bytes())},
	)
	b.SetBytes(int64(answer.Len()))
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		for _, err := range client.APITokens(b.Context(), databrain.NewSecret("token"), "Sales", databrain.Whole) {
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
		if n != tokens {
			b.Fatal(n)
		}
	}
}

// fixed answers every request with the same body.
type fixed []byte

func (body fixed) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(bytes.NewReader(body))}, nil
}
