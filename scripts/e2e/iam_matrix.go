package main

import (
	"cmp"
	"encoding/json"
	"maps"
	"strings"
)

const (
	account      = "000000000000" // LocalStack's
	otherAccount = "210987654321"
)

// keyPolicy leaves the use of a key to IAM, as that of a key does which the console makes
// (https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html).
var keyPolicy = json.RawMessage(`{"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
	"Principal": {"AWS": "arn:aws:iam::000000000000:root"}, "Action": "kms:*", "Resource": "*"}]}`)

// ask is a request as IAM sees it.
type ask struct {
	action, resource string
	context          map[string]string
}

// addShape adds the requests of each role of a deployed stack: as recorded, on other
// things, and with each statement taken away.
func (m *matrix) addShape(s shapeRoles, accesses map[string][]access) {
	for role, document := range s.Roles {
		m.roles++
		var asks, foreign []ask
		for _, a := range accesses[role] {
			if s.mayHappen(role, a) {
				asks = append(asks, s.asks(a)...)
			}
		}
		asks = append(asks, s.platform(role)...)
		for _, a := range asks {
			foreign = append(foreign, s.elsewhere(a)...)
		}
		// The function's own code may not touch what Lambda does for it in a VPC.
		for _, a := range asks {
			if strings.HasPrefix(a.action, "ec2:") {
				foreign = append(foreign, a.with("lambda:SourceFunctionArn", s.Outputs["RotateFunctionArn"]))
			}
		}
		foreign = append(foreign, s.beyond(role)...)
		where := s.Shape + " " + role
		m.add("recorded", where, asks, m.policy(document))
		m.add("foreign", where, foreign, m.policy(document))
		var policy struct{ Statement []json.RawMessage }
		if err := json.Unmarshal(document, &policy); err != nil {
			panic(err) // it was read from JSON
		}
		first := len(m.Cases) - len(asks) - len(foreign)
		for i, statement := range policy.Statement {
			var sid struct{ Sid string }
			json.Unmarshal(statement, &sid) //nolint:errcheck // likewise
			if s.idle(role, sid.Sid) {
				continue
			}
			rest := append(append([]json.RawMessage{}, policy.Statement[:i]...), policy.Statement[i+1:]...)
			less := m.policy(map[string]any{"Version": "2012-10-17", "Statement": rest})
			before := len(m.Cases)
			m.add("without", where+" without "+sid.Sid, append(asks, foreign...), less)
			for j := before; j < len(m.Cases); j++ {
				m.Cases[j].as = first + j - before
			}
		}
	}
	for function, policy := range s.Invoke {
		m.addInvoke(s, function, policy)
	}
}

// idle reports whether a statement makes no difference by intention. The denials are for
// a prefix that is too short and begins the names of other secrets; such a prefix also
// lets the first statement allow what another one does.
func (s shapeRoles) idle(role, sid string) bool {
	tooShort := s.prefixed(s.Outputs["TokenSecretArn"])
	switch sid {
	case "NeverWriteTokenSecret", "NeverTouchAdminSecret":
		return !tooShort
	case "ReadTokenSecret":
		return tooShort && role != "RotateRole"
	}
	return false
}

// prefixed reports whether the prefix of API tokens' secrets begins a secret's name.
func (s shapeRoles) prefixed(arn string) bool {
	prefix := s.Parameters["ApiTokenSecretPrefix"]
	return prefix != "" && strings.Contains(arn, ":secret:"+prefix)
}

// mayHappen is false for a request that Secrets Manager may not bring about: it invokes
// the function of API tokens for the service token's secret only if the prefix begins its
// name, and then the function describes that secret and refuses it.
func (s shapeRoles) mayHappen(role string, a access) bool {
	refused := access{"secretsmanager:DescribeSecret", tokenSecret, ""}
	return role != "RotateApiTokenRole" || a != refused || s.prefixed(s.Outputs["TokenSecretArn"])
}

// beyond are requests that a role's function must not make even if its prefix fits.
func (s shapeRoles) beyond(role string) []ask {
	if role != "RotateApiTokenRole" && role != "AuditRole" {
		return nil
	}
	token, admin := s.Outputs["TokenSecretArn"], s.Parameters["AdminSecretArn"]
	asks := []ask{{"secretsmanager:PutSecretValue", token, nil}, {"secretsmanager:UpdateSecretVersionStage", token, nil}}
	if admin == "" { // the audit alone
		return asks
	}
	return append(asks, ask{"secretsmanager:GetSecretValue", admin, nil}, ask{"secretsmanager:PutSecretValue", admin, nil})
}

func (m *matrix) add(kind, where string, asks []ask, identity *int) {
	for _, a := range asks {
		e := evaluation{
			Principal: "arn:aws:sts::" + account + ":assumed-role/function/session", Action: a.action,
			Resource: a.resource, Account: account, Context: a.context, Identity: identity, kind: kind, where: where,
		}
		if strings.HasPrefix(a.action, "kms:") {
			e.OnResource = m.policy(keyPolicy)
		}
		m.Cases = append(m.Cases, e)
	}
}

