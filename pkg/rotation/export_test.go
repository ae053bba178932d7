package rotation

import "databrain-rotation/pkg/databrain"

// ReplaceToken reads a value and returns its token and the value with another.
func ReplaceToken(value, token string) (old, replaced string, err error) {
	d, err := parseDocument(value, labelCurrent)
	if err != nil {
		return "", "", err
	}
	return d.token.Reveal(), d.with(databrain.NewSecret(token)), nil
}
