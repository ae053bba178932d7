package s3test_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"databrain-rotation/pkg/standin"
	"databrain-rotation/pkg/standin/labtest"
	"databrain-rotation/pkg/standin/s3test"
)

var instant = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

func client(httpClient s3.HTTPClient, endpoint string) *s3.Client {
	o := s3.Options{
		Region: "eu-central-1", HTTPClient: httpClient,
		Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "example", "session"),
		// The defaults of config.LoadDefaultConfig.
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenSupported,
		ResponseChecksumValidation: aws.ResponseChecksumValidationWhenSupported,
	}
	if endpoint != "" {
		o.BaseEndpoint = aws.String(endpoint)
	}
	return s3.New(o)
}

// inProcess gives a client that talks to AWS's own endpoint, by https, so that it
// sends its checksums in trailers.
func inProcess(c s3test.Config) (*s3test.Server, *s3.Client) {
	s := s3test.New(c)
	return s, client(s.Client(), "")
}

func put(
	ctx context.Context,
	c *s3.Client,
	key, body string,
	edit ...func(*s3.PutObjectInput),
) (*s3.PutObjectOutput, error) {
	in := &s3.PutObjectInput{Bucket: aws.String("bucket"), Key: aws.String(key), Body: strings.NewReader(body)}
	for _, e := range edit {
		e(in)
	}
	return c.PutObject(ctx, in)
}

func get(ctx context.Context, c *s3.Client, key string) (string, *s3.GetObjectOutput, error) {
	out, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String("bucket"), Key: aws.String(key)})
	if err != nil {
		return "", nil, err
	}
	defer out.Body.Close()
	body, err := io.ReadAll(out.Body)
	return string(body), out, err
}

func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

// TestAsAFunctionSeesIt has nothing but the environment to find the stand-in by.
func TestAsAFunctionSeesIt(t *testing.T) {
	s := s3test.New(s3test.Config{})
	url, err := s.Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	labtest.OnlyTheStandIns(t)
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL_S3": url, "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
		"AWS_SECRET_ACCESS_KEY": "example",
	} {
		t.Setenv(name, value)
	}
	c, err := config.LoadDefaultConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := put(t.Context(), s3.NewFromConfig(c), "k", "body"); err != nil {
		t.Fatal(err)
	}
	if got, _, err := get(t.Context(), s3.NewFromConfig(c), "k"); got != "body" || err != nil {
		t.Errorf("read %q, %v", got, err)
	}
}

// TestRoundTrip covers each way in which the SDK addresses a bucket and sends a
// body.
func TestRoundTrip(t *testing.T) {
	listening := s3test.New(s3test.Config{})
	url, err := listening.Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listening.Close()
	served := s3test.New(s3test.Config{})
	tests := map[string]struct {
		server *s3test.Server
		client *s3.Client
	}{
		"socket, by path":           {listening, client(nil, url)},
		"in process, AWS endpoint":  {served, client(served.Client(), "")},
		"in process, http by host":  {served, client(served.Client(), "http://s3.test")},
		"in process, https by host": {served, client(served.Client(), "https://s3.test:4566")},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			key, body := "a folder/ü+"+name+".json", strings.Repeat("{}\r\n", 20_000)
			stored, err := put(t.Context(), tt.client, key, body, func(in *s3.PutObjectInput) {
				in.ContentType = aws.String("application/json")
				in.CacheControl = aws.String("no-store")
				in.Metadata = map[string]string{"run": "7"}
				in.ServerSideEncryption = types.ServerSideEncryptionAwsKms
				in.SSEKMSKeyId = aws.String("alias/audit")
			})
			if err != nil {
				t.Fatal(err)
			}
			got, out, err := get(t.Context(), tt.client, key)
			if err != nil || got != body {
				t.Fatalf("read %d bytes, %v", len(got), err)
			}
			head, err := tt.client.HeadObject(
				t.Context(),
				&s3.HeadObjectInput{Bucket: aws.String("bucket"), Key: aws.String(key)},
			)
			if err != nil {
				t.Fatal(err)
			}
			want := []string{aws.ToString(stored.ETag), "application/json", "no-store", "7", "aws:kms", "alias/audit"}
			for operation, got := range map[string][]string{
				"GetObject": {aws.ToString(out.ETag), aws.ToString(out.ContentType), aws.ToString(out.CacheControl),
					out.Metadata["run"], string(out.ServerSideEncryption), aws.ToString(out.SSEKMSKeyId)},
				"HeadObject": {aws.ToString(head.ETag), aws.ToString(head.ContentType), aws.ToString(head.CacheControl),
					head.Metadata["run"], string(head.ServerSideEncryption), aws.ToString(head.SSEKMSKeyId)},
			} {
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s (-want +got):\n%s", operation, diff)
				}
			}
			if aws.ToInt64(head.ContentLength) != int64(len(body)) || aws.ToString(out.ChecksumCRC32) == "" ||
				aws.ToString(out.ChecksumCRC32) != aws.ToString(stored.ChecksumCRC32) {
				t.Errorf(
					"length %d, checksums %q and %q",
					aws.ToInt64(head.ContentLength),
					aws.ToString(stored.ChecksumCRC32),
					aws.ToString(out.ChecksumCRC32),
				)
			}
			o, ok := tt.server.Object("bucket", key)
			if !ok || string(o.Body) != body || o.ETag != aws.ToString(stored.ETag) || o.Header.Get("Content-Encoding") != "" {
				t.Errorf("stored: %v, %d bytes, %v", ok, len(o.Body), o.Header)
			}
		})
	}
	if listening.Count("PutObject") != 1 || served.Count("PutObject") != 3 {
		t.Errorf("%d and %d calls", listening.Count("PutObject"), served.Count("PutObject"))
	}
}

