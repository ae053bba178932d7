package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"

	"databrain-rotation/pkg/standin/labtest"

	"go.yaml.in/yaml/v3"
)

// invocation is all that `sam local invoke` needs to know.
type invocation struct {
	*workshop
	engine   *engine
	lab      *labtest.Lab
	arch     architecture
	image    []string
	template string
	env      string
}

// invokeLocally runs the built functions in containers, with every payload of
// events/, against the stand-ins.
func (w *workshop) invokeLocally(ctx context.Context) {
	i := &invocation{workshop: w}
	defer func() {
		if i.engine != nil {
			i.engine.stop(ctx)
		}
	}()
	ready := w.check(ctx, "a Docker engine answers", func() (err error) {
		i.engine, err = w.startEngine(ctx)
		return err
	}) && w.check(ctx, "a base image is there", func() (err error) {
		if i.arch, err = ownArchitecture(); err != nil {
			return err
		}
		i.image, err = i.engine.chooseImage(ctx, i.arch)
		return err
	})
	if !ready {
		return
	}
	lab, err := labtest.Start(labtest.Config{})
	if err != nil {
		w.check(ctx, "the stand-ins start", func() error { return err })
		return
	}
	defer lab.Close()
	i.lab = lab
	if !w.check(ctx, "the stand-ins are reachable from containers", func() error { return i.connect() }) {
		return
	}
	i.everyPayload(ctx)
}

// connect serves the stand-ins on this machine's address in the containers' network
// and writes the template and the variables that lead there.
func (i *invocation) connect() error {
	endpoints := map[string]http.Handler{
		"AWS_ENDPOINT_URL_SECRETS_MANAGER": i.lab.Secrets, "AWS_ENDPOINT_URL_EVENTBRIDGE": i.lab.Events,
		"AWS_ENDPOINT_URL_S3": i.lab.Objects,
	}
	urls := map[string]string{}
	for name, handler := range endpoints {
		url, err := i.serve(handler)
		if err != nil {
			return err
		}
		urls[name] = url
	}
	if err := i.copyTemplate(urls); err != nil {
		return err
	}
	url, err := i.serve(i.lab.Databrain)
	if err != nil {
		return err
	}
	return i.copyEnv(url)
}

// serve ends with the engine.
func (i *invocation) serve(handler http.Handler) (url string, err error) {
	l, err := net.Listen("tcp", net.JoinHostPort(i.engine.gateway, "0"))
	if err != nil {
		return "", fmt.Errorf("listen in the containers' network: %w", err)
	}
	server := &http.Server{Handler: handler}
	go server.Serve(l) // ends with http.ErrServerClosed
	i.engine.undo = append(i.engine.undo, func(context.Context) { server.Close() })
	return "http://" + l.Addr().String(), nil
}

// copyTemplate adds variables to the built template: --env-vars only changes those
// that are declared there.
func (i *invocation) copyTemplate(variables map[string]string) error {
	text, err := os.ReadFile(filepath.Join(i.built(i.arch), "template.yaml"))
	if err != nil {
		return err
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return err
	}
	node := doc.Content[0]
	for _, key := range []string{"Globals", "Function", "Environment", "Variables"} {
		if node = member(node, key); node == nil {
			return fmt.Errorf("the built template has no %s on the way to Globals.Function.Environment.Variables", key)
		}
	}
	for name, value := range variables {
		node.Content = append(node.Content,
			&yaml.Node{Kind: yaml.ScalarNode, Value: name}, &yaml.Node{Kind: yaml.ScalarNode, Value: value})
	}
	out, err := yaml.Marshal(&doc)
	if err != nil {
		return err
	}
	i.template = filepath.Join(i.built(i.arch), "template-e2e.yaml") // beside the code that it names
	return os.WriteFile(i.template, out, 0o600)
}

func member(mapping *yaml.Node, key string) *yaml.Node {
	for n := 0; n+1 < len(mapping.Content); n += 2 {
		if mapping.Content[n].Value == key {
			return mapping.Content[n+1]
		}
	}
	return nil
}

// copyEnv is events/local-env.json with this run's Databrain in place of the one of
// `make serve`.
func (i *invocation) copyEnv(databrain string) error {
	text, err := os.ReadFile(filepath.Join(i.root, "events", "local-env.json"))
	if err != nil {
		return err
	}
	var env map[string]map[string]string
	if err := json.Unmarshal(text, &env); err != nil {
		return err
	}
	for _, variables := range env {
		variables["DATABRAIN_BASE_URL"] = databrain
	}
	out, err := json.Marshal(env)
	if err != nil {
		return err
	}
	i.env = filepath.Join(i.dir, "env.json")
	return os.WriteFile(i.env, out, 0o600)
}

// invoke returns the function's answer. A failed function answers with a JSON
// object that has an errorType, and the SAM CLI still succeeds.
func (i *invocation) invoke(ctx context.Context, function, event string) ([]byte, error) {
	cmd := i.tool(ctx, "sam", slices.Concat([]string{"local", "invoke", function, "--template", i.template,
		"--event", event, "--env-vars", i.env, "--docker-network", i.engine.network,
		"--parameter-overrides", "Architecture=" + i.arch.name +
			" DatabrainBaseUrl=https://databrain.example.com AdminSecretArn=" + labtest.AdminSecretARN +
			" ApiTokenSecretPrefix=" + labtest.APITokenPrefix,
	}, i.image)...)
	cmd.Env = append(cmd.Env, i.engine.env...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("sam local invoke: %w\n%s", err, tail(stderr.String(), 20))
	}
	answer := bytes.TrimSpace(stdout.Bytes())
	var failure struct{ ErrorType, ErrorMessage string }
	if json.Unmarshal(answer, &failure) == nil && failure.ErrorType != "" {
		return nil, fmt.Errorf("%s failed: %s: %s\n%s", function, failure.ErrorType, failure.ErrorMessage,
			tail(stderr.String(), 20))
	}
	return answer, nil
}
