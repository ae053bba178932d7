package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"databrain-rotation/pkg/standin"
)

// thing is what a request is about, whatever it is called in one run or another.
type thing int

const (
	tokenSecret thing = iota
	adminSecret
	apiTokenSecret
	secretNames // of all secrets
	reports     // an object under the prefix
	policy      // the object of the policy
	bus
	product // of Security Hub
)

// access is a request of a function, free from the names of the run that it is from.
type access struct {
	action string
	on     thing
	key    string // of reports
}

var (
	functionID = regexp.MustCompile(`[A-Z]\w*Function`)
	runFolder  = regexp.MustCompile(`^\d{4}-\d\d-\d\d/[^/]+/`)
)

// readAccesses reads all that was recorded and sorts it by the function's role.
func (w *workshop) readAccesses() (map[string][]access, error) {
	files, err := filepath.Glob(filepath.Join(w.dir, "accesses", "*.jsonl"))
	if err != nil {
		return nil, err
	}
	seen := map[string]map[access]bool{}
	for _, name := range files {
		file, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		for lines := bufio.NewScanner(file); lines.Scan(); {
			var a standin.Access
			if err := json.Unmarshal(lines.Bytes(), &a); err != nil {
				return nil, err
			}
			// The tests of a function give its requests no name, and their file has it. What
			// has another name is of a person.
			function := functionID.FindString(cmp.Or(a.App, filepath.Base(name)))
			if function == "" {
				continue
			}
			about := abstract(a)
			if about.on == apiTokenSecret && function == "RotateFunction" {
				function = "RotateApiTokenFunction" // the tests of pkg/rotation rotate both kinds of token
			}
			role := strings.TrimSuffix(function, "Function") + "Role"
			if seen[role] == nil {
				seen[role] = map[access]bool{}
			}
			seen[role][about] = true
		}
	}
	all := map[string][]access{}
	for role, accesses := range seen {
		all[role] = slices.SortedFunc(maps.Keys(accesses), func(a, b access) int {
			return strings.Compare(fmt.Sprint(a), fmt.Sprint(b))
		})
	}
	if len(all) < 3 {
		return nil, fmt.Errorf("requests of %d functions are on record", len(all))
	}
	return all, nil
}

// abstract finds what a request is about. Reports lie under one prefix or another, in a
// folder for each run.
func abstract(a standin.Access) access {
	service, _, _ := strings.Cut(a.Action, ":")
	switch {
	case a.Action == "secretsmanager:ListSecrets":
		return access{a.Action, secretNames, ""}
	case service == "events":
		return access{a.Action, bus, ""}
	case service == "securityhub":
		return access{a.Action, product, ""}
	case service == "s3" && (strings.HasSuffix(a.Resource, "/policy.json") || strings.HasSuffix(a.Resource, policyKey)):
		return access{a.Action, policy, ""}
	case service == "s3":
		_, key, _ := strings.Cut(a.Resource, "/")
		for _, prefix := range []string{"databrain-audit/", "team/audit/", "audit/"} {
			key = strings.TrimPrefix(key, prefix)
		}
		return access{a.Action, reports, runFolder.ReplaceAllString(key, "2026-01-15/run/")}
	case strings.Contains(a.Resource, "api-token/"):
		return access{a.Action, apiTokenSecret, ""}
	case strings.Contains(a.Resource, "admin"):
		return access{a.Action, adminSecret, ""}
	}
	return access{a.Action, tokenSecret, ""}
}
