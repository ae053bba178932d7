package report_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"databrain-rotation/pkg/audit/report"
)

// ocsfClass is the part of the published schema that an object of one class must
// keep to; testdata/ocsf-1.6.0.json has what class 2003 may hold without
// profiles, and the objects in it that this program writes.
type ocsfClass struct {
	AtLeastOne []string                 `json:"at_least_one"`
	Attributes map[string]ocsfAttribute `json:"attributes"`
}

type ocsfAttribute struct {
	Type       string            `json:"type"`
	Required   bool              `json:"required"`
	Array      bool              `json:"array"`
	Deprecated bool              `json:"deprecated"`
	Enum       map[string]string `json:"enum"`
	Sibling    string            `json:"sibling"`
}

type ocsfSchema map[string]ocsfClass

func loadOCSF(t *testing.T) ocsfSchema {
	t.Helper()
	data, err := os.ReadFile("testdata/ocsf-1.6.0.json")
	if err != nil {
		t.Fatal(err)
	}
	var schema ocsfSchema
	if err := json.Unmarshal(data, &schema); err != nil {
		t.Fatal(err)
	}
	if n := len(schema["compliance_finding"].Attributes); n < 30 {
		t.Fatalf("the schema has %d attributes for a compliance finding", n)
	}
	return schema
}

// check returns what is wrong with an object of a class, each with its path.
func (s ocsfSchema) check(class, path string, object map[string]any) (faults []string) {
	c, ok := s[class]
	if !ok {
		return []string{path + ": no rules for " + class}
	}
	for name, a := range c.Attributes {
		if _, present := object[name]; a.Required && !present {
			faults = append(faults, path+"."+name+": required")
		}
	}
	present := func(name string) bool { return object[name] != nil }
	if c.AtLeastOne != nil && !slices.ContainsFunc(c.AtLeastOne, present) {
		faults = append(faults, fmt.Sprintf("%s: at least one of %v", path, c.AtLeastOne))
	}
	for name, value := range object {
		at := path + "." + name
		a, known := c.Attributes[name]
		switch {
		case !known:
			faults = append(faults, at+": unknown attribute")
			continue
		case a.Deprecated:
			faults = append(faults, at+": deprecated")
		case a.Enum != nil:
			faults = append(faults, a.checkEnum(at, value, object[a.Sibling])...)
		}
		values := []any{value}
		if list, isList := value.([]any); a.Array != isList {
			faults = append(faults, at+": array or not")
			continue
		} else if isList {
			values = list
		}
		for i, v := range values {
			faults = append(faults, s.checkType(a.Type, fmt.Sprintf("%s[%d]", at, i), v)...)
		}
	}
	return faults
}

// checkEnum: the value is one of the numbers, and its caption stands beside it,
// unless the number says that the caption is the producer's own.
func (a ocsfAttribute) checkEnum(at string, value, sibling any) []string {
	caption, known := a.Enum[fmt.Sprint(value)]
	switch {
	case !known:
		return []string{fmt.Sprintf("%s: %v is not in the enumeration", at, value)}
	case value == json.Number("99") && (sibling == nil || sibling == caption):
		return []string{at + ": 99 without a word of the producer's own"}
	case value != json.Number("99") && sibling != caption:
		return []string{fmt.Sprintf("%s: sibling is %v, want %q", at, sibling, caption)}
	}
	return nil
}

func (s ocsfSchema) checkType(kind, at string, value any) []string {
	ok := false
	switch {
	case kind == "object":
		_, ok = value.(map[string]any)
	case strings.HasPrefix(kind, "object "):
		object, isObject := value.(map[string]any)
		if isObject {
			return s.check(strings.TrimPrefix(kind, "object "), at, object)
		}
	case kind == "integer" || kind == "long" || kind == "timestamp":
		number, _ := value.(json.Number)
		n, err := strconv.ParseInt(number.String(), 10, 64)
		ok = err == nil && (kind != "integer" || n <= math.MaxInt32)
		if kind == "timestamp" {
			// Milliseconds of this century: seconds and nanoseconds fall outside.
			ok = ok && n > 946_684_800_000 && n < 4_102_444_800_000
		}
	case kind == "boolean":
		_, ok = value.(bool)
	default: // the kinds of strings
		text, isText := value.(string)
		ok = isText && text != ""
	}
	if !ok {
		return []string{fmt.Sprintf("%s: %v is no %s", at, value, kind)}
	}
	return nil
}

