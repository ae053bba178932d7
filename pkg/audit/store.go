package audit

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"time"

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

	// StateBytes is how much memory the state may take; 0 is defaultStateBytes.
	StateBytes int64
}

// defaultStateBytes holds about 200,000 findings.
const defaultStateBytes = 128 << 20

func (s *Store) stateBytes() int64 { return cmp.Or(s.StateBytes, defaultStateBytes) }

// stateVersion is the object that a state was read from, which the next one may
// replace.
type stateVersion struct {
	etag string // "" if there is none yet
	keep bool   // it is not this run's to replace
}

// loss is why a run does not know what the last one knew.
type loss string

// The losses. A state that is lost leaves reports behind.
const (
	stateLost       loss = "lost"
	stateDamaged    loss = "damaged"
	stateForeign    loss = "foreign"
	stateUnreadable loss = "unreadable"
	stateIncomplete loss = "incomplete" // open findings had no room
)

// unknownGap is how long ago the last run is taken to be if nothing tells: rather a
// crossed age is told of twice than never.
const unknownGap = 7 * 24 * time.Hour

// recollection is what a run learns from the state of the last one.
type recollection struct {
	finding.Memory
	version stateVersion
	lost    loss   // "" if nothing is
	note    string // on the loss: what follows, and what to do
}

// load reads the state. It never fails: what cannot be read is [finding.Forgotten].
// Owner is the secret that the instance is read with; "" if that is not known.
func (s *Store) load(ctx context.Context, instance, owner string, now time.Time) (m recollection) {
	m.Kind, m.LastRun = finding.Forgotten, now.Add(-unknownGap)
	out, err := s.Client.GetObject(ctx, &s3.GetObjectInput{Bucket: &s.Bucket, Key: aws.String(s.stateKey())})
	_, missing := errors.AsType[*types.NoSuchKey](err)
	if missing || httpStatus(err) == http.StatusForbidden && s.noState(ctx) {
		m.Kind = finding.FirstRun
		if len(s.list(ctx, "latest/")) > 0 {
			m.lose(
				stateLost,
				"the state of the last run is gone, although its reports are there",
				"every finding is new, with new event ids. If nobody deleted s3://"+s.Bucket+"/"+s.stateKey()+", look for a "+
					"lifecycle rule",
			)
		}
		return m
	}
	defer func() {
		if m.Kind == finding.Forgotten && m.lost != stateForeign {
			for _, object := range s.list(ctx, stateName) {
				m.LastRun = aws.ToTime(object.LastModified)
			}
		}
	}()
	if err != nil {
		m.version.keep = true
		m.lose(stateUnreadable, "the state of the last run could not be read ("+awsCause(err)+")", kept+mendAccess)
		return m
	}
	defer out.Body.Close()
	m.version.etag = aws.ToString(out.ETag)
	body := &failing{r: out.Body}
	read, err := finding.ReadSnapshot(body, s.stateBytes())
	switch {
	case body.err != nil || m.version.etag == "":
		m.version.keep = true
		m.lose(stateUnreadable, "the state of the last run could not be read to its end", kept+mendAccess)
	case errors.Is(err, finding.ErrSchema):
		m.version.keep = true
		m.lose(stateUnreadable, "the state of the last run has a schema of another release", kept+
			"Go back to that release, or "+s.begin())
	case err != nil:
		m.lose(stateDamaged, "the state of the last run is corrupt", "nothing is resolved, and this run replaces it")
	case read.Instance != instance, read.Owner != "" && owner != "" && read.Owner != owner:
		m.version.keep = true
		m.lose(stateForeign, "the state belongs to another instance or another secret",
			kept+"If another audit writes there, "+
				"give this one an AUDIT_PREFIX (parameter AuditPrefix) of its own. If none does, because the address or "+
				"the secret was changed, "+s.begin())
	default:
		m.Kind, m.Snapshot = finding.Remembered, read
		if read.Incomplete {
			m.lose(stateIncomplete, "open findings had no room in the state of the last run", "they are ongoing if this run "+
				"sees them, and are not reported as resolved otherwise. "+finding.MoreMemory)
		}
	}
	return m
}

func (m *recollection) lose(how loss, what, follows string) {
	m.lost, m.note = how, what+": "+follows
}

// droppedNote says what a state had no room for; "" if it held everything.
func droppedNote(d finding.Dropped) string {
	if d == (finding.Dropped{}) {
		return ""
	}
	return fmt.Sprintf("the memory between runs is full: %d open and %d resolved findings were dropped from it, "+
		"those that were resolved longest ago first. This run reports every finding all the same. %s",
		d.Open, d.Resolved, finding.MoreMemory)
}

const (
	// kept is what follows from a state that is not replaced.
	kept       = "nothing is resolved, and the state stays as it is. "
	mendAccess = "If this lasts, check the bucket, its policy and its key, and what the function's role may do"
)

