package main

import (
	"bytes"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// packageTemplate names zip files beside the template in place of the source, and
// leaves the one architecture that they are for.
func packageTemplate(text []byte, architecture string) ([]byte, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, fmt.Errorf("template.yaml: %w", err)
	}
	root := doc.Content[0]
	if err := remove(root, "Globals.Function.CodeUri"); err != nil {
		return nil, err
	}
	for name, folder := range functions {
		if err := remove(root, "Resources."+name+".Metadata"); err != nil {
			return nil, err
		}
		properties, err := find(root, "Resources."+name+".Properties")
		if err != nil {
			return nil, err
		}
		properties.Content = append(
			[]*yaml.Node{scalar("CodeUri"), scalar(zipName(folder, architecture))},
			properties.Content...)
	}
	parameter, err := find(root, "Parameters.Architecture")
	if err != nil {
		return nil, err
	}
	for i := 0; i < len(parameter.Content); i += 2 {
		switch parameter.Content[i].Value {
		case "Default":
			parameter.Content[i+1] = scalar(architecture)
		case "AllowedValues":
			parameter.Content[i+1].Content = []*yaml.Node{scalar(architecture)}
		}
	}
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(&doc); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

func scalar(value string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Value: value} }

// find follows a dotted path of mapping keys.
func find(node *yaml.Node, path string) (*yaml.Node, error) {
	for key := range strings.SplitSeq(path, ".") {
		i := index(node, key)
		if i < 0 {
			return nil, fmt.Errorf("template.yaml has no %s", path)
		}
		node = node.Content[i+1]
	}
	return node, nil
}

// index is the place of a key among a mapping's keys and values, or -1.
func index(mapping *yaml.Node, key string) int {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			return i
		}
	}
	return -1
}

func remove(root *yaml.Node, path string) error {
	cut := strings.LastIndex(path, ".")
	parent, err := find(root, path[:cut])
	if err != nil {
		return err
	}
	i := index(parent, path[cut+1:])
	if i < 0 {
		return fmt.Errorf("template.yaml has no %s", path)
	}
	parent.Content = append(parent.Content[:i], parent.Content[i+2:]...)
	return nil
}
