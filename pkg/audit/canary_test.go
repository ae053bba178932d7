package audit_test

import (
	"strings"

	"databrain-rotation/pkg/standin/databraintest"
	"databrain-rotation/pkg/standin/leaktest"
)

// guard adds the keys of all to what no output may hold.
func (l *lab) guard(all []databraintest.DataApp) {
	for _, a := range all {
		for _, k := range a.Tokens {
			if k.Key != "" {
				l.keys = append(l.keys, k.Key)
			}
		}
	}
}

// checkCanaries searches everything that the runs of the lab put out for a
// credential in any of its forms.
func (l *lab) checkCanaries() {
	l.t.Helper()
	outputs := append(l.outputs, l.log.String(), l.metrics.String())
	for _, o := range l.s3.Objects() {
		outputs = append(outputs, string(o.Body), o.Key)
	}
	for _, r := range l.db.Calls() {
		outputs = append(outputs, r.Target, r.Query)
	}
	if len(l.keys) == 0 {
		l.t.Error("no canary to look for")
	}
	if found, form := leaktest.For(l.keys...).Find(strings.Join(outputs, "\n")); found != "" {
		l.t.Errorf("an output holds the credential %q (%s)", found, form)
	}
}