// begin says how to do without the memory of earlier runs.
func (s *Store) begin() string {
	return "delete s3://" + s.Bucket + "/" + s.stateKey() + " to begin anew"
}

// noState reports whether a list of the bucket shows that there is no state.
// Without s3:ListBucket S3 answers 403 for an object that is missing ("GetObject",
// Amazon S3 API reference), and that it grants the permission for a prefix alone
// may count as without: only a list states its prefix.
func (s *Store) noState(ctx context.Context) bool {
	out, err := s.Client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &s.Bucket, Prefix: aws.String(s.stateKey())})
	return err == nil &&
		!slices.ContainsFunc(out.Contents, func(o types.Object) bool { return aws.ToString(o.Key) == s.stateKey() })
}

// list returns the first objects whose keys begin with prefix; none if the bucket cannot
// be listed.
func (s *Store) list(ctx context.Context, prefix string) []types.Object {
	out, err := s.Client.ListObjectsV2(ctx,
		&s3.ListObjectsV2Input{Bucket: &s.Bucket, Prefix: aws.String(s.Prefix + prefix)})
	if err != nil {
		return nil
	}
	return out.Contents
}

// errStateTaken: another run stored its state since this one read it.
var errStateTaken = errors.New("another run stored its state first")

// save stores a state in place of v and returns its version. The error is
// errStateTaken if another state is there. A failed precondition does not prove that
// another run won: an earlier attempt of this PutObject may have succeeded and lost its
// answer. What that attempt left may also be the empty state of [run.recall], which next
// then replaces.
func (s *Store) save(ctx context.Context, next finding.Snapshot, v stateVersion) (stateVersion, error) {
	put := &s3.PutObjectInput{Key: aws.String(s.stateKey()), ContentType: aws.String("application/json")}
	if v.etag == "" {
		put.IfNoneMatch = aws.String("*")
	} else {
		put.IfMatch = &v.etag
	}
	stored, err := s.spool(ctx, func(w io.Writer) error { return finding.WriteSnapshot(w, next) }, put)
	if status := httpStatus(err); status != http.StatusPreconditionFailed && status != http.StatusConflict {
		return stateVersion{etag: stored}, err
	}
	m := s.load(ctx, next.Instance, next.Owner, next.StoredAt)
	own := m.RunID == next.RunID && m.StoredAt.Equal(next.StoredAt)
	switch begun := m.Apps == nil && next.Apps != nil; {
	case own && !begun:
		return m.version, nil
	case own && m.version.etag != v.etag:
		return s.save(ctx, next, m.version)
	case m.version.etag != "" && m.version.etag != v.etag:
		return v, errStateTaken
	}
	return v, err
}

const stateName = "state.json"

func (s *Store) stateKey() string { return s.Prefix + stateName }

// upload stores what write writes under each of keys.
func (s *Store) upload(ctx context.Context, contentType string, write func(io.Writer) error, keys ...string) error {
	puts := make([]*s3.PutObjectInput, len(keys))
	for i, key := range keys {
		puts[i] = &s3.PutObjectInput{Key: aws.String(s.Prefix + key), ContentType: &contentType}
	}
	_, err := s.spool(ctx, write, puts...)
	return err
}

// spool writes to a temporary file and puts it: S3 wants to know the length before the
// first byte, and memory may be smaller than a report. It returns the entity tag of the
// last object.
func (s *Store) spool(
	ctx context.Context,
	write func(io.Writer) error,
	puts ...*s3.PutObjectInput,
) (etag string, err error) {
	file, err := os.CreateTemp("", "databrain-audit-*")
	if err != nil {
		return "", fmt.Errorf("audit: make a temporary file: %w", err)
	}
	defer os.Remove(file.Name())
	defer file.Close()
	w := bufio.NewWriterSize(file, 64<<10)
	err = write(w)
	if err == nil {
		err = w.Flush()
	}
	if err != nil {
		return "", fmt.Errorf("audit: write a temporary file: %w", err)
	}
	for _, put := range puts {
		if _, err := file.Seek(0, io.SeekStart); err != nil {
			return "", fmt.Errorf("audit: read a temporary file: %w", err)
		}
		put.Bucket, put.Body = &s.Bucket, file
		out, err := s.Client.PutObject(ctx, put)
		if err != nil {
			return "", fmt.Errorf("audit: store s3://%s/%s: %w", s.Bucket, aws.ToString(put.Key), err)
		}
		etag = aws.ToString(out.ETag)
	}
	return etag, nil
}

// ReadPolicy reads the policy at s3://bucket/key.
func ReadPolicy(ctx context.Context, client S3, bucket, key string) (finding.Policy, error) {
	source := "s3://" + bucket + "/" + key
	out, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		return finding.Policy{}, fmt.Errorf("read the policy %s that AUDIT_POLICY (parameter AuditPolicyObject) names: %w",
			source, err)
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
