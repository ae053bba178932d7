package drift_test

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

// workflow is what the tests look at of a workflow of GitHub.
type workflow struct {
	Permissions map[string]string `yaml:"permissions"`
	Jobs        map[string]struct {
		Needs       string            `yaml:"needs"`
		Permissions map[string]string `yaml:"permissions"`
		Steps       []struct {
			Uses string            `yaml:"uses"`
			Run  string            `yaml:"run"`
			With map[string]string `yaml:"with"`
		} `yaml:"steps"`
	} `yaml:"jobs"`
}

func workflows(t *testing.T) map[string]workflow {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(root, ".github/workflows/*"))
	if err != nil || len(paths) < 2 {
		t.Fatalf("%d workflows, %v", len(paths), err)
	}
	all := make(map[string]workflow)
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var w workflow
		if err := yaml.Unmarshal(text, &w); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		all[filepath.Base(path)] = w
	}
	return all
}

// TestActionsArePinned: a tag can be moved to other code, a commit cannot. The comment
// says which release it is, and one action has one release.
func TestActionsArePinned(t *testing.T) {
	pinned := regexp.MustCompile(`^ *- uses: ([\w-]+/[\w-]+)@([0-9a-f]{40} # v\d+\.\d+\.\d+)$`)
	releases := make(map[string]string)
	for name := range workflows(t) {
		for line := range strings.SplitSeq(page(t, ".github/workflows/"+name), "\n") {
			if !strings.Contains(line, "uses:") {
				continue
			}
			match := pinned.FindStringSubmatch(line)
			if match == nil {
				t.Errorf("%s: %q is not pinned to a commit with its release in a comment", name, strings.TrimSpace(line))
				continue
			}
			if known, seen := releases[match[1]]; seen && known != match[2] {
				t.Errorf("%s is used as %s and as %s", match[1], known, match[2])
			}
			releases[match[1]] = match[2]
		}
	}
	if len(releases) == 0 {
		t.Error("no action was seen")
	}
}

// TestWorkflowsMayLittle: only the job that publishes a release may write, and it runs
// neither tests nor what they install.
func TestWorkflowsMayLittle(t *testing.T) {
	publishes := map[string]string{"contents": "write", "id-token": "write", "attestations": "write"}
	for name, w := range workflows(t) {
		if diff := cmp.Diff(map[string]string{"contents": "read"}, w.Permissions); diff != "" {
			t.Errorf("%s may (-want +got):\n%s", name, diff)
		}
		for job, j := range w.Jobs {
			var want map[string]string
			if name == "release.yml" && job == "release" {
				want = publishes
			}
			if diff := cmp.Diff(want, j.Permissions); diff != "" {
				t.Errorf("%s: the job %s may (-want +got):\n%s", name, job, diff)
			}
			for _, step := range j.Steps {
				if want != nil && strings.Contains(step.Run, ".ci/run") {
					t.Errorf("%s: the job %s runs the tests with what may publish", name, job)
				}
			}
		}
	}
}

// TestReleasesAreAttested: every file is built, then attested, then published, and every
// zip file that the README names has its bill of materials attested.
func TestReleasesAreAttested(t *testing.T) {
	release := workflows(t)["release.yml"].Jobs["release"]
	if release.Needs != "check" {
		t.Errorf("a release needs %q", release.Needs)
	}
	var order []string
	bills := make(map[string]bool)
	for _, step := range release.Steps {
		switch {
		case strings.Contains(step.Run, "./scripts/release"):
			order = append(order, "build")
		case strings.HasPrefix(step.Uses, "actions/attest@") && step.With["sbom-path"] == "":
			order = append(order, "attest "+step.With["subject-path"])
		case strings.HasPrefix(step.Uses, "actions/attest@"):
			zip := step.With["subject-path"]
			if step.With["sbom-path"] != strings.TrimSuffix(zip, ".zip")+".cdx.json" {
				t.Errorf("%s is attested to have %s", zip, step.With["sbom-path"])
			}
			bills[zip] = true
		case strings.Contains(step.Run, "gh release create"):
			order = append(order, "publish")
		}
	}
	if diff := cmp.Diff([]string{"build", "attest build/release/*", "publish"}, order); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
	want := make(map[string]bool)
	for _, folder := range functions(t) {
		for _, architecture := range []string{"arm64", "x86_64"} {
			want["build/release/"+filepath.Base(folder)+"-"+architecture+".zip"] = true
		}
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(bills))); diff != "" {
		t.Errorf("bills (-want +got):\n%s", diff)
	}
}
