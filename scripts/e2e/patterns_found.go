package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"databrain-rotation/pkg/standin/labtest"
	"databrain-rotation/scripts/check/render"
)

// pattern is an event pattern of a document or of the template.
type pattern struct {
	name string // where it is, and under which conditions
	text string // JSON on one line
}

// patternInstance is where the patterns of the template look for findings.
const patternInstance = "https://databrain.example.com"

// deployed are the parameters that the patterns of the template refer to.
var deployed = map[string]string{
	"DatabrainBaseUrl": patternInstance, "TokenSecretArn": labtest.TokenSecretARN,
	"ApiTokenSecretPrefix": labtest.APITokenPrefix,
}

// findPatterns finds every pattern of the template, under each combination of the
// conditions that it has within it, and of the documents.
func findPatterns(root string) ([]pattern, error) {
	text, err := os.ReadFile(filepath.Join(root, "template.yaml"))
	if err != nil {
		return nil, err
	}
	found, err := templatePatterns(string(text))
	if err != nil {
		return nil, err
	}
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && slices.Contains([]string{".git", ".aws-sam", "build"}, d.Name()):
			return fs.SkipDir
		case filepath.Ext(path) != ".md":
			return nil
		}
		page, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		of, err := documentPatterns(filepath.ToSlash(name), string(page))
		found = append(found, of...)
		return err
	})
	return found, err
}

// templatePatterns fills in the rules' patterns.
func templatePatterns(text string) ([]pattern, error) {
	template, err := render.Parse(text)
	if err != nil {
		return nil, err
	}
	var found []pattern
	resources := template["Resources"].(render.Tree)
	for _, rule := range slices.Sorted(maps.Keys(resources)) {
		raw := render.Get(resources[rule], "Properties.EventPattern")
		if raw == nil {
			continue
		}
		inside := conditionsOf(raw)
		for bits := range 1 << len(inside) {
			name, conditions := "template.yaml: "+rule, maps.Clone(template["Conditions"].(render.Tree))
			for i, condition := range inside {
				holds := bits>>i&1 == 1
				conditions[condition] = holds
				name += fmt.Sprintf(", %s=%v", condition, holds)
			}
			chosen := maps.Clone(template)
			chosen["Conditions"] = conditions
			filled, err := json.Marshal(render.New(chosen, deployed).Resolve(raw))
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			// What a secret that the stack made is referred to by is its ARN.
			filled = bytes.ReplaceAll(filled, []byte(`"(TokenSecret)"`), []byte(`"`+labtest.TokenSecretARN+`"`))
			found = append(found, pattern{name, string(filled)})
		}
	}
	return found, nil
}

// conditionsOf are the conditions that decide within v, sorted.
func conditionsOf(v any) []string {
	var names []string
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			names = append(names, conditionsOf(e)...)
		}
	case render.Tree:
		for key, e := range v {
			if key == "Fn::If" {
				names = append(names, e.([]any)[0].(string))
			}
			names = append(names, conditionsOf(e)...)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// documentPatterns finds the JSON objects on a page that are patterns: their source or
// detail-type is a list, while that of an event is a text.
func documentPatterns(file, page string) ([]pattern, error) {
	var found []pattern
	for rest := page; ; {
		i := strings.IndexByte(rest, '{')
		if i < 0 {
			break
		}
		rest = rest[i:]
		var object map[string]any
		d := json.NewDecoder(strings.NewReader(rest))
		if err := d.Decode(&object); err != nil || !isPattern(object) {
			rest = rest[1:]
			continue
		}
		var line bytes.Buffer
		if err := json.Compact(&line, []byte(rest[:d.InputOffset()])); err != nil {
			return nil, err
		}
		found = append(found, pattern{fmt.Sprintf("%s: %d", file, len(found)+1), line.String()})
		rest = rest[d.InputOffset():]
	}
	if said := strings.Count(page, "--event-pattern"); said > len(found) {
		return nil, fmt.Errorf("%s has %d --event-pattern, but %d patterns in JSON", file, said, len(found))
	}
	return found, nil
}

func isPattern(object map[string]any) bool {
	_, source := object["source"].([]any)
	_, detailType := object["detail-type"].([]any)
	return source || detailType
}
