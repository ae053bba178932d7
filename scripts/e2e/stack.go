package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	audit "databrain-rotation/pkg/audit/report"
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
	ahead      atomic.Int64    // nanoseconds by which the instance's clock is fast
	mail       *mailbox        // subscribed to the topic
}

// newStack starts a Databrain for a stack that is yet to be deployed.
func (c *cloud) newStack(name string, config databraintest.Config) (*stack, error) {
	s := &stack{cloud: c, name: name, executed: map[string]bool{}}
	config.Now = func() time.Time { return time.Now().Add(time.Duration(s.ahead.Load())) }
	s.databrain = databraintest.New(config)
	url, err := s.databrain.Start("")
	s.address = strings.TrimPrefix(url, "http://")
	return s, err
}

// upload packages a built template, which is too long to be passed with a request, and
// returns its address.
func (o *operator) upload(ctx context.Context, template string) (url string, err error) {
	packaged := template + ".packaged"
	cmd := o.tool(ctx, "sam", "package", "--template", template, "--s3-bucket", codeBucket, "--no-progressbar",
		"--output-template-file", packaged)
	cmd.Env = append(cmd.Env, "AWS_ENDPOINT_URL="+o.endpoint)
	if _, err := output(ctx, cmd); err != nil {
		return "", err
	}
	text, err := os.ReadFile(packaged)
	if err != nil {
		return "", err
	}
	const key = "template.yaml"
	return o.endpoint + "/" + codeBucket + "/" + key,
		o.ask(ctx, nil, "s3", "put_object", params{"Bucket": codeBucket, "Key": key, "Body": string(text)})
}

// createStack asks for a stack of an uploaded template.
func (o *operator) createStack(ctx context.Context, name, url string, parameters map[string]string) error {
	var given []params
	for key, value := range parameters {
		given = append(given, params{"ParameterKey": key, "ParameterValue": value})
	}
	return o.ask(ctx, nil, "cloudformation", "create_stack", params{
		"StackName": name, "Capabilities": []string{"CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"},
		"TemplateURL": url, "Parameters": given,
	})
}

// give sets the parameters that every stack gets, and some more.
func (s *stack) give(parameters map[string]string) error {
	own, err := ownArchitecture()
	if err != nil {
		return err
	}
	s.parameters = map[string]string{
		"DatabrainBaseUrl": "http://" + s.address, "AdminSecretArn": s.adminARN, "Architecture": own.name,
		"TokenSecretName": s.name + "/service-token",
	}
	maps.Copy(s.parameters, parameters)
	return nil
}

// create makes the stack of an uploaded template, without the SAM CLI, which takes seconds of
// a processor each time.
func (s *stack) create(ctx context.Context, url string, parameters map[string]string) error {
	if err := s.give(parameters); err != nil {
		return err
	}
	if err := s.createStack(ctx, s.name, url, s.parameters); err != nil {
		return err
	}
	return eventually(ctx, 3*time.Minute, "the stack is not complete", func() (bool, error) {
		status, err := s.readOutputs(ctx)
		if err == nil && status != "CREATE_COMPLETE" && status != "CREATE_IN_PROGRESS" {
			err = fmt.Errorf("the stack is %s: %w", status, s.failures(ctx))
		}
		return status == "CREATE_COMPLETE", err
	})
}

// failures are what the events of the stack say about resources that failed.
func (s *stack) failures(ctx context.Context) error {
	var described struct {
		StackEvents []struct{ LogicalResourceId, ResourceStatus, ResourceStatusReason string }
	}
	err := s.ask(ctx, &described, "cloudformation", "describe_stack_events", params{"StackName": s.name})
	for _, e := range described.StackEvents {
		if strings.HasSuffix(e.ResourceStatus, "_FAILED") {
			err = errors.Join(err, fmt.Errorf("%s: %s", e.LogicalResourceId, e.ResourceStatusReason))
		}
	}
	return err
}

// deploy deploys a template with `sam deploy`.
func (s *stack) deploy(ctx context.Context, template string, parameters map[string]string) error {
	if err := s.give(parameters); err != nil {
		return err
	}
	args := []string{
		"deploy", "--template", template, "--stack-name", s.name, "--s3-bucket", codeBucket, "--no-progressbar",
		"--capabilities", "CAPABILITY_IAM", "--no-fail-on-empty-changeset", "--parameter-overrides",
	}
	for _, name := range slices.Sorted(maps.Keys(s.parameters)) {
		args = append(args, "ParameterKey="+name+",ParameterValue="+s.parameters[name])
	}
	cmd := s.tool(ctx, "sam", args...)
	cmd.Env = append(cmd.Env, "AWS_ENDPOINT_URL="+localStackURL)
	if _, err := output(ctx, cmd); err != nil {
		return err
	}
	_, err := s.readOutputs(ctx)
	return err
}

// readOutputs returns the status of the stack too.
func (s *stack) readOutputs(ctx context.Context) (status string, err error) {
	var described struct {
		Stacks []struct {
			StackStatus string
			Outputs     []struct{ OutputKey, OutputValue string }
		}
	}
	if err := s.ask(ctx, &described, "cloudformation", "describe_stacks", params{"StackName": s.name}); err != nil {
		return "", err
	}
	if len(described.Stacks) != 1 {
		return "", fmt.Errorf("%d stacks are named %s", len(described.Stacks), s.name)
	}
	s.outputs = map[string]string{}
	for _, o := range described.Stacks[0].Outputs {
		s.outputs[o.OutputKey] = o.OutputValue
	}
	return described.Stacks[0].StackStatus, nil
}

// resources are the physical IDs of the stack's resources by their logical ones.
func (s *stack) resources(ctx context.Context) (map[string]string, error) {
	var all struct {
		StackResourceSummaries []struct{ LogicalResourceId, PhysicalResourceId string }
	}
	err := s.ask(ctx, &all, "cloudformation", "list_stack_resources", params{"StackName": s.name})
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

// runFor executes a command that is printed with NAME for the end of a secret's name.
func (s *stack) runFor(ctx context.Context, command, name string) (string, error) {
	return output(ctx, s.shell(ctx, strings.Replace(s.outputs[command], "NAME", name, 1)))
}

// audit runs the audit by one of the stack's commands and returns its summary.
func (s *stack) audit(ctx context.Context, command string) (audit.Summary, error) {
	out, err := s.run(ctx, command)
	if err != nil {
		return audit.Summary{}, err
	}
	// The summary comes first, the AWS CLI's own answer after it.
	decoder := json.NewDecoder(strings.NewReader(out))
	var got audit.Summary
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

// value is the value of the rotated secret under a staging label.
func (s *stack) value(ctx context.Context, label string) (string, error) {
	return s.valueOf(ctx, s.outputs["TokenSecretArn"], label)
}

// valueOf is the value of a secret under a staging label.
func (c *cloud) valueOf(ctx context.Context, secret, label string) (string, error) {
	out, err := c.secrets.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{
		SecretId: aws.String(secret), VersionStage: aws.String(label)})
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
	err := s.ask(ctx, &got, "lambda", "get_function_configuration", params{"FunctionName": s.outputs[function+"Arn"]})
	return got.Environment.Variables, err
}

// lastLines is the end of a function's log, for an error that is to say why.
func (s *stack) lastLines(ctx context.Context, group string) string {
	log, err := s.log(ctx, group)
	if err != nil {
		return err.Error()
	}
	return tail(log, 6)
}

func (s *stack) log(ctx context.Context, group string) (string, error) {
	return output(ctx, s.shell(ctx, "aws logs tail /aws/lambda/"+s.name+"/"+group))
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
