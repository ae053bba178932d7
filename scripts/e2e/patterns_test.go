package main

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// TestEveryPatternHasARow says without Java what the end-to-end run would say later.
func TestEveryPatternHasARow(t *testing.T) {
	found, err := findPatterns("../..")
	if err != nil || len(found) < 11 {
		t.Fatalf("%d patterns, %v", len(found), err)
	}
	names := make([]string, 0, len(found))
	for _, p := range found {
		names = append(names, p.name)
		if strings.Contains(p.text, `"(`) {
			t.Errorf("%s refers to what has no value: %s", p.name, p.text)
		}
	}
	slices.Sort(names)
	if rows := slices.Sorted(maps.Keys(matches)); !slices.Equal(names, rows) {
		t.Errorf("patterns\n%s\nrows\n%s", strings.Join(names, "\n"), strings.Join(rows, "\n"))
	}
}

func TestDocumentPatterns(t *testing.T) {
	for name, c := range map[string]struct {
		page string
		want int
	}{
		"a block":                 {"```json\n{\"source\": [\"a\"]}\n```", 1},
		"in a line of text":       {"the pattern `{\"detail-type\":[{\"prefix\":\"a\"}]}` does it", 1},
		"an argument":             {"put-rule --event-pattern '{\n \"source\": [\"a\"]}'", 1},
		"two":                     {`{"source":["a"]} and {"source":["b"]}`, 2},
		"within another object":   {`{"EventPattern": {"source":["a"]}}`, 1},
		"an event":                {`{"source": "a", "detail": {}}`, 0},
		"something else":          {"{x} {} {\"a\": [1]} ${Y}", 0},
		"an argument that is bad": {`put-rule --event-pattern '{"source": [}'`, -1},
	} {
		found, err := documentPatterns("page.md", c.page)
		if c.want < 0 && err == nil || c.want >= 0 && (err != nil || len(found) != c.want) {
			t.Errorf("%s: %v, %v", name, found, err)
		}
	}
}

func TestTemplatePatternsTakeEveryCondition(t *testing.T) {
	found, err := templatePatterns(`
Parameters: {DatabrainBaseUrl: {Type: String}}
Conditions: {A: !Equals [a, a], B: !Equals [a, b]}
Resources:
  Rule:
    Condition: B
    Properties: {EventPattern: {source: !If [A, [x], [y]], detail: {z: [!If [B, 1, !Ref DatabrainBaseUrl]]}}}
`)
	want := []pattern{
		{"template.yaml: Rule, A=false, B=false", `{"detail":{"z":["https://databrain.example.com"]},"source":["y"]}`},
		{"template.yaml: Rule, A=true, B=false", `{"detail":{"z":["https://databrain.example.com"]},"source":["x"]}`},
		{"template.yaml: Rule, A=false, B=true", `{"detail":{"z":[1]},"source":["y"]}`},
		{"template.yaml: Rule, A=true, B=true", `{"detail":{"z":[1]},"source":["x"]}`},
	}
	if err != nil || !slices.Equal(found, want) {
		t.Errorf("%v, %v", found, err)
	}
}

func TestCompareMatchesNotices(t *testing.T) {
	found, err := findPatterns("../..")
	if err != nil {
		t.Fatal(err)
	}
	var events []event
	for _, row := range matches {
		for _, name := range row {
			events = append(events, event{name: name})
		}
	}
	if err := compareMatches(found, events, matches); err != nil {
		t.Fatal(err)
	}
	const one = "functions/rotate/README.md: 1"
	less, more := maps.Clone(matches), maps.Clone(matches)
	delete(less, one)
	more[one] = append(slices.Clone(more[one]), "first: critical")
	for name, err := range map[string]error{
		"a match too few":  compareMatches(found, events, less),
		"a match too many": compareMatches(found, events, more),
		"no row":           compareMatches(append(found, pattern{name: "new"}), events, matches),
		"no pattern":       compareMatches(found[1:], events, matches),
		"no event":         compareMatches(found, nil, matches),
	} {
		if err == nil {
			t.Errorf("%s is not noticed", name)
		}
	}
}
