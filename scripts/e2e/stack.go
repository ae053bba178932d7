package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"databrain-rotation/pkg/standin/databraintest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
)

// stack is one deployment of the template, with a Databrain of its own.
type stack struct {
	*cloud
	name       string
	databrain  *databraintest.Server
	address    string            // of the instance, host and port
	parameters map[string]string // all that were given
	outputs    map[string]string
	executed   map[string]bool // the commands among outputs that were run
	mail       *mailbox        // subscribed to the topic
}

// newStack starts a Databrain for a stack that is yet to be deployed.
func (c *cloud) newStack(name string, config databraintest.Config) (*stack, error) {
	s := &stack{cloud: c, name: name, databrain: databraintest.New(config), executed: map[string]bool{}}
	url, err := s.databrain.Start("")
	s.address = strings.TrimPrefix(url, "http://")
	return s, err
}

// deploy deploys a template with `sam deploy` and subscribes a mailbox to the topic.
func (s *stack) deploy(ctx context.Context, template string, parameters map[string]string) error {
	own, err := ownArchitecture()
	if err != nil {
		return err
	}
	all := map[string]string{
		"DatabrainBaseUrl": "http://" + s.address, "AdminSecretArn": s.adminARN, "Architecture": own.name,
		"TokenSecretName": s.name + "/service-token",
	}
	maps.Copy(all, parameters)
	s.parameters = all
	args := []string{
		"deploy", "--template", template, "--stack-name", s.name, "--s3-bucket", codeBucket, "--no-progressbar",
		"--capabilities", "CAPABILITY_IAM", "--no-fail-on-empty-changeset", "--parameter-overrides",
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		args = append(args, "ParameterKey="+name+",ParameterValue="+quote(all[name]))
	}
	cmd := s.tool(ctx, "sam", args...)
	cmd.Env = append(cmd.Env, "AWS_ENDPOINT_URL="+localStackURL)
	if _, err := output(ctx, cmd); err != nil {
		return err
	}
	return s.readOutputs(ctx)
}

// quote writes a value as the SAM CLI reads it back from ParameterValue.
func quote(value string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(value) + `"`
}

func (s *stack) readOutputs(ctx context.Context) error {
	var described struct {
		Stacks []struct {
			StackStatus string
			Outputs     []struct{ OutputKey, OutputValue string }
		}
	}
	if err := s.aws(ctx, &described, "cloudformation", "describe-stacks", "--stack-name", s.name); err != nil {
		return err
	}
	if len(described.Stacks) != 1 {
		return fmt.Errorf("%d stacks are named %s", len(described.Stacks), s.name)
	}
	s.outputs = map[string]string{}
	for _, o := range described.Stacks[0].Outputs {
		s.outputs[o.OutputKey] = o.OutputValue
	}
	return nil
}

// resources are the physical IDs of the stack's resources by their logical ones.
func (s *stack) resources(ctx context.Context) (map[string]string, error) {
	var all struct {
		StackResourceSummaries []struct{ LogicalResourceId, PhysicalResourceId string }
	}
	err := s.aws(ctx, &all, "cloudformation", "list-stack-resources", "--stack-name", s.name)
	ids := map[string]string{}
	for _, r := range all.StackResourceSummaries {
		ids[r.LogicalResourceId] = r.PhysicalResourceId
	}
	return ids, err
}

// run executes one of the commands that the stack prints, as it stands there.
func (s *stack) run(ctx context.Context, name string) (string, error) {
	line, ok := s.outputs[name]
	if !ok {
		return "", fmt.Errorf("the stack prints no %s", name)
	}
	s.executed[name] = true
	return output(ctx, s.shell(ctx, line))
}

// audit runs the audit by one of the stack's commands and returns its summary.
func (s *stack) audit(ctx context.Context, command string) (summary, error) {
	out, err := s.run(ctx, command)
	if err != nil {
		return summary{}, err
	}
	// The summary comes first, the AWS CLI's own answer after it.
	decoder := json.NewDecoder(strings.NewReader(out))
	var got summary
	var answer struct {
		StatusCode    int
		FunctionError string
	}
	if err := errors.Join(decoder.Decode(&got), decoder.Decode(&answer)); err != nil {
		return got, fmt.Errorf("%s printed %s: %w", command, out, err)
	}
	if answer.StatusCode != 200 || answer.FunctionError != "" {
		return got, fmt.Errorf("the audit failed: %s", out)
	}
	return got, nil
}

// summary is what the scenes look at in the audit's answer.
type summary struct {
	Status string
	Report string
	Counts struct{ Tokens, Findings, New, Ongoing, Resolved int }
}

// value is the value of the rotated secret under a staging label.
func (s *stack) value(ctx context.Context, label string) (string, error) {
	out, err := s.secrets.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{
		SecretId: aws.String(s.outputs["TokenSecretArn"]), VersionStage: aws.String(label)})
	if err != nil {
		return "", err
	}
	return aws.ToString(out.SecretString), nil
}

// token is the token in the value under a staging label.
func (s *stack) token(ctx context.Context, label string) (string, error) {
	value, err := s.value(ctx, label)
	if err != nil {
		return "", err
	}
	var document struct{ Token string }
	return document.Token, json.Unmarshal([]byte(value), &document)
}

// environment is what the stack has set for a function.
func (s *stack) environment(ctx context.Context, function string) (map[string]string, error) {
	var got struct {
		Environment struct{ Variables map[string]string }
	}
	err := s.aws(ctx, &got, "lambda", "get-function-configuration", "--function-name", s.outputs[function+"Arn"])
	return got.Environment.Variables, err
}

// lastLines is the end of a function's log, for an error that is to say why.
func (s *stack) lastLines(ctx context.Context, group string) string {
	log, err := output(ctx, s.shell(ctx, "aws logs tail /aws/lambda/"+s.name+"/"+group))
	if err != nil {
		return err.Error()
	}
	return tail(log, 6)
}

// remove deletes the stack and waits until it is gone.
func (s *stack) remove(ctx context.Context) error {
	if err := s.aws(ctx, nil, "cloudformation", "delete-stack", "--stack-name", s.name); err != nil {
		return err
	}
	return s.aws(ctx, nil, "cloudformation", "wait", "stack-delete-complete", "--stack-name", s.name)
}

// close ends the instance. The stack ends with its engine.
func (s *stack) close() { s.databrain.Close() }

// parameterFile writes parameters as the AWS CLI reads them from a file.
func (w *workshop) parameterFile(parameters map[string]string) (path string, err error) {
	type parameter struct{ ParameterKey, ParameterValue string }
	var all []parameter
	for _, name := range slices.Sorted(maps.Keys(parameters)) {
		all = append(all, parameter{name, parameters[name]})
	}
	text, err := json.Marshal(all)
	if err != nil {
		return "", err
	}
	path = filepath.Join(w.dir, "parameters.json")
	return path, os.WriteFile(path, text, 0o600)
}
