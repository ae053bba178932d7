package s3test

import (
	"bytes"
	"cmp"
	"crypto/md5"
	"encoding/hex"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"databrain-rotation/pkg/standin"
)

// Object is what a bucket holds.
type Object struct {
	Bucket, Key string
	Body        []byte
	ETag        string // with its quotes
	Modified    time.Time

	// Header is what the writer asked to be kept: Content-Type and its like,
	// x-amz-meta-*, x-amz-server-side-encryption* and the checksum.
	Header http.Header
}

// Object returns a copy of an object and whether it exists.
func (s *Server) Object(bucket, key string) (Object, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, ok := s.objects[bucket+"/"+key]
	return o.clone(), ok
}

// Objects returns copies of all objects, by bucket and key.
func (s *Server) Objects() []Object {
	s.mu.Lock()
	defer s.mu.Unlock()
	objects := make([]Object, 0, len(s.objects))
	for _, o := range s.objects {
		objects = append(objects, o.clone())
	}
	slices.SortFunc(objects, func(a, b Object) int {
		return cmp.Or(strings.Compare(a.Bucket, b.Bucket), strings.Compare(a.Key, b.Key))
	})
	return objects
}

// Put stores an object behind the API's back, and returns its ETag.
func (s *Server) Put(bucket, key string, body []byte) (etag string) {
	header := make(http.Header)
	addChecksum(header, body)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.store(bucket, key, body, header).ETag
}

// Remove takes an object away behind the API's back.
func (s *Server) Remove(bucket, key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.objects, bucket+"/"+key)
}

func (o Object) clone() Object {
	o.Body, o.Header = bytes.Clone(o.Body), o.Header.Clone()
	return o
}

// store keeps an object; s.mu is held. What the SDK is given is never changed
// afterwards, so it needs no copy.
func (s *Server) store(bucket, key string, body []byte, header http.Header) Object {
	sum := md5.Sum(body)
	o := Object{
		Bucket: bucket, Key: key, Body: bytes.Clone(body), Header: header,
		ETag: `"` + hex.EncodeToString(sum[:]) + `"`, Modified: s.config.Now().UTC(),
	}
	s.objects[bucket+"/"+key] = o
	return o
}

// get serves GetObject and HeadObject.
func (s *Server) get(in *request) standin.Answer {
	s.mu.Lock()
	o, ok := s.objects[in.bucket+"/"+in.key]
	s.mu.Unlock()
	if !ok {
		if s.config.NoListBucket {
			return fail(in.Request, "AccessDenied")
		}
		return fail(in.Request, "NoSuchKey")
	}
	h := o.answerHeader(in.Header.Get("X-Amz-Checksum-Mode") == "ENABLED")
	h.Set("Accept-Ranges", "bytes")
	h.Set("Last-Modified", o.Modified.Format(http.TimeFormat))
	h.Set("Content-Length", strconv.Itoa(len(o.Body)))
	if h.Get("Content-Type") == "" {
		h.Set("Content-Type", "binary/octet-stream")
	}
	return standin.Answer{Status: http.StatusOK, Header: h, Body: o.Body}
}

func (s *Server) put(in *request) standin.Answer {
	body, header, code := receive(in)
	if code != "" {
		return fail(in.Request, code)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if code := s.precondition(in); code != "" {
		return fail(in.Request, code)
	}
	h := s.store(in.bucket, in.key, body, header).answerHeader(true)
	maps.DeleteFunc(h, func(name string, _ []string) bool {
		return name != "Etag" && !strings.HasPrefix(strings.ToLower(name), "x-amz-server-side-encryption") &&
			!strings.HasPrefix(strings.ToLower(name), checksumPrefix)
	})
	return standin.Answer{Status: http.StatusOK, Header: h}
}

// precondition is the error code of a conditional write that does not hold (user
// guide, "How to prevent object overwrites with conditional writes"), or "";
// s.mu is held.
func (s *Server) precondition(in *request) string {
	match, noneMatch := in.Header.Get("If-Match"), in.Header.Get("If-None-Match")
	o, exists := s.objects[in.bucket+"/"+in.key]
	switch {
	case noneMatch != "" && (noneMatch != "*" || match != ""):
		return "NotImplemented"
	case noneMatch != "" && exists:
		return "PreconditionFailed"
	case match != "" && !exists:
		return "NoSuchKey"
	case match != "" && strings.Trim(match, `"`) != strings.Trim(o.ETag, `"`):
		return "PreconditionFailed"
	}
	return ""
}

// answerHeader is the object's own part of an answer.
func (o Object) answerHeader(checksums bool) http.Header {
	h := o.Header.Clone()
	h.Set("ETag", o.ETag)
	if h.Get("X-Amz-Server-Side-Encryption") == "" {
		// S3 encrypts every object.
		h.Set("X-Amz-Server-Side-Encryption", "AES256")
	}
	for name := range h {
		if !checksums && strings.HasPrefix(strings.ToLower(name), checksumPrefix) {
			h.Del(name)
		}
	}
	if checksums {
		h.Set("X-Amz-Checksum-Type", "FULL_OBJECT")
	}
	return h
}

// kept are the headers of a write that a read gives back.
func kept(sent http.Header) http.Header {
	h := make(http.Header)
	for name, values := range sent {
		lower := strings.ToLower(name)
		switch {
		case slices.Contains([]string{"Cache-Control", "Content-Disposition", "Content-Encoding", "Content-Language",
			"Content-Type", "Expires"}, name),
			strings.HasPrefix(lower, "x-amz-meta-"),
			strings.HasPrefix(lower, "x-amz-server-side-encryption"):
			h[name] = values
		}
	}
	return h
}
