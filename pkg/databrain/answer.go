package databrain

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

// members are the members of a JSON object by their exact names. Unlike
// encoding/json's structs it tells upper case from lower, and a name given twice
// is an error: of two keys nobody knows which one is live.
type members map[string]json.RawMessage

func object(data []byte) (members, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, errUnreadable
	}
	m := make(members)
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return nil, errUnreadable
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return nil, errUnreadable
		}
		if _, twice := m[name.(string)]; twice {
			return nil, errUnreadable
		}
		m[name.(string)] = value
	}
	if _, err := dec.Token(); err != nil {
		return nil, errUnreadable
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errUnreadable
	}
	return m, nil
}

// text returns the member name if it is a string.
func (m members) text(name string) (string, bool) {
	var s *string
	if err := json.Unmarshal(m[name], &s); err != nil || s == nil {
		return "", false
	}
	return *s, true
}

// list reads {"data":[…]} entry by entry, so that memory does not grow with the
// number of entries, and yields each raw entry. The entry is valid until yield
// returns. It returns errUnreadable unless the whole answer has that form.
func list(r io.Reader, yield func(json.RawMessage) bool) error {
	bounded := &entryReader{r: io.LimitReader(r, maxListAnswer)}
	dec := json.NewDecoder(bounded)
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return readError(bounded)
	}
	seen := false
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return readError(bounded)
		}
		if name != "data" {
			var skipped json.RawMessage
			if dec.Decode(&skipped) != nil || name == "error" && string(skipped) != "null" {
				return readError(bounded)
			}
			continue
		}
		if t, err := dec.Token(); err != nil || t != json.Delim('[') || seen {
			return readError(bounded)
		}
		seen = true
		var entry json.RawMessage
		for dec.More() {
			if dec.Decode(&entry) != nil {
				return readError(bounded)
			}
			if !yield(entry) {
				return nil
			}
			bounded.used = dec.InputOffset()
		}
		if _, err := dec.Token(); err != nil {
			return readError(bounded)
		}
	}
	if _, err := dec.Token(); err != nil || !seen {
		return readError(bounded)
	}
	return nil
}

// entryReader bounds the bytes between one entry's end and the next one's, which
// the decoder holds in memory.
type entryReader struct {
	r          io.Reader
	read, used int64
	err        error
}

func (e *entryReader) Read(p []byte) (int, error) {
	if e.read-e.used > maxAnswer {
		return 0, errUnreadable
	}
	n, err := e.r.Read(p)
	e.read += int64(n)
	if err != nil && err != io.EOF {
		e.err = err
	}
	return n, err
}

// readError prefers the reader's own failure, such as a time-out, to the
// decoder's complaint that the input ended.
func readError(e *entryReader) error {
	if e.err != nil {
		return e.err
	}
	return errUnreadable
}
