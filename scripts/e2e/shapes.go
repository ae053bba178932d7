package main

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"

	"databrain-rotation/pkg/standin/databraintest"
	"databrain-rotation/pkg/standin/labtest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// What the shapes of the stack are given, as an operator would have made it before.
const (
	givenBucket  = "given-reports"
	policyBucket = "given-policies"
	policyKey    = "databrain/audit.json"
	foreignBus   = "arn:aws:events:us-east-1:210987654321:event-bus/security"
)

// shape is one set of parameters and what the deployed stack must then do.
type shape struct {
	name       string
	parameters map[string]string
	absent     []string // logical IDs of resources that are not made
	present    []string
	variables  map[string]string // of either function
	works      func(context.Context, *stack) error
}

// shapes are the deployments besides the one of defaults. A new parameter that changes
// what a stack consists of is a row here, and its roles are evaluated with the others.
func (g *givens) shapes() []shape {
	return []shape{{
		name: "everything",
		parameters: map[string]string{
			"TokenSecretKmsKeyArn": g.tokenKey, "AdminSecretKmsKeyArn": g.adminKey, "AuditBucketKmsKeyArn": g.bucketKey,
			"AuditPolicyObject": policyBucket + "/" + policyKey, "FindingsToTopic": "true",
			"AuditReservedConcurrency": "1", "AlarmEmail": "ops@example.com", "CaBundleLayerArn": g.layer,
			"VpcSubnetIds": g.subnet, "VpcSecurityGroupIds": g.group, "LogLevel": "DEBUG",
		},
		present:   []string{"AlarmSubscription", "AlarmTopic", "AuditBucket", "FindingRule", "TokenSecret"},
		variables: map[string]string{"SSL_CERT_FILE": "/opt/ca-bundle.pem"},
		works:     allFindingsOnce,
	}, {
		name: "given",
		parameters: map[string]string{
			"TokenSecretArn": g.secret, "TokenSecretKmsKeyArn": g.tokenKey, "AuditBucketName": givenBucket,
			"AuditPrefix":          "team/audit/",
			"AuditBucketKmsKeyArn": g.bucketKey, "AuditPolicy": `{"maxAgeDays": 36500}`, "AlarmTopicArn": g.topic,
			"AuditEventBusArn": foreignBus, "RotationStrategy": "grace", "RotationGracePeriod": "90m",
			"AuditSecurityHub": "true",
		},
		absent: []string{
			"AlarmSubscription", "AlarmTopic", "AuditBucket", "FindingRule", "FurtherFindingsRule", "TokenSecret",
		},
		variables: map[string]string{
			"AUDIT_PREFIX":          "team/audit/",
			"AUDIT_SECURITY_HUB":    "true",
			"ROTATION_STRATEGY":     "grace",
			"ROTATION_GRACE_PERIOD": "90m",
		},
		works: graceKeepsTheOldToken,
	}, {
		name:       "own bus",
		parameters: map[string]string{"AuditEventBus": "findings", "AuditRequestsPerMinute": "6000", "AuditConcurrency": "2"},
		present:    []string{"FindingRule"},
		variables: map[string]string{
			"AUDIT_EVENT_BUS":           "findings",
			"AUDIT_REQUESTS_PER_MINUTE": "6000",
			"AUDIT_CONCURRENCY":         "2",
		},
		works: messagesEachTime(3, 0),
	}, {
		name:       "stateless",
		parameters: map[string]string{"AuditBucketName": "none"},
		absent:     []string{"AuditBucket", "AuditBucketPolicy"},
		variables:  map[string]string{"AUDIT_BUCKET": ""},
		works:      messagesEachTime(3, 3),
	}, {
		name:       "chat",
		parameters: map[string]string{"MessageFormat": "chat", "AuditMessagesPerRun": "3"},
		present:    []string{"FindingRule", "FurtherFindingsRule"},
		variables:  map[string]string{"AUDIT_MESSAGES_PER_RUN": "3"},
		works:      chatIsNotFlooded,
	}, {
		name:       "smallest",
		parameters: map[string]string{"AuditBucketName": "none", "AuditEventBus": "none"},
		absent:     []string{"AuditBucket", "AuditBucketPolicy", "FindingRule", "FurtherFindingsRule"},
		variables:  map[string]string{"AUDIT_EVENT_BUS": "none"},
		works:      messagesEachTime(0, 0),
	}, {
		name:       "audit alone",
		parameters: map[string]string{"AdminSecretArn": "", "TokenSecretArn": g.readSecret},
		absent: []string{
			"RotateFunction", "RotateRole", "RotatePermission", "RotationSchedule", "RotateLogGroup", "RotationFailedRule",
			"RotateErrorsAlarm", "TokenSecret",
		},
		present:   []string{"AuditFunction", "AuditSchedule", "Dashboard"},
		variables: map[string]string{"DATABRAIN_SERVICE_TOKEN_SECRET_ID": g.readSecret},
		works:     auditsUnrotated,
	}, {
		name: "api tokens",
		parameters: map[string]string{
			"ApiTokenSecretPrefix": labtest.APITokenPrefix, "ApiTokenSecretKmsKeyArn": g.apiTokenKey,
			"ApiTokenGracePeriod": apiTokenGrace, "TokenSecretKmsKeyArn": g.tokenKey,
			"VpcSubnetIds": g.subnet, "VpcSecurityGroupIds": g.group, "NotifyRotated": "true",
		},
		present: []string{
			"ApiTokenRotationFailedRule", "RotateApiTokenErrorsAlarm", "RotateApiTokenFunction", "RotateApiTokenLogGroup",
			"RotateApiTokenPermission", "RotateApiTokenRole",
		},
		variables: map[string]string{
			"API_TOKEN_GRACE_PERIOD": apiTokenGrace,
			"AUDIT_API_TOKEN_PREFIX": labtest.APITokenPrefix,
		},
		works: keepsAPITokenFresh,
	}, {
		name: "short prefix",
		parameters: map[string]string{
			"ApiTokenSecretPrefix": "databrain/", "TokenSecretName": "databrain/short/service-token",
			"ApiTokenRotateContract": "service-token",
		},
		present:   []string{"RotateApiTokenFunction"},
		variables: map[string]string{"API_TOKEN_ROTATE_CONTRACT": "service-token"},
		works:     sparesServiceToken,
	}, {
		name:       "no takeover",
		parameters: map[string]string{"RotationTakeover": "never"},
		variables:  map[string]string{"ROTATION_TAKEOVER": "never"},
		works:      neverTakesOver,
	}}
}

