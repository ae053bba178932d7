package audit_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"databrain-rotation/pkg/audit"
	"databrain-rotation/pkg/audit/report"
	"databrain-rotation/pkg/standin/databraintest"
	"databrain-rotation/pkg/standin/eventbridgetest"
)

// disk keeps the state in a file and drops the reports, so that what a test
// measures is not the memory of a stand-in.
type disk struct {
	folder string
	mu     sync.Mutex
	bytes  int64
}

func (d *disk) GetObject(context.Context, *s3.GetObjectInput, ...func(*s3.Options)) (*s3.GetObjectOutput, error) {
	file, err := os.Open(d.folder + "/state.json")
	if err != nil {
		return nil, &types.NoSuchKey{}
	}
	return &s3.GetObjectOutput{Body: file, ETag: aws.String(`"1"`)}, nil
}

func (d *disk) ListObjectsV2(
	context.Context,
	*s3.ListObjectsV2Input,
	...func(*s3.Options),
) (*s3.ListObjectsV2Output, error) {
	return &s3.ListObjectsV2Output{}, nil
}

func (d *disk) PutObject(
	_ context.Context,
	in *s3.PutObjectInput,
	_ ...func(*s3.Options),
) (*s3.PutObjectOutput, error) {
	into := io.Discard
	if strings.HasSuffix(*in.Key, "state.json") {
		file, err := os.Create(d.folder + "/state.json")
		if err != nil {
			return nil, err
		}
		defer file.Close()
		into = file
	}
	n, err := io.Copy(into, in.Body)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.bytes += n
	return &s3.PutObjectOutput{}, err
}

// peakHeap samples the live and garbage bytes of the heap until stop is called,
// and returns the most that it saw.
func peakHeap() (stop func() uint64) {
	done, result := make(chan struct{}), make(chan uint64)
	go func() {
		sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
		var peak uint64
		for {
			metrics.Read(sample)
			peak = max(peak, sample[0].Value.Uint64())
			select {
			case <-done:
				result <- peak
				return
			case <-time.After(time.Millisecond):
			}
		}
	}()
	return func() uint64 { close(done); return <-result }
}

// TestMemory audits many apps, of whose tokens three each are stale. A Lambda of
// 128 MB can do that, and ten times the tokens with as many findings need no more.
// The first run has no state, the others read that of the one before.
func TestMemory(t *testing.T) {
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(96 << 20)) // as the function does where it has 128 MB
	now := time.Now()
	tokens := 10
	key := func(app, n int) databraintest.APIToken {
		age := 10
		if n < 3 {
			age = 100 + app%300
		}
		return databraintest.APIToken{
			Key:       fmt.Sprintf("%08d-0000-4000-8000-%012d", app, n),
			Name:      fmt.Sprintf("Token number %d", n),
			CreatedAt: now.Add(-days(age)),
		}
	}
	all := databraintest.Many(scaleApps, 1, now, key)
	for i := range all {
		all[i].Generate = func(yield func(databraintest.APIToken) bool) {
			for n := range tokens {
				if !yield(key(i, n)) {
					return
				}
			}
		}
	}
	l := newLab(t, databraintest.Config{DataApps: all})
	bus := eventbridgetest.New(eventbridgetest.Config{Discard: true})
	defer bus.Close()
	l.auditor.Bus = &audit.Bus{Name: "default", Client: newEventBridge(bus)}
	store := &disk{folder: t.TempDir()}
	l.auditor.Store = &audit.Store{Client: store, Bucket: labBucket, Prefix: "audit/"}
	l.auditor.RequestsPerMinute = 100_000_000
	l.auditor.RunBytes = 32 << 20 // likewise

	var peaks []uint64
	for run, wantNew := range []int{3*scaleApps + 1, 0, 0} {
		if run == 2 {
			tokens = 100
		}
		runtime.GC()
		stop := peakHeap()
		s, err := l.auditor.Run(t.Context(), audit.Request{RunID: fmt.Sprint(run), Start: now})
		peaks = append(peaks, stop()>>20)
		if err != nil {
			t.Fatal(err)
		}
		if s.Counts.Stale != 3*scaleApps || s.Counts.Tokens != tokens*scaleApps || s.Counts.New != wantNew ||
			s.Requests > 2*scaleApps+3 {
			t.Errorf("run %d: %+v, %d requests", run, s.Counts, s.Requests)
		}
		if bus.Accepted() != (run+1)*(3*scaleApps+2) || store.bytes == 0 {
			t.Errorf("run %d: %d events, %d bytes stored", run, bus.Accepted(), store.bytes)
		}
	}
	t.Logf("%d apps: the heap reached %v MB, the stand-ins included", scaleApps, peaks)
	if peaks[2] > 100 {
		t.Errorf("the heap reached %d MB", peaks[2])
	}
	if peaks[2] > peaks[1]*5/4+8 {
		t.Errorf("the heap grows with the tokens: %d MB, then %d MB", peaks[1], peaks[2])
	}
}

// TestFindingsOfARunAreBounded audits instances of which all tokens are stale. Ten times
// as many need no more memory: the rest is a gap.
func TestFindingsOfARunAreBounded(t *testing.T) {
	large(t)
	var peaks []uint64
	for _, tokens := range []int{500, 5000} {
		all := databraintest.Many(20, 0, time.Now(), nil)
		for i := range all {
			all[i].Generate = func(yield func(databraintest.APIToken) bool) {
				for n := range tokens {
					if !yield(databraintest.APIToken{
						Key: fmt.Sprintf("%d-%d", i, n), Name: fmt.Sprint(n), CreatedAt: time.Now().Add(-days(500)),
					}) {
						return
					}
				}
			}
		}
		l := newLab(t, databraintest.Config{DataApps: all})
		bus := eventbridgetest.New(eventbridgetest.Config{Discard: true})
		defer bus.Close()
		l.auditor.Bus = &audit.Bus{Name: "default", Client: newEventBridge(bus)}
		l.auditor.Store = &audit.Store{Client: &disk{folder: t.TempDir()}, Bucket: labBucket, Prefix: "audit/"}
		l.auditor.RequestsPerMinute, l.auditor.RunBytes = 100_000_000, 4<<20
		runtime.GC()
		stop := peakHeap()
		s, err := l.auditor.Run(t.Context(), audit.Request{RunID: "r", Start: time.Now()})
		peaks = append(peaks, stop()>>20)
		if err != nil || s.Status != report.Partial || s.Counts.Stale < 3000 || s.Counts.Stale > 7000 {
			t.Errorf("%d tokens: %v, %s, %+v", 20*tokens, err, s.Status, s.Counts)
		}
	}
	t.Logf("the heap reached %v MB", peaks)
	if peaks[1] > peaks[0]*5/4+8 {
		t.Errorf("the heap grows with the findings: %d MB, then %d MB", peaks[0], peaks[1])
	}
}
