// Package emf writes metrics as log lines in Amazon CloudWatch's embedded metric
// format ("Specification: Embedded metric format", CloudWatch user guide), which
// CloudWatch Logs turns into metrics without a call of an API.
package emf

import (
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// Metric is one value.
type Metric struct {
	Name  string
	Unit  string // "Count", "Milliseconds", "None"; see MetricDatum in the CloudWatch API reference
	Value float64
}

// Write writes one line to w, in a single call of its Write method. Each set of
// dimensionSets names keys of dimensions; the empty set gives the metric without
// dimensions. Now becomes the time of the metrics, to the millisecond.
//
// It returns an error if a set names no dimension's key, if a dimension's value
// is empty, which CloudWatch refuses, or if w fails.
func Write(
	w io.Writer,
	now time.Time,
	namespace string,
	dimensionSets [][]string,
	dimensions map[string]string,
	metrics ...Metric,
) error {
	type definition struct{ Name, Unit string }
	line := make(map[string]any)
	for _, set := range dimensionSets {
		for _, name := range set {
			if dimensions[name] == "" {
				return fmt.Errorf("emf: dimension %q has no value", name)
			}
			line[name] = dimensions[name]
		}
	}
	definitions := make([]definition, len(metrics))
	for i, m := range metrics {
		definitions[i] = definition{m.Name, m.Unit}
		line[m.Name] = m.Value
	}
	line["_aws"] = map[string]any{
		"Timestamp": now.UnixMilli(),
		"CloudWatchMetrics": []any{map[string]any{
			"Namespace": namespace, "Dimensions": dimensionSets, "Metrics": definitions,
		}},
	}
	encoded, err := json.Marshal(line)
	if err != nil {
		return fmt.Errorf("emf: %w", err)
	}
	_, err = w.Write(append(encoded, '\n'))
	return err
}
