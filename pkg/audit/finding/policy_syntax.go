package finding

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"unicode"
	"unicode/utf8"
)

// syntaxFault says why document is no JSON object, in which line and column, and what
// it looks like instead. It shows nothing of the document: a credential may have been
// pasted into the wrong variable.
func syntaxFault(document []byte) string {
	const not = "is not a JSON object: "
	for _, form := range otherForms {
		if form.pattern.Match(document) {
			return not + form.is
		}
	}
	begin := len(document) - len(bytes.TrimLeft(document, " \t\r\n"))
	if c := document[begin]; c != '{' && c != '/' && c != '#' {
		return not + place(document, begin) + ": the policy has to begin with {"
	}
	at := len(document)
	var all json.RawMessage
	fault, ok := errors.AsType[*json.SyntaxError](json.Unmarshal(document, &all))
	if ok && fault.Error() != "unexpected end of JSON input" {
		at = int(fault.Offset) - 1 // it counts the byte that has no place
	}
	s := scanJSON(document[:at])
	return not + s.fault(document, at)
}

// encodingFault says where document is no UTF-8; "" if it is. A name with a character
// of another encoding would match nothing.
func encodingFault(document []byte) string {
	if bytes.HasPrefix(document, []byte("\x1f\x8b")) {
		return "is compressed (gzip): store the text itself"
	}
	marked := bytes.HasPrefix(document, []byte("\xff\xfe")) || bytes.HasPrefix(document, []byte("\xfe\xff"))
	if marked || bytes.IndexByte(document, 0) >= 0 {
		return "is not UTF-8 but looks like UTF-16: save it as UTF-8"
	}
	for at := 0; at < len(document); {
		r, size := utf8.DecodeRune(document[at:])
		if r == utf8.RuneError && size == 1 {
			return "is not UTF-8: " + place(document, at) + ": save it with that encoding"
		}
		at += size
	}
	return ""
}

// otherForms are what people put in place of a JSON object.
var otherForms = []struct {
	pattern *regexp.Regexp
	is      string
}{
	{regexp.MustCompile(`^\s*$`), "it is empty"},
	{
		regexp.MustCompile(`(?i)^\s*["']?(?:s3:|s3/|arn:[a-z-]*:s3:)`),
		"it looks like the address of an object in S3; that has the form s3://bucket/key",
	},
	{
		regexp.MustCompile(`(?i)^\s*["']?(?:https?|file):`),
		"it is an address; the only kind that is read has the form s3://bucket/key",
	},
	{
		regexp.MustCompile(`^\s*["']\s*\{`),
		"it begins with a quotation mark; the quotes around the whole policy are too many",
	},
	{
		regexp.MustCompile(`(?m)\A\s*(?:---|%YAML|(?:#.*\s+)*[A-Za-z_]+[ \t]*:(?:\s|$)|(?:#.*\s+)*-[ \t]+[A-Za-z_]+[ \t]*:)`),
		"it looks like YAML, and the policy is JSON",
	},
	{regexp.MustCompile(`^\s*<`), "it looks like HTML or XML"},
	{
		regexp.MustCompile(`(?i)^[^\s{}\[\]"]+\.json\s*$`),
		"it looks like the name of a file; the variable holds the policy itself or s3://bucket/key",
	},
}

// place names the line and the column of a byte of document, both from 1. A column is
// a character.
func place(document []byte, at int) string {
	before := document[:at]
	line := before[bytes.LastIndexByte(before, '\n')+1:]
	return fmt.Sprintf("line %d, column %d", bytes.Count(before, []byte("\n"))+1, utf8.RuneCount(line)+1)
}

// jsonScan is where a document stands after a part of it that is sound so far.
type jsonScan struct {
	inString bool
	open     []byte // the brackets that are not closed yet
	named    bool   // in the innermost object a colon came since the last comma
	last     byte   // the last byte outside of strings that is no white space, a quote at their end; 0 at the beginning
	end      int    // the offset behind it
}

func scanJSON(part []byte) jsonScan {
	var s jsonScan
	escaped := false
	for i, c := range part {
		if s.inString {
			if c == '"' && !escaped {
				s.inString, s.last, s.end = false, c, i+1
			}
			escaped = c == '\\' && !escaped
			continue
		}
		switch c {
		case ' ', '\t', '\r', '\n':
			continue
		case '"':
			s.inString = true
		case '{', '[':
			s.open = append(s.open, c)
			s.named = false
		case '}', ']':
			s.open = s.open[:len(s.open)-1]
			s.named = true // what was closed is the value of a member
		case ':':
			s.named = true
		case ',':
			s.named = false
		}
		s.last, s.end = c, i+1
	}
	return s
}

// fault says what is wrong with the byte of document at that offset, before which s
// was reached.
func (s *jsonScan) fault(document []byte, at int) string {
	here := place(document, at)
	if at == len(document) {
		return here + ": the policy ends here, but a bracket or a quotation mark is still open"
	}
	c, _ := utf8.DecodeRune(document[at:])
	afterValue := s.last != 0 && bytes.IndexByte([]byte("{[:,"), s.last) < 0
	closes := c == '}' || c == ']'
	inObject := len(s.open) > 0 && s.open[len(s.open)-1] == '{'
	switch {
	case s.inString && c < ' ':
		return here + ": a line break or another control character in a text"
	case s.inString:
		return here + ": a backslash with something behind it that JSON has no meaning for"
	case c == '/' || c == '#':
		return here + ": a comment, which JSON does not have"
	case c == '\'' || c != '"' && unicode.Is(unicode.Quotation_Mark, c):
		return here + ": a quotation mark that JSON does not have; write \""
	case c == '\\':
		return here + ": a backslash outside of a text, as a shell or another document needs it"
	case closes && s.last == ',':
		return place(document, s.end-1) + ": a comma before a closing bracket"
	case closes && len(s.open) > 0 && inObject != (c == '}'):
		return here + ": a closing bracket of the other kind"
	case (closes || c == ',') && !afterValue:
		return here + ": nothing stands before this, where a value belongs"
	case len(s.open) == 0 && afterValue:
		return here + ": something behind the end of the policy"
	case afterValue && at == s.end && bytes.IndexByte([]byte(`"}]`), s.last) < 0:
		return here + ": a number or a word in a form that JSON does not have"
	case afterValue && inObject && !s.named:
		return here + ": a colon is missing before this"
	case afterValue:
		return fmt.Sprintf("%s: a comma is missing before what follows in line %d",
			place(document, s.end), bytes.Count(document[:at], []byte("\n"))+1)
	case inObject && !s.named:
		return here + ": the name of a member has to stand in quotation marks"
	case unicode.IsLetter(c):
		return here + ": a word that JSON does not have; a text stands in quotation marks"
	}
	return here + ": a character that has no place here"
}
