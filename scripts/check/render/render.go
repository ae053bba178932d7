// Package render reads template.yaml as CloudFormation does, as far as the template
// goes: it fills in parameters, conditions and references. It also reads the messages
// that its rules make for a chat.
package render

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Tree is a mapping of the template.
type Tree = map[string]any

// Parse reads a template, its short forms written out: !Ref X becomes {"Ref": "X"}.
// YAML aliases are refused: CloudFormation does not know them.
func Parse(text string) (Tree, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
		return nil, err
	}
	v, err := decode(doc.Content[0])
	if err != nil {
		return nil, err
	}
	return v.(Tree), nil
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
		m := Tree{}
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
		return Tree{name: v}, nil
	}
	return v, nil
}

// noValue is what !Ref AWS::NoValue stands for: the member is left out.
type noValue struct{}

// Deployment is a template with its parameters filled in.
type Deployment struct {
	template Tree
	params   map[string]string
}

// New fills in the parameters; those that are not given have their defaults. One that
// has the name of a pseudo parameter, such as AWS::Partition, takes its place.
func New(template Tree, params map[string]string) Deployment {
	d := Deployment{template, map[string]string{}}
	for name, p := range template["Parameters"].(Tree) {
		if def, ok := p.(Tree)["Default"]; ok {
			d.params[name] = fmt.Sprint(def)
		}
	}
	maps.Copy(d.params, params)
	return d
}

var pseudo = map[string]any{
	"AWS::AccountId": "123456789012", "AWS::Region": "us-east-1", "AWS::Partition": "aws",
	"AWS::URLSuffix": "amazonaws.com", "AWS::StackName": "tokens", "AWS::NoValue": noValue{},
}

// Deploy resolves the template's resources. A reference to a resource reads
// "(Name)", an attribute "(Name.Arn)"; a resource whose condition is false is absent.
func Deploy(template Tree, params map[string]string) Tree {
	d := New(template, params)
	resources := Tree{}
	for name, r := range template["Resources"].(Tree) {
		if cond, ok := r.(Tree)["Condition"].(string); ok && !d.condition(cond) {
			continue
		}
		resources[name] = d.Resolve(r)
	}
	globals := d.Resolve(Get(template, "Globals.Function")).(Tree)
	for _, r := range resources {
		if Get(r, "Type") == "AWS::Serverless::Function" {
			inherit(r.(Tree)["Properties"].(Tree), globals)
		}
	}
	return resources
}

// inherit lays SAM's Globals under a function's own properties.
func inherit(own, globals Tree) {
	for k, v := range globals {
		switch mine := own[k].(type) {
		case nil:
			own[k] = v
		case Tree:
			inherit(mine, v.(Tree))
		}
	}
}

func (d Deployment) condition(name string) bool {
	return d.Resolve(Get(d.template, "Conditions."+name)).(bool)
}

// Resolve returns a part of the template with its references, functions and conditions
// put in.
func (d Deployment) Resolve(v any) any {
	switch v := v.(type) {
	case Tree:
		if len(v) == 1 {
			for fn, arg := range v {
				if fn == "Ref" || fn == "Condition" && isString(arg) || strings.HasPrefix(fn, "Fn::") {
					return d.call(fn, arg)
				}
			}
		}
		out := Tree{}
		for k, e := range v {
			if r := d.Resolve(e); r != (noValue{}) {
				out[k] = r
			}
		}
		return out
	case []any:
		out := []any{}
		for _, e := range v {
			if r := d.Resolve(e); r != (noValue{}) {
				out = append(out, r)
			}
		}
		return out
	}
	return v
}

func isString(v any) bool { _, ok := v.(string); return ok }

func (d Deployment) call(fn string, arg any) any {
	if fn == "Fn::If" {
		branch := arg.([]any)
		if d.condition(branch[0].(string)) {
			return d.Resolve(branch[1])
		}
		return d.Resolve(branch[2])
	}
	if fn == "Fn::Sub" {
		return d.substitute(arg)
	}
	args, _ := d.Resolve(arg).([]any)
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
	panic("template.yaml uses " + fn + ", which this package does not know")
}

func (d Deployment) ref(name string) any {
	if v, ok := d.params[name]; ok {
		return v
	}
	if v, ok := pseudo[name]; ok {
		return v
	}
	return "(" + name + ")"
}

var placeholder = regexp.MustCompile(`\$\{([^}]+)\}`)

func (d Deployment) substitute(arg any) string {
	text, local := "", Tree{}
	switch arg := arg.(type) {
	case string:
		text = arg
	case []any:
		text, local = arg[0].(string), d.Resolve(arg[1]).(Tree)
	}
	return placeholder.ReplaceAllStringFunc(text, func(m string) string {
		name := m[2 : len(m)-1]
		if v, ok := local[name]; ok {
			return fmt.Sprint(v)
		}
		return fmt.Sprint(d.ref(name))
	})
}

// Get walks into maps along a dotted path; what is not there is nil.
func Get(v any, path string) any {
	for key := range strings.SplitSeq(path, ".") {
		m, _ := v.(Tree)
		v = m[key]
	}
	return v
}
