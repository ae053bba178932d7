package finding

import (
	"cmp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxName is how many characters of a name from outside are kept.
const maxName = 256

// The names that people read where there is nothing to see of the real one.
const (
	BlankName = "(blank)"
	NoName    = "(no name)" // of a token; a data app without a name is not listed
)

// CleanName makes a name from outside safe to show: valid UTF-8 without control
// and format characters or line separators, which can hide or reorder text, and
// at most 256 characters. The joiners U+200C and U+200D stay between characters that
// can be seen: Persian is spelt with the first, emoji of several parts with the second.
func CleanName(name string) string {
	if len(name) <= maxName && strings.IndexFunc(name, unfit) < 0 {
		return name
	}
	kept := make([]rune, 0, min(len(name), maxName+1))
	for i, r := range name {
		if len(kept) == maxName {
			break
		}
		if !unfit(r) || isJoiner(r) && joins(kept, name[i+utf8.RuneLen(r):]) {
			kept = append(kept, r)
		}
	}
	if n := len(kept); n > 0 && isJoiner(kept[n-1]) { // what it joined was cut off
		kept = kept[:n-1]
	}
	return string(kept)
}

func unfit(r rune) bool {
	return r == utf8.RuneError || unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp)
}

func isJoiner(r rune) bool { return r == '\u200c' || r == '\u200d' }

// joins reports whether a joiner stands between before and after, so that it has a use.
func joins(before []rune, after string) bool {
	next, _ := utf8.DecodeRuneInString(after)
	return len(before) > 0 && joinable(before[len(before)-1]) && next != utf8.RuneError && joinable(next)
}

func joinable(r rune) bool { return unicode.IsLetter(r) || unicode.IsMark(r) || unicode.IsSymbol(r) }

// ShownName is [CleanName] for the name of something that has one: where nothing of
// it can be seen, it says so. An empty name would mean that there is no such thing.
func ShownName(name string) string {
	clean := CleanName(name)
	if name != "" && !strings.ContainsFunc(clean, Visible) {
		return BlankName
	}
	return clean
}

// Visible reports whether r leaves ink.
func Visible(r rune) bool {
	return r != '\u2800' && !unicode.IsSpace(r) &&
		!unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

// spelling is a name as the instance spells it and as reports show it. Patterns of a
// policy are written by people who copy either.
type spelling struct{ raw, shown string }

func spell(name string) spelling {
	return spelling{name, cmp.Or(ShownName(name), NoName)}
}

func (s spelling) matches(pattern string) bool {
	return match(pattern, s.raw) || s.shown != s.raw && match(pattern, s.shown)
}

// quoted writes a name in prose, with quotes that need no escape in JSON. Those of the
// name itself stay apart from the quotes around it.
func quoted(name string) string {
	return "“" + strings.ReplaceAll(cmp.Or(name, NoName), `"`, "＂") + "”"
}

// Plain returns text with typographic quotes and without the characters that JSON escapes. An input transformer of
// EventBridge inserts a text as it is, so that a quotation mark, a backslash or a control
// character in it makes the whole message invalid ("Amazon EventBridge input
// transformation": https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html).
func Plain(text string) string {
	before := ' '
	return strings.Map(func(r rune) rune {
		opens := unicode.IsSpace(before) || before == '('
		before = r
		switch {
		case r == '"' && opens:
			return '“'
		case r == '"':
			return '”'
		case r == '\\':
			return '＼'
		case unicode.IsControl(r):
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
}

// chatMarks are the characters with which Slack and Teams mark mentions, links and
// formats, and what takes their place: a data app may be called <!channel>. An
// underscore stays, because it is a part of many names.
// https://docs.slack.dev/messaging/formatting-message-text
var chatMarks = map[rune]rune{
	'<': '‹', '>': '›', '&': '＆', '@': '＠', '[': '［', ']': '］', '*': '＊', '~': '～', '`': '｀',
}

// Chat returns text as [Plain] does, in at most length characters, without what a chat
// takes for a mention, a link or a format, and without characters that cannot be seen.
func Chat(text string, length int) string {
	text = strings.Map(func(r rune) rune {
		if unfit(r) && !isJoiner(r) {
			return -1
		}
		return cmp.Or(chatMarks[r], r)
	}, Plain(text))
	for i := range text {
		if length == 0 {
			return text[:i] + "…"
		}
		length--
	}
	return text
}
