package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// evaluateIAM asks another's implementation of IAM whether the roles, as the deployed
// stacks have them, allow what the functions were seen to ask, and nothing beside it.
func (w *workshop) evaluateIAM(ctx context.Context) {
	var accesses map[string][]access
	var shapes []shapeRoles
	if !w.check(ctx, "requests of the tests, the demonstration and the deployments are on record", func() (err error) {
		if accesses, err = w.readAccesses(); err != nil {
			return err
		}
		shapes, err = w.readRoles()
		return err
	}) {
		return
	}
	m := &matrix{}
	for _, shape := range shapes {
		m.addShape(shape, accesses)
	}
	var results []string
	if !w.check(ctx, "IAM is simulated", func() (err error) {
		results, err = w.simulate(ctx, m)
		return err
	}) {
		return
	}
	requests := 0
	for _, all := range accesses {
		requests += len(all)
	}
	w.show(fmt.Sprintf("     %d kinds of requests, %d roles in %d shapes of the stack: %d evaluations",
		requests, m.roles, len(shapes), len(m.Cases)))
	w.check(ctx, "every recorded request is allowed", func() error { return m.all("recorded", "Allowed", results) })
	w.check(ctx, "the same on another secret, key, bucket, prefix, bus or queue is denied", func() error {
		return m.none("foreign", "Allowed", results)
	})
	w.check(ctx, "without any one statement a request is judged otherwise", func() error {
		return m.eachStatementMatters(results)
	})
	w.check(ctx, "Secrets Manager may invoke for this secret of this account", func() error {
		return m.all("invoke", "Allowed", results)
	})
	w.check(ctx, "nobody else may", func() error { return m.none("invoke by others", "Allowed", results) })
}

// recordRequests has the tests and the demonstration write down what they ask of AWS.
func (w *workshop) recordRequests(ctx context.Context) {
	for run, args := range map[string][]string{
		// A sample of the proof: its other schedules ask for nothing else, and take longer.
		"RotateFunction": {
			"go", "test", "-vet=off", "-count=1", "-run", "^Test(FewestRequests|PairsOfFaults|Histories|KeyHistories|Diagnosis)",
			"./pkg/rotation", "-rapid.checks=30",
		},
		// Likewise.
		"AuditFunction": {
			"go", "test", "-vet=off", "-count=1", "-run", "^Test(Managed|Imports|AState|Failed|Losses|Events|Policy)",
			"./pkg/audit",
		},
		"functions": {"go", "test", "-vet=off", "-count=1", "./functions/..."}, // they give their requests their names
		"demo":      {"make", "demo"},
	} {
		w.check(ctx, "the requests of "+strings.Join(args, " "), func() error {
			cmd := w.command(ctx, args[0], args[1:]...)
			cmd.Env = append(cmd.Env, "STANDIN_ACCESS_LOG="+w.accessFile(run))
			_, err := output(ctx, cmd)
			return err
		})
	}
}

// readRoles reads what the deployments have left.
func (w *workshop) readRoles() ([]shapeRoles, error) {
	files, err := filepath.Glob(filepath.Join(w.dir, "roles", "*.json"))
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, errors.New("no deployment left its roles behind")
	}
	var all []shapeRoles
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		var shape shapeRoles
		// The suffix of LocalStack's own services, in place of AWS's.
		mapped := strings.ReplaceAll(string(text), "localhost.localstack.cloud", "amazonaws.com")
		if err := unmarshal(mapped, &shape); err != nil {
			return nil, err
		}
		all = append(all, shape)
	}
	return all, nil
}

func (w *workshop) simulate(ctx context.Context, m *matrix) ([]string, error) {
	modules, err := output(ctx, w.installer(ctx, "iam"))
	if err != nil {
		return nil, err
	}
	cases, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	cmd := w.command(ctx, "node", filepath.Join(w.root, "scripts/e2e/iam/evaluate.mjs"), strings.TrimSpace(modules))
	cmd.Stdin = bytes.NewReader(cases)
	out, err := output(ctx, cmd)
	if err != nil {
		return nil, err
	}
	var results []string
	if err := unmarshal(out, &results); err != nil {
		return nil, err
	}
	if len(results) != len(m.Cases) {
		return nil, fmt.Errorf("%d results of %d evaluations", len(results), len(m.Cases))
	}
	return results, nil
}

// matrix is what is to be evaluated. Cases share their policies.
type matrix struct {
	Policies []json.RawMessage `json:"policies"`
	Cases    []evaluation      `json:"cases"`
	roles    int
}

// evaluation is one request by one principal.
type evaluation struct {
	Principal  string            `json:"principal"`
	Action     string            `json:"action"`
	Resource   string            `json:"resource"`
	Account    string            `json:"account"`
	Context    map[string]string `json:"context,omitempty"`
	Identity   *int              `json:"identity,omitempty"`   // the role's policy
	OnResource *int              `json:"onResource,omitempty"` // the resource's own

	kind  string // what is expected of it
	where string // shape and role; and the statement that was taken away
	as    int    // the case with the whole policy, for one with a statement less
}

func (m *matrix) policy(document any) *int {
	text, err := json.Marshal(document)
	if err != nil {
		panic(err) // maps and strings
	}
	m.Policies = append(m.Policies, text)
	i := len(m.Policies) - 1
	return &i
}

// all wants every case of a kind to have a result, and at least one.
func (m *matrix) all(kind, want string, results []string) error {
	return m.judge(kind, func(got string) bool { return got == want }, results)
}

// none wants no case of a kind to have a result; an evaluation that failed is none.
func (m *matrix) none(kind, unwanted string, results []string) error {
	return m.judge(kind, func(got string) bool { return got != unwanted && !strings.HasPrefix(got, "error") }, results)
}

func (m *matrix) judge(kind string, good func(string) bool, results []string) error {
	seen := 0
	var bad []string
	for i, c := range m.Cases {
		if c.kind != kind {
			continue
		}
		seen++
		if !good(results[i]) {
			bad = append(bad,
				fmt.Sprintf("%s: %s on %s %v by %s: %s", c.where, c.Action, c.Resource, c.Context, c.Principal, results[i]))
		}
	}
	if seen == 0 {
		return fmt.Errorf("there is no case")
	}
	if len(bad) > 0 {
		return fmt.Errorf("%d of %d are judged otherwise:\n%s", len(bad), seen, strings.Join(bad[:min(len(bad), 10)], "\n"))
	}
	return nil
}

// eachStatementMatters wants, for each statement that was taken away, a request whose
// result is another one than with it.
func (m *matrix) eachStatementMatters(results []string) error {
	matters := map[string]bool{}
	for i, c := range m.Cases {
		if c.kind == "without" {
			matters[c.where] = matters[c.where] || results[i] != results[c.as]
		}
	}
	var idle []string
	for _, where := range slices.Sorted(maps.Keys(matters)) {
		if !matters[where] {
			idle = append(idle, where)
		}
	}
	if len(matters) == 0 || len(idle) > 0 {
		return fmt.Errorf("of %d statements these can go, and nothing changes:\n%s", len(matters), strings.Join(idle, "\n"))
	}
	return nil
}
