package drift_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// block is a block of shell on a page.
type block struct{ page, text string }

var shellBlock = regexp.MustCompile("(?ms)^( *)```sh\\n(.*?)^ *```$")

// blocks are the commands of all pages, in order.
func blocks(t *testing.T) []block {
	t.Helper()
	var all []block
	pages := documents(t)
	for name, text := range pages {
		for _, match := range shellBlock.FindAllStringSubmatch(text, -1) {
			all = append(all, block{name, regexp.MustCompile("(?m)^"+match[1]).ReplaceAllString(match[2], "")})
		}
	}
	if len(all) < 20 {
		t.Fatalf("only %d blocks", len(all))
	}
	return all
}

// shells are those that an operator may have. One that this machine lacks is named; in
// CI it is a failure.
func shells(t *testing.T) map[string]string {
	t.Helper()
	found := make(map[string]string)
	for _, shell := range []string{"bash", "dash", "zsh"} {
		file, err := exec.LookPath(shell)
		switch {
		case err == nil:
			found[shell] = file
		case os.Getenv("CI") != "":
			t.Error(err)
		default:
			t.Logf("not run, for want of %s", shell)
		}
	}
	return found
}

// withoutEmptyKey is the creation of a secret for an API token that is not known yet.
var withoutEmptyKey = regexp.MustCompile(
	`aws secretsmanager create-secret --name \S+ \\\n *--secret-string '\{"dataApp":"[^"]+","name":"[^"]+","key":""\}'`)

// TestCommandsStoreNoSecret keeps everything out of the pages that stores a
// credential, asks for one, or takes a label or a secret away: that is for
// scripts/secret.sh, which looks first.
func TestCommandsStoreNoSecret(t *testing.T) {
	for _, command := range []string{
		"put-secret-value", "create-secret", "--secret-string", "--secret-binary", "delete-secret",
		"remove-from-version-id", "update-secret-version-stage", "sts get-", "get-secret-value", "get-random-password",
	} {
		for name, text := range documents(t) {
			if strings.Contains(withoutEmptyKey.ReplaceAllString(text, ""), command) {
				t.Errorf("%s has %s", name, command)
			}
		}
	}
	for _, b := range blocks(t) {
		for pattern, why := range map[string]string{
			`(^|[;&|({\s])read\s`: "reads from the terminal, which swallows the next line of a paste",
			`(?m)(^|\s)#`:         "has a comment, which zsh takes for words of the command",
			`<\(|\[\[|<<`:         "needs more than a POSIX shell",
		} {
			if regexp.MustCompile(pattern).MatchString(b.text) {
				t.Errorf("%s: a block %s:\n%s", b.page, why, b.text)
			}
		}
	}
}

// TestCommandsNameWhatExists checks make targets, scripts and packages.
func TestCommandsNameWhatExists(t *testing.T) {
	files, known := sources(t), targets(t)
	for _, b := range blocks(t) {
		for _, match := range regexp.MustCompile(`(?m)(?:^|[;&|] *)make ([a-z0-9-]+)`).FindAllStringSubmatch(b.text, -1) {
			if !slices.Contains(known, match[1]) {
				t.Errorf("%s: no target %s", b.page, match[1])
			}
		}
		script := regexp.MustCompile(`(?:sh|go run) (?:\./)?(scripts/\S+|\.ci/run)`)
		for _, match := range script.FindAllStringSubmatch(b.text, -1) {
			if !files[match[1]] {
				t.Errorf("%s: no file %s", b.page, match[1])
			}
		}
	}
}

// recorder stands for every program that a block calls. It writes down its arguments,
// one a line, and answers with its own name, which is then a program, too: that is
// what eval "$(out AuditNowCommand)" runs.
const recorder = `#!/bin/sh
{ echo "$(basename "$0"):"; for argument; do printf '  <%s>\n' "$argument"; done; } >>"$RECORD"
echo answer
`

// TestCommandsMeanTheSameInEveryShell runs every block in bash, dash and zsh with
// recorders in place of the programs. What a shell reads otherwise, such as a glob that
// matches nothing, shows as a failure or as other arguments.
func TestCommandsMeanTheSameInEveryShell(t *testing.T) {
	found := shells(t)
	dir := t.TempDir()
	for _, name := range []string{"answer", "aws", "docker", "gh", "go", "make", "sam", "sh", "sha256sum"} {
		put(t, filepath.Join(dir, "bin", name), recorder, 0o755)
	}
	put(t, filepath.Join(dir, "bin", "date"), "#!/bin/sh\necho 1795600000\n", 0o755) // the same second for every shell
	put(t, filepath.Join(dir, ".aws-sam", "build", "template.yaml"), "", 0o644)
	const before = "STACK=databrain-tokens SECRET=databrain/service-token\n" +
		"out() { aws cloudformation describe-stacks --stack-name \"$STACK\" --query " +
		"\"Stacks[0].Outputs[?OutputKey=='$1'].OutputValue\"; }\n"
	for _, b := range blocks(t) {
		calls := make(map[string]string)
		for name, shell := range found {
			record := filepath.Join(dir, "record")
			put(t, record, "", 0o644)
			cmd := exec.CommandContext(t.Context(), shell, "-c", before+b.text)
			cmd.Dir = dir
			cmd.Env = []string{"PATH=" + filepath.Join(dir, "bin") + ":" + os.Getenv("PATH"), "RECORD=" + record, "HOME=" + dir}
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Errorf("%s: %s: %v: %s\n%s", b.page, name, err, out, b.text)
			}
			text, err := os.ReadFile(record)
			if err != nil || len(text) == 0 {
				t.Errorf("%s: %s calls nothing (%v):\n%s", b.page, name, err, b.text)
			}
			calls[name] = string(text)
		}
		for name := range calls {
			if diff := cmp.Diff(calls["bash"], calls[name]); diff != "" {
				t.Errorf("%s (-bash +%s):\n%s\n%s", b.page, name, diff, b.text)
			}
		}
	}
}

func put(t *testing.T, file, text string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}
