package databraintest

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/mail"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"
)

// field is one key of a body. Its rule gives the text of Joi, the validation
// library whose texts the reference shows, or "" when the value is right.
type field struct {
	name string
	rule func(value any) string
}

// invalid is the text of the first rule that the body breaks, or "".
func (s *Server) invalid(c *call, fields ...field) string {
	object, ok := c.body.(map[string]any)
	if !ok && c.body != nil {
		return `"value" must be of type object`
	}
	unknown := maps.Clone(object)
	for _, f := range fields {
		value, given := object[f.name]
		if !given {
			return fmt.Sprintf("%q is required", f.name)
		}
		if fault := f.rule(value); fault != "" {
			return fmt.Sprintf("%q %s", f.name, fault)
		}
		delete(unknown, f.name)
	}
	if len(unknown) > 0 && !s.switches.IgnoreUnknownKeys {
		return fmt.Sprintf("%q is not allowed", slices.Min(slices.Collect(maps.Keys(unknown))))
	}
	return ""
}

func isString(value any) string {
	v, ok := value.(string)
	switch {
	case !ok:
		return "must be a string"
	case v == "":
		return "is not allowed to be empty"
	}
	return ""
}

func isUUID(value any) string {
	if fault := isString(value); fault != "" {
		return fault
	}
	if !uuidForm(value.(string)) {
		return "must be a valid GUID"
	}
	return ""
}

// uuidForm reports the canonical form, in either case of letters.
func uuidForm(v string) bool { return len(v) == 36 && uuid.Validate(v) == nil }

// isEmail: an address with at least two domain segments. The page says that some
// consumer domains may be blocked and not which; none is here.
func isEmail(value any) string {
	if fault := isString(value); fault != "" {
		return fault
	}
	v := value.(string)
	address, err := mail.ParseAddress(v)
	_, domain, _ := strings.Cut(v, "@")
	if err != nil || address.Address != v || slices.Contains(strings.Split(domain, "."), "") ||
		!strings.Contains(domain, ".") {
		return "must be a valid email"
	}
	return ""
}

// seconds is the value of expireAt: a number, or at the newer contract a numeric
// string as well. Negative, fractional and huge values are not documented; Joi's
// texts for them are inferred.
func seconds(value any, contract Contract) (int64, string) {
	var text string
	switch v := value.(type) {
	case json.Number:
		text = v.String()
	case string:
		if contract == ServiceTokenContract {
			text = v
		}
	}
	n, err := strconv.ParseFloat(text, 64)
	switch {
	case err != nil || math.IsNaN(n) || math.IsInf(n, 0):
		return 0, "must be a number"
	case math.Abs(n) > 1<<53-1:
		return 0, "must be a safe number"
	case n != math.Trunc(n):
		return 0, "must be an integer"
	case n < 0:
		return 0, "must be greater than or equal to 0"
	}
	return int64(n), ""
}

// isSeconds is the rule of expireAt; it stores the value in n.
func isSeconds(contract Contract, n *int64) func(any) string {
	return func(value any) (fault string) {
		*n, fault = seconds(value, contract)
		return fault
	}
}