func decodeOCSF(t *testing.T, r *report.Report) []map[string]any {
	t.Helper()
	var buf bytes.Buffer
	if err := report.WriteOCSF(&buf, r); err != nil {
		t.Fatal(err)
	}
	decoder := json.NewDecoder(&buf)
	decoder.UseNumber()
	var objects []map[string]any
	if err := decoder.Decode(&objects); err != nil {
		t.Fatal(err)
	}
	return objects
}

func TestOCSFKeepsToTheSchema(t *testing.T) {
	t.Parallel()
	schema := loadOCSF(t)
	for name, r := range reports() {
		t.Run(name, func(t *testing.T) {
			objects := decodeOCSF(t, r)
			if want := len(details(r)); len(objects) != want {
				t.Fatalf("%d objects for %d findings", len(objects), want)
			}
			for i, object := range objects {
				if faults := schema.check("compliance_finding", strconv.Itoa(i), object); faults != nil {
					t.Fatalf("%s\n%v", strings.Join(faults, "\n"), object)
				}
				class, activity := number(object["class_uid"]), number(object["activity_id"])
				if number(object["type_uid"]) != class*100+activity {
					t.Errorf("%d: type_uid %v is not class %d and activity %d", i, object["type_uid"], class, activity)
				}
				if version := object["metadata"].(map[string]any)["version"]; version != "1.6.0" {
					t.Errorf("%d: version %v", i, version)
				}
			}
		})
	}
}

// TestOCSFStatus: a finding that made way for a worse one was not resolved.
func TestOCSFStatus(t *testing.T) {
	for _, object := range decodeOCSF(t, sampleReport()) {
		state := object["unmapped"].(map[string]any)
		want := map[string]int64{"new": 1, "suppressed": 3, "resolved": 4, "ongoing": 99,
			"reopened": 99}[state["state"].(string)]
		if state["supersededBy"] != nil {
			want = 5
		}
		if got := number(object["status_id"]); got != want {
			t.Errorf("%v: status %d, want %d", state, got, want)
		}
	}
}

func number(v any) int64 {
	n, _ := v.(json.Number)
	i, _ := n.Int64()
	return i
}

// TestOCSFRulesRefuse shows that the rules of the test above are able to fail.
func TestOCSFRulesRefuse(t *testing.T) {
	schema := loadOCSF(t)
	type object = map[string]any
	inner := func(o object, name string) object { return o[name].(object) }
	for name, spoil := range map[string]func(object){
		"unknown attribute":      func(o object) { o["severityId"] = json.Number("1") },
		"deprecated":             func(o object) { o["resource"] = o["resources"].([]any)[0] },
		"required":               func(o object) { delete(o, "severity_id") },
		"finding_info[0].uid: r": func(o object) { delete(inner(o, "finding_info"), "uid") },
		"product: required":      func(o object) { delete(inner(o, "metadata"), "product") },
		"product[0]: at least": func(o object) {
			maps.DeleteFunc(inner(inner(o, "metadata"), "product"), func(string, any) bool { return true })
		},
		"not in the enumeration": func(o object) { o["severity_id"] = json.Number("7") },
		"sibling is":             func(o object) { o["severity"] = "medium" },
		"99 without":             func(o object) { o["status_id"], o["status"] = json.Number("99"), "Other" },
		"array or not":           func(o object) { o["resources"] = o["resources"].([]any)[0] },
		"is no timestamp":        func(o object) { o["time"] = json.Number("1773295245") },
		"is no string":           func(o object) { o["message"] = json.Number("1") },
		"is no integer":          func(o object) { o["severity_id"] = "3" },
		"is no object":           func(o object) { o["unmapped"] = "x" },
		"no rules":               func(o object) { o["device"] = object{} },
	} {
		t.Run(name, func(t *testing.T) {
			o := decodeOCSF(t, sampleReport())[0]
			if faults := schema.check("compliance_finding", "", o); faults != nil {
				t.Fatal(faults)
			}
			spoil(o)
			if faults := strings.Join(schema.check("compliance_finding", "", o), "\n"); !strings.Contains(faults, name) {
				t.Errorf("want a fault with %q, got %q", name, faults)
			}
		})
	}
}