func TestConditionalWrites(t *testing.T) {
	tests := map[string]struct {
		exists          bool
		match, notMatch string
		want            string
	}{
		"create what is absent":           {notMatch: "*"},
		"create what exists":              {exists: true, notMatch: "*", want: "PreconditionFailed"},
		"create unless a certain version": {exists: true, notMatch: `"x"`, want: "NotImplemented"},
		"replace the version read":        {exists: true, match: "current"},
		"replace it without quotes":       {exists: true, match: "bare"},
		"replace another version":         {exists: true, match: `"0123"`, want: "PreconditionFailed"},
		"replace what is absent":          {match: `"0123"`, want: "NoSuchKey"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s, c := inProcess(s3test.Config{})
			if tt.exists {
				etag := s.Put("bucket", "k", []byte("old"))
				switch tt.match {
				case "current":
					tt.match = etag
				case "bare":
					tt.match = strings.Trim(etag, `"`)
				}
			}
			_, err := put(t.Context(), c, "k", "new", func(in *s3.PutObjectInput) {
				if tt.match != "" {
					in.IfMatch = aws.String(tt.match)
				}
				if tt.notMatch != "" {
					in.IfNoneMatch = aws.String(tt.notMatch)
				}
			})
			if code(err) != tt.want || (err == nil) != (tt.want == "") {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			o, _ := s.Object("bucket", "k")
			if stored := string(o.Body) == "new"; stored != (tt.want == "") {
				t.Errorf("stored %q", o.Body)
			}
		})
	}
}

func TestOnlyOneOfManyCreates(t *testing.T) {
	s, c := inProcess(s3test.Config{})
	var mu sync.Mutex
	outcomes := map[string]int{}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			_, err := put(t.Context(), c, "k", "body", func(in *s3.PutObjectInput) { in.IfNoneMatch = aws.String("*") })
			mu.Lock()
			defer mu.Unlock()
			outcomes[code(err)]++
		})
	}
	wg.Wait()
	if diff := cmp.Diff(map[string]int{"": 1, "PreconditionFailed": 7}, outcomes); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
	if len(s.Objects()) != 1 {
		t.Errorf("%d objects", len(s.Objects()))
	}
}

func TestWhatIsMissing(t *testing.T) {
	for name, tt := range map[string]struct {
		config    s3test.Config
		get, head string
	}{
		"with s3:ListBucket":    {s3test.Config{}, "NoSuchKey", "NotFound"},
		"without s3:ListBucket": {s3test.Config{NoListBucket: true}, "AccessDenied", "Forbidden"},
		"another bucket":        {s3test.Config{Buckets: []string{"other"}}, "NoSuchBucket", "NotFound"},
	} {
		t.Run(name, func(t *testing.T) {
			_, c := inProcess(tt.config)
			if _, _, err := get(t.Context(), c, "k"); code(err) != tt.get {
				t.Errorf("GetObject: %v", err)
			}
			if _, err := c.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String("bucket"),
				Key: aws.String("k")}); code(
				err,
			) != tt.head {
				t.Errorf("HeadObject: %v", err)
			}
		})
	}
	_, c := inProcess(s3test.Config{})
	_, _, err := get(t.Context(), c, "k")
	if missing := new(types.NoSuchKey); !errors.As(err, &missing) {
		t.Errorf("the SDK does not know it for NoSuchKey: %v", err)
	}
}

