package standin

import (
	"encoding/json"
	"maps"
	"net"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// Access is what IAM judges a request by.
type Access struct {
	App      string // the application id that the SDK was given by AWS_SDK_UA_APP_ID
	Action   string // such as "secretsmanager:GetSecretValue"
	Resource string // as the request names it: a secret's name or ARN, bucket/key, bucket/prefix, a bus, a product
}

var appID = regexp.MustCompile(`\bapp/(\S+)`)

// Accesses returns what a request asks of IAM, an entry for each event bus of PutEvents
// and for each product of BatchImportFindings. A request of another service has the
// service's own name of its action, and a request that is of no SDK or CLI of AWS none.
func Accesses(r *http.Request, body []byte) []Access {
	if !strings.Contains(r.UserAgent(), "aws-") { // aws-sdk-go-v2, aws-cli
		return nil
	}
	app := ""
	if found := appID.FindStringSubmatch(r.UserAgent()); found != nil {
		app = found[1]
	}
	service, operation, isJSON := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	switch {
	case !isJSON && r.URL.Path == "/findings/import":
		var in struct{ Findings []struct{ ProductArn string } }
		json.Unmarshal(body, &in) //nolint:errcheck // a body that is none names no product
		products := make(map[string]bool)
		for _, f := range in.Findings {
			products[f.ProductArn] = true
		}
		var all []Access
		for _, product := range slices.Sorted(maps.Keys(products)) {
			all = append(all, Access{app, "securityhub:BatchImportFindings", product})
		}
		return all
	case !isJSON:
		bucket, key := bucketAndKey(r)
		return []Access{{app, s3Action(r.Method, key), bucket + "/" + key + r.URL.Query().Get("prefix")}}
	case service == "AWSEvents":
		var in struct {
			Entries []struct{ EventBusName string }
		}
		json.Unmarshal(body, &in) //nolint:errcheck // a body that is none names no bus
		var all []Access
		for _, e := range in.Entries {
			all = append(all, Access{app, "events:" + operation, e.EventBusName})
		}
		return all
	}
	var in struct{ SecretId, Name string }
	json.Unmarshal(body, &in) //nolint:errcheck // likewise, no secret
	return []Access{{app, service + ":" + operation, in.SecretId + in.Name}}
}

// s3Action is the permission that an operation needs
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html).
func s3Action(method, key string) string {
	switch {
	case key == "":
		return "s3:ListBucket"
	case method == http.MethodGet, method == http.MethodHead:
		return "s3:GetObject"
	case method == http.MethodPut:
		return "s3:PutObject"
	}
	return "s3:" + method
}

// bucketAndKey reads both ways to address an object, by the path and by the host.
func bucketAndKey(r *http.Request) (bucket, key string) {
	path := strings.TrimPrefix(r.URL.Path, "/")
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		host = r.Host
	}
	if bucket, _, byHost := strings.Cut(host, ".s3."); byHost {
		return bucket, path
	}
	bucket, key, _ = strings.Cut(path, "/")
	return bucket, key
}

// accessLog appends each access once to the file that STANDIN_ACCESS_LOG names, as a
// line of JSON. Runs of the demonstration and of the tests fill it for an evaluation
// of the roles.
type accessLog struct {
	mu   sync.Mutex
	file *os.File // nil when nothing is kept
	seen map[Access]bool
}

var openAccessLog = sync.OnceValue(func() *accessLog {
	l := &accessLog{seen: map[Access]bool{}}
	if path := os.Getenv("STANDIN_ACCESS_LOG"); path != "" {
		file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			panic(err)
		}
		l.file = file
	}
	return l
})

func (l *accessLog) keep(r *http.Request, body []byte) {
	if l.file == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, a := range Accesses(r, body) {
		if l.seen[a] {
			continue
		}
		l.seen[a] = true
		line, err := json.Marshal(a)
		if err == nil {
			_, err = l.file.Write(append(line, '\n'))
		}
		if err != nil {
			panic(err)
		}
	}
}
