package standin_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"databrain-rotation/pkg/standin"
)

func TestAccesses(t *testing.T) {
	for name, c := range map[string]struct {
		method, url, target, agent, body string
		want                             []standin.Access
	}{
		"a secret by its name": {"POST", "/", "secretsmanager.GetSecretValue", "app/rotate lang/go", `{"SecretId":"a"}`,
			[]standin.Access{{"rotate", "secretsmanager:GetSecretValue", "a"}}},
		"events on two buses": {"POST", "/", "AWSEvents.PutEvents", "",
			`{"Entries":[{"EventBusName":"a"},{"EventBusName":"b"}]}`,
			[]standin.Access{{"", "events:PutEvents", "a"}, {"", "events:PutEvents", "b"}}},
		"findings for a product": {"POST", "/findings/import", "", "app/audit",
			`{"Findings":[{"ProductArn":"a"},{"ProductArn":"a"}]}`,
			[]standin.Access{{"audit", "securityhub:BatchImportFindings", "a"}}},
		"an object by the path": {"PUT", "/bucket/a/b.json?x-id=PutObject", "", "", "",
			[]standin.Access{{"", "s3:PutObject", "bucket/a/b.json"}}},
		"an object by the host": {"HEAD", "http://bucket.s3.us-east-1.test/a/b.json", "", "", "",
			[]standin.Access{{"", "s3:GetObject", "bucket/a/b.json"}}},
		"a list": {"GET", "/bucket?list-type=2&prefix=a/b", "", "", "", []standin.Access{{"",
			"s3:ListBucket", "bucket/a/b"}}},
		"what no role may do":     {"DELETE", "/bucket/a", "", "", "", []standin.Access{{"", "s3:DELETE", "bucket/a"}}},
		"a service without roles": {"POST", "/", "Other.Call", "", "{}", []standin.Access{{"", "Other:Call", ""}}},
	} {
		r := httptest.NewRequest(c.method, c.url, strings.NewReader(c.body))
		if c.target != "" {
			r.Header.Set("X-Amz-Target", c.target)
		}
		r.Header.Set("User-Agent", "aws-sdk-go-v2/1.0 "+c.agent)
		if diff := cmp.Diff(c.want, standin.Accesses(r, []byte(c.body))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if got := standin.Accesses(httptest.NewRequest("GET", "/api/v2/data-app", nil), nil); got != nil {
		t.Errorf("a request of Databrain is taken for one of AWS: %v", got)
	}
}
