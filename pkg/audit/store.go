package audit

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"databrain-rotation/pkg/audit/finding"
)

// S3 is the part of the SDK's client that the audit needs, and that the
// function's role has to allow.
type S3 interface {
	GetObject(context.Context, *s3.GetObjectInput, ...func(*s3.Options)) (*s3.GetObjectOutput, error)
	PutObject(context.Context, *s3.PutObjectInput, ...func(*s3.Options)) (*s3.PutObjectOutput, error)
	ListObjectsV2(context.Context, *s3.ListObjectsV2Input, ...func(*s3.Options)) (*s3.ListObjectsV2Output, error)
}

// Store is the place in S3 for reports and for the state.
type Store struct {
	Client S3
	Bucket string
	Prefix string // of every key; that of a folder ends with "/"
}

const maxState = 256 << 20 // bytes; about half a million findings

// stateVersion is the object that a state was read from, which the next one may
// replace.
type stateVersion struct {
	etag string // "" if there is none yet
	keep bool   // nothing is known of it: it must stay
}

// load reads the state. It never fails: what can not be read is [Forgotten], and
// note says why.
func (s *Store) load(ctx context.Context, instance string) (m finding.Memory, v stateVersion, note string) {
	forgotten := finding.Memory{Kind: finding.Forgotten}
	out, err := s.Client.GetObject(ctx, &s3.GetObjectInput{Bucket: &s.Bucket, Key: aws.String(s.stateKey())})
	if _, missing := errors.AsType[*types.NoSuchKey](err); missing || httpStatus(err) == http.StatusForbidden && s.noState(ctx) {
		return finding.Memory{Kind: finding.FirstRun}, stateVersion{}, ""
	}
	if err != nil {
		return forgotten, stateVersion{keep: true}, "the state of the last run could not be read (" + awsCause(err) + "): " +
			"every finding is ongoing, nothing is resolved, and the state stays as it is"
	}
	defer out.Body.Close()
	v.etag = aws.ToString(out.ETag)
	body := &failing{r: io.LimitReader(out.Body, maxState)}
	m.Snapshot, err = finding.ReadSnapshot(body)
	switch {
	case body.err != nil || v.etag == "":
		return forgotten, stateVersion{keep: true}, "the state of the last run could not be read to its end: " +
			"every finding is ongoing, nothing is resolved, and the state stays as it is"
	case err != nil:
		return forgotten, v, "the state of the last run is corrupt: every finding is ongoing, nothing is resolved, and this run replaces it"
	case m.Instance != instance:
		return forgotten, v, "the state of the last run is that of another instance: " +
			"every finding is ongoing, nothing is resolved, and this run replaces it"
	}
	m.Kind = finding.Remembered
	return m, v, ""
}

// noState reports whether a list of the bucket shows that there is no state.
// Without s3:ListBucket S3 answers 403 for an object that is missing ("GetObject",
// Amazon S3 API reference), and that it grants the permission for a prefix alone
// may count as without: only a list states its prefix.
func (s *Store) noState(ctx context.Context) bool {
	out, err := s.Client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &s.Bucket, Prefix: aws.String(s.stateKey())})
	return err == nil && !slices.ContainsFunc(out.Contents, func(o types.Object) bool { return aws.ToString(o.Key) == s.stateKey() })
}

// errStateTaken: another run stored its state since this one read it.
var errStateTaken = errors.New("another run stored its state first")

// save stores a state in place of v. It returns errStateTaken if another one is
// there. That v is not proves no other run: the state may be this run's own, stored
// by an attempt whose answer was lost, before the SDK tried again.
func (s *Store) save(ctx context.Context, next finding.Snapshot, v stateVersion) error {
	put := &s3.PutObjectInput{Key: aws.String(s.stateKey()), ContentType: aws.String("application/json")}
	if v.etag == "" {
		put.IfNoneMatch = aws.String("*")
	} else {
		put.IfMatch = &v.etag
	}
	err := s.spool(ctx, func(w io.Writer) error { return finding.WriteSnapshot(w, next) }, put)
	if status := httpStatus(err); status != http.StatusPreconditionFailed && status != http.StatusConflict {
		return err
	}
	switch m, there, _ := s.load(ctx, next.Instance); {
	case m.RunID == next.RunID && m.StoredAt.Equal(next.StoredAt):
		return nil
	case there.etag != "" && there.etag != v.etag:
		return errStateTaken
	}
	return err
}

func (s *Store) stateKey() string { return s.Prefix + "state.json" }

// upload stores what write writes under each of keys.
func (s *Store) upload(ctx context.Context, contentType string, write func(io.Writer) error, keys ...string) error {
	puts := make([]*s3.PutObjectInput, len(keys))
	for i, key := range keys {
		puts[i] = &s3.PutObjectInput{Key: aws.String(s.Prefix + key), ContentType: &contentType}
	}
	return s.spool(ctx, write, puts...)
}

// spool writes to a temporary file and puts it: S3 wants to know the length
// before the first byte, and memory may be smaller than a report.
func (s *Store) spool(ctx context.Context, write func(io.Writer) error, puts ...*s3.PutObjectInput) error {
	file, err := os.CreateTemp("", "databrain-audit-*")
	if err != nil {
		return fmt.Errorf("audit: make a temporary file: %w", err)
	}
	defer os.Remove(file.Name())
	defer file.Close()
	w := bufio.NewWriterSize(file, 64<<10)
	if err := errors.Join(write(w), w.Flush()); err != nil {
		return fmt.Errorf("audit: write a temporary file: %w", err)
	}
	for _, put := range puts {
		if _, err := file.Seek(0, io.SeekStart); err != nil {
			return fmt.Errorf("audit: read a temporary file: %w", err)
		}
		put.Bucket, put.Body = &s.Bucket, file
		if _, err := s.Client.PutObject(ctx, put); err != nil {
			return fmt.Errorf("audit: store s3://%s/%s: %w", s.Bucket, aws.ToString(put.Key), err)
		}
	}
	return nil
}

// ReadPolicy reads the policy at s3://bucket/key.
func ReadPolicy(ctx context.Context, client S3, bucket, key string) (finding.Policy, error) {
	source := "s3://" + bucket + "/" + key
	out, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		return finding.Policy{}, fmt.Errorf("read the policy %s that AUDIT_POLICY names: %w", source, err)
	}
	defer out.Body.Close()
	return finding.ReadPolicy(out.Body, source)
}

// failing remembers the reader's own error, which a decoder hides.
type failing struct {
	r   io.Reader
	err error
}

func (f *failing) Read(p []byte) (int, error) {
	n, err := f.r.Read(p)
	if err != nil && err != io.EOF {
		f.err = err
	}
	return n, err
}

// httpStatus is the status of the answer that err, of the SDK, tells of; 0
// without one.
func httpStatus(err error) int {
	if e, ok := errors.AsType[interface {
		error
		HTTPStatusCode() int
	}](err); ok {
		return e.HTTPStatusCode()
	}
	return 0
}
