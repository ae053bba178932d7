package report

import (
	"encoding/csv"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// csvKind says whether a spreadsheet may read the cells of a column as numbers and
// dates.
type csvKind int

const (
	csvText csvKind = iota
	csvValue
	csvDate // of a policy, which may hold something else
)

// csvColumns are the columns of findings.csv, what people sort and filter by
// first.
var csvColumns = [...]struct {
	name string
	kind csvKind
	of   func(*Detail) string
}{
	{"severity", csvText, func(d *Detail) string { return string(d.Finding.Severity) }},
	{"state", csvText, func(d *Detail) string { return string(d.Finding.State) }},
	{"check", csvText, func(d *Detail) string { return string(d.Finding.Check) }},
	{"severity_raised_from", csvText, func(d *Detail) string { return string(d.Finding.RaisedFrom) }},
	{"superseded_by", csvText, func(d *Detail) string { return string(d.Finding.Superseded) }},
	{"compliance", csvText, func(d *Detail) string { return string(d.Finding.Compliance) }},
	{"data_app", csvText, func(d *Detail) string { return orZero(d.DataApp).Name }},
	{"token_name", csvText, func(d *Detail) string { return orZero(d.Token).Name }},
	{"token_fingerprint", csvText, func(d *Detail) string { return orZero(d.Token).Fingerprint }},
	{"token_age_days", csvValue, func(d *Detail) string { return csvNumber(orZero(d.Token).AgeDays) }},
	{"token_created_at", csvValue, func(d *Detail) string { return csvTime(orZero(d.Token).CreatedAt) }},
	{"token_stale_since", csvValue, func(d *Detail) string { return csvTime(orZero(d.Token).StaleSince) }},
	{"policy_rule", csvText, func(d *Detail) string { return orZero(d.Policy).Rule }},
	{"policy_max_age_days", csvValue, func(d *Detail) string {
		if d.Policy == nil {
			return ""
		}
		return strconv.Itoa(d.Policy.MaxAgeDays)
	}},
	{"managed_by_secret", csvText, func(d *Detail) string { return orZero(d.ManagedBy).Secret }},
	{"managed_by_rotation", csvValue, func(d *Detail) string {
		if d.ManagedBy == nil {
			return ""
		}
		return strconv.FormatBool(d.ManagedBy.Rotation)
	}},
	{"managed_by_next_rotation", csvValue, func(d *Detail) string {
		if next := orZero(d.ManagedBy).NextRotation; !next.IsZero() {
			return csvTime(&next)
		}
		return ""
	}},
	{"managed_by_also", csvText, func(d *Detail) string { return strings.Join(orZero(d.ManagedBy).Also, " ") }},
	{"exception_id", csvText, func(d *Detail) string { return orZero(d.Exception).ID }},
	{"exception_reason", csvText, func(d *Detail) string { return orZero(d.Exception).Reason }},
	{"exception_owner", csvText, func(d *Detail) string { return orZero(d.Exception).Owner }},
	{"exception_expires_at", csvDate, func(d *Detail) string { return orZero(d.Exception).ExpiresAt }},
	{"title", csvText, func(d *Detail) string { return d.Finding.Title }},
	{"description", csvText, func(d *Detail) string { return d.Finding.Description }},
	{"remediation", csvText, func(d *Detail) string { return orZero(d.Remediation).Text }},
	{"remediation_url", csvText, func(d *Detail) string { return orZero(d.Remediation).URL }},
	{"first_seen_at", csvValue, func(d *Detail) string { return csvTime(&d.Finding.FirstSeenAt) }},
	{"last_seen_at", csvValue, func(d *Detail) string { return csvTime(&d.Finding.LastSeenAt) }},
	{"instance", csvText, func(d *Detail) string { return d.Instance.URL }},
	{"finding_id", csvText, func(d *Detail) string { return d.Finding.ID }},
	{"run_id", csvText, func(d *Detail) string { return d.Metadata.RunID }},
	{"event_id", csvText, func(d *Detail) string { return d.Metadata.EventID }},
	{"emitted_at", csvValue, func(d *Detail) string { return csvTime(&d.Metadata.EmittedAt) }},
	{"schema", csvText, func(d *Detail) string { return d.Metadata.Schema }},
}

// byteOrderMark tells spreadsheets that a file is UTF-8, which they do not expect.
const byteOrderMark = "\uFEFF"

// WriteCSV writes findings.csv for spreadsheets: UTF-8 with a byte order mark, and
// for the rest as RFC 4180 has it, a header and CRLF line ends. What a spreadsheet
// would run as a formula has an apostrophe before it, and so has a text that it would
// take for a number or a date. A line break within a cell becomes CRLF.
func WriteCSV(w io.Writer, r *Report) error {
	if _, err := io.WriteString(w, byteOrderMark); err != nil {
		return fmt.Errorf("write findings.csv: %w", err)
	}
	out := csv.NewWriter(w)
	out.UseCRLF = true
	row := make([]string, len(csvColumns))
	for i, column := range csvColumns {
		row[i] = column.name
	}
	err := out.Write(row)
	for d := range r.details() {
		for i, column := range csvColumns {
			cell := column.of(&d)
			if column.kind.hides(cell) && !isFormula(cell) {
				cell = "'" + cell
			}
			row[i] = defuse(cell)
		}
		if err == nil {
			err = out.Write(row)
		}
	}
	out.Flush()
	if err == nil {
		err = out.Error()
	}
	if err != nil {
		return fmt.Errorf("write findings.csv: %w", err)
	}
	return nil
}

// defuse puts an apostrophe before what a spreadsheet takes for a formula. The rules
// are OWASP's on CSV injection (https://owasp.org/www-community/attacks/CSV_Injection).
// A formula may begin a cell, or stand inside of one after a semicolon, a tab or a
// line break: where the locale's separator is one of these, a spreadsheet ends the
// cell there, and the quotes of RFC 4180 around it do not count. What gets an
// apostrophe looks like a formula without it too, so that a reader can tell it from
// an apostrophe of the text.
func defuse(cell string) string {
	if strings.ContainsAny(cell[:min(len(cell), 1)], "\t\r\n") || isFormula(cell) {
		cell = "'" + cell
	}
	for at := 0; ; {
		next := strings.IndexAny(cell[at:], ";\t\r\n")
		if next < 0 {
			return cell
		}
		at += next + 1
		if isFormula(cell[at:]) {
			cell = cell[:at] + "'" + cell[at:]
		}
	}
}

// isFormula reports whether text has the sign of a formula past spaces, quotes and
// invisible characters, which some spreadsheets trim. Some locales accept the
// full-width signs.
func isFormula(text string) bool {
	rest := strings.TrimLeftFunc(text, func(c rune) bool {
		return unicode.IsSpace(c) || unicode.Is(unicode.Cf, c) || unicode.IsControl(c) ||
			unicode.Is(unicode.Quotation_Mark, c) ||
			c == '`'
	})
	sign, _ := utf8.DecodeRuneInString(rest)
	return rest != "" && strings.ContainsRune("=+-@＝＋－＠", sign)
}

// hides reports whether a cell of the column must not be read as a number or a date.
func (k csvKind) hides(cell string) bool {
	if k == csvDate {
		_, err := time.Parse(time.DateOnly, cell)
		return err != nil && isNumber(cell)
	}
	return k == csvText && isNumber(cell)
}

// numberSyntax is what may stand in a number, a date or a time beside digits.
var numberSyntax = regexp.MustCompile(
	`(?i)^(?:[\pN\pZ\s\p{Sc}.,:;/()%'_+-]|\pNe[+-]?\pN|am|pm|t|z|` +
		`(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*)*$`,
)

// isNumber reports whether a spreadsheet may take text for a number, a date or a truth
// value and show, sort and save something else: the fingerprint 9209015257121e95 is
// greater than any number that it knows, 0012 becomes 12, and 3-4 a day in March.
func isNumber(text string) bool {
	word := strings.ToUpper(strings.TrimSpace(text))
	return word == "TRUE" || word == "FALSE" ||
		strings.ContainsFunc(text, unicode.IsNumber) && numberSyntax.MatchString(text)
}

func csvTime(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.Format(time.RFC3339)
}

func csvNumber(n *int) string {
	if n == nil {
		return ""
	}
	return strconv.Itoa(*n)
}

// orZero reads a member that may be left out.
func orZero[T any](p *T) T {
	if p == nil {
		return *new(T)
	}
	return *p
}