func (c *cloud) everyShape(ctx context.Context) {
	g := &givens{}
	if !c.check(ctx, "keys, buckets, a topic and a bus to give", func() error { return g.make(ctx, c) }) {
		return
	}
	var url string
	if !c.check(ctx, "sam package uploads the template", func() error {
		template, err := c.builtTemplate()
		if err == nil {
			url, err = c.upload(ctx, template)
		}
		return err
	}) {
		return
	}
	var all sync.WaitGroup
	busy := make(chan struct{}, 3) // LocalStack waits more than it works
	for _, shape := range g.shapes() {
		all.Go(func() {
			busy <- struct{}{}
			defer func() { <-busy }()
			c.check(ctx, "the stack with other parameters: "+shape.name, func() error {
				return c.deployShape(ctx, url, shape)
			})
		})
	}
	all.Wait()
}

func (c *cloud) deployShape(ctx context.Context, url string, shape shape) error {
	s, err := c.newStack(strings.ReplaceAll(shape.name, " ", "-"), databraintest.Config{})
	if err != nil {
		return err
	}
	defer s.close()
	if err := s.create(ctx, url, shape.parameters); err != nil {
		return err
	}
	resources, err := s.resources(ctx)
	if err != nil {
		return err
	}
	return errors.Join(s.hasShape(ctx, shape, resources), s.keepRoles(ctx, resources), shape.works(ctx, s))
}

