package main

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/google/uuid"

	"databrain-rotation/pkg/audit"
	"databrain-rotation/pkg/audit/finding"
	"databrain-rotation/pkg/bootstrap"
	"databrain-rotation/pkg/databrain"
	"databrain-rotation/pkg/jsonobject"
)

// requestTime bounds one request to Databrain: a list of all apps or tokens may
// be long.
const requestTime = 30 * time.Second

// setUp makes the handler from the environment.
func setUp(ctx context.Context, env bootstrap.Environment) (bootstrap.Handler, error) {
	c, err := parseConfig(env.Getenv)
	if err != nil {
		return nil, err
	}
	sdk, err := bootstrap.LoadAWS(ctx)
	if err != nil {
		return nil, err
	}
	memory := memoryLimit(env.Getenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE"))
	if memory > 0 {
		debug.SetMemoryLimit(memory)
	}
	auditor := newAuditor(c, sdk, env)
	if c.securityHub {
		if auditor.Hub, err = audit.NewHubClient(sdk, env.Now); err != nil {
			return nil, &bootstrap.InvalidAWSConfig{Err: err}
		}
	}
	auditor.RunBytes = memory / runShare
	if auditor.Store != nil {
		auditor.Store.StateBytes = memory / stateShare
	}
	return func(ctx context.Context, payload json.RawMessage) (any, error) {
		request := audit.Request{RunID: runID(ctx), Start: env.Now(), FunctionARN: functionARN(ctx)}
		var summary any
		var err error
		if request.DryRun, err = parseEvent(payload); err == nil {
			summary, err = auditor.Run(ctx, request)
		}
		if err != nil {
			bootstrap.LogFailure(ctx, env.Log, "audit failed", err)
		}
		return summary, err
	}, nil
}

// stateShare: the state of the last run may take the fifth part of the memory, and so
// may the next state. runShare: what this run reads may take the third part.
const (
	stateShare = 5
	runShare   = 3
)

// memoryLimit returns how many bytes the garbage collector may let the heap grow to, by
// the function's memory in MB; 0 if that is not known. Without a limit the heap of a
// large audit grows to twice of what is alive. A quarter stays for what is not heap.
func memoryLimit(megabytes string) int64 {
	n, err := strconv.ParseInt(megabytes, 10, 32)
	if err != nil || n < 0 {
		return 0
	}
	return n << 20 / 4 * 3
}

// newAuditor makes the clients that the settings call for, and no others: each
// costs time at the cold start.
func newAuditor(c config, sdk aws.Config, env bootstrap.Environment) *audit.Auditor {
	a := &audit.Auditor{
		Instance: strings.TrimRight(c.instance.String(), "/"),
		Version:  env.Version,
		Databrain: databrain.New(c.instance,
			databrain.Options{Timeout: requestTime, Now: env.Now, UserAgent: "databrain-audit/" + env.Version}),
		Secret: audit.Secret{Client: secretsmanager.NewFromConfig(sdk), ID: c.secretID},
		Policy: func(context.Context) (finding.Policy, error) { return c.policy, nil },

		PreviousGrace: c.previousGrace, APITokenPrefix: c.apiTokenPrefix,
		RequestsPerMinute: c.requestsPerMinute, Concurrency: c.concurrency,
		MessagesPerRun: c.messagesPerRun, Dashboard: c.dashboard,
		Metrics: env.Stdout, Log: env.Log, Now: env.Now,
	}
	if c.bus != "" {
		a.Bus = &audit.Bus{Client: eventbridge.NewFromConfig(sdk), Name: c.bus}
	}
	if c.bucket == "" && c.policyObject == nil {
		return a
	}
	client := s3.NewFromConfig(sdk, func(o *s3.Options) {
		o.DisableLogOutputChecksumValidationSkipped = true // objects that others wrote have none
	})
	if c.bucket != "" {
		a.Store = &audit.Store{Client: client, Bucket: c.bucket, Prefix: c.prefix}
	}
	if p := c.policyObject; p != nil {
		a.Policy = func(ctx context.Context) (finding.Policy, error) {
			return audit.ReadPolicy(ctx, client, p.bucket, p.key)
		}
	}
	return a
}

// parseEvent reads {"dryRun":true}. Any other object is an event that starts a
// plain run, whatever it says, unless it gives a member twice.
func parseEvent(payload json.RawMessage) (dryRun bool, err error) {
	event, err := jsonobject.Parse(payload)
	if err != nil {
		return false, &MalformedEvent{"is " + err.Error()}
	}
	for _, m := range event {
		if !strings.EqualFold(m.Name, "dryRun") {
			continue
		}
		if m.Name != "dryRun" || string(m.Value) != "true" && string(m.Value) != "false" {
			return false, &MalformedEvent{`has something like a member "dryRun" that is not true or false`}
		}
		dryRun = string(m.Value) == "true"
	}
	return dryRun, nil
}

// runID is the id of the Lambda request, which an asynchronous retry keeps.
func runID(ctx context.Context) string {
	if lc, ok := lambdacontext.FromContext(ctx); ok && lc.AwsRequestID != "" {
		return lc.AwsRequestID
	}
	return uuid.NewString()
}

// functionARN is the ARN that the function was invoked by; "" if it is not known.
func functionARN(ctx context.Context) string {
	if lc, ok := lambdacontext.FromContext(ctx); ok {
		return lc.InvokedFunctionArn
	}
	return ""
}

// MalformedEvent is an invocation whose payload is not understood.
type MalformedEvent struct{ Fault string }

func (e *MalformedEvent) Error() string {
	return fmt.Sprintf(`the event %s; nothing was done. Send any EventBridge event, {}, or {"dryRun":true}`, e.Fault)
}
