package finding

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"databrain-rotation/pkg/jsonobject"
)

// InvalidPolicy is the error of a policy with faults. It names all of them by
// their place in the document and quotes nothing but names of members.
type InvalidPolicy struct {
	Source string // where the policy came from: AUDIT_POLICY, or the address of an object
	Faults []string
}

func (e *InvalidPolicy) Error() string {
	return fmt.Sprintf("audit policy (%s): %s", e.Source, strings.Join(e.Faults, "; "))
}

// maxPolicyFaults is how many faults an error names. A policy with more is no policy
// with mistakes in it, and an error goes into events that have to stay small.
const maxPolicyFaults = 50

// maxPolicyText is the length of an id, a reason or an owner in characters: they
// are repeated in each event.
const maxPolicyText = 256

// ParsePolicy decodes a policy strictly and fills in what it omits from
// [DefaultPolicy]. It may begin with a byte order mark. Unknown or repeated members, wrong types and values that make
// no sense are faults; the error is an [*InvalidPolicy] with the first 50 of them and
// the number of the others.
func ParsePolicy(data []byte, source string) (Policy, error) {
	r := &policyReader{faulty: make(map[string]bool)}
	p := DefaultPolicy()
	data = bytes.TrimPrefix(data, []byte("\uFEFF"))
	if fault := encodingFault(data); fault != "" {
		return Policy{}, &InvalidPolicy{Source: source, Faults: []string{fault}}
	}
	r.object("", data, map[string]func(string, json.RawMessage){
		"maxAgeDays":    func(at string, raw json.RawMessage) { p.MaxAgeDays = r.days(at, raw) },
		"dueWithinDays": func(at string, raw json.RawMessage) { p.DueWithinDays = r.days(at, raw) },
		"severities":    func(at string, raw json.RawMessage) { p.Severities = r.tiers(at, raw) },
		"rules":         func(at string, raw json.RawMessage) { p.Rules = r.rules(at, raw) },
		"exceptions":    func(at string, raw json.RawMessage) { p.Exceptions = r.exceptions(at, raw) },
	})
	if r.more > 0 {
		r.faults = append(r.faults, fmt.Sprintf("and %d more", r.more))
	}
	if len(r.faults) > 0 {
		return Policy{}, &InvalidPolicy{Source: source, Faults: r.faults}
	}
	return p, nil
}

type policyReader struct {
	faults []string
	more   int             // faults that are not among them
	faulty map[string]bool // places that have a fault
}

func (r *policyReader) fault(at, format string, args ...any) {
	r.faulty[at] = true
	if len(r.faults) == maxPolicyFaults {
		r.more++
		return
	}
	r.faults = append(r.faults, strings.TrimPrefix(at+" "+fmt.Sprintf(format, args...), " "))
}

// object hands each member to its reader and returns which members there were. The
// names of members are exact, and each may be given once.
func (r *policyReader) object(at string, data []byte, known map[string]func(string, json.RawMessage)) map[string]bool {
	seen := make(map[string]bool)
	members, err := jsonobject.Parse(data)
	switch {
	case members != nil || err == nil:
	case at == "":
		r.fault(at, "%s", syntaxFault(data))
	default:
		r.fault(at, "is not a JSON object")
	}
	for _, m := range members {
		read, ok := known[m.Name]
		switch {
		case seen[m.Name]:
			r.fault(join(at, m.Name), "is given twice")
		case !ok:
			r.fault(join(at, m.Name), "is unknown")
		default:
			read(join(at, m.Name), m.Value)
		}
		seen[m.Name] = true
	}
	return seen
}

// join names a member by its place. A name that looks like none is not shown: a
// credential may have been pasted into the wrong variable.
func join(at, name string) string {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	if len(name) > 32 || name == "" || strings.Trim(name, letters) != "" {
		name = "(a member whose name is not shown)"
	}
	if at == "" {
		return name
	}
	return at + "." + name
}

// elements hands each entry of a list to read, with its place.
func (r *policyReader) elements(at string, raw json.RawMessage, read func(string, json.RawMessage)) {
	var entries []json.RawMessage
	if err := json.Unmarshal(raw, &entries); err != nil || entries == nil {
		r.fault(at, "must be a list")
	}
	for i, entry := range entries {
		read(fmt.Sprintf("%s[%d]", at, i), entry)
	}
}

func (r *policyReader) days(at string, raw json.RawMessage) int {
	var n *int
	if err := json.Unmarshal(raw, &n); err != nil || n == nil || *n < 0 || *n > maxPolicyDays {
		r.fault(at, "must be a whole number of days from 0 to %d", maxPolicyDays)
		return 0
	}
	return *n
}

// label is text that is shown to people.
func (r *policyReader) label(into *string) func(string, json.RawMessage) {
	read := r.text(into)
	return func(at string, raw json.RawMessage) {
		read(at, raw)
		*into = CleanName(*into)
	}
}

