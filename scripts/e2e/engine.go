package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// engine is a Docker engine on this machine and one network of our own in it.
type engine struct {
	w       *workshop
	env     []string // leads docker and the SAM CLI to it
	network string
	gateway string // this machine's address in the network
	undo    []func(context.Context)
}

// startEngine finds the engine that DOCKER_HOST or the default socket leads to, or
// starts one of its own, with its socket and all its data in the scratch folder.
func (w *workshop) startEngine(ctx context.Context) (*engine, error) {
	e := &engine{w: w}
	version, err := e.version(ctx)
	if err != nil {
		if os.Geteuid() != 0 {
			return nil, fmt.Errorf(
				"no Docker engine answers (%w), and starting one needs root: start Docker, then run this again",
				err,
			)
		}
		if _, missing := exec.LookPath("dockerd"); missing != nil {
			if _, err := output(ctx, w.installer(ctx, "engine")); err != nil {
				return nil, fmt.Errorf("install a Docker engine: %w", err)
			}
		}
		// The package starts its service where there is a service manager.
		if version, err = e.version(ctx); err != nil {
			if version, err = e.startOwn(ctx); err != nil {
				return nil, err
			}
		}
	}
	// The SAM CLI asks for one fixed version of Docker's API or another by release;
	// engines older or newer than that refuse it.
	e.env = append(e.env, "SAM_DOCKER_API_VERSION="+version)
	return e, e.makeNetwork(ctx)
}

// version is the newest API version that the engine speaks.
func (e *engine) version(ctx context.Context) (string, error) {
	out, err := e.docker(ctx, "version", "--format", "{{.Server.APIVersion}}")
	return strings.TrimSpace(out), err
}

func (e *engine) docker(ctx context.Context, args ...string) (string, error) {
	cmd := e.w.command(ctx, "docker", args...)
	cmd.Env = append(cmd.Env, e.env...)
	return output(ctx, cmd)
}

// startOwn leaves the machine's firewall and routing alone: containers reach this
// machine and nothing beyond it.
func (e *engine) startOwn(ctx context.Context) (version string, err error) {
	dir := filepath.Join(e.w.dir, "docker")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return "", err
	}
	socket := "unix://" + filepath.Join(dir, "socket")
	e.env = []string{"DOCKER_HOST=" + socket}
	_, noBridge := exec.Command("ip", "link", "show", "docker0").Output()
	// The clean-up needs the engine after an interrupt; the last step of it is the end of this process.
	cmd := child(context.WithoutCancel(ctx), "dockerd", "--host", socket, "--data-root", filepath.Join(dir, "data"),
		"--exec-root", filepath.Join(dir, "run"), "--pidfile", filepath.Join(dir, "pid"),
		"--iptables=false", "--ip6tables=false", "--ip-masq=false", "--ip-forward=false")
	cmd.Env = os.Environ()
	daemon, err := startBackground(ctx, cmd, dir, func() bool {
		version, err = e.version(ctx)
		return err == nil
	})
	if err != nil {
		return "", fmt.Errorf("start a Docker engine: %w", err)
	}
	e.undo = append(e.undo, func(context.Context) {
		daemon.stop()
		if noBridge != nil { // the engine made it and leaves it behind
			exec.Command("ip", "link", "delete", "docker0").Run()
		}
	})
	return version, nil
}

func (e *engine) makeNetwork(ctx context.Context) error {
	name := filepath.Base(e.w.dir)
	if _, err := e.docker(ctx, "network", "create", name); err != nil {
		return fmt.Errorf("make a network for the containers: %w", err)
	}
	e.network = name
	e.undo = append(e.undo, e.removeNetwork)
	out, err := e.docker(ctx, "network", "inspect", name, "--format", "{{range .IPAM.Config}}{{.Gateway}} {{end}}")
	if err != nil {
		return err
	}
	for _, address := range strings.Fields(out) {
		if strings.Contains(address, ".") { // not the IPv6 one, where there are both
			e.gateway = address
			return nil
		}
	}
	return errors.New("the network of the containers has no IPv4 gateway")
}

// removeNetwork removes also what an interrupted SAM CLI has left in it, and waits
// for what the engine is still taking apart.
func (e *engine) removeNetwork(ctx context.Context) {
	var err error
	for range 20 {
		out, _ := e.docker(ctx, "ps", "--all", "--quiet", "--filter", "network="+e.network)
		for _, id := range strings.Fields(out) {
			e.docker(ctx, "rm", "--force", id)
		}
		if _, err = e.docker(ctx, "network", "rm", e.network); err == nil {
			return
		}
		time.Sleep(500 * time.Millisecond)
	}
	e.w.show(fmt.Sprint("     left behind: ", err))
}

// stop undoes everything, the last thing first, also when ctx is over.
func (e *engine) stop(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	for i := len(e.undo) - 1; i >= 0; i-- {
		e.undo[i](ctx)
	}
}
