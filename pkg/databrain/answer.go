package databrain

import (
	"encoding/json"
	"io"

	"databrain-rotation/pkg/jsonobject"
)

// hasList reports whether the member "data" is an array.
func hasList(answer jsonobject.Object) bool {
	data := answer.Raw("data")
	return len(data) > 0 && data[0] == '['
}

// list reads {"data":[…]} entry by entry, so that memory does not grow with the
// number of entries, and yields each raw entry. The entry is valid until yield
// returns; an error of yield ends the reading and is returned. The answer comes
// back with its other members and the list emptied.
func list(r io.Reader, yield func(json.RawMessage) error) (jsonobject.Object, error) {
	bounded := &entryReader{r: io.LimitReader(r, maxListAnswer)}
	dec := json.NewDecoder(bounded)
	var answer jsonobject.Object
	var failed error // of what is read here
	err := jsonobject.Read(dec, func(name string) error {
		var value json.RawMessage
		if name == "data" {
			value, failed = entriesOf(dec, bounded, yield)
		} else if dec.Decode(&value) != nil {
			failed = readError(bounded)
		}
		answer = append(answer, jsonobject.Member{Name: name, Value: value})
		return failed
	})
	switch {
	case failed != nil:
		return nil, failed
	case err != nil:
		return nil, readError(bounded)
	}
	return answer, nil
}

// entriesOf yields the entries of the array that comes next in dec, and returns
// the array without them. Null takes the place of an array in answers that report
// an error.
func entriesOf(dec *json.Decoder, bounded *entryReader, yield func(json.RawMessage) error) (json.RawMessage, error) {
	t, err := dec.Token()
	if err == nil && t == nil {
		return json.RawMessage("null"), nil
	}
	if err != nil || t != json.Delim('[') {
		return nil, readError(bounded)
	}
	var entry json.RawMessage
	for dec.More() {
		if dec.Decode(&entry) != nil {
			return nil, readError(bounded)
		}
		if err := yield(entry); err != nil {
			return nil, err
		}
		bounded.used = dec.InputOffset()
	}
	if _, err := dec.Token(); err != nil {
		return nil, readError(bounded)
	}
	return json.RawMessage("[]"), nil
}

// entryReader bounds the bytes between one entry's end and the next one's, which
// the decoder holds in memory. The decoder reads on only while what it holds is no
// whole entry.
type entryReader struct {
	r          io.Reader
	read, used int64
	err        error
}

func (e *entryReader) Read(p []byte) (int, error) {
	room := maxAnswer - (e.read - e.used)
	if room <= 0 {
		return 0, errUnreadable
	}
	n, err := e.r.Read(p[:min(int64(len(p)), room)])
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
