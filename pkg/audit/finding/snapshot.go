package finding

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"time"
)

// snapshotHead is a [Snapshot] without its findings, which are written and read
// one by one: encoding/json would hold the text of all of them in memory.
type snapshotHead struct {
	Schema   string               `json:"schema"`
	RunID    string               `json:"runId"`
	Instance string               `json:"instance"`
	Owner    string               `json:"owner,omitempty"`
	StoredAt time.Time            `json:"storedAt"`
	Apps     map[string]AppMemory `json:"apps"`
	Tokens   int                  `json:"tokens"`
	Emptied  bool                 `json:"emptied,omitempty"`

	Incomplete bool `json:"incomplete,omitempty"`
}

var (
	errCorrupt = errors.New("the state is corrupt")

	// ErrSchema is the error of a state in a form that this release does not know.
	ErrSchema = errors.New("the state has a schema that this release does not know")
)

// WriteSnapshot writes s as a JSON object, one finding a line.
func WriteSnapshot(w io.Writer, s Snapshot) error {
	head, err := json.Marshal(snapshotHead{
		s.Schema, s.RunID, s.Instance, s.Owner, s.StoredAt, s.Apps, s.Tokens, s.Emptied, s.Incomplete,
	})
	if err != nil {
		return err
	}
	if _, err := w.Write(append(bytes.TrimSuffix(head, []byte("}")), `,"findings":[`...)); err != nil {
		return err
	}
	enc := json.NewEncoder(w)
	for i := range s.Findings {
		if i > 0 {
			_, err = io.WriteString(w, ",")
		}
		var record any = &s.Findings[i]
		if foreign := s.Findings[i].Foreign; foreign != nil {
			record = foreign
		}
		if err := errors.Join(err, enc.Encode(record)); err != nil {
			return err
		}
	}
	_, err = io.WriteString(w, "]}\n")
	return err
}

// ReadSnapshot reads what [WriteSnapshot] wrote, and what a release with further checks
// wrote in the same schema. It keeps what fits into limit bytes of memory, as
// [Snapshot.Fit] does, and never takes much more on the way.
func ReadSnapshot(r io.Reader, limit int64) (s Snapshot, err error) {
	text := &portion{r: r, room: limit, left: limit}
	dec := json.NewDecoder(text)
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return s, errCorrupt
	}
	members := map[string]any{
		"schema": &s.Schema, "runId": &s.RunID, "instance": &s.Instance, "owner": &s.Owner, "storedAt": &s.StoredAt,
		"apps": &s.Apps, "tokens": &s.Tokens, "emptied": &s.Emptied,
		"incomplete": &s.Incomplete,
	}
	for dec.More() {
		text.next()
		name, err := dec.Token()
		if err != nil {
			return s, errCorrupt
		}
		if name == "findings" {
			err = s.readRecords(dec, text, limit)
		} else if into, known := members[name.(string)]; known {
			err = dec.Decode(into)
		} else {
			err = dec.Decode(new(json.RawMessage))
		}
		switch {
		case s.Schema != "" && s.Schema != SnapshotSchema:
			return s, ErrSchema
		case err != nil:
			return s, errCorrupt
		}
	}
	if _, err := dec.Token(); err != nil {
		return s, errCorrupt
	}
	if _, err := dec.Token(); err != io.EOF || s.Schema != SnapshotSchema {
		return s, errCorrupt
	}
	s.Fit(limit)
	return s, nil
}

// readRecords reads the records into s and drops some whenever there is a quarter too
// much of them: a state that was written with more memory than there is now has to be
// readable too.
func (s *Snapshot) readRecords(dec *json.Decoder, text *portion, limit int64) error {
	if t, err := dec.Token(); err != nil || t != json.Delim('[') {
		return errCorrupt
	}
	same := make(map[string]string) // many records share their few values
	share := func(s string) string {
		if known, ok := same[s]; ok {
			return known
		}
		same[s] = s
		return s
	}
	var weight int64
	var raw json.RawMessage // used again for each
	for dec.More() {
		text.next()
		if weight > limit/4*5 && limit > 0 {
			s.Fit(limit)
			weight = s.weight()
		}
		var r Record
		if err := dec.Decode(&raw); err != nil {
			return errCorrupt
		}
		var head struct {
			ID    string `json:"id"`
			Check Check  `json:"check"`
		}
		err := json.Unmarshal(raw, &r)
		if err != nil || define(r.Check) == nil {
			if json.Unmarshal(raw, &head) != nil || head.Check == "" || define(head.Check) != nil {
				return errCorrupt
			}
			r = Record{Finding: Finding{ID: head.ID, Check: head.Check}, Foreign: bytes.Clone(raw)}
			s.Findings = append(s.Findings, r)
			weight += r.weight()
			continue
		}
		if !r.sound() {
			return errCorrupt
		}
		r.Check, r.Severity = Check(share(string(r.Check))), Severity(share(string(r.Severity)))
		r.DataApp, r.Rule = share(r.DataApp), share(r.Rule)
		if r.Gap != nil {
			r.Gap.DataApp = r.DataApp
		}
		s.Findings = append(s.Findings, r)
		weight += r.weight()
	}
	_, err := dec.Token()
	return err
}

// sound reports whether r holds what the rest of the package relies on, so that a
// state that something else wrote ends no run.
func (r *Record) sound() bool {
	times := []time.Time{r.FirstSeen, r.LastSeen, r.ResolvedAt, r.Since}
	if r.Token != nil {
		times = append(times, r.Token.CreatedAt, r.Token.StaleSince)
	}
	if r.Import != nil {
		times = append(times, r.Import.At)
	}
	for _, t := range times {
		if year := t.UTC().Year(); year < 0 || year > 9999 { // JSON has no such year
			return false
		}
	}
	closed := !r.ResolvedAt.IsZero() && r.Import == nil // then nothing of its subject is kept
	return r.Severity.Rank() >= 0 && (closed || define(r.Check).subject.known(&r.Finding))
}
