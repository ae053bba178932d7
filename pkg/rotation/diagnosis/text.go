package diagnosis

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"unicode"
)

// Render returns the report as a short table for people.
func (r Report) Render() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "databrain\t%s\t%s\n", r.Instance.URL, r.Instance.says())
	if r.Instance.AnswersAt != "" {
		fmt.Fprintf(w, "\t%s\tanswers as the API\n", r.Instance.AnswersAt)
	}
	if t := r.APIToken; t != nil {
		fmt.Fprintf(w, "service token\t%s\t%s\n", shout(t.Service.Standing), t.Service.Why)
		fmt.Fprintf(w, "data app\t%s\n", cleaned(t.DataApp))
		fmt.Fprintf(w, "name\t%s\t%d listed\n", cleaned(t.Name), t.OfName)
	} else {
		fmt.Fprintf(w, "admin\t%s\t%s\n", r.Admin.says(), r.Admin.Why)
	}
	if r.Secret.ARN != "" {
		fmt.Fprintf(w, "secret\t%s\t%s\n", r.Secret.Name, r.Rotation.says())
	}
	w.Flush()
	for _, t := range r.Tokens {
		fmt.Fprintf(w, "  %s\t%s\t%s\t%s\t%s\n", t.Label, short(t.Version), day(t.CreatedAt), shout(t.Standing), t.Why)
	}
	w.Flush()
	if r.APIToken != nil {
		r.APIToken.render(w)
	}
	if r.Rotation.Would != "" && r.APIToken != nil {
		fmt.Fprintf(&b, "next       %s\n", r.Rotation.Would)
	}
	fmt.Fprintf(&b, "verdict    %s: %s\n", strings.ToUpper(string(r.Verdict)), r.means())
	for i, p := range r.Problems {
		fmt.Fprintf(&b, "\n%d. %s\n", i+1, p.Code)
		p.render(&b)
	}
	return trimLines(b.String())
}

func (t *APIToken) render(w *tabwriter.Writer) {
	for _, k := range t.Listed {
		which := ""
		if k.Current {
			which = "that of AWSCURRENT"
		}
		fmt.Fprintf(w, "  listed\t%s\t%s\t%s\t%s\n", k.Fingerprint, day(k.CreatedAt), shout(k.Standing), which)
	}
	w.Flush()
}

// cleaned is a name from a secret, without what would break a line of the table.
func cleaned(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, name)
}

func (p Problem) render(b *strings.Builder) {
	b.WriteString(wrap(p.Text, "   "))
	for i, command := range p.Do {
		if i == 0 {
			b.WriteString("   do:\n")
		}
		b.WriteString("     " + command + "\n")
	}
	for _, c := range p.Decide {
		b.WriteString(wrap("if "+c.When+":", "   "))
		for _, command := range c.Do {
			b.WriteString("     " + command + "\n")
		}
	}
	if p.DoNot != "" {
		b.WriteString(wrap(p.DoNot, "   "))
	}
}

// means says what the verdict is, and on what it depends.
func (r Report) means() string {
	switch r.Verdict {
	case Healthy:
		text := "the token of AWSCURRENT works, and the next rotation would succeed"
		if r.APIToken == nil && r.Admin.Standing == NotAsked {
			text += " if the admin can sign in"
		}
		return text
	case Attention:
		return "consumers work, but somebody has to act"
	case Broken:
		return "whoever reads AWSCURRENT fails now"
	}
	return "what decides could not be learned"
}

func (a Admin) says() string {
	if a.Standing == Accepted {
		return "can sign in"
	}
	return shout(a.Standing)
}

func (i Instance) says() string {
	if i.Reachable {
		return fmt.Sprintf("answers as the API  %d ms", i.TookMs)
	}
	if i.Why == "" {
		return "not asked"
	}
	return "DOES NOT ANSWER AS THE API: " + i.Why
}

func (r Rotation) says() string {
	text := "rotation OFF"
	if r.Enabled {
		text = "rotation on"
		if r.Schedule != "" {
			text += ", " + r.Schedule
		}
	}
	if r.Last != "" {
		text += ", last " + day(r.Last)
	}
	if r.Next != "" {
		text += ", next " + day(r.Next)
	}
	return text
}

// shout writes the standings that people look for in capitals.
func shout(s Standing) string {
	switch s {
	case Accepted, Rejected, Refused, Malformed, Unreadable:
		return strings.ToUpper(string(s))
	}
	return string(s)
}

// short is the beginning of a version's id, enough to tell versions apart.
func short(version string) string { return version[:min(len(version), 8)] }

// day cuts a stamp to what a table needs.
func day(stamp string) string {
	return strings.Replace(stamp[:min(len(stamp), len("2006-01-02T15:04"))], "T", " ", 1)
}

// wrap breaks text into lines of about 100 columns.
func wrap(text, indent string) string {
	const width = 100
	var b strings.Builder
	line := indent
	for _, word := range strings.Fields(text) {
		if len(line)+1+len(word) > width && line != indent {
			b.WriteString(line + "\n")
			line = indent
		}
		if line != indent {
			line += " "
		}
		line += word
	}
	return b.String() + line + "\n"
}

func trimLines(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n")
}
