package main

import (
	"archive/zip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// shapeRoles is a deployed stack as IAM sees it: what the engine made of the
// template's conditions and references.
type shapeRoles struct {
	Shape      string
	Parameters map[string]string
	Outputs    map[string]string
	Roles      map[string]json.RawMessage // the policy document by logical ID
	Invoke     map[string]json.RawMessage // the resource policy of a rotation function by the output with its ARN
	Queues     map[string]string          // ARNs by logical ID
}

// keepRoles writes the stack's roles down for the evaluation.
func (s *stack) keepRoles(ctx context.Context, resources map[string]string) error {
	kept := shapeRoles{Shape: s.name, Parameters: s.parameters, Outputs: s.outputs,
		Roles: map[string]json.RawMessage{}, Invoke: map[string]json.RawMessage{}, Queues: map[string]string{}}
	for logical, physical := range resources {
		if strings.HasSuffix(logical, "Queue") {
			// The physical ID is the URL, whose end is the name.
			kept.Queues[logical] = "arn:aws:sqs:us-east-1:" + account + ":" + path.Base(physical)
		}
	}
	var account struct {
		RoleDetailList []struct {
			RoleName       string
			RolePolicyList []struct{ PolicyDocument json.RawMessage }
		}
	}
	if err := s.ask(ctx, &account, "iam", "get_account_authorization_details",
		params{"Filter": []string{"Role"}}); err != nil {
		return err
	}
	for _, role := range account.RoleDetailList {
		for logical, physical := range resources {
			if physical != role.RoleName {
				continue
			}
			if len(role.RolePolicyList) != 1 {
				return fmt.Errorf("%s has %d policies, want 1", logical, len(role.RolePolicyList))
			}
			kept.Roles[logical] = role.RolePolicyList[0].PolicyDocument
		}
	}
	if len(kept.Roles) == 0 {
		return errors.New("the stack has no roles")
	}
	for _, function := range []string{"RotateFunctionArn", "RotateApiTokenFunctionArn"} {
		if s.outputs[function] == "" {
			continue
		}
		var policy struct{ Policy string }
		if err := s.ask(ctx, &policy, "lambda", "get_policy", params{"FunctionName": s.outputs[function]}); err != nil {
			return err
		}
		kept.Invoke[function] = json.RawMessage(policy.Policy)
	}
	text, err := json.Marshal(kept)
	if err != nil {
		return err
	}
	dir := filepath.Join(s.dir, "roles")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, s.name+".json"), text, 0o600)
}

// save writes what the functions asked of AWS, a line of JSON for each.
func (r *recorder) save(path string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	lines := json.NewEncoder(file)
	for a := range r.seen {
		if err := lines.Encode(a); err != nil {
			return err
		}
	}
	return nil
}

// zip makes an archive of one file in the scratch folder.
func (w *workshop) zip(name, content string) (archive string, err error) {
	archive = filepath.Join(w.dir, name+".zip")
	file, err := os.Create(archive)
	if err != nil {
		return "", err
	}
	defer file.Close()
	writer := zip.NewWriter(file)
	member, err := writer.Create(name)
	if err != nil {
		return "", err
	}
	if _, err := member.Write([]byte(content)); err != nil {
		return "", err
	}
	return archive, writer.Close()
}