// hasShape compares the resources and the functions' variables with the shape's.
func (s *stack) hasShape(ctx context.Context, shape shape, made map[string]string) error {
	var wrong []error
	for _, name := range shape.present {
		if made[name] == "" {
			wrong = append(wrong, fmt.Errorf("there is no %s", name))
		}
	}
	for _, name := range shape.absent {
		if made[name] != "" {
			wrong = append(wrong, fmt.Errorf("there is a %s", name))
		}
	}
	variables := map[string]string{}
	for _, function := range []string{"RotateFunction", "RotateApiTokenFunction", "AuditFunction"} {
		if made[function] == "" {
			continue // it is among the absent, or deploying has failed
		}
		more, err := s.environment(ctx, function)
		if err != nil {
			return err
		}
		maps.Copy(variables, more)
	}
	for _, name := range slices.Sorted(maps.Keys(shape.variables)) {
		if got, ok := variables[name]; !ok || got != shape.variables[name] {
			wrong = append(wrong, fmt.Errorf("%s is %q, want %q", name, got, shape.variables[name]))
		}
	}
	return errors.Join(wrong...)
}

// openMail subscribes a mailbox to the stack's topic.
func (s *stack) openMail(ctx context.Context) (err error) {
	s.mail, err = s.openMailbox(ctx, s.name+"-mail", s.outputs["AlarmTopicArn"])
	return err
}

// messagesEachTime wants the example's three critical findings to be so many messages at
// the first audit, and at the second.
func messagesEachTime(first, second int) func(context.Context, *stack) error {
	return func(ctx context.Context, s *stack) error {
		if err := errors.Join(s.openMail(ctx), s.firstRotation(ctx)); err != nil {
			return err
		}
		for _, want := range []int{first, second} {
			if got, err := s.audit(ctx, "AuditNowCommand"); err != nil || got.Status != "complete" {
				return fmt.Errorf("the audit: %+v (%w)", got, err)
			}
			if err := s.mail.expect(ctx, want); err != nil {
				return err
			}
		}
		return nil
	}
}

// allFindingsOnce wants FindingsToTopic to tell of findings below critical too. The
// policy in the bucket makes the example's tokens low.
func allFindingsOnce(ctx context.Context, s *stack) error {
	if err := errors.Join(s.openMail(ctx), s.firstRotation(ctx)); err != nil {
		return err
	}
	if got, err := s.audit(ctx, "AuditNowCommand"); err != nil || got.Counts.New != 3 ||
		!strings.HasPrefix(got.Report, "s3://"+s.outputs["AuditBucketName"]) {
		return fmt.Errorf("the audit: %+v (%w)", got, err)
	}
	return s.mail.expect(ctx, 3, "Severity low, new")
}

// graceKeepsTheOldToken rotates a secret that existed before the stack, and audits it
// into a bucket and to a bus that did.
func graceKeepsTheOldToken(ctx context.Context, s *stack) error {
	if err := s.firstRotation(ctx); err != nil {
		return err
	}
	if !s.databrain.TokenWorks(databraintest.ExampleServiceToken) {
		return errors.New("the old token died at once")
	}
	if value, err := s.value(ctx, "AWSCURRENT"); err != nil || !strings.Contains(value, `"quota": 1e3`) {
		return fmt.Errorf("another member of the secret changed: %w", err)
	}
	got, err := s.audit(ctx, "AuditDryRunCommand")
	if err != nil || got.Status != "complete" || got.Counts.Findings != 0 {
		return fmt.Errorf("the inline policy is not in force: %+v (%w)", got, err)
	}
	return nil
}

// auditsUnrotated wants an audit with the token that an existing secret holds, and to
// hear that nothing rotates it.
func auditsUnrotated(ctx context.Context, s *stack) error {
	got, err := s.audit(ctx, "AuditNowCommand")
	if err != nil || got.Status != "complete" || got.Counts.Findings != staleExamples()+1 {
		return fmt.Errorf("the audit: %+v (%w)", got, err)
	}
	return nil
}

