package s3test_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"databrain-rotation/pkg/standin/s3test"
)

func TestEveryChecksumTheSDKCanSend(t *testing.T) {
	for _, algorithm := range types.ChecksumAlgorithm("").Values() {
		for _, endpoint := range []string{"http://s3.test", "https://s3.test"} {
			s := s3test.New(s3test.Config{})
			_, err := put(
				t.Context(),
				client(s.Client(), endpoint),
				"k",
				"body",
				func(in *s3.PutObjectInput) { in.ChecksumAlgorithm = algorithm },
			)
			o, _ := s.Object("bucket", "k")
			name := "X-Amz-Checksum-" + string(algorithm)
			switch algorithm {
			case types.ChecksumAlgorithmCrc32, types.ChecksumAlgorithmCrc32c, types.ChecksumAlgorithmCrc64nvme,
				types.ChecksumAlgorithmSha1, types.ChecksumAlgorithmSha256:
				if err != nil || string(o.Body) != "body" || o.Header.Get(name) == "" {
					t.Errorf("%s over %s: %v, stored %q with %v", algorithm, endpoint, err, o.Body, o.Header)
				}
			default:
				if err == nil {
					t.Errorf("%s over %s passed unverified", algorithm, endpoint)
				}
			}
		}
	}
}

// TestDamagedBodies sends what no healthy client sends.
func TestDamagedBodies(t *testing.T) {
	const good = "4\r\nbody\r\n0\r\nx-amz-checksum-crc32:26gLsg==\r\n\r\n"
	chunked := map[string]string{"X-Amz-Content-Sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
		"X-Amz-Decoded-Content-Length": "4", "X-Amz-Trailer": "x-amz-checksum-crc32", "Content-Encoding": "gzip,aws-chunked"}
	tests := map[string]struct {
		header map[string]string
		body   string
		status int
		code   string
	}{
		"good trailer": {chunked, good, http.StatusOK, ""},
		"signed chunks": {
			chunked,
			"4;chunk-signature=00\r\nbody\r\n0;chunk-signature=00\r\n" +
				"x-amz-checksum-crc32:26gLsg==\r\nx-amz-trailer-signature:00\r\n\r\n",
			http.StatusOK,
			"",
		},
		"wrong trailer":      {chunked, strings.Replace(good, "26gLsg", "AAAAAA", 1), http.StatusBadRequest, "BadDigest"},
		"missing trailer":    {chunked, "4\r\nbody\r\n0\r\n\r\n", http.StatusBadRequest, "MalformedTrailerError"},
		"missing last chunk": {chunked, "4\r\nbody\r\n", http.StatusBadRequest, "IncompleteBody"},
		"short chunk":        {chunked, "5\r\nbody\r\n0\r\n\r\n", http.StatusBadRequest, "IncompleteBody"},
		"huge chunk":         {chunked, "7fffffff\r\nbody\r\n0\r\n\r\n", http.StatusBadRequest, "IncompleteBody"},
		"no chunk at all":    {chunked, "body", http.StatusBadRequest, "IncompleteBody"},
		"another length": {
			chunked,
			strings.Replace(good, "4\r\nbody", "3\r\nbod", 1),
			http.StatusBadRequest,
			"IncompleteBody",
		},
		"wrong checksum": {
			map[string]string{"X-Amz-Checksum-Crc32": "AAAAAA=="},
			"body",
			http.StatusBadRequest,
			"BadDigest",
		},
		"unknown checksum": {
			map[string]string{"X-Amz-Checksum-Md4": "AAAAAA=="},
			"body",
			http.StatusNotImplemented,
			"NotImplemented",
		},
		"wrong content hash": {
			map[string]string{"X-Amz-Content-Sha256": strings.Repeat("0", 64)},
			"body",
			http.StatusBadRequest,
			"XAmzContentSHA256Mismatch",
		},
		"no statement at all": {nil, "body", http.StatusOK, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := s3test.New(s3test.Config{})
			req, err := http.NewRequestWithContext(
				t.Context(),
				http.MethodPut,
				"http://s3.test/bucket/k",
				strings.NewReader(tt.body),
			)
			if err != nil {
				t.Fatal(err)
			}
			for name, value := range tt.header {
				req.Header.Set(name, value)
			}
			resp, err := s.Client().Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			answer, err := io.ReadAll(resp.Body)
			if err != nil || resp.StatusCode != tt.status || !strings.Contains(string(answer), tt.code) {
				t.Errorf("%d %s, %v", resp.StatusCode, answer, err)
			}
			o, stored := s.Object("bucket", "k")
			if stored != (tt.code == "") || stored && string(o.Body) != "body" {
				t.Errorf("stored %v: %q", stored, o.Body)
			}
			if stored && tt.header != nil && o.Header.Get("Content-Encoding") != "gzip" {
				t.Errorf("content encoding %q", o.Header.Get("Content-Encoding"))
			}
		})
	}
}
