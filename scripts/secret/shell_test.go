package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"databrain-rotation/pkg/standin/databraintest"
	"databrain-rotation/pkg/standin/labtest"
)

// eachShell runs a test in every shell that an operator may have. One that this
// machine lacks is named; in CI it is a failure.
func eachShell(t *testing.T, test func(*testing.T, string)) {
	for _, shell := range []string{"bash", "dash", "zsh"} {
		t.Run(shell, func(t *testing.T) {
			file, err := exec.LookPath(shell)
			if err != nil && os.Getenv("CI") != "" {
				t.Fatal(err)
			}
			if err != nil {
				t.Skipf("not run, for want of %s", shell)
			}
			test(t, file)
		})
	}
}

// command is what the pages have: SECRET and DATABRAIN_BASE_URL come from their first
// block.
const command = `sh scripts/secret.sh store-token "$SECRET"`

// exportInstance adds what an operator exports.
func exportInstance(t *testing.T, lab *labtest.Lab) {
	t.Setenv("DATABRAIN_BASE_URL", lab.DatabrainURL)
	t.Setenv("SECRET", id)
}

func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestPiped pipes the token, as a password manager's command does.
func TestPiped(t *testing.T) {
	eachShell(t, func(t *testing.T, shell string) {
		const members = `{"z":1.50e3,"token":"` + stale + `"}`
		lab := start(t, members)
		exportInstance(t, lab)
		cmd := exec.CommandContext(t.Context(), shell, "-c", "printf '\\n' | "+command) // Enter alone
		cmd.Dir = root(t)
		out, err := cmd.CombinedOutput()
		if got := current(t, lab, id); err == nil || got != members {
			t.Errorf("%v, the secret holds %s\n%s", err, got, out)
		}
		cmd = exec.CommandContext(t.Context(), shell, "-c", "printf '%s\\n' '"+inForce+"' | "+command)
		cmd.Dir = root(t)
		out, err = cmd.CombinedOutput()
		if got, want := current(t, lab, id), strings.Replace(members, stale, inForce, 1); err != nil || got != want {
			t.Errorf("%v, the secret holds %s, want %s\n%s", err, got, want, out)
		}
	})
}

// TestPasted types into an interactive shell on a terminal: the terminal must not show
// the token, and what a paste has behind the command must not be stored.
func TestPasted(t *testing.T) {
	eachShell(t, func(t *testing.T, shell string) {
		lab := start(t, `{"token":"`+stale+`"}`)
		exportInstance(t, lab)
		term := open(t, shell)
		term.send(command + "\n")
		term.await("token in use")
		term.send("\n") // Enter alone
		term.await("That is no token in use")
		if got := current(t, lab, id); strings.Contains(got, inForce) || !strings.Contains(got, stale) {
			t.Errorf("Enter alone stored %s", got)
		}
		term.send(inForce + "\n")
		term.await("AWSCURRENT holds it now")
		if got := current(t, lab, id); got != `{"token":"`+inForce+`"}` {
			t.Errorf("the secret holds %s\n%s", got, term.text())
		}
		if strings.Contains(term.text(), inForce) {
			t.Errorf("the terminal shows the token:\n%s", term.text())
		}
	})
}

// TestPastedWithTheNextLine pastes the whole block in one go, into a shell without
// bracketed paste: the line behind the command arrives as the first answer.
func TestPastedWithTheNextLine(t *testing.T) {
	eachShell(t, func(t *testing.T, shell string) {
		lab := start(t, `{"token":""}`)
		exportInstance(t, lab)
		term := open(t, shell)
		term.send(command + "\naws secretsmanager rotate-secret --secret-id \"$SECRET\"\n")
		term.await("token in use")
		// A shell that edits lines may lose the end of a line that is typed ahead, so that
		// an answer would be appended to it.
		term.send("\n" + inForce + "\n")
		term.await("AWSCURRENT holds it now")
		if strings.Contains(term.text(), inForce) || !strings.Contains(term.text(), "That is no token") {
			t.Errorf("the terminal shows the token, or the pasted line was not refused:\n%s", term.text())
		}
	})
}

