package rotation

import "databrain-rotation/pkg/databrain"

// ReplaceToken reads a value and returns its token and the value with another.
func ReplaceToken(value, token string) (old, replaced string, err error) {
	d, fault := parseDocument(value)
	if fault != "" {
		return "", "", new(step).malformed(labelCurrent, fault)
	}
	return d.token.Reveal(), d.with(databrain.NewSecret(token)), nil
}
