package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"databrain-rotation/pkg/audit/report"
	"databrain-rotation/pkg/standin"
	"databrain-rotation/pkg/standin/databraintest"
	"databrain-rotation/pkg/standin/labtest"
)

const asProgram = "RUN_AS_PROGRAM"

// TestMain makes the test binary the program itself.
func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	os.Exit(m.Run())
}

// token is the service token that the stand-in accepts.
const token = databraintest.ExampleServiceToken

// bench is an instance, a folder, and the environment of the program.
type bench struct {
	t      *testing.T
	server *databraintest.Server
	env    map[string]string
	keys   []string // that nothing may show
	folder string
}

func newBench(t *testing.T, apps ...databraintest.DataApp) *bench {
	t.Helper()
	b := &bench{
		t: t, server: databraintest.New(databraintest.Config{DataApps: apps}), folder: t.TempDir(), keys: []string{token},
	}
	url, err := b.server.Start("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.server.Close() })
	for _, app := range apps {
		for _, key := range app.Tokens {
			b.keys = append(b.keys, key.Key)
		}
	}
	b.env = map[string]string{"DATABRAIN_BASE_URL": url, "DATABRAIN_SERVICE_TOKEN": token}
	return b
}

// app is a data app whose tokens have those ages in days.
func app(name string, ages ...int) databraintest.DataApp {
	a := databraintest.DataApp{Name: name, CreatedAt: time.Now().AddDate(-2, 0, 0), UpdatedAt: time.Now()}
	for _, age := range ages {
		a.Tokens = append(a.Tokens, databraintest.APIToken{
			Key: uuid.NewString(), Name: "token of " + name, CreatedAt: time.Now().AddDate(0, 0, -age),
		})
	}
	return a
}

// run runs the program in the folder and returns its exit status and what it shows. No
// output and no file may hold a key, or the token.
func (b *bench) run(typed string, args ...string) (status int, shown string) {
	b.t.Helper()
	cmd := exec.CommandContext(b.t.Context(), os.Args[0], args...)
	cmd.Dir, cmd.Stdin = b.folder, strings.NewReader(typed)
	cmd.Env = []string{asProgram + "=1", "GOCOVERDIR=" + b.t.TempDir()}
	for name, value := range b.env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	_ = cmd.Run() // the exit status says it
	texts := map[string]string{"the output": out.String()}
	err := filepath.WalkDir(b.folder, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		texts[path] = string(data)
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	for where, text := range texts {
		for _, key := range append(b.keys, strings.Fields(typed)...) {
			if len(key) > 8 && strings.Contains(text, key) {
				b.t.Errorf("%s holds a credential", where)
			}
		}
	}
	return cmd.ProcessState.ExitCode(), out.String()
}

func TestExitStatus(t *testing.T) {
	stale, young := app("Stale", 100), app("Young", 5) // 100 days are of severity medium
	locked := databraintest.Error(http.StatusForbidden, "FORBIDDEN", "forbidden")
	at := func(app string) func(*http.Request) bool {
		return func(r *http.Request) bool { return r.URL.Query().Get("dataAppName") == app }
	}
	accepted := `{"exceptions":[{"id":"x","dataApp":"Stale","reason":"r","owner":"o","expiresAt":"2999-01-01"}]}`
	type row struct {
		apps   []databraintest.DataApp
		locked func(*http.Request) bool
		env    map[string]string
		args   []string
		status int
		shows  string
	}
	set := func(name, value string) map[string]string { return map[string]string{name: value} }
	one, both := []databraintest.DataApp{young}, []databraintest.DataApp{young, stale}
	old := []databraintest.DataApp{app("Old", 400)}
	all := func(*http.Request) bool { return true }
	const tokenName, url, policy = "DATABRAIN_SERVICE_TOKEN", "DATABRAIN_BASE_URL", "AUDIT_POLICY"
	for name, c := range map[string]row{
		"clean": {apps: one, status: 0, shows: "complete: 1 of 1 data app read, 1 token, 0 stale; 0 findings"},
		"no tokens at all": {apps: []databraintest.DataApp{app("Empty")}, status: 0,
			shows: "1 of 1 data app read, 0 tokens"},
		"a finding below the limit": {apps: both, status: 0, shows: "token-age"},
		"a finding at the limit":    {apps: both, args: []string{"-fail-on", "medium"}, status: 3, shows: "token of Stale"},
		"a finding above the limit": {apps: old, status: 3, shows: "status 3: there is a finding of severity high or above"},
		"an accepted finding": {
			apps: both, env: set(policy, accepted), args: []string{"-fail-on", "low"}, status: 0, shows: "suppressed",
		},
		"partial":              {apps: both, locked: at("Young"), status: 4, shows: "status 4: something could not be read"},
		"partial, low limit":   {apps: one, locked: at("Young"), args: []string{"-fail-on", "informational"}, status: 4},
		"partial with finding": {apps: both, locked: at("Young"), args: []string{"-fail-on=medium"}, status: 3},
		"no list":              {apps: one, locked: all, status: 1, shows: "the data apps could not be listed"},
		"a refused token":      {env: set(tokenName, uuid.NewString()), status: 1, shows: "not an API token of a data app"},
		"a token and a space":  {env: set(tokenName, token+" "), status: 1, shows: "DATABRAIN_SERVICE_TOKEN is no token"},
		"a document": {env: set(tokenName, `{"token":"`+token+`"}`), status: 1,
			shows: "it is a JSON document; give the value of its member alone"},
		"no token":   {env: set(tokenName, ""), status: 1, shows: "no service token was given"},
		"no address": {env: set(url, ""), status: 1, shows: "DATABRAIN_BASE_URL is required"},
		"a password in the address": {
			env: set(url, "https://u:canary-secret@example.com"), status: 1,
			shows: "DATABRAIN_BASE_URL must not hold a user or password; Databrain was not asked",
		},
		"nobody answers":         {env: set(url, "http://127.0.0.1:1"), status: 1, shows: "could not be listed"},
		"a faulty policy":        {env: set(policy, `{"maxAge":1}`), status: 1, shows: "AUDIT_POLICY): maxAge is unknown"},
		"a policy in S3":         {env: set(policy, "s3://b/k"), status: 1, shows: "give a copy of it by -policy"},
		"two policies":           {env: set(policy, "{}"), args: []string{"-policy", "x"}, status: 1, shows: "choose one"},
		"no such policy":         {args: []string{"-policy", "missing.json"}, status: 1, shows: "missing.json"},
		"an unknown severity":    {args: []string{"-fail-on", "severe"}, status: 1, shows: "-fail-on must be one of"},
		"an unknown option":      {args: []string{"-token", token}, status: 1, shows: "-token"},
		"a token as an argument": {args: []string{token}, status: 1, shows: "the token does not belong there"},
		"no folder":              {args: []string{"-out", os.Args[0]}, status: 1, shows: "the reports were not written"},
		"help":                   {args: []string{"-help"}, status: 0, shows: "Exit status: 0 all is well"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, c.apps...)
			b.keys = append(b.keys, "canary-secret", c.env[tokenName])
			maps.Copy(b.env, c.env)
			if c.locked != nil {
				b.server.Inject(standin.Fault{When: c.locked, Do: locked, Times: -1})
			}
			status, shown := b.run("", c.args...)
			if status != c.status || !strings.Contains(shown, c.shows) {
				t.Errorf("status %d, want %d, and %q in\n%s", status, c.status, c.shows, shown)
			}
			if c.status == failed && c.shows != "" && strings.Count(shown, c.shows) != 1 {
				t.Errorf("%q is said more than once in\n%s", c.shows, shown)
			}
		})
	}
}

