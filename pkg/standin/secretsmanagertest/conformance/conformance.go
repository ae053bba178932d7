// Package conformance holds the rules of AWS Secrets Manager that a rotation
// depends on, as tests against any endpoint. Each row names the page of AWS that it
// checks.
//
// The stand-in in the parent package passes all rows. Another implementation may
// differ in rows that are listed with an explanation; such a row must then fail, so
// that the list cannot outlive the difference.
package conformance

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/google/uuid"
)

// RotationFunctionARN must stand for a rotation function that succeeds and does
// nothing, on an endpoint that can invoke functions at all.
const RotationFunctionARN = "arn:aws:lambda:us-east-1:123456789012:function:conformance-does-nothing"

// Differences explains, by row name, where an endpoint is known not to behave as
// AWS documents.
type Differences map[string]string

// Row is one rule.
type Row struct {
	Name  string
	Rule  string // where AWS documents it
	check func(*probe)
}

// Rows are all rules.
func Rows() []Row {
	var rows []Row
	for _, group := range [][]Row{createRows(), readRows(), putRows(), stageRows(), deleteRows(), rotationRows()} {
		rows = append(rows, group...)
	}
	return rows
}

// RunConformance runs every row as a subtest, each with a client and a secret of its
// own. newClient's endpoint needs no state and may keep what rows leave behind.
func RunConformance(t *testing.T, newClient func(t *testing.T) *secretsmanager.Client, known Differences) {
	rows := Rows()
	names := make(map[string]bool, len(rows))
	for _, row := range rows {
		names[row.Name] = true
	}
	for name := range known {
		if !names[name] {
			t.Errorf("the list of differences names %q, which is no row", name)
		}
	}
	for _, row := range rows {
		t.Run(row.Name, func(t *testing.T) {
			if err := Judge(row.Name, row.Check(t.Context(), newClient(t)), known); err != nil {
				t.Errorf("%v\nrule: %s", err, row.Rule)
			}
		})
	}
}

// Judge weighs the outcome of a row against the known differences: a listed row
// must fail, any other must not.
func Judge(name string, outcome error, known Differences) error {
	why, listed := known[name]
	switch {
	case listed && outcome == nil:
		return fmt.Errorf("the known difference is gone (%s): take %q off the list", why, name)
	case listed:
		return nil
	}
	return outcome
}

// Check runs the row on a fresh secret name and returns everything that was not as
// documented.
func (r Row) Check(ctx context.Context, client *secretsmanager.Client) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	p := &probe{ctx: ctx, client: client, name: "conformance/" + r.Name + "/" + uuid.NewString()}
	p.run(r.check)
	_, err := client.DeleteSecret(ctx, &secretsmanager.DeleteSecretInput{
		SecretId: aws.String(p.name), ForceDeleteWithoutRecovery: aws.Bool(true),
	})
	return errors.Join(append(p.failures, err)...)
}
