package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"strings"

	"databrain-rotation/pkg/audit/finding"
	"databrain-rotation/pkg/databrain"
	"databrain-rotation/pkg/settings"
	"databrain-rotation/scripts/console"
)

// options are what an audit is asked for.
type options struct {
	instance          *url.URL
	requestsPerMinute int
	concurrency       int
	policy            finding.Policy
	memory            finding.Memory
	failOn            finding.Severity
	state             string // file of the state; "" keeps none
	out               string // folder of the reports
}

// usage is what -help prints before the options.
const usage = `Audits a Databrain instance from this machine, without AWS. It only reads.

  DATABRAIN_BASE_URL=https://databrain.example.com sh scripts/audit.sh [OPTION...]

The service token comes from DATABRAIN_SERVICE_TOKEN, a pipe or a prompt. AUDIT_POLICY,
AUDIT_REQUESTS_PER_MINUTE, AUDIT_CONCURRENCY and DATABRAIN_ALLOW_HTTP work as for AuditFunction.

Exit status: 0 all is well, 1 the audit failed, 3 a finding of -fail-on or above is not
accepted, 4 something could not be read. make itself ends with 2 in place of 1, 3 and 4.

`

// parse reads the command line, the environment and the files that both name.
func parse(args []string, getenv func(string) string, notes io.Writer) (*options, error) {
	o := &options{}
	flags := flag.NewFlagSet("audit", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // the caller shows the error
	policy := flags.String("policy", "", "`file` with the policy; the variable AUDIT_POLICY may hold it instead")
	failOn := flags.String("fail-on", "high", "least `severity` of a finding that makes the exit status 3")
	flags.StringVar(&o.state, "state", "", "`file` that tells the next audit what this one knew; made if it is missing")
	flags.StringVar(&o.out, "out", "build", "`folder` for the reports")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(notes, usage)
		flags.SetOutput(notes)
		flags.PrintDefaults()
		return nil, err
	case err != nil:
		return nil, fmt.Errorf("%w (-help lists the options)", err)
	}
	if flags.NArg() > 0 {
		return nil, errors.New("there is an argument that no option takes; the token does not belong there")
	}
	if o.failOn = finding.Severity(*failOn); o.failOn.Rank() < 0 {
		return nil, errors.New("-fail-on must be one of informational, low, medium, high, critical")
	}
	r := &settings.Reader{Getenv: getenv}
	o.instance = r.Instance()
	o.requestsPerMinute = r.Int("AUDIT_REQUESTS_PER_MINUTE", 200, 1, 60_000)
	o.concurrency = r.Int("AUDIT_CONCURRENCY", 4, 1, 64)
	if invalid, ok := errors.AsType[*settings.InvalidSettings](r.Err()); ok {
		return nil, errors.New(strings.Join(invalid.Faults, "; "))
	}
	var err error
	if o.policy, err = readPolicy(*policy, getenv("AUDIT_POLICY")); err != nil {
		return nil, err
	}
	o.memory, err = readState(o.state, instanceURL(o))
	return o, err
}

// instanceURL is the address of the instance as reports show it.
func instanceURL(o *options) string { return strings.TrimRight(o.instance.String(), "/") }

// readPolicy reads the policy from a file, else from the text of AUDIT_POLICY.
func readPolicy(name, text string) (finding.Policy, error) {
	switch {
	case name != "" && text != "":
		return finding.Policy{}, errors.New("-policy and AUDIT_POLICY are both given; choose one")
	case name == "" && text == "":
		return finding.DefaultPolicy(), nil
	case strings.HasPrefix(text, "s3://"):
		return finding.Policy{}, errors.New("AUDIT_POLICY names an object in S3; give a copy of it by -policy")
	case name == "":
		return finding.ParsePolicy([]byte(text), "AUDIT_POLICY")
	}
	file, err := os.Open(name)
	if err != nil {
		return finding.Policy{}, fmt.Errorf("the policy: %w", err)
	}
	defer file.Close()
	return finding.ReadPolicy(file, name)
}

// readState reads what the last audit left. A state that another one should have is
// not replaced.
func readState(name, instance string) (finding.Memory, error) {
	if name == "" {
		return finding.Memory{}, nil
	}
	file, err := os.Open(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return finding.Memory{Kind: finding.FirstRun}, nil
	case err != nil:
		return finding.Memory{}, fmt.Errorf("the state: %w", err)
	}
	defer file.Close()
	s, err := finding.ReadSnapshot(bufio.NewReader(file), 0)
	switch {
	case err != nil:
		return finding.Memory{}, fmt.Errorf("%s: %w; name another file, or remove it to begin anew", name, err)
	case s.Instance != instance:
		return finding.Memory{}, fmt.Errorf("%s is the state of another instance; name another file", name)
	}
	return finding.Memory{Kind: finding.Remembered, Snapshot: s}, nil
}

// serviceToken takes the token from DATABRAIN_SERVICE_TOKEN, else asks for it.
func serviceToken(getenv func(string) string, in *bufio.Reader, notes io.Writer) (databrain.Secret, error) {
	const name = "DATABRAIN_SERVICE_TOKEN"
	text := getenv(name)
	sound := func(text string) bool { return databrain.Sendable(text) && !strings.HasPrefix(text, "{") }
	if text != "" && !sound(text) {
		return databrain.Secret{}, errors.New(name + " is no token: " + console.Fault(text))
	}
	if text == "" {
		var err error
		if text, err = console.Ask(in, notes, "service token", sound); err != nil {
			return databrain.Secret{}, err
		}
	}
	return databrain.NewSecret(text), nil
}
