package tokensecret

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"databrain-rotation/pkg/databrain"
	"databrain-rotation/pkg/jsonobject"
)

// byteOrderMarks are the mark itself, and what becomes of it when bytes of UTF-8 are
// taken for Windows-1252 or ISO 8859-1.
var byteOrderMarks = []string{"\ufeff", "\u00ef\u00bb\u00bf"}

// damage says what happened to a value that is no JSON object, as far as its bytes
// tell. It names the usual accident, so that the operator who stored the value knows
// how to store it right.
func damage(raw string, err error) string {
	for _, mark := range byteOrderMarks {
		if strings.HasPrefix(raw, mark) {
			return "begins with a byte order mark, which an editor or PowerShell wrote before it"
		}
	}
	if strings.Contains(raw, "\x00") {
		return "has zero bytes in it, as UTF-16 has whose bytes are taken for characters"
	}
	trimmed := strings.TrimSpace(raw)
	bare := strings.Trim(trimmed, "{}\"'` ")
	var text string
	switch quoted := json.Unmarshal([]byte(raw), &text) == nil; {
	case trimmed == "":
		return "is empty text"
	case databrain.IsUUID(trimmed):
		return "is a UUID with white space or a line break around it"
	case quoted && strings.HasPrefix(strings.TrimSpace(text), "{"):
		return "is a JSON string that holds JSON: it was encoded twice"
	case databrain.IsUUID(bare):
		return "is a UUID with quotation marks or braces around it"
	case strings.HasPrefix(trimmed, `{\"`):
		return `has backslashes before its quotation marks, as a shell leaves them`
	case strings.HasPrefix(trimmed, "{'"):
		return "has single quotation marks, where JSON has double ones"
	case unquoted.MatchString(trimmed):
		return "has no quotation marks around its members, as when a shell strips them"
	case strings.HasPrefix(trimmed, "{") && !strings.HasPrefix(strings.TrimLeft(raw, " \t\r\n"), "{"):
		return "begins with white space that JSON does not allow, such as a no-break space"
	case strings.HasPrefix(trimmed, "{"):
		return "is not a sound JSON object" + place(err)
	}
	if strings.HasPrefix(trimmed, "[") {
		return "is a JSON array, where an object belongs"
	}
	if decoded, err := base64.StdEncoding.DecodeString(trimmed); err == nil && strings.HasPrefix(string(decoded), "{") {
		return "is Base64 of a JSON object"
	}
	return "is neither a JSON object nor a bare UUID"
}

var unquoted = regexp.MustCompile(`^\{\s*[A-Za-z_]\w*\s*:`)

func place(err error) string {
	if fault, ok := errors.AsType[*jsonobject.SyntaxError](err); ok && fault.Offset > 0 {
		return fmt.Sprintf(": reading it fails after %d bytes", fault.Offset)
	}
	return ""
}

// names lists the members of an object.
func names(object jsonobject.Object) string {
	const most = 8
	var all []string
	for _, m := range object {
		if len(all) == most {
			all = append(all, fmt.Sprintf("%d more", len(object)-most))
			break
		}
		all = append(all, shown(m.Name))
	}
	return strings.Join(all, ", ")
}

var plainName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]{0,31}$`)

// shown returns name, unless it looks like something that was pasted in its place.
func shown(name string) string {
	if !plainName.MatchString(name) {
		return "one whose name is not shown"
	}
	return name
}
