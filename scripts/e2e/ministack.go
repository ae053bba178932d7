package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"databrain-rotation/pkg/standin/databraintest"
	"databrain-rotation/pkg/standin/labtest"

	"go.yaml.in/yaml/v3"
)

// mini is an account in ministack, whose CloudFormation enforces rules and constraints,
// and whose Scheduler runs.
type mini struct {
	*operator
	template document
	url      string // of the template
}

// document is what is read of the template's text.
type document struct {
	Parameters map[string]struct {
		ConstraintDescription string `yaml:"ConstraintDescription"`
	} `yaml:"Parameters"`
	Rules map[string]struct {
		Assertions []struct {
			AssertDescription string `yaml:"AssertDescription"`
		} `yaml:"Assertions"`
	} `yaml:"Rules"`
}

func (w *workshop) useMinistack(ctx context.Context) {
	m := &mini{}
	var server, asker *background
	if !w.check(ctx, "ministack starts", func() (err error) {
		if server, err = m.start(ctx, w); err != nil {
			return err
		}
		if asker, err = m.startAsking(ctx); err != nil {
			server.stop()
		}
		return err
	}) {
		return
	}
	defer server.stop()
	defer asker.stop()
	if !w.check(ctx, "sam package gives it the template", func() error { return m.give(ctx) }) {
		return
	}
	w.check(ctx, "contradictory and malformed parameters are refused in the template's own words", func() error {
		return m.refuse(ctx)
	})
	w.check(ctx, "the Scheduler runs the audit", func() error { return m.schedule(ctx) })
}

