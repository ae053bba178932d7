package report

import (
	"strings"
	"unicode"

	"databrain-rotation/pkg/audit/finding"
)

// name is a name from outside in parts, so that the page shows the blanks in it that
// HTML would swallow or that no reader would see. The text stays what it is, for those
// who copy it into the policy.
type name []namePart

// namePart is a run of characters.
type namePart struct {
	Text  string
	Blank bool // nothing of it can be seen
}

// nameOf takes a name apart: blanks at its ends, more than one in a row, and any other
// than a space are parts of their own.
func nameOf(text string) name {
	if text == "" {
		return nil
	}
	if !strings.ContainsFunc(text, finding.Visible) {
		text = finding.BlankName
	}
	var n name
	for text != "" {
		run := strings.IndexFunc(text, func(r rune) bool { return !isBlank(r) })
		if run < 0 {
			run = len(text)
		}
		if run == 0 {
			run = strings.IndexFunc(text, isBlank)
			if run < 0 {
				run = len(text)
			}
			n = append(n, namePart{Text: text[:run]})
		} else {
			n = append(n, namePart{Text: text[:run], Blank: text[:run] != " " || len(n) == 0 || run == len(text)})
		}
		text = text[run:]
	}
	return n
}

// isBlank reports whether r takes room without leaving ink, such as a Hangul filler.
func isBlank(r rune) bool {
	return unicode.IsSpace(r) || r == '\u2800' || unicode.IsLetter(r) && !finding.Visible(r)
}