// neverTakesOver wants a first rotation from the empty secret to be refused.
func neverTakesOver(ctx context.Context, s *stack) error {
	before := s.databrain.CurrentToken()
	if err := s.firstRotation(ctx); err == nil || s.databrain.CurrentToken() != before || s.databrain.SignIns() != 0 {
		return errors.New("it took the instance over")
	}
	return nil
}

// givens are the ARNs and ids of what the stacks are given.
type givens struct {
	tokenKey, adminKey, bucketKey, apiTokenKey string
	secret, topic, layer                       string
	readSecret                                 string // holds the example's token; nothing rotates it
	subnet, group                              string
}

func (g *givens) make(ctx context.Context, c *cloud) (err error) {
	for _, key := range []*string{&g.tokenKey, &g.adminKey, &g.bucketKey, &g.apiTokenKey} {
		var made struct{ KeyMetadata struct{ Arn string } }
		if err := c.ask(ctx, &made, "kms", "create_key", nil); err != nil {
			return err
		}
		*key = made.KeyMetadata.Arn
	}
	for _, bucket := range []string{givenBucket, policyBucket} {
		if err := c.makeBucket(ctx, bucket); err != nil {
			return err
		}
	}
	const low = `{"severities": [{"afterDays": 90, "severity": "low"}]}`
	if _, err := c.objects.PutObject(ctx, &s3.PutObjectInput{
		Bucket: aws.String(policyBucket), Key: aws.String(policyKey), Body: strings.NewReader(low)}); err != nil {
		return err
	}
	if g.secret, err = c.makeSecret(ctx, "given/service-token",
		fmt.Sprintf(`{"token": %q, "quota": 1e3}`, databraintest.ExampleServiceToken)); err != nil {
		return err
	}
	if g.readSecret, err = c.makeSecret(ctx, "given/read-only",
		fmt.Sprintf(`{"token": %q}`, databraintest.ExampleServiceToken)); err != nil {
		return err
	}
	if _, err := c.events.CreateEventBus(ctx, &eventbridge.CreateEventBusInput{Name: aws.String("findings")}); err != nil {
		return err
	}
	var topic struct{ TopicArn string }
	if err := c.ask(ctx, &topic, "sns", "create_topic", params{"Name": "ops"}); err != nil {
		return err
	}
	g.topic = topic.TopicArn
	return errors.Join(g.makeLayer(ctx, c), g.findNetwork(ctx, c))
}

func (g *givens) makeLayer(ctx context.Context, c *cloud) error {
	authority := httptest.NewTLSServer(nil)
	authority.Close()
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: authority.Certificate().Raw})
	bundle, err := c.zip("ca-bundle.pem", string(certificate))
	if err != nil {
		return err
	}
	var layer struct{ LayerVersionArn string }
	err = c.aws(ctx, &layer, "lambda", "publish-layer-version", "--layer-name", "ca", "--zip-file", "fileb://"+bundle)
	g.layer = layer.LayerVersionArn
	return err
}

func (g *givens) findNetwork(ctx context.Context, c *cloud) error {
	var subnets struct {
		Subnets []struct{ SubnetId, VpcId string }
	}
	if err := c.ask(ctx, &subnets, "ec2", "describe_subnets", nil); err != nil || len(subnets.Subnets) == 0 {
		return fmt.Errorf("%d subnets: %w", len(subnets.Subnets), err)
	}
	g.subnet = subnets.Subnets[0].SubnetId
	var groups struct{ SecurityGroups []struct{ GroupId string } }
	err := c.ask(ctx, &groups, "ec2", "describe_security_groups",
		params{"Filters": []params{{"Name": "vpc-id", "Values": []string{subnets.Subnets[0].VpcId}}}})
	if err != nil || len(groups.SecurityGroups) == 0 {
		return fmt.Errorf("%d security groups: %w", len(groups.SecurityGroups), err)
	}
	g.group = groups.SecurityGroups[0].GroupId
	return nil
}