func (m *mini) start(ctx context.Context, w *workshop) (*background, error) {
	venv, err := output(ctx, w.installer(ctx, "ministack"))
	if err != nil {
		return nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	address := "127.0.0.1:" + port
	if m.operator, err = w.operator(ctx, "http://"+address); err != nil {
		return nil, err
	}
	text, err := os.ReadFile(filepath.Join(w.root, "template.yaml"))
	if err != nil {
		return nil, err
	}
	if err := yaml.Unmarshal(text, &m.template); err != nil {
		return nil, err
	}
	cmd := w.command(context.WithoutCancel(ctx), filepath.Join(strings.TrimSpace(venv), "bin", "ministack"))
	cmd.Dir = w.dir
	cmd.Env = append(cmd.Env, "BIND_HOST=127.0.0.1", "GATEWAY_PORT="+port, "LAMBDA_EXECUTOR=local",
		"AWS_ENDPOINT_URL="+m.endpoint) // the functions inherit it
	return startBackground(ctx, cmd, w.dir, func() bool { return answers(address) })
}

// give uploads what ministack takes of the built template.
func (m *mini) give(ctx context.Context) error {
	if err := m.ask(ctx, nil, "s3", "create_bucket", params{"Bucket": codeBucket}); err != nil {
		return err
	}
	template, err := m.withoutRotationSchedule()
	if err != nil {
		return err
	}
	m.url, err = m.upload(ctx, template)
	return err
}

// refusals are parameters that CloudFormation must refuse, each with the name of the
// rule or of the parameter whose words it must use. Every rule has a row.
var refusals = []struct {
	by         string
	parameters map[string]string
}{
	{"SubnetsNeedSecurityGroups", map[string]string{"VpcSubnetIds": "subnet-0a"}},
	{"SecurityGroupsNeedSubnets", map[string]string{"VpcSecurityGroupIds": "sg-0a"}},
	{"BucketNeedsPrefix", map[string]string{"AuditPrefix": ""}},
	{
		"BucketKeyNeedsBucket",
		map[string]string{"AuditBucketName": "none", "AuditBucketKmsKeyArn": "arn:aws:kms:us-east-1:123456789012:key/a"},
	},
	{
		"EmailNeedsOwnTopic",
		map[string]string{"AlarmEmail": "ops@example.com", "AlarmTopicArn": "arn:aws:sns:us-east-1:123456789012:ops"},
	},
	{"FindingsNeedBus", map[string]string{"FindingsToTopic": "true", "AuditEventBus": "none"}},
	{"FindingsNeedBusHere", map[string]string{"FindingsToTopic": "true", "AuditEventBusArn": foreignBus}},
	{"OnePolicy", map[string]string{"AuditPolicy": "{}", "AuditPolicyObject": "policies/audit.json"}},
	{"ApiTokenKeyNeedsPrefix", map[string]string{"ApiTokenSecretKmsKeyArn": "arn:aws:kms:us-east-1:123456789012:key/a"}},
	{"AuditAloneNeedsToken", map[string]string{"AdminSecretArn": "", "TokenSecretArn": ""}},
	{"AdminKeyNeedsAdmin", map[string]string{
		"AdminSecretArn": "", "TokenSecretArn": labtest.AdminSecretARN,
		"AdminSecretKmsKeyArn": "arn:aws:kms:us-east-1:123456789012:key/a",
	}},
	{"SecretsDiffer", map[string]string{"TokenSecretArn": labtest.AdminSecretARN}},
	{"DatabrainBaseUrl", map[string]string{"DatabrainBaseUrl": "https://databrain.example.com/"}},
	{"AdminSecretArn", map[string]string{"AdminSecretArn": "databrain/admin"}},
	{"AuditPolicy", map[string]string{"AuditPolicy": "s3://policies/audit.json"}},
	{"AuditPolicyObject", map[string]string{"AuditPolicyObject": "policies/*"}},
	{"AuditEventBus", map[string]string{"AuditEventBus": foreignBus}},
	{"AuditPrefix", map[string]string{"AuditPrefix": "*/"}},
	{"RotationWindow", map[string]string{"RotationWindow": "25h"}},
	{"RotationGracePeriod", map[string]string{"RotationGracePeriod": "24"}},
	{"VpcSubnetIds", map[string]string{"VpcSubnetIds": "subnet-0a, subnet-0b", "VpcSecurityGroupIds": "sg-0a"}},
}

func (m *mini) refuse(ctx context.Context) error {
	var wrong []error
	shown := map[string]bool{}
	for _, r := range refusals {
		shown[r.by] = true
		words := m.template.Parameters[r.by].ConstraintDescription
		if rule := m.template.Rules[r.by]; len(rule.Assertions) == 1 {
			words = rule.Assertions[0].AssertDescription
		}
		if words == "" {
			wrong = append(wrong, fmt.Errorf("the template has no words of %s", r.by))
			continue
		}
		parameters := with(map[string]string{
			"DatabrainBaseUrl": "https://databrain.example.com", "AdminSecretArn": labtest.AdminSecretARN})
		for name, value := range r.parameters {
			parameters[name] = value
		}
		err := m.createStack(ctx, "refused", m.url, parameters)
		if err == nil || !strings.Contains(err.Error(), words) {
			wrong = append(wrong, fmt.Errorf("%v: %q is not in the refusal: %v", r.parameters, words, err))
		}
	}
	for rule := range m.template.Rules {
		if !shown[rule] {
			wrong = append(wrong, fmt.Errorf("no row shows that the rule %s refuses", rule))
		}
	}
	return errors.Join(wrong...)
}

// schedule deploys the template with an audit at every minute, and waits for one.
func (m *mini) schedule(ctx context.Context) error {
	template, err := m.withoutRotationSchedule()
	if err != nil {
		return err
	}
	own, err := ownArchitecture()
	if err != nil {
		return err
	}
	databrain := databraintest.New(databraintest.Config{})
	url, err := databrain.Start("")
	if err != nil {
		return err
	}
	defer databrain.Close()
	var secret struct{ ARN string }
	if err := m.ask(ctx, &secret, "secretsmanager", "create_secret", params{"Name": labtest.TokenSecret,
		"SecretString": fmt.Sprintf(`{"token":%q}`, databraintest.ExampleServiceToken)}); err != nil {
		return err
	}
	cmd := m.tool(ctx, "sam", "deploy", "--template", template, "--stack-name", "scheduled", "--s3-bucket", codeBucket,
		"--no-progressbar", "--capabilities", "CAPABILITY_IAM", "--parameter-overrides", "Architecture="+own.name,
		"DatabrainBaseUrl="+url, "AdminSecretArn="+labtest.AdminSecretARN, "TokenSecretArn="+secret.ARN,
		"ParameterKey=AuditScheduleExpression,ParameterValue='rate(1 minute)'")
	cmd.Env = append(cmd.Env, "AWS_ENDPOINT_URL="+m.endpoint)
	if _, err := output(ctx, cmd); err != nil {
		return err
	}
	return eventually(ctx, 100*time.Second, "no audit has asked Databrain", func() (bool, error) {
		return databrain.Count("GET /api/v2/data-app") > 0, nil
	})
}

// withoutMath puts any metric in the place of an alarm's expression.
func withoutMath(alarm *yaml.Node) {
	for n := 0; n+1 < len(alarm.Content); n += 2 {
		if alarm.Content[n].Value == "Metrics" {
			alarm.Content = slices.Concat(alarm.Content[:n], alarm.Content[n+2:], []*yaml.Node{
				{Kind: yaml.ScalarNode, Value: "MetricName"}, {Kind: yaml.ScalarNode, Value: "Errors"},
				{Kind: yaml.ScalarNode, Value: "Namespace"}, {Kind: yaml.ScalarNode, Value: "AWS/Lambda"},
			})
			return
		}
	}
}

// withoutRotationSchedule writes a copy of the built template beside it: ministack
// refuses the type of that resource, and alarms on expressions.
func (m *mini) withoutRotationSchedule() (string, error) {
	built, err := m.builtTemplate()
	if err != nil {
		return "", err
	}
	text, err := os.ReadFile(built)
	if err != nil {
		return "", err
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return "", err
	}
	resources := member(doc.Content[0], "Resources")
	for n := 1; n < len(resources.Content); n += 2 {
		if alarm := member(resources.Content[n], "Properties"); alarm != nil {
			withoutMath(alarm)
		}
	}
	for n := 0; n+1 < len(resources.Content); n += 2 {
		if resources.Content[n].Value == "RotationSchedule" {
			resources.Content = append(resources.Content[:n], resources.Content[n+2:]...)
			break
		}
	}
	out, err := yaml.Marshal(&doc)
	if err != nil {
		return "", err
	}
	path := filepath.Join(filepath.Dir(built), "template-unscheduled.yaml")
	return path, os.WriteFile(path, out, 0o600)
}
