package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"databrain-rotation/pkg/standin"
	"databrain-rotation/pkg/standin/labtest"
	"databrain-rotation/pkg/standin/secretsmanagertest"
)

// The addresses of the network namespace. Packets to one that was taken off this
// machine leave by a cable to a device that is not their addressee, and vanish.
const (
	firstAddress  = "10.99.0.1"
	secondAddress = "10.99.0.2"
	otherAddress  = "10.99.0.9"
	inNamespace   = "RUN_IN_NAMESPACE"
)

// TestNetwork runs the function in a network where packets vanish: names whose first
// address is dead, SYNs without an answer, handshakes that hang, a connection of
// HTTP/2 that falls silent. It needs the command ip, and root or
// sudo without a password.
func TestNetwork(t *testing.T) {
	if os.Getenv(inNamespace) == "" {
		t.Parallel()
		enter(t)
		return
	}
	go endWithParent()
	furnishNetwork(t)
	t.Run("the first address is dead", func(t *testing.T) {
		n := newNetwork(t, "replace")
		n.down(firstAddress)
		n.rotate(1)
	})
	t.Run("a kept connection falls silent after setSecret", func(t *testing.T) {
		n := newNetwork(t, "replace")
		n.before("testSecret", func() { n.down(firstAddress) })
		began := time.Now()
		n.rotate(2)
		if took := time.Since(began); took < 3*time.Second {
			t.Errorf("took %v: the connection that fell silent was not in use", took)
		}
	})
	for name, fault := range map[string]func(*network){
		"SYNs vanish before the rotate call":     func(n *network) { n.down(firstAddress); n.down(secondAddress) },
		"the handshake of the rotate call hangs": func(n *network) { n.deaf.Store(true) },
	} {
		t.Run(name, func(t *testing.T) {
			n := newNetwork(t, "grace")
			old, broken := n.lab.Databrain.CurrentToken(), new(atomic.Bool)
			n.lab.Secrets.Inject(
				standin.Fault{Operation: "UpdateSecretVersionStage", Do: standin.Delay(0), When: func(*http.Request) bool {
					if !broken.Swap(true) {
						fault(n)
					}
					return false
				}},
			)
			n.before("createSecret", func() {
				if broken.Load() { // the second attempt
					n.up()
				}
			})
			n.rotate(2)
			if !broken.Load() || n.lab.Databrain.Count("POST /api/v2/service-token/rotate") != 1 {
				t.Errorf("the rotate call was received %d times", n.lab.Databrain.Count("POST /api/v2/service-token/rotate"))
			}
			if !n.lab.Databrain.TokenWorks(old) {
				t.Error("the old token, promised for the grace period, is dead")
			}
			if strings.Contains(n.log.String(), "OrphanPossible") {
				t.Errorf("a request that was never sent counts as possibly carried out:\n%s", n.log.String())
			}
		})
	}
}

// TestHungCallOfSecretsManager: one call that hangs is not the step's only attempt.
func TestHungCallOfSecretsManager(t *testing.T) {
	for _, operation := range []string{"DescribeSecret", "GetSecretValue", "PutSecretValue", "UpdateSecretVersionStage"} {
		t.Run(operation, func(t *testing.T) {
			t.Parallel()
			l := lab(t, labtest.Config{})
			l.Secrets.Inject(standin.Fault{Operation: operation, Do: standin.Hang()})
			f := start(t, l.Rotate())
			var log strings.Builder
			l.Secrets.SetRotationFunction(labtest.RotationARN, func(ctx context.Context, event []byte) error {
				return rotate(ctx, f, event, &log)
			})
			options := secretsmanagertest.RotateOptions{Attempts: 1}
			if _, err := l.Secrets.Rotate(t.Context(), labtest.TokenSecret, options); err != nil {
				t.Errorf("%v\n%s", err, log.String())
			}
		})
	}
}

// enter runs the test again in namespaces of its own. Only root can make them, so that
// another user's test runs through sudo, which passes on no variable of its own accord.
func enter(t *testing.T) {
	inside := []string{"env", inNamespace + "=1", "GOCOVERDIR=" + t.TempDir(), "unshare", "--net", "--mount"}
	if os.Getuid() != 0 {
		inside = append([]string{"sudo", "--non-interactive"}, inside...)
	}
	run := func(arguments ...string) *exec.Cmd {
		return exec.CommandContext(t.Context(), inside[0], slices.Concat(inside[1:], arguments)...)
	}
	if out, err := run("ip", "link").CombinedOutput(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("no network namespace: %v: %s\n"+
				"Run the tests as root, or let their user run sudo without a password, and install iproute2.",
				err, bytes.TrimSpace(out))
		}
		t.Skipf("not run: dropped packets, hanging handshakes and silent connections (no network namespace: %v: %s)",
			err, bytes.TrimSpace(out))
	}
	cmd := run(os.Args[0], "-test.run=^TestNetwork$", "-test.v", "-test.count=1")
	if _, err := cmd.StdinPipe(); err != nil { // endWithParent reads it
		t.Fatal(err)
	}
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS: TestNetwork") {
		t.Errorf("in the namespace: %v\n%s", err, out)
	}
}

// endWithParent ends this process when the one that started it is gone, and with it the
// other end of standard input. The user of that process may have no right to kill this one.
func endWithParent() {
	_, _ = io.Copy(io.Discard, os.Stdin)
	os.Exit(1)
}

// furnishNetwork makes the devices and names of the namespace.
func furnishNetwork(t *testing.T) {
	hosts := filepath.Join(t.TempDir(), "hosts")
	names := "127.0.0.1 localhost\n" + firstAddress + " example.com\n" + secondAddress + " example.com\n"
	if err := os.WriteFile(hosts, []byte(names), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount(hosts, "/etc/hosts", "", syscall.MS_BIND, ""); err != nil {
		t.Fatal(err)
	}
	ip(t, "link", "set", "lo", "up")
	ip(t, "link", "add", "void", "type", "veth", "peer", "name", "nobody")
	ip(t, "link", "set", "void", "up")
	ip(t, "link", "set", "nobody", "up")
	ip(t, "address", "add", otherAddress+"/24", "dev", "void")
	for _, address := range []string{firstAddress, secondAddress} {
		ip(t, "neighbour", "add", address, "lladdr", "02:00:00:00:00:01", "dev", "void", "nud", "permanent")
	}
	ip(t, "address", "add", firstAddress+"/32", "dev", "lo")
	ip(t, "address", "add", secondAddress+"/32", "dev", "lo")
}

func ip(t *testing.T, arguments ...string) {
	t.Helper()
	if out, err := exec.CommandContext(context.Background(), "ip", arguments...).CombinedOutput(); err != nil {
		t.Errorf("ip %s: %v: %s", strings.Join(arguments, " "), err, out)
	}
}
