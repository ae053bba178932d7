package s3test

import (
	"encoding/base64"
	"encoding/xml"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"databrain-rotation/pkg/standin"
)

// maxKeys is the most that one page holds (API reference, ListObjectsV2).
const maxKeys = 1000

type listing struct {
	XMLName               xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListBucketResult"`
	Name                  string
	Prefix                string
	Delimiter             string `xml:",omitempty"`
	EncodingType          string `xml:",omitempty"`
	MaxKeys               int
	KeyCount              int
	IsTruncated           bool
	ContinuationToken     string `xml:",omitempty"`
	NextContinuationToken string `xml:",omitempty"`
	StartAfter            string `xml:",omitempty"`
	Contents              []listed
	CommonPrefixes        []commonPrefix
}

type listed struct {
	Key, LastModified, ETag string
	Size                    int
	StorageClass            string
}

type commonPrefix struct{ Prefix string }

// list serves ListObjectsV2. The continuation token is the last key or common
// prefix of the page before.
func (s *Server) list(in *request) standin.Answer {
	if s.config.NoListBucket {
		return fail(in.Request, "AccessDenied")
	}
	q := in.URL.Query()
	out := listing{
		Name: in.bucket, Prefix: q.Get("prefix"), Delimiter: q.Get("delimiter"), EncodingType: q.Get("encoding-type"),
		StartAfter: q.Get("start-after"), ContinuationToken: q.Get("continuation-token"), MaxKeys: maxKeys,
	}
	if limit := q.Get("max-keys"); limit != "" {
		n, err := strconv.Atoi(limit)
		if err != nil || n < 0 {
			return fail(in.Request, "InvalidArgument")
		}
		out.MaxKeys = min(n, maxKeys)
	}
	after := out.StartAfter
	if out.ContinuationToken != "" {
		last, err := base64.RawURLEncoding.DecodeString(out.ContinuationToken)
		if err != nil {
			return fail(in.Request, "InvalidArgument")
		}
		after = string(last)
	}
	out.fill(s.Objects(), after)
	return standin.Answer{Status: http.StatusOK, Header: http.Header{"Content-Type": {"application/xml"}}, Body: document(out)}
}

// fill lists what comes after a key or common prefix, up to a page.
func (l *listing) fill(objects []Object, after string) {
	prefix, delimiter := l.Prefix, l.Delimiter
	for _, o := range objects {
		name, isPrefix := o.Key, false
		if o.Bucket != l.Name || !strings.HasPrefix(o.Key, prefix) {
			continue
		}
		if i := strings.Index(o.Key[len(prefix):], delimiter); delimiter != "" && i >= 0 {
			name, isPrefix = o.Key[:len(prefix)+i+len(delimiter)], true
		}
		if name <= after {
			continue
		}
		if l.KeyCount == l.MaxKeys {
			l.IsTruncated = l.MaxKeys > 0
			if l.IsTruncated {
				l.NextContinuationToken = base64.RawURLEncoding.EncodeToString([]byte(after))
			}
			break
		}
		after = name
		l.KeyCount++
		if isPrefix {
			l.CommonPrefixes = append(l.CommonPrefixes, commonPrefix{l.encode(name)})
			continue
		}
		l.Contents = append(l.Contents, listed{
			Key: l.encode(name), ETag: o.ETag, Size: len(o.Body), StorageClass: "STANDARD",
			LastModified: o.Modified.Format("2006-01-02T15:04:05.000Z"),
		})
	}
	l.Prefix, l.Delimiter, l.StartAfter = l.encode(l.Prefix), l.encode(l.Delimiter), l.encode(l.StartAfter)
}

// encode writes a name as encoding-type asks: XML cannot hold every key.
func (l *listing) encode(name string) string {
	if l.EncodingType != "url" {
		return name
	}
	return strings.ReplaceAll(url.QueryEscape(name), "%2F", "/")
}
