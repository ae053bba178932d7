// Package s3test is a stand-in of Amazon S3 at the wire, as far as small documents
// need it: GetObject, HeadObject, PutObject and ListObjectsV2, with
// conditional writes and checksums, for the real SDK client and the AWS CLI.
//
//	store := s3test.New(s3test.Config{Buckets: []string{"reports"}})
//	url, err := store.Start("127.0.0.1:0")
//	…
//	AWS_ENDPOINT_URL_S3=<url> build/audit/bootstrap
//
// The SDK addresses a bucket by the path where the endpoint is an IP address, and
// by the host (reports.s3.test) where it is a name; the stand-in takes both. A
// named endpoint must begin with "s3.", as AWS's own do, and then its buckets have
// no dots. A client that uses [standin.Wire.Client] needs no endpoint at all.
//
// What the stand-in does not know it refuses with NotImplemented instead of
// passing over it: ranges, versions, copies, multipart uploads, customer keys.
// Signatures are not checked.
//
// Faults are injected with [standin.Wire.Inject]; the target of a call is
// "bucket/key". The answer to a conditional write that lost a race is
//
//	store.Inject(standin.Fault{Operation: "PutObject",
//		Do: standin.Error("ConditionalRequestConflict")})
package s3test

import (
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"databrain-rotation/pkg/standin"
)

// Config of a Server. The zero value works.
type Config struct {
	// Buckets are the buckets that exist; nil means one, named "bucket".
	Buckets []string

	// Account owns the buckets; empty means 123456789012. Only calls that name an
	// expected owner notice.
	Account string

	// NoListBucket is a caller without the permission s3:ListBucket, for whom a
	// missing object is AccessDenied instead of NoSuchKey (API reference,
	// GetObject, "Permissions").
	NoListBucket bool

	// Now is the clock of modification times and of the call log; nil means
	// time.Now.
	Now func() time.Time
}

// Server is the stand-in. It is safe for concurrent use.
type Server struct {
	*standin.Wire
	config Config

	mu      sync.Mutex
	objects map[string]Object // by bucket/key
}

// New returns a Server whose buckets are empty.
func New(c Config) *Server {
	if c.Buckets == nil {
		c.Buckets = []string{"bucket"}
	}
	if c.Account == "" {
		c.Account = "123456789012"
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	s := &Server{config: c, objects: make(map[string]Object)}
	s.Wire = standin.New(standin.Service{
		Name: "S3", Route: s.route, Fail: fail, Now: c.Now,
	})
	return s
}

// request is one call on its way to its operation.
type request struct {
	*http.Request
	bucket, key string
	body        []byte
}

// route names the operation of a request. What every operation has in common is
// checked when it takes effect, so that a fault can come before.
func (s *Server) route(r *http.Request, body []byte) (operation, target string, perform func() standin.Answer) {
	in := &request{Request: r, body: body}
	in.bucket, in.key = locate(r)
	operation, run := s.operation(in)
	target = in.bucket + "/" + in.key
	return operation, target, func() standin.Answer {
		if code := s.refuse(in, operation); code != "" {
			return fail(r, code)
		}
		return run(in)
	}
}

func (s *Server) operation(in *request) (string, func(*request) standin.Answer) {
	switch {
	case in.key == "" && in.Method == http.MethodGet && in.URL.Query().Get("list-type") == "2":
		return "ListObjectsV2", s.list
	case in.key == "":
	case in.Method == http.MethodGet:
		return "GetObject", s.get
	case in.Method == http.MethodHead:
		return "HeadObject", s.get
	case in.Method == http.MethodPut:
		return "PutObject", s.put
	}
	return "", nil
}

// refuse is the error code for a call that no operation should see, or "".
func (s *Server) refuse(in *request, operation string) string {
	owner := in.Header.Get("X-Amz-Expected-Bucket-Owner")
	switch {
	case operation == "" || unknown(in.Request, operation):
		return "NotImplemented"
	case !slices.Contains(s.config.Buckets, in.bucket):
		return "NoSuchBucket"
	case owner != "" && owner != s.config.Account:
		return "AccessDenied"
	}
	return ""
}

// locate finds the bucket in the host (virtual-hosted style) or in the path.
func locate(r *http.Request) (bucket, key string) {
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		host = r.Host
	}
	path := strings.TrimPrefix(r.URL.Path, "/")
	label, _, named := strings.Cut(host, ".")
	if named && label != "s3" && net.ParseIP(host) == nil {
		return label, path
	}
	bucket, key, _ = strings.Cut(path, "/")
	return bucket, key
}

// known are the request headers and query parameters with a meaning here, or with
// none anywhere outside a signature check.
var known = map[string]bool{
	"x-amz-acl": true, "x-amz-checksum-mode": true, "x-amz-content-sha256": true, "x-amz-date": true,
	"x-amz-decoded-content-length": true, "x-amz-expected-bucket-owner": true, "x-amz-sdk-checksum-algorithm": true,
	"x-amz-security-token": true, "x-amz-server-side-encryption": true,
	"x-amz-server-side-encryption-aws-kms-key-id":     true,
	"x-amz-server-side-encryption-bucket-key-enabled": true, "x-amz-storage-class": true, "x-amz-tagging": true,
	"x-amz-trailer": true, "x-amz-user-agent": true, "x-id": true,
}

var listParameters = []string{"list-type", "prefix", "delimiter", "encoding-type", "fetch-owner"}

// unknown says whether the request asks for something that the stand-in does not
// do.
func unknown(r *http.Request, operation string) bool {
	for name := range r.Header {
		name = strings.ToLower(name)
		special := strings.HasPrefix(name, "if-") || name == "range"
		switch {
		case operation == "PutObject" && (name == "if-match" || name == "if-none-match"):
		case special, strings.HasPrefix(name, "x-amz-") && !known[name] &&
			!strings.HasPrefix(name, "x-amz-meta-") && !strings.HasPrefix(name, checksumPrefix):
			return true
		}
	}
	for name := range r.URL.Query() {
		if !known[name] && (operation != "ListObjectsV2" || !slices.Contains(listParameters, name)) {
			return true
		}
	}
	return false
}