// TestInterrupted: after an interrupt at the prompt the terminal shows again what is
// typed, and nothing is stored.
func TestInterrupted(t *testing.T) {
	eachShell(t, func(t *testing.T, shell string) {
		lab := start(t, `{"token":"`+stale+`"}`)
		exportInstance(t, lab)
		term := open(t, shell)
		term.send(command + "\n")
		term.await("token in use")
		term.send("\x03")
		time.Sleep(300 * time.Millisecond) // for the shell to take the terminal back
		term.send("stty -a | tr ' ' '\\n' | grep -x echo | tr a-z A-Z\n")
		term.await("ECHO")
		if got := current(t, lab, id); got != `{"token":"`+stale+`"}` {
			t.Errorf("the secret holds %s", got)
		}
	})
}

// TestAdminIsStoredByTheScript runs the block of the deployment.
func TestAdminIsStoredByTheScript(t *testing.T) {
	eachShell(t, func(t *testing.T, shell string) {
		lab := start(t, "")
		exportInstance(t, lab)
		cmd := exec.CommandContext(t.Context(), shell, "-c",
			"sh scripts/secret.sh store-admin new/admin "+databraintest.ExampleEmail)
		cmd.Dir, cmd.Stdin = root(t), strings.NewReader(databraintest.ExamplePassword+"\n")
		arn, err := cmd.Output()
		if err != nil || !strings.HasPrefix(string(arn), "arn:aws:secretsmanager:") {
			t.Fatalf("%v: %s", err, arn)
		}
		if got, want := current(t, lab, "new/admin"), fmt.Sprintf(`{"email":%q,"password":%q}`,
			databraintest.ExampleEmail, databraintest.ExamplePassword); got != want {
			t.Errorf("the secret holds %s, want %s", got, want)
		}
	})
}

// terminal is an interactive shell on a pseudo-terminal.
type terminal struct {
	t    *testing.T
	file *os.File
	mu   sync.Mutex
	seen strings.Builder
}

// open starts a shell without the user's own settings.
func open(t *testing.T, shell string) *terminal {
	t.Helper()
	master, slave, err := pseudoTerminal()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	args := map[string][]string{"bash": {"--norc", "--noprofile", "-i"}, "dash": {"-i"}, "zsh": {"-f", "-i"}}
	cmd := exec.CommandContext(ctx, shell, args[filepath.Base(shell)]...)
	cmd.Dir = root(t)
	cmd.Env = append(os.Environ(), "TERM=dumb", "PS1=$ ", "ENV=", "HISTFILE=")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = slave.Close()
	term := &terminal{t: t, file: master}
	go func() { _, _ = io.Copy(term, master) }()
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait()
		_ = master.Close()
	})
	return term
}

func pseudoTerminal() (master, slave *os.File, err error) {
	master, err = os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		return nil, nil, err
	}
	var number, unlock uint32
	for request, value := range map[uintptr]*uint32{syscall.TIOCSPTLCK: &unlock, syscall.TIOCGPTN: &number} {
		if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, master.Fd(), request,
			uintptr(unsafe.Pointer(value))); errno != 0 {
			return nil, nil, errno
		}
	}
	slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	return master, slave, err
}

// Write keeps what the terminal shows.
func (term *terminal) Write(p []byte) (int, error) {
	term.mu.Lock()
	defer term.mu.Unlock()
	return term.seen.Write(p)
}

func (term *terminal) text() string {
	term.mu.Lock()
	defer term.mu.Unlock()
	return term.seen.String()
}

func (term *terminal) send(text string) {
	term.t.Helper()
	if _, err := term.file.WriteString(text); err != nil {
		term.t.Fatal(err)
	}
}

// await waits until the terminal has shown text.
func (term *terminal) await(text string) {
	term.t.Helper()
	for range 1200 { // a build of the program may be part of it
		if strings.Contains(term.text(), text) {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	term.t.Fatalf("%q was not shown:\n%s", text, term.text())
}
