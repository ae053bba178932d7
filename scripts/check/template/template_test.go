package template_test

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

const templatePath = "../../../template.yaml"

type tree = map[string]any

func readTemplate(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(templatePath)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// parse reads a template, its short forms written out: !Ref X becomes {"Ref": "X"}.
// YAML aliases are refused: CloudFormation does not know them.
func parse(text string) (tree, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
		return nil, err
	}
	v, err := decode(doc.Content[0])
	if err != nil {
		return nil, err
	}
	return v.(tree), nil
}

func decode(n *yaml.Node) (any, error) {
	var v any
	switch n.Kind {
	case yaml.AliasNode:
		return nil, fmt.Errorf("line %d: CloudFormation reads no YAML aliases", n.Line)
	case yaml.ScalarNode:
		if strings.HasPrefix(n.Tag, "!") && !strings.HasPrefix(n.Tag, "!!") {
			v = n.Value
		} else if err := n.Decode(&v); err != nil {
			return nil, err
		}
	case yaml.SequenceNode:
		list := []any{}
		for _, c := range n.Content {
			e, err := decode(c)
			if err != nil {
				return nil, err
			}
			list = append(list, e)
		}
		v = list
	case yaml.MappingNode:
		m := tree{}
		for i := 0; i < len(n.Content); i += 2 {
			e, err := decode(n.Content[i+1])
			if err != nil {
				return nil, err
			}
			m[n.Content[i].Value] = e
		}
		v = m
	}
	if name, short := strings.CutPrefix(n.Tag, "!"); short && !strings.HasPrefix(name, "!") {
		if name != "Ref" && name != "Condition" {
			name = "Fn::" + name
		}
		return tree{name: v}, nil
	}
	return v, nil
}

// noValue is what !Ref AWS::NoValue stands for: the member is left out.
type noValue struct{}

// deployment is a template with its parameters filled in.
type deployment struct {
	template tree
	params   map[string]string
}

var pseudo = map[string]any{
	"AWS::AccountId": "123456789012", "AWS::Region": "us-east-1", "AWS::Partition": "aws",
	"AWS::URLSuffix": "amazonaws.com", "AWS::StackName": "tokens", "AWS::NoValue": noValue{},
}

// deploy resolves the template's resources. A reference to a resource reads
// "(Name)", an attribute "(Name.Arn)"; a resource whose condition is false is absent.
func deploy(template tree, params map[string]string) tree {
	d := deployment{template, map[string]string{}}
	for name, p := range template["Parameters"].(tree) {
		if def, ok := p.(tree)["Default"]; ok {
			d.params[name] = fmt.Sprint(def)
		}
	}
	maps.Copy(d.params, params)
	resources := tree{}
	for name, r := range template["Resources"].(tree) {
		if cond, ok := r.(tree)["Condition"].(string); ok && !d.condition(cond) {
			continue
		}
		resources[name] = d.resolve(r)
	}
	globals := d.resolve(get(template, "Globals.Function")).(tree)
	for _, r := range resources {
		if get(r, "Type") == "AWS::Serverless::Function" {
			inherit(r.(tree)["Properties"].(tree), globals)
		}
	}
	return resources
}

// inherit lays SAM's Globals under a function's own properties.
func inherit(own, globals tree) {
	for k, v := range globals {
		switch mine := own[k].(type) {
		case nil:
			own[k] = v
		case tree:
			inherit(mine, v.(tree))
		}
	}
}

func (d deployment) condition(name string) bool {
	return d.resolve(get(d.template, "Conditions."+name)).(bool)
}

func (d deployment) resolve(v any) any {
	switch v := v.(type) {
	case tree:
		if len(v) == 1 {
			for fn, arg := range v {
				if fn == "Ref" || fn == "Condition" && isString(arg) || strings.HasPrefix(fn, "Fn::") {
					return d.call(fn, arg)
				}
			}
		}
		out := tree{}
		for k, e := range v {
			if r := d.resolve(e); r != (noValue{}) {
				out[k] = r
			}
		}
		return out
	case []any:
		out := []any{}
		for _, e := range v {
			if r := d.resolve(e); r != (noValue{}) {
				out = append(out, r)
			}
		}
		return out
	}
	return v
}

func isString(v any) bool { _, ok := v.(string); return ok }

func (d deployment) call(fn string, arg any) any {
	if fn == "Fn::If" {
		branch := arg.([]any)
		if d.condition(branch[0].(string)) {
			return d.resolve(branch[1])
		}
		return d.resolve(branch[2])
	}
	if fn == "Fn::Sub" {
		return d.substitute(arg)
	}
	args, _ := d.resolve(arg).([]any)
	switch fn {
	case "Ref":
		return d.ref(arg.(string))
	case "Condition":
		return d.condition(arg.(string))
	case "Fn::GetAtt":
		return "(" + arg.(string) + ")"
	case "Fn::Equals":
		return args[0] == args[1]
	case "Fn::Not":
		return !args[0].(bool)
	case "Fn::And":
		return !slices.Contains(args, any(false))
	case "Fn::Or":
		return slices.Contains(args, any(true))
	case "Fn::Select":
		return args[1].([]any)[args[0].(int)]
	case "Fn::Split":
		parts := []any{}
		for _, p := range strings.Split(args[1].(string), args[0].(string)) {
			parts = append(parts, p)
		}
		return parts
	}
	panic("template.yaml uses " + fn + ", which these tests do not know")
}

func (d deployment) ref(name string) any {
	if v, ok := pseudo[name]; ok {
		return v
	}
	if v, ok := d.params[name]; ok {
		return v
	}
	return "(" + name + ")"
}

var placeholder = regexp.MustCompile(`\$\{([^}]+)\}`)

func (d deployment) substitute(arg any) string {
	text, local := "", tree{}
	switch arg := arg.(type) {
	case string:
		text = arg
	case []any:
		text, local = arg[0].(string), d.resolve(arg[1]).(tree)
	}
	return placeholder.ReplaceAllStringFunc(text, func(m string) string {
		name := m[2 : len(m)-1]
		if v, ok := local[name]; ok {
			return fmt.Sprint(v)
		}
		return fmt.Sprint(d.ref(name))
	})
}

// get walks into maps along a dotted path; what is not there is nil.
func get(v any, path string) any {
	for key := range strings.SplitSeq(path, ".") {
		m, _ := v.(tree)
		v = m[key]
	}
	return v
}

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