func TestExpectedOwner(t *testing.T) {
	_, c := inProcess(s3test.Config{Account: "111122223333"})
	for owner, want := range map[string]string{"111122223333": "", "999999999999": "AccessDenied"} {
		_, err := put(t.Context(), c, "k", "body", func(in *s3.PutObjectInput) { in.ExpectedBucketOwner = aws.String(owner) })
		if code(err) != want {
			t.Errorf("owner %s: %v", owner, err)
		}
	}
}

func TestUnknownRequestsAreRefused(t *testing.T) {
	_, c := inProcess(s3test.Config{})
	if _, err := put(t.Context(), c, "k", "body"); err != nil {
		t.Fatal(err)
	}
	bucket, key := aws.String("bucket"), aws.String("k")
	for name, call := range map[string]func() error{
		"range": func() error {
			_, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: bucket, Key: key, Range: aws.String("bytes=0-1")})
			return err
		},
		"version": func() error {
			_, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: bucket, Key: key, VersionId: aws.String("v")})
			return err
		},
		"conditional read": func() error {
			_, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: bucket, Key: key, IfModifiedSince: aws.Time(instant)})
			return err
		},
		"copy": func() error {
			_, err := c.CopyObject(t.Context(), &s3.CopyObjectInput{Bucket: bucket, Key: key,
				CopySource: aws.String("bucket/k")})
			return err
		},
		"multipart": func() error {
			_, err := c.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: bucket, Key: key})
			return err
		},
		"old listing": func() error {
			_, err := c.ListObjects(t.Context(), &s3.ListObjectsInput{Bucket: bucket})
			return err
		},
		"object lock": func() error {
			_, err := put(t.Context(), c, "k", "body",
				func(in *s3.PutObjectInput) { in.ObjectLockLegalHoldStatus = types.ObjectLockLegalHoldStatusOn })
			return err
		},
	} {
		if err := call(); code(err) != "NotImplemented" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFaultsAsTheSDKSeesThem(t *testing.T) {
	tests := map[string]struct {
		fault  standin.Fault
		want   string // the error code; "" when the SDK's own retry heals it
		calls  int
		stored bool
	}{
		"slow down":      {standin.Fault{Do: standin.Error("SlowDown")}, "", 2, true},
		"cut":            {standin.Fault{Do: standin.Cut()}, "", 2, true},
		"error after":    {standin.Fault{AfterEffect: true, Do: standin.Error("")}, "", 2, true},
		"error for good": {standin.Fault{Times: -1, Do: standin.Error("")}, "InternalError", 3, false},
		"lost race": {
			standin.Fault{Do: standin.Error("ConditionalRequestConflict")},
			"ConditionalRequestConflict",
			1,
			false,
		},
		"forbidden":           {standin.Fault{Do: standin.Error("AccessDenied")}, "AccessDenied", 1, false},
		"only its own target": {standin.Fault{Target: "bucket/other", Do: standin.Error("AccessDenied")}, "", 1, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, c := inProcess(s3test.Config{})
				tt.fault.Operation = "PutObject"
				s.Inject(tt.fault)
				_, err := put(t.Context(), c, "k", "body")
				if code(err) != tt.want || (err == nil) != (tt.want == "") || s.Count("PutObject") != tt.calls {
					t.Errorf("after %d calls: %v", s.Count("PutObject"), err)
				}
				if _, stored := s.Object("bucket", "k"); stored != tt.stored {
					t.Errorf("stored: %v", stored)
				}
			})
		})
	}
}

func TestAnAnswerThatEndsHalfway(t *testing.T) {
	s, c := inProcess(s3test.Config{})
	s.Put("bucket", "k", []byte("0123456789"))
	s.Inject(standin.Fault{Do: standin.CutBody()})
	if got, _, err := get(t.Context(), c, "k"); got != "01234" || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("read %q, %v", got, err)
	}
}

func TestReturnedObjectsAreCopies(t *testing.T) {
	s := s3test.New(s3test.Config{})
	s.Put("bucket", "k", []byte("body"))
	s.Objects()[0].Body[0] = 'X'
	o, _ := s.Object("bucket", "k")
	o.Body[1] = 'X'
	o.Header.Set("Content-Type", "x")
	if again, _ := s.Object("bucket", "k"); !bytes.Equal(again.Body, []byte("body")) ||
		again.Header.Get("Content-Type") != "" {
		t.Errorf("got %q, %v", again.Body, again.Header)
	}
}
