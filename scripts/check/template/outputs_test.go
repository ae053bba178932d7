package template_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"databrain-rotation/scripts/check/render"
)

// reference is what only a stack could fill in.
var reference = regexp.MustCompile(`\((\w+Function)\)`)

// invoking is an AWS CLI that invokes a function: it opens the file anew for the answer,
// as the real one does, and then prints what it has to say itself.
const invoking = `#!/bin/sh
for argument; do case $argument in /dev/*) echo '{"text":"the answer"}' >"$argument" ;; esac; done
echo '{"StatusCode":200}'
`

// TestOutputsCanBeKept: in a file the answer comes first and whole, and what the file had
// before stays.
func TestOutputsCanBeKept(t *testing.T) {
	for name, command := range invocations(t) {
		file := filepath.Join(t.TempDir(), "kept")
		if err := os.WriteFile(file, []byte("earlier\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if shown, err := shell(t, invoking, "{ "+command+"\n} >>"+file); err != nil || shown != "" {
			t.Errorf("%s: %v: %s", name, err, shown)
		}
		got, err := os.ReadFile(file)
		want := "earlier\n{\"text\":\"the answer\"}\n{\"StatusCode\":200}\n"
		if strings.HasPrefix(name, "Diagnose") {
			want = "earlier\nthe answer\n"
		}
		if err != nil || string(got) != want {
			t.Errorf("%s leaves %q (%v), want %q", name, got, err, want)
		}
	}
}

// TestOutputsShowTheFailure of the AWS CLI, and nothing of their own.
func TestOutputsShowTheFailure(t *testing.T) {
	const failing = "#!/bin/sh\necho An error occurred >&2\nexit 254\n"
	for name, command := range invocations(t) {
		// The status is that of the last program of the pipe.
		if shown, _ := shell(t, failing, command); shown != "An error occurred\n" {
			t.Errorf("%s shows %q", name, shown)
		}
	}
}

// invocations are the commands of these outputs, as CloudFormation fills them in.
func invocations(t *testing.T) map[string]string {
	t.Helper()
	template, err := parse(readTemplate(t))
	if err != nil {
		t.Fatal(err)
	}
	stack := render.New(template, scenarios["everything"])
	commands := make(map[string]string)
	for name := range get(template, "Outputs").(tree) {
		command := fmt.Sprint(stack.Resolve(get(template, "Outputs."+name+".Value")))
		if strings.HasPrefix(command, "aws lambda invoke ") {
			commands[name] = reference.ReplaceAllString(command, "$1")
		}
	}
	if len(commands) != 4 {
		t.Errorf("%d commands invoke a function", len(commands))
	}
	return commands
}

// shell runs a command with a program in the AWS CLI's place and returns what it shows.
func shell(t *testing.T, cli, command string) (string, error) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "aws"), []byte(cli), 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "sh", "-c", command)
	cmd.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"))
	out, err := cmd.CombinedOutput()
	return string(out), err
}
