package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
)

// params are the parameters of a request, in boto3's names.
type params map[string]any

// startAsking starts boto3, by which the operator asks what no printed command asks.
func (o *operator) startAsking(ctx context.Context) (*background, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(o.dir, "ask-")
	if err != nil {
		return nil, err
	}
	o.asking = "127.0.0.1:" + port
	script := filepath.Join(o.root, "scripts/e2e/ask.py")
	server := o.tool(context.WithoutCancel(ctx), "python3", script, port, o.endpoint)
	return startBackground(ctx, server, dir, func() bool { return answers(o.asking) })
}

// ask asks for an operation of a service and decodes the answer, unless into is nil.
func (o *operator) ask(ctx context.Context, into any, service, operation string, p params) error {
	body, err := json.Marshal(p)
	if err != nil {
		return err
	}
	url := "http://" + o.asking + "/" + service + "/" + operation
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: %s", service, operation, answer)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(answer, into)
}