// TestAFailureIsNoNote even if it has quotation marks, as what is wrong with a certificate has.
func TestAFailureIsNoNote(t *testing.T) {
	failure := errors.New(`the candidate authority certificate "Acme Co" does not fit`)
	r := &report.Report{}
	r.Note("another thing")
	r.Note(failure.Error())
	var out bytes.Buffer
	new(options).show(&out, r, failure)
	if shown := out.String(); strings.Contains(shown, "Acme Co") || !strings.Contains(shown, "another thing") {
		t.Error(shown)
	}
}

// TestReports: every form of the report is written, with the findings of the table.
func TestReports(t *testing.T) {
	b := newBench(t, databraintest.ExampleDataApps()...)
	delete(b.env, "DATABRAIN_SERVICE_TOKEN")
	policy := filepath.Join(b.folder, "policy.json")
	rule := `{"rules":[{"id":"strict","dataApp":"Customer *","maxAgeDays":30}]}`
	if err := os.WriteFile(policy, []byte(rule), 0o600); err != nil {
		t.Fatal(err)
	}
	status, shown := b.run("\n"+token+"\n", "-policy", policy, "-out", "reports") // Enter alone first
	if status != findings || !strings.Contains(shown, "Customer Portal Analytics") {
		t.Fatalf("status %d:\n%s", status, shown)
	}
	for _, file := range report.Files() {
		text, err := os.ReadFile(filepath.Join(b.folder, "reports", file.Name))
		if err != nil || !bytes.Contains(text, []byte("Customer Portal Analytics")) {
			t.Errorf("%s: %v, %d bytes", file.Name, err, len(text))
		}
	}
	var details []report.Detail
	text, err := os.ReadFile(filepath.Join(b.folder, "reports", "findings.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &details); err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(details, func(d report.Detail) bool { return d.Policy != nil && d.Policy.Rule == "strict" }) {
		t.Errorf("no finding is by the rule of the policy: %s", text)
	}
	for _, d := range details {
		if strings.HasPrefix(string(d.Finding.Check), "service-token-") {
			t.Errorf("%s is not known without AWS", d.Finding.Check)
		}
	}
	if left, err := filepath.Glob(filepath.Join(b.folder, "reports", ".*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestScript runs what make audit runs against what make serve serves, with the token
// from a pipe.
func TestScript(t *testing.T) {
	lab, err := labtest.Start(labtest.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = lab.Close() })
	folder := t.TempDir()
	cmd := exec.CommandContext(t.Context(), "sh", "../audit.sh", "-out", folder)
	cmd.Env = append(os.Environ(), "DATABRAIN_BASE_URL="+lab.DatabrainURL)
	cmd.Stdin = strings.NewReader(token + "\n")
	out, _ := cmd.CombinedOutput() // the exit status says it
	if code := cmd.ProcessState.ExitCode(); code != findings || !bytes.Contains(out, []byte("3 stale")) {
		t.Errorf("status %d:\n%s", code, out)
	}
	page, err := os.ReadFile(filepath.Join(folder, report.PageName))
	if err != nil || !bytes.Contains(page, []byte("</html>")) || bytes.Contains(append(page, out...), []byte(token)) {
		t.Errorf("the page has %d bytes, or a credential was shown: %v", len(page), err)
	}
}

// TestState: the second audit knows what the first found, and resolves what is gone.
func TestState(t *testing.T) {
	one := app("One", 400)
	b := newBench(t, one, app("Two", 400))
	run := func(want string) {
		t.Helper()
		if _, shown := b.run("", "-state", "state.json"); !strings.Contains(shown, want) {
			t.Fatalf("no %q in\n%s", want, shown)
		}
	}
	if _, shown := b.run(""); !strings.Contains(shown, "2 findings, 0 suppressed; ") ||
		strings.Contains(shown, "state") || strings.Contains(shown, "ongoing") {
		t.Errorf("without a state:\n%s", shown)
	}
	b.env["AUDIT_POLICY"] = `{"exceptions":[{"id":"x","dataApp":"Two","reason":"r","owner":"o","expiresAt":"2999-01-01"}]}`
	if _, shown := b.run(""); !strings.Contains(shown, "  suppressed  Two") || strings.Contains(shown, "ongoing") {
		t.Errorf("an accepted finding without a state:\n%s", shown)
	}
	delete(b.env, "AUDIT_POLICY")
	run("2 findings, 2 new, 0 suppressed, 0 resolved")
	run("2 findings, 0 new, 0 suppressed, 0 resolved")
	b.server.SetDataApps([]databraintest.DataApp{one, app("Two", 1)})
	run("1 finding, 0 new, 0 suppressed, 1 resolved")
}

// TestForeignStateStays: a state that this audit cannot continue is neither used nor
// replaced, and the instance is not asked.
func TestForeignStateStays(t *testing.T) {
	for name, c := range map[string]struct{ state, shows string }{
		"another instance": {
			`{"schema":"databrain.token-audit.state/1","instance":"https://other.example.com","findings":[]}`,
			"another instance",
		},
		"a newer release": {
			`{"schema":"databrain.token-audit.state/9","findings":[]}`, "a schema that this release does not know",
		},
		"damaged": {`{"schema":"databrain.tok`, "corrupt"},
		"empty":   {"", "corrupt"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, app("One", 400))
			file := filepath.Join(b.folder, "state.json")
			if err := os.WriteFile(file, []byte(c.state), 0o600); err != nil {
				t.Fatal(err)
			}
			status, shown := b.run("", "-state", file)
			if status != failed || !strings.Contains(shown, c.shows) || !strings.Contains(shown, "Databrain was not asked") {
				t.Errorf("status %d:\n%s", status, shown)
			}
			if now, err := os.ReadFile(file); err != nil || string(now) != c.state || len(b.server.Calls()) != 0 {
				t.Errorf("%v, the state is %q now, %d calls", err, now, len(b.server.Calls()))
			}
		})
	}
}

// TestManyFindings: the table has the worst, and says where the others are.
func TestManyFindings(t *testing.T) {
	b := newBench(t, app("Many", slices.Repeat([]int{400}, 63)...))
	if _, shown := b.run(""); !strings.Contains(shown, "and 13 more, in "+filepath.Join("build", "findings.csv")) {
		t.Error(shown)
	}
}

// TestAPauseIsToldOf, on a terminal over what progress has left there.
func TestAPauseIsToldOf(t *testing.T) {
	const text = "Databrain asks for a pause (429): the audit goes on in about 1m2s"
	for overwrite, want := range map[bool]string{false: text + "\n", true: text + "\x1b[K\n"} {
		var out bytes.Buffer
		p := &progress{w: &out, overwrite: overwrite}
		p.pause(61_700 * time.Millisecond)
		if out.String() != want {
			t.Errorf("%q, want %q", &out, want)
		}
	}
}

// TestProgress: nothing on a short run, then a line now and then, and on a terminal one
// that is gone in the end.
func TestProgress(t *testing.T) {
	start := time.Now()
	for name, c := range map[string]struct {
		step      time.Duration // for each app
		overwrite bool
		want      string
	}{
		"short":    {time.Millisecond, true, ""},
		"file":     {4 * time.Second, false, "1 of 4 data apps read, about 12s left\n"},
		"terminal": {3 * time.Second, true, "1 of 4 data apps read, about 9s left\x1b[K\r"},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			now := start
			p := &progress{w: &out, overwrite: c.overwrite, begun: start, now: func() time.Time { return now }}
			for done := 1; done <= 4; done++ {
				now = now.Add(c.step)
				p.show(done, 4)
			}
			shown := out.String()
			if !strings.HasPrefix(shown, c.want) || c.want == "" && shown != "" || strings.Contains(shown, "4 of 4") {
				t.Errorf("%q", shown)
			}
			if c.overwrite && c.want != "" && !strings.HasSuffix(shown, "\r\x1b[K") {
				t.Errorf("the line stays: %q", shown)
			}
		})
	}
}
