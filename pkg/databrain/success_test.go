package databrain_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"databrain-rotation/pkg/databrain"
	"databrain-rotation/pkg/standin"
)

// TestSuccess is the other column: the same operations against the plain stand-in
// and against answers that differ from the examples in ways that change nothing.
func TestSuccess(t *testing.T) {
	for _, o := range operations() {
		for name, do := range map[string]*standin.Action{
			"documented":       nil,
			"with error null":  action(strings.TrimSuffix(o.right(), "}") + `,"error":null}`),
			"with error first": action(`{"error":null,` + strings.TrimPrefix(o.right(), "{")),
			"with other members": action(`{"Key":1,"Data":2,"n":1e999,"deep":{"a":[{}]},` +
				strings.TrimPrefix(o.right(), "{")),
			"with white space":     action(" \r\n" + strings.ReplaceAll(o.right(), ":", "\t:\n ") + "\n\n"),
			"201":                  answer(http.StatusCreated, o.right()),
			"202":                  answer(http.StatusAccepted, o.right()),
			"299":                  answer(299, o.right()),
			"as plain text":        {},
			"in pieces":            {},
			"an upper-case escape": action(strings.Replace(o.right(), `"`+o.member[:1], fmt.Sprintf(`"\u%04X`, o.member[0]), 1)),
		} {
			t.Run(o.name+"/"+name, func(t *testing.T) {
				db := o.server()
				transport := &bodies{RoundTripper: db.Client().Transport}
				c := inProcess(t, transport, databrain.Options{})
				jwt := o.jwt(t, c)
				switch {
				case name == "as plain text":
					db.Inject(o.fault(standin.Reply(200, asText, o.right())))
				case name == "in pieces":
					db.Inject(o.fault(standin.SlowBody(time.Microsecond)))
				case do != nil:
					db.Inject(o.fault(*do))
				}
				if err := o.call(t.Context(), c, jwt); err != nil {
					t.Error(err)
				}
				transport.released(t)
			})
		}
	}
}

func action(body string) *standin.Action { return answer(http.StatusOK, body) }

func answer(code int, body string) *standin.Action {
	a := standin.Reply(code, asJSON, body)
	return &a
}
