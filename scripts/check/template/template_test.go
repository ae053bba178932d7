package template_test

import (
	"fmt"
	"os"
	"slices"
	"testing"

	"databrain-rotation/scripts/check/render"
)

const templatePath = "../../../template.yaml"

type tree = render.Tree

func readTemplate(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(templatePath)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// The words of the tests for a template that is filled in.
var (
	parse  = render.Parse
	deploy = render.Deploy
	get    = render.Get
)

// list returns v as a list; IAM lets a single entry stand for a list of one.
func list(v any) []string {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		var out []string
		for _, e := range v {
			out = append(out, fmt.Sprint(e))
		}
		return out
	}
	return []string{fmt.Sprint(v)}
}

// ofType yields the resources of one CloudFormation type in the order of their names.
func ofType(resources tree, typ string) []string {
	var names []string
	for name, r := range resources {
		if get(r, "Type") == typ {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
