package s3test_test

import (
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"databrain-rotation/pkg/standin/s3test"
)

func TestList(t *testing.T) {
	s, c := inProcess(s3test.Config{Buckets: []string{"bucket", "other"}, Now: func() time.Time { return instant }})
	for _, key := range []string{"a", "runs/2026/1", "runs/2026/2", "runs/latest & ü", "z"} {
		s.Put("bucket", key, []byte(key))
	}
	s.Put("other", "b", nil)
	tests := map[string]struct {
		in   s3.ListObjectsV2Input
		want []string
	}{
		"all":       {s3.ListObjectsV2Input{}, []string{"a", "runs/2026/1", "runs/2026/2", "runs/latest & ü", "z"}},
		"prefix":    {s3.ListObjectsV2Input{Prefix: aws.String("runs/2")}, []string{"runs/2026/1", "runs/2026/2"}},
		"delimiter": {s3.ListObjectsV2Input{Delimiter: aws.String("/")}, []string{"a", "runs/", "z"}},
		"both": {
			s3.ListObjectsV2Input{Prefix: aws.String("runs/"), Delimiter: aws.String("/")},
			[]string{"runs/2026/", "runs/latest & ü"},
		},
		"nothing": {s3.ListObjectsV2Input{Prefix: aws.String("none")}, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tt.in.Bucket = aws.String("bucket")
			var got []string
			page, err := c.ListObjectsV2(t.Context(), &tt.in)
			if err != nil {
				t.Fatal(err)
			}
			if n := len(page.Contents) + len(page.CommonPrefixes); int(aws.ToInt32(page.KeyCount)) != n {
				t.Errorf("a page of %d says %d", n, aws.ToInt32(page.KeyCount))
			}
			for _, p := range page.CommonPrefixes {
				got = append(got, aws.ToString(p.Prefix))
			}
			for _, o := range page.Contents {
				got = append(got, aws.ToString(o.Key))
				if aws.ToInt64(o.Size) != int64(len(aws.ToString(o.Key))) || !aws.ToTime(o.LastModified).Equal(instant) {
					t.Errorf("%s: %d bytes of %v", aws.ToString(o.Key), aws.ToInt64(o.Size), o.LastModified)
				}
			}
			if diff := cmp.Diff(tt.want, sorted(got)); diff != "" {
				t.Errorf("names (-want +got):\n%s", diff)
			}
		})
	}
	_, denied := inProcess(s3test.Config{NoListBucket: true})
	if _, err := denied.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String("bucket")}); code(
		err,
	) != "AccessDenied" {
		t.Errorf("without s3:ListBucket: %v", err)
	}
}

func sorted(names []string) []string { slices.Sort(names); return names }
