package main

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"databrain-rotation/pkg/standin/labtest"
	"databrain-rotation/scripts/check/render"
)

// shown reports whether outputs has an output of the stack: the commands, but for one that
// asks a service without a stand-in, and what is there.
func shown(name string) bool {
	switch name {
	case "AuditBucketName", "RotateApiTokenFunctionArn", "TokenSecretArn":
		return true
	}
	return strings.HasSuffix(name, "Command") && name != "RotationLogsCommand"
}

// outputs returns a shell function that stands for the runbook's out: it prints an output
// of the stack, as template.yaml has it, for the stand-ins. The functions here are known
// by their logical ids. What it lacks, it names.
func outputs(template string) (string, error) {
	text, err := os.ReadFile(template)
	if err != nil {
		return "", err
	}
	tree, err := render.Parse(string(text))
	if err != nil {
		return "", err
	}
	stack := render.New(tree, map[string]string{
		"AdminSecretArn": labtest.AdminSecretARN, "TokenSecretArn": labtest.TokenSecretARN,
		"ApiTokenSecretPrefix": labtest.APITokenPrefix, "AuditBucketName": labtest.Bucket,
	})
	names := strings.NewReplacer(
		"(RotateFunction.Arn)", labtest.RotationARN, "(RotateFunction)", "RotateFunction",
		"(RotateApiTokenFunction.Arn)", labtest.APITokenRotationARN, "(RotateApiTokenFunction)", "RotateApiTokenFunction",
		"(AuditFunction)", "AuditFunction",
	)
	all := tree["Outputs"].(render.Tree)
	var b strings.Builder
	b.WriteString("  out() { case $1 in\n")
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if !shown(name) {
			continue
		}
		value := names.Replace(fmt.Sprint(stack.Resolve(render.Get(all[name], "Value"))))
		fmt.Fprintf(&b, "  %s) printf '%%s\\n' '%s' ;;\n", name, strings.ReplaceAll(value, "'", `'\''`))
	}
	b.WriteString("  *) echo \"make serve has no output $1\" >&2; false ;;\n  esac; }\n")
	return b.String(), nil
}
