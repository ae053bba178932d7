package report

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"iter"

	"databrain-rotation/pkg/audit/finding"
)

// WriteJSON writes findings.json: one JSON array with the wire form of each
// finding, the same as the detail of its event but for the message. Findings are written
// one by one, so that memory does not grow with them.
func WriteJSON(w io.Writer, r *Report) error {
	if err := writeArray(w, r.details()); err != nil {
		return fmt.Errorf("write findings.json: %w", err)
	}
	return nil
}

// details makes the wire form of what r observed, then of what it resolved, which
// includes what was superseded.
func (r *Report) details() iter.Seq[Detail] {
	return func(yield func(Detail) bool) {
		for _, findings := range [][]finding.Finding{r.Findings, r.Resolved, r.Superseded} {
			for i := range findings {
				if !yield(r.Detail(&findings[i])) {
					return
				}
			}
		}
	}
}

// writeArray writes a JSON array with one element a line.
func writeArray[T any](w io.Writer, elements iter.Seq[T]) error {
	buffered := bufio.NewWriter(w)
	separator := "[\n"
	for element := range elements {
		data, err := json.Marshal(element)
		if err != nil {
			return err
		}
		buffered.WriteString(separator) //nolint:errcheck // a bufio.Writer keeps its first error for Flush
		buffered.Write(data)            //nolint:errcheck // likewise
		separator = ",\n"
	}
	if separator == "[\n" {
		buffered.WriteByte('[') //nolint:errcheck // likewise
	}
	buffered.WriteString("\n]\n") //nolint:errcheck // likewise
	return buffered.Flush()
}
