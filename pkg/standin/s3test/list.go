package s3test

import (
	"encoding/xml"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"databrain-rotation/pkg/standin"
)

// maxKeys is the most that one page holds (API reference, ListObjectsV2).
const maxKeys = 1000

type listing struct {
	XMLName        xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListBucketResult"`
	Name           string
	Prefix         string
	Delimiter      string `xml:",omitempty"`
	EncodingType   string `xml:",omitempty"`
	MaxKeys        int
	KeyCount       int
	IsTruncated    bool
	Contents       []listed
	CommonPrefixes []commonPrefix
}

type listed struct {
	Key, LastModified, ETag string
	Size                    int
	StorageClass            string
}

type commonPrefix struct{ Prefix string }

// list serves ListObjectsV2, in one page: more than it holds is beyond this stand-in.
func (s *Server) list(in *request) standin.Answer {
	if s.config.NoListBucket {
		return fail(in.Request, "AccessDenied")
	}
	q := in.URL.Query()
	out := listing{
		Name: in.bucket, Prefix: q.Get("prefix"), Delimiter: q.Get("delimiter"),
		EncodingType: q.Get("encoding-type"), MaxKeys: maxKeys,
	}
	out.fill(s.Objects())
	if out.KeyCount > maxKeys {
		return fail(in.Request, "NotImplemented")
	}
	return standin.Answer{
		Status: http.StatusOK,
		Header: http.Header{"Content-Type": {"application/xml"}},
		Body:   document(out),
	}
}

// fill lists the objects of the bucket under the prefix, and in place of those with a
// delimiter after it their common prefixes.
func (l *listing) fill(objects []Object) {
	for _, o := range objects {
		rest, under := strings.CutPrefix(o.Key, l.Prefix)
		if o.Bucket != l.Name || !under {
			continue
		}
		if before, _, found := strings.Cut(rest, l.Delimiter); found && l.Delimiter != "" {
			common := commonPrefix{l.encode(l.Prefix + before + l.Delimiter)}
			if !slices.Contains(l.CommonPrefixes, common) {
				l.CommonPrefixes = append(l.CommonPrefixes, common)
				l.KeyCount++
			}
			continue
		}
		l.KeyCount++
		l.Contents = append(l.Contents, listed{
			Key: l.encode(o.Key), ETag: o.ETag, Size: len(o.Body), StorageClass: "STANDARD",
			LastModified: o.Modified.Format("2006-01-02T15:04:05.000Z"),
		})
	}
	l.Prefix, l.Delimiter = l.encode(l.Prefix), l.encode(l.Delimiter)
}

// encode writes a name as encoding-type asks: XML cannot hold every key.
func (l *listing) encode(name string) string {
	if l.EncodingType != "url" {
		return name
	}
	return strings.ReplaceAll(url.QueryEscape(name), "%2F", "/")
}