func (r *policyReader) text(into *string) func(string, json.RawMessage) {
	return func(at string, raw json.RawMessage) {
		var s *string
		switch err := json.Unmarshal(raw, &s); {
		case err != nil || s == nil:
			r.fault(at, "must be a string")
		case utf8.RuneCountInString(*s) > maxPolicyText:
			r.fault(at, "is longer than %d characters", maxPolicyText)
		default:
			*into = *s
		}
	}
}

// required notes each of names that is missing or, if it is one of texts, empty.
func (r *policyReader) required(at string, seen map[string]bool, texts map[string]string, names ...string) {
	for _, name := range names {
		if value, isText := texts[name]; !seen[name] ||
			isText && strings.TrimSpace(value) == "" && !r.faulty[join(at, name)] {
			r.fault(join(at, name), "is required")
		}
	}
}

func (r *policyReader) tiers(at string, raw json.RawMessage) []Tier {
	var tiers []Tier
	r.elements(at, raw, func(at string, raw json.RawMessage) {
		var t Tier
		var severity string
		seen := r.object(at, raw, map[string]func(string, json.RawMessage){
			"afterDays": func(at string, raw json.RawMessage) { t.AfterDays = r.days(at, raw) },
			"severity":  r.text(&severity),
		})
		r.required(at, seen, nil, "afterDays", "severity")
		t.Severity = Severity(severity)
		if seen["severity"] && t.Severity.Rank() < 0 && !r.faulty[at+".severity"] {
			r.fault(at+".severity", "must be one of informational, low, medium, high, critical")
		}
		if n := len(tiers); n > 0 && seen["afterDays"] && t.AfterDays <= tiers[n-1].AfterDays && !r.faulty[at+".afterDays"] {
			r.fault(at+".afterDays", "must be greater than the one before it")
		}
		tiers = append(tiers, t)
	})
	if len(tiers) == 0 && !r.faulty[at] {
		r.fault(at, "must hold at least one tier")
	}
	return tiers
}

func (r *policyReader) rules(at string, raw json.RawMessage) []Rule {
	rules := []Rule{}
	ids := map[string]bool{defaultRule: true}
	r.elements(at, raw, func(at string, raw json.RawMessage) {
		var rule Rule
		seen := r.object(at, raw, map[string]func(string, json.RawMessage){
			"id":         r.label(&rule.ID),
			"dataApp":    r.text(&rule.DataApp),
			"token":      r.text(&rule.Token),
			"maxAgeDays": func(at string, raw json.RawMessage) { rule.MaxAgeDays = r.days(at, raw) },
		})
		r.required(at, seen, map[string]string{"id": rule.ID}, "id", "maxAgeDays")
		r.unique(at, rule.ID, ids)
		rules = append(rules, rule)
	})
	return rules
}

func (r *policyReader) exceptions(at string, raw json.RawMessage) []Exception {
	exceptions := []Exception{}
	ids := map[string]bool{}
	r.elements(at, raw, func(at string, raw json.RawMessage) {
		var e Exception
		seen := r.object(at, raw, map[string]func(string, json.RawMessage){
			"id": r.label(&e.ID), "reason": r.label(&e.Reason), "owner": r.label(&e.Owner), "expiresAt": r.label(&e.ExpiresAt),
			"dataApp": r.text(&e.DataApp), "token": r.text(&e.Token), "fingerprint": r.text(&e.Fingerprint),
			"check": r.text((*string)(&e.Check)),
		})
		r.required(at, seen, map[string]string{"id": e.ID, "reason": e.Reason, "owner": e.Owner, "expiresAt": e.ExpiresAt},
			"id", "reason", "owner", "expiresAt")
		if e.Fingerprint != "" && !isFingerprint(e.Fingerprint) {
			r.fault(at+".fingerprint", "must be 16 hex digits in lower case")
		}
		switch d := define(e.Check); {
		case e.Check == "" || r.faulty[at+".check"]:
		case d == nil:
			r.fault(at+".check", "is the name of no check")
		case d.subject.ofPolicy():
			r.fault(at+".check", "is a check of the policy itself: correct the policy instead")
		}
		if e.DataApp+e.Token+e.Fingerprint+string(e.Check) == "" {
			r.fault(at, "needs at least one of dataApp, token, fingerprint, check")
		}
		r.unique(at, e.ID, ids)
		exceptions = append(exceptions, e)
	})
	return exceptions
}

func isFingerprint(s string) bool {
	sum, err := hex.DecodeString(s)
	return err == nil && len(sum) == 8 && hex.EncodeToString(sum) == s
}

func (r *policyReader) unique(at, id string, ids map[string]bool) {
	if id != "" && ids[id] {
		r.fault(at+".id", "is taken already")
	}
	ids[id] = true
}

// ReadPolicy is [ParsePolicy] for an object of a size that is not known.
func ReadPolicy(from io.Reader, source string) (Policy, error) {
	const most = 1 << 20
	data, err := io.ReadAll(io.LimitReader(from, most+1))
	if err != nil {
		return Policy{}, err
	}
	if len(data) > most {
		return Policy{}, &InvalidPolicy{Source: source, Faults: []string{"is larger than 1 MiB"}}
	}
	return ParsePolicy(data, source)
}
