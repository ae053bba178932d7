package template_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestDeployKeepsTheAnswers runs scripts/deploy.sh with a sam that writes down what
// it is called with: parameters on the command line would replace the saved ones.
func TestDeployKeepsTheAnswers(t *testing.T) {
	const (
		guided = "arm64 deploy --guided --capabilities CAPABILITY_IAM"
		saved  = "[default.deploy.parameters]\nparameter_overrides = \"TokenSecretArn=\\\"x\\\" " +
			"Architecture=\\\"%\\\" LogLevel=\\\"INFO\\\"\"\n"
	)
	amd64 := strings.NewReplacer("arm64", "amd64")
	for name, c := range map[string]struct {
		config, asked string
		want          []string // GOARCH and arguments of each call; nil means a refusal
	}{
		"first": {"", "", []string{"arm64 build --parameter-overrides Architecture=arm64", guided +
			" --parameter-overrides Architecture=arm64"}},
		"first for x86_64": {"", "x86_64", []string{"amd64 build --parameter-overrides Architecture=x86_64",
			amd64.Replace(guided) + " --parameter-overrides Architecture=x86_64"}},
		"again": {strings.ReplaceAll(saved, "%", "arm64"), "",
			[]string{"arm64 build --parameter-overrides Architecture=arm64", guided}},
		"again x86_64": {strings.ReplaceAll(saved, "%", "x86_64"), "",
			[]string{"amd64 build --parameter-overrides Architecture=x86_64", amd64.Replace(guided)}},
		"again the same": {strings.ReplaceAll(saved, "%", "x86_64"), "x86_64",
			[]string{"amd64 build --parameter-overrides Architecture=x86_64", amd64.Replace(guided)}},
		"default saved": {"[default.deploy.parameters]\nstack_name = \"x\"\n", "",
			[]string{"arm64 build --parameter-overrides Architecture=arm64", guided}},
		"saved by option": { // sam deploy --save-params
			"[default.deploy.parameters.parameter_overrides]\nArchitecture = \"x86_64\"\n", "",
			[]string{"amd64 build --parameter-overrides Architecture=x86_64", amd64.Replace(guided)}},
		"a comment": {strings.ReplaceAll("#"+saved[30:], "%", "x86_64") + strings.ReplaceAll(saved, "%",
			"arm64"), "", []string{"arm64 build --parameter-overrides Architecture=arm64", guided}},
		"two stacks": {strings.ReplaceAll(saved, "%", "arm64") + strings.ReplaceAll(saved, "%", "x86_64"), "", nil},
		"another":    {strings.ReplaceAll(saved, "%", "arm64"), "x86_64", nil},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			script, err := os.ReadFile("../../deploy.sh")
			if err != nil {
				t.Fatal(err)
			}
			write(t, dir, "scripts/deploy.sh", string(script), 0o644)
			write(t, dir, "bin/sam", "#!/bin/sh\necho \"$GOARCH $*\" >>calls\n", 0o755)
			if c.config != "" {
				write(t, dir, "samconfig.toml", c.config, 0o644)
			}
			cmd := exec.CommandContext(t.Context(), "sh", "scripts/deploy.sh", c.asked)
			cmd.Dir = dir
			cmd.Env = append(os.Environ(), "PATH="+filepath.Join(dir, "bin")+":"+os.Getenv("PATH"))
			out, err := cmd.CombinedOutput()
			if refused := err != nil; refused != (c.want == nil) {
				t.Fatalf("%v: %s", err, out)
			}
			calls, _ := os.ReadFile(filepath.Join(dir, "calls")) // none after a refusal
			got := strings.Split(strings.TrimSpace(string(calls)), "\n")
			if diff := cmp.Diff(c.want, got); c.want != nil && diff != "" || c.want == nil && len(calls) > 0 {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}

func write(t *testing.T, dir, name, text string, mode os.FileMode) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}
