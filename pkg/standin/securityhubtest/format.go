package securityhubtest

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf16"
)

// text is what the format says of a text: its longest length in units of UTF-16.
type text struct {
	longest  int
	required bool
}

// texts are the texts of a finding
// (https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_AwsSecurityFinding.html).
var texts = map[string]text{
	"SchemaVersion": {10, true}, "Id": {512, true}, "ProductArn": {2048, true}, "GeneratorId": {512, true},
	"AwsAccountId": {12, true}, "CreatedAt": {64, true}, "UpdatedAt": {64, true}, "Title": {256, true},
	"Description": {1024, true}, "FirstObservedAt": {64, false}, "LastObservedAt": {64, false},
	"ProductName": {128, false}, "CompanyName": {128, false}, "RecordState": {8, false}, "SourceUrl": {2048, false},
}

var (
	notBlank    = regexp.MustCompile(`\S`)
	findingType = regexp.MustCompile(
		`^(Software and Configuration Checks|TTPs|Effects|Unusual Behaviors|Sensitive Data Identifications)(/[^/]+){0,2}$`)
	severities  = []string{"INFORMATIONAL", "LOW", "MEDIUM", "HIGH", "CRITICAL"}
	compliances = []string{"PASSED", "WARNING", "FAILED", "NOT_AVAILABLE"}
)

// check returns the first fault of a finding, with its place; "" if there is none. It
// knows the members that a provider of this project writes and refuses all others, so that
// none goes unchecked.
func (f Finding) check() string {
	objects := map[string]func(any) string{
		"FindingProviderFields": provided, "Compliance": compliance, "Remediation": remediation,
		"Resources": resources, "ProductFields": func(v any) string { return pairs(v, 128, 2048) },
	}
	for _, name := range []string{"FindingProviderFields", "Resources"} {
		if f[name] == nil {
			return " should have required property '" + name + "'"
		}
	}
	for name, value := range f {
		if rule, ok := texts[name]; ok {
			if wrong := rule.check(value); wrong != "" {
				return "." + name + wrong
			}
		} else if object, ok := objects[name]; !ok {
			return "." + name + " is not known"
		} else if wrong := object(value); wrong != "" {
			return "." + name + wrong
		}
		if _, err := time.Parse(time.RFC3339Nano, f.text(name)); strings.HasSuffix(name, "At") && err != nil {
			return "." + name + " should match format \"date-time\""
		}
	}
	for name, rule := range texts {
		if rule.required && f.text(name) == "" {
			return " should have required property '" + name + "'"
		}
	}
	switch {
	case f.text("SchemaVersion") != "2018-10-08":
		return ".SchemaVersion should be equal to one of the allowed values"
	case f["RecordState"] != nil && !slices.Contains([]string{"ACTIVE", "ARCHIVED"}, f.text("RecordState")):
		return ".RecordState should be equal to one of the allowed values"
	}
	return ""
}

func (rule text) check(value any) string {
	s, ok := value.(string)
	switch n := len(utf16.Encode([]rune(s))); {
	case !ok:
		return " should be string"
	case !notBlank.MatchString(s):
		return ` should match pattern ".*\S.*"`
	case n > rule.longest:
		return fmt.Sprintf(" should NOT be longer than %d characters", rule.longest)
	}
	return ""
}

// object checks the members of an object by their names.
func object(value any, members map[string]func(any) string, required ...string) string {
	o, ok := value.(map[string]any)
	if !ok {
		return " should be object"
	}
	for _, name := range required {
		if o[name] == nil {
			return " should have required property '" + name + "'"
		}
	}
	for name, v := range o {
		check, known := members[name]
		if !known {
			return "." + name + " is not known"
		}
		if wrong := check(v); wrong != "" {
			return "." + name + wrong
		}
	}
	return ""
}

func of(longest int) func(any) string { return text{longest: longest}.check }

func oneOf(values []string) func(any) string {
	return func(v any) string {
		if s, ok := v.(string); !ok || !slices.Contains(values, s) {
			return " should be equal to one of the allowed values"
		}
		return ""
	}
}

func provided(v any) string {
	return object(v, map[string]func(any) string{
		"Severity": func(v any) string {
			return object(v, map[string]func(any) string{"Label": oneOf(severities), "Original": of(64)}, "Label")
		},
		"Types": func(v any) string {
			types, ok := v.([]any)
			if !ok || len(types) > 50 {
				return " should NOT have more than 50 items"
			}
			for _, t := range types {
				if s, ok := t.(string); !ok || !findingType.MatchString(s) {
					return " should match the taxonomy of types"
				}
			}
			return ""
		},
	}, "Severity", "Types")
}

func compliance(v any) string {
	return object(v, map[string]func(any) string{"Status": oneOf(compliances)}, "Status")
}

// https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_Recommendation.html
func remediation(v any) string {
	return object(v, map[string]func(any) string{"Recommendation": func(v any) string {
		return object(v, map[string]func(any) string{"Text": of(512), "Url": of(2048)})
	}})
}

func resources(v any) string {
	all, ok := v.([]any)
	if !ok || len(all) < 1 || len(all) > 32 {
		return " should have between 1 and 32 items"
	}
	for i, r := range all {
		wrong := object(r, map[string]func(any) string{
			"Type": of(256), "Id": of(512), "Region": of(16),
			"Details": func(v any) string {
				// https://docs.aws.amazon.com/securityhub/latest/userguide/asff-resourcedetails-other.html
				return object(v, map[string]func(any) string{"Other": func(v any) string { return pairs(v, 127, 1023) }})
			},
		}, "Type", "Id")
		if wrong != "" {
			return fmt.Sprintf("[%d]%s", i, wrong)
		}
	}
	return ""
}

// pairs checks at most 50 named texts.
func pairs(v any, key, value int) string {
	all, ok := v.(map[string]any)
	if !ok || len(all) > 50 {
		return " should NOT have more than 50 properties"
	}
	for name, s := range all {
		if wrong := of(key)(name); wrong != "" {
			return wrong
		}
		if wrong := of(value)(s); wrong != "" {
			return "['" + name + "']" + wrong
		}
	}
	return ""
}
