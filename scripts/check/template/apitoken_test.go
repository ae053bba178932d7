package template_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"databrain-rotation/scripts/check/render"
)

// ofApiTokens are the resources that serve API tokens alone.
var ofApiTokens = []string{
	"ApiTokenRotationFailedRule", "RotateApiTokenErrorsAlarm", "RotateApiTokenFunction", "RotateApiTokenLogGroup",
	"RotateApiTokenPermission", "RotateApiTokenRole",
}

// apiTokensNeedAPrefix wants all of these resources or none: none of them may be
// there without ApiTokenSecretPrefix, and with the prefix none may be missing.
func apiTokensNeedAPrefix(resources tree) []string {
	var there []string
	for name := range resources {
		if strings.Contains(name, "ApiToken") {
			there = append(there, name)
		}
	}
	slices.Sort(there)
	if len(there) > 0 && !slices.Equal(there, ofApiTokens) {
		return []string{fmt.Sprintf("the resources of API tokens are %v, want %v or none", there, ofApiTokens)}
	}
	return nil
}

// TestApiTokensAreOptional: the parameter alone decides.
func TestApiTokensAreOptional(t *testing.T) {
	template, err := parse(readTemplate(t))
	if err != nil {
		t.Fatal(err)
	}
	for name, parameters := range scenarios {
		there := deploy(template, parameters)["RotateApiTokenFunction"] != nil
		if wanted := parameters["ApiTokenSecretPrefix"] != ""; there != wanted {
			t.Errorf("%s: the function is there: %v, want %v", name, there, wanted)
		}
	}
	for _, output := range []string{"RotateApiTokenFunctionArn", "ManageApiTokenCommand"} {
		if got := get(template, "Outputs."+output+".Condition"); got != "HasApiTokens" {
			t.Errorf("the output %s has the condition %v", output, got)
		}
	}
}

// TestManageApiTokenCommand fills the output as CloudFormation does.
func TestManageApiTokenCommand(t *testing.T) {
	template, err := parse(readTemplate(t))
	if err != nil {
		t.Fatal(err)
	}
	parameters := with(scenarios["everything"], map[string]string{
		"RotationScheduleExpression": "cron(0 8 1 * ? *)", "RotationWindow": "4h",
	})
	got := render.New(template, parameters).Resolve(get(template, "Outputs.ManageApiTokenCommand.Value"))
	const want = `aws secretsmanager rotate-secret --region us-east-1 --secret-id databrain/api-token/NAME ` +
		`--rotation-lambda-arn (RotateApiTokenFunction.Arn) ` +
		`--rotation-rules '{"ScheduleExpression":"cron(0 8 1 * ? *)","Duration":"4h"}'`
	if got != want {
		t.Errorf("the command is\n%v\nwant\n%v", got, want)
	}
}

// TestApiTokenMailIsValid fills the mail on a failed rotation of an API token.
func TestApiTokenMailIsValid(t *testing.T) {
	template, err := parse(readTemplate(t))
	if err != nil {
		t.Fatal(err)
	}
	tr := transformerOf(t, deploy(template, scenarios["everything"]), "ApiTokenRotationFailedRule")
	for _, text := range hostileNames {
		message, err := tr.fill(tree{"time": "2026-03-01T06:00:00Z", "region": "us-east-1", "detail": tree{
			"eventName": "RotationFailed", "errorMessage": text, "additionalEventData": tree{"SecretId": apiToken,
				"error": text},
		}})
		if err != nil || !strings.Contains(message, apiToken) {
			t.Fatalf("%v: %s", err, message)
		}
	}
}
