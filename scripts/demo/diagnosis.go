package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"databrain-rotation/pkg/standin/labtest"
	"databrain-rotation/pkg/standin/runtimetest"
	"databrain-rotation/pkg/standin/secretsmanagertest"
)

// diagnosisAct lets a rotation die at its worst moment, and asks the function what is
// wrong before and after it was repaired.
type diagnosisAct struct{ *stage }

// diagnosed is the part of a report that is shown.
type diagnosed struct {
	Verdict, Text string
	Problems      []struct {
		Code string
		Do   []string
	}
}

func (a diagnosisAct) play(ctx context.Context) error {
	function, err := a.function(ctx, "rotate", a.lab.Rotate())
	if err != nil {
		return err
	}
	defer function.Close()
	healthy, err := a.ask(ctx, function)
	if err != nil {
		return err
	}
	a.promise(healthy.Verdict == "healthy", "the function finds nothing wrong")

	a.printf("\n")
	a.note("A rotation dies after setSecret: Databrain has the new token, consumers still read the old one.")
	a.printf("\n")
	a.lab.Secrets.SetRotationFunction(labtest.RotationARN, a.step(function, secretsmanagertest.StepTest))
	version := uuid.NewString()
	_, err = a.lab.Secrets.Rotate(
		ctx,
		labtest.TokenSecret,
		secretsmanagertest.RotateOptions{ClientRequestToken: version, Attempts: 1},
	)
	if !errors.Is(err, errSandbox) {
		return fmt.Errorf("the rotation came to %w", err)
	}
	broken, err := a.ask(ctx, function)
	if err != nil {
		return err
	}
	command := "aws secretsmanager rotate-secret --region us-east-1 --secret-id " + labtest.TokenSecretARN
	told := len(broken.Problems) == 1 && broken.Problems[0].Code == "current-rejected" && len(broken.Problems[0].Do) == 1
	a.promise(broken.Verdict == "broken" && told, "the function says that consumers fail now")
	a.promise(told && broken.Problems[0].Do[0] == command, "and which command finishes the rotation")

	a.printf("\n")
	a.note("The command is followed: Secrets Manager takes the rotation up.")
	a.printf("\n")
	a.lab.Secrets.SetRotationFunction(labtest.RotationARN, a.step(function, ""))
	if _, err := a.lab.Secrets.Rotate(ctx, labtest.TokenSecret, secretsmanagertest.RotateOptions{}); err != nil {
		return err
	}
	healed, err := a.ask(ctx, function)
	if err != nil {
		return err
	}
	a.promise(healed.Verdict == "healthy", "the function finds nothing wrong any more")
	return nil
}

var errSandbox = errors.New("the sandbox died")

// step runs a step of a rotation by the function, and dies before the step called dies.
func (a diagnosisAct) step(function *runtimetest.Function, dies string) secretsmanagertest.Rotator {
	return func(ctx context.Context, event []byte) error {
		if dies != "" && strings.Contains(string(event), dies) {
			return errSandbox
		}
		result, err := function.Invoke(ctx, event, runtimetest.Options{})
		if err == nil && result.Err != nil {
			return result.Err
		}
		return err
	}
}

// ask shows the function's answer to the payload in events/, which must change nothing.
func (a diagnosisAct) ask(ctx context.Context, function *runtimetest.Function) (diagnosed, error) {
	var report diagnosed
	payload, err := os.ReadFile("events/rotate-diagnose.json")
	if err != nil {
		return report, err
	}
	before, tokens := a.lab.Secrets.Snapshot(labtest.TokenSecret), a.lab.Databrain.LiveTokens()
	result, err := function.Invoke(ctx, payload, runtimetest.Options{})
	if err == nil && result.Err != nil {
		err = result.Err
	}
	if err != nil {
		return report, err
	}
	if err := json.Unmarshal(result.Payload, &report); err != nil {
		return report, err
	}
	for line := range strings.Lines(report.Text) {
		a.printf("  %s", line)
	}
	a.printf("\n")
	same := cmp.Equal(before, a.lab.Secrets.Snapshot(labtest.TokenSecret)) &&
		cmp.Equal(tokens, a.lab.Databrain.LiveTokens())
	a.promise(same, "the question changed nothing, in Secrets Manager and in Databrain")
	return report, nil
}