func (a ask) with(key, value string) ask {
	context := maps.Clone(a.context)
	if context == nil {
		context = map[string]string{}
	}
	context[key] = value
	a.context = context
	return a
}

// asks are what a recorded request is in this shape: nothing, if the shape has no bucket
// or bus; with keys also what the service asks of KMS in the role's name.
func (s shapeRoles) asks(a access) []ask {
	parameters, bucket := s.Parameters, s.Outputs["AuditBucketName"]
	switch a.on {
	case tokenSecret:
		return s.secret(a.action, s.Outputs["TokenSecretArn"], parameters["TokenSecretKmsKeyArn"])
	case adminSecret:
		return s.secret(a.action, parameters["AdminSecretArn"], parameters["AdminSecretKmsKeyArn"])
	case apiTokenSecret:
		if parameters["ApiTokenSecretPrefix"] == "" {
			return nil
		}
		return s.secret(a.action, s.apiToken(), parameters["ApiTokenSecretKmsKeyArn"])
	case secretNames:
		if parameters["ApiTokenSecretPrefix"] == "" {
			return nil
		}
		return []ask{{a.action, "*", nil}}
	case bus:
		name := cmp.Or(parameters["AuditEventBus"], "default")
		if foreign := parameters["AuditEventBusArn"]; foreign != "" {
			return []ask{{a.action, foreign, nil}}
		}
		if name == "none" {
			return nil
		}
		return []ask{{a.action, "arn:aws:events:us-east-1:" + account + ":event-bus/" + name, nil}}
	case product:
		if parameters["AuditSecurityHub"] != "true" {
			return nil
		}
		return []ask{{a.action, "arn:aws:securityhub:us-east-1:" + account + ":product/" + account + "/default", nil}}
	case policy:
		object := parameters["AuditPolicyObject"]
		if object == "" {
			return nil
		}
		return []ask{{a.action, "arn:aws:s3:::" + object, nil}}
	}
	if bucket == "" {
		return nil
	}
	return s.object(a.action, bucket, cmp.Or(parameters["AuditPrefix"], "databrain-audit/")+a.key)
}

// apiToken is a secret that the stack's prefix begins.
func (s shapeRoles) apiToken() string {
	return "arn:aws:secretsmanager:us-east-1:" + account + ":secret:" +
		s.Parameters["ApiTokenSecretPrefix"] + "api-token/portal-StUvWx"
}

// secret adds the use of the key
// (https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html).
func (s shapeRoles) secret(action, arn, key string) []ask {
	asks := []ask{{action, arn, nil}}
	uses := map[string][]string{
		"secretsmanager:GetSecretValue": {"kms:Decrypt"},
		"secretsmanager:PutSecretValue": {"kms:GenerateDataKey", "kms:Decrypt"},
	}
	if key == "" {
		return asks
	}
	for _, use := range uses[action] {
		asks = append(asks, ask{use, key, map[string]string{
			"kms:ViaService": "secretsmanager.us-east-1.amazonaws.com", "kms:EncryptionContext:SecretARN": arn,
		}})
	}
	return asks
}

// object adds the use of the key, with and without S3 Bucket Keys
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html).
func (s shapeRoles) object(action, bucket, key string) []ask {
	arn := "arn:aws:s3:::" + bucket
	if action == "s3:ListBucket" {
		return []ask{{action, arn, map[string]string{"s3:prefix": key}}}
	}
	asks := []ask{{action, arn + "/" + key, nil}}
	use := "kms:GenerateDataKey"
	if action == "s3:GetObject" {
		use = "kms:Decrypt"
	}
	if s.Parameters["AuditBucketKmsKeyArn"] == "" {
		return asks
	}
	for _, encrypted := range []string{arn, arn + "/" + key} {
		asks = append(asks, ask{use, s.Parameters["AuditBucketKmsKeyArn"], map[string]string{
			"kms:ViaService": "s3.us-east-1.amazonaws.com", "kms:EncryptionContext:aws:s3:arn": encrypted,
		}})
	}
	return asks
}

// logGroups are the ends of the names of the functions' log groups, by their role.
var logGroups = map[string]string{
	"RotateRole":         "rotate",
	"RotateApiTokenRole": "rotate-api-token",
	"AuditRole":          "audit",
}

