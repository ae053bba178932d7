package s3test

import (
	"bufio"
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"io"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
)

const checksumPrefix = "x-amz-checksum-"

// newHash is the hash behind each checksum header (user guide, "Checking object
// integrity"), by the end of the header's name.
func newHash(algorithm string) hash.Hash {
	switch algorithm {
	case "crc32":
		return crc32.NewIEEE()
	case "crc32c":
		return crc32.New(crc32.MakeTable(crc32.Castagnoli))
	case "crc64nvme":
		return crc64.New(crc64.MakeTable(0x9a6c9329ac4bc9b5))
	case "sha1":
		return sha1.New()
	case "sha256":
		return sha256.New()
	}
	return nil
}

func checksum(h hash.Hash, body []byte) string {
	h.Write(body)
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

// addChecksum gives an object the checksum that S3 computes when the writer sent
// none.
func addChecksum(header http.Header, body []byte) {
	header.Set(checksumPrefix+"crc64nvme", checksum(newHash("crc64nvme"), body))
}

// receive unpacks the body of a write, verifies what its sender said of it, and
// returns it with the headers to keep. A code that is not empty refuses it.
func receive(in *request) (body []byte, header http.Header, code string) {
	header, body = kept(in.Header), in.body
	sent := in.Header.Clone()
	payload := in.Header.Get("X-Amz-Content-Sha256")
	if strings.HasPrefix(payload, "STREAMING-") {
		var trailer textproto.MIMEHeader
		var err error
		body, trailer, err = unchunk(in.body)
		if err != nil || in.Header.Get("X-Amz-Decoded-Content-Length") != strconv.Itoa(len(body)) {
			return nil, nil, "IncompleteBody"
		}
		if promised := in.Header.Get("X-Amz-Trailer"); promised != "" && trailer.Get(promised) == "" {
			return nil, nil, "MalformedTrailerError"
		}
		for name, values := range trailer {
			sent[name] = values
		}
		dropChunkedEncoding(header)
	} else if sum := sha256.Sum256(body); len(payload) == 2*len(sum) && payload != hex.EncodeToString(sum[:]) {
		return nil, nil, "XAmzContentSHA256Mismatch"
	}
	given := false
	for name := range sent {
		algorithm, ok := strings.CutPrefix(strings.ToLower(name), checksumPrefix)
		if !ok {
			continue
		}
		h := newHash(algorithm)
		if h == nil {
			return nil, nil, "NotImplemented"
		}
		if checksum(h, body) != sent.Get(name) {
			return nil, nil, "BadDigest"
		}
		header.Set(name, sent.Get(name))
		given = true
	}
	if !given {
		addChecksum(header, body)
	}
	return body, header, ""
}

// unchunk decodes an aws-chunked body and its trailer: user guide, "Signature
// calculations for the authorization header: transferring a payload in multiple
// chunks", with or without signatures.
func unchunk(chunked []byte) (body []byte, trailer textproto.MIMEHeader, err error) {
	r := bufio.NewReader(bytes.NewReader(chunked))
	lines := textproto.NewReader(r)
	for {
		line, err := lines.ReadLine()
		if err != nil {
			return nil, nil, err
		}
		digits, _, _ := strings.Cut(line, ";")
		size, err := strconv.ParseUint(digits, 16, 31)
		if err != nil {
			return nil, nil, err
		}
		if size == 0 {
			break
		}
		chunk := make([]byte, min(size, uint64(len(chunked))))
		if _, err := io.ReadFull(r, chunk); err != nil || uint64(len(chunk)) != size {
			return nil, nil, io.ErrUnexpectedEOF
		}
		body = append(body, chunk...)
		if end, err := lines.ReadLine(); err != nil || end != "" {
			return nil, nil, io.ErrUnexpectedEOF
		}
	}
	trailer, err = lines.ReadMIMEHeader()
	return body, trailer, err
}

// dropChunkedEncoding removes aws-chunked, which S3 does not keep.
func dropChunkedEncoding(h http.Header) {
	var rest []string
	for encoding := range strings.SplitSeq(h.Get("Content-Encoding"), ",") {
		if encoding = strings.TrimSpace(encoding); encoding != "" && encoding != "aws-chunked" {
			rest = append(rest, encoding)
		}
	}
	h.Del("Content-Encoding")
	if len(rest) > 0 {
		h.Set("Content-Encoding", strings.Join(rest, ","))
	}
}