// platform is what Lambda and the Scheduler do with a role besides the function's code.
func (s shapeRoles) platform(role string) []ask {
	stack, region := s.Shape, "us-east-1:"+account+":"
	queue := func(name string) ask { return ask{"sqs:SendMessage", s.Queues[name], nil} }
	if role == "AuditSchedulerRole" {
		return []ask{{"lambda:InvokeFunction", s.Outputs["AuditFunctionArn"], nil}, queue("AuditNotInvokedQueue")}
	}
	group := "arn:aws:logs:" + region + "log-group:/aws/lambda/" + stack + "/" + logGroups[role]
	asks := []ask{
		{"logs:CreateLogStream", group + ":log-stream:a", nil},
		{"logs:PutLogEvents", group + ":log-stream:a", nil},
	}
	if role == "AuditRole" {
		asks = append(asks, queue("AuditFailedQueue"))
	}
	if s.Parameters["VpcSubnetIds"] != "" {
		// https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html
		asks = append(asks, ask{"ec2:CreateNetworkInterface", "arn:aws:ec2:" + region + "network-interface/eni-1", nil},
			ask{"ec2:DeleteNetworkInterface", "arn:aws:ec2:" + region + "network-interface/eni-1", nil},
			ask{"ec2:AssignPrivateIpAddresses", "arn:aws:ec2:" + region + "network-interface/eni-1", nil},
			ask{"ec2:UnassignPrivateIpAddresses", "arn:aws:ec2:" + region + "network-interface/eni-1", nil},
			ask{"ec2:DescribeNetworkInterfaces", "*", nil}, ask{"ec2:DescribeSubnets", "*", nil})
	}
	return asks
}

// elsewhere are requests like one that is allowed, each on another thing or in another
// context.
func (s shapeRoles) elsewhere(a ask) []ask {
	var all []ask
	on := func(old, other string) {
		if resource := strings.Replace(a.resource, old, other, 1); resource != a.resource {
			all = append(all, ask{a.action, resource, a.context})
		}
	}
	for key, value := range a.context {
		all = append(all, a.with(key, "other"+value))
	}
	if a.resource == "*" {
		return all // there is no other thing
	}
	switch service, _, _ := strings.Cut(a.action, ":"); service {
	case "secretsmanager":
		on(":secret:", ":secret:other-")
		if !s.prefixed(a.resource) { // else any secret of that beginning is meant
			on(a.resource[len(a.resource)-6:], "ZzZzZz")
		}
		on(account, otherAccount)
	case "kms":
		on(a.resource[len(a.resource)-6:], "000000")
		all = append(all, ask{a.action, a.resource, nil}) // not by way of the service
	case "securityhub":
		on("product/"+account, "product/"+otherAccount)
		on("us-east-1:"+account, "us-east-1:"+otherAccount)
		on("/default", "/other")
	case "events":
		on("event-bus/", "event-bus/other-")
	case "s3":
		on(":::", ":::other-")
		on("/", "/other/")
	case "logs":
		on("/aws/lambda/", "/aws/lambda/other-")
	case "sqs":
		on(account+":", account+":other-")
	case "lambda":
		on(":function:", ":function:other-")
	}
	return all
}

// addInvoke asks who may invoke a rotation function. LocalStack leaves SourceAccount
// out of the permission; that the template has it is a policy test's.
func (m *matrix) addInvoke(s shapeRoles, function string, text json.RawMessage) {
	var document struct{ Statement []map[string]any }
	if err := json.Unmarshal(text, &document); err != nil {
		panic(err) // it was read from JSON
	}
	for _, statement := range document.Statement {
		statement["Condition"].(map[string]any)["StringEquals"] = map[string]string{"AWS:SourceAccount": account}
	}
	permission := m.policy(map[string]any{"Version": "2012-10-17", "Statement": document.Statement})
	try := func(kind, principal, sourceArn, sourceAccount string) {
		e := evaluation{
			Principal: principal, Action: "lambda:InvokeFunction", Resource: s.Outputs[function], Account: account,
			OnResource: permission, kind: kind, where: s.Shape,
		}
		if sourceArn != "" {
			e.Context = map[string]string{"aws:SourceArn": sourceArn, "aws:SourceAccount": sourceAccount}
		}
		m.Cases = append(m.Cases, e)
	}
	const service, others = "secretsmanager.amazonaws.com", "invoke by others"
	secret := s.Outputs["TokenSecretArn"]
	if function == "RotateApiTokenFunctionArn" {
		secret = s.apiToken()
	} else {
		try(others, service, secret+"x", account)
		try(others, service, s.Parameters["AdminSecretArn"], account)
	}
	try("invoke", service, secret, account)
	try(others, service, secret, otherAccount)
	try(others, service, strings.Replace(secret, account, otherAccount, 1), otherAccount)
	try(others, service, strings.Replace(secret, ":secret:", ":secret:other-", 1), account)
	try(others, service, "", "")
	try(others, "events.amazonaws.com", secret, account)
	try(others, "lambda.amazonaws.com", secret, account)
	try(others, "arn:aws:iam::"+account+":user/someone", "", "")
	try(others, "arn:aws:iam::"+otherAccount+":user/someone", "", "")
}
