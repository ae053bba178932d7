package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	audit "databrain-rotation/pkg/audit/report"
	"databrain-rotation/pkg/standin/labtest"
)

// imports is Security Hub as moto plays it, with a record of what reached it.
type imports struct {
	*reading
	endpoint string

	mu       sync.Mutex
	requests []importRequest
}

// importRequest is one call of BatchImportFindings.
type importRequest struct {
	URL     string
	Headers map[string]string
	Body    string
}

// securityHub has two audits of hostile names imported into moto. botocore judges every
// request by the service's model and signs it once more, and moto shows what is there.
func (r *reading) securityHub(ctx context.Context) error {
	m := &moto{workshop: r.workshop}
	server, err := m.start(ctx)
	if err != nil {
		return err
	}
	defer server.stop()
	target, err := url.Parse(m.endpoint)
	if err != nil {
		return err
	}
	i := &imports{reading: r, endpoint: m.endpoint}
	front := httptest.NewServer(i.record(httputil.NewSingleHostReverseProxy(target)))
	defer front.Close()
	expected, err := i.audits(ctx, front.URL)
	if err != nil {
		return err
	}
	return i.compare(ctx, expected)
}

// record keeps each request and passes it on. The host stays as it was signed.
func (i *imports) record(pass http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, in *http.Request) {
		body, err := io.ReadAll(in.Body)
		if err != nil {
			panic(http.ErrAbortHandler) // the function went away
		}
		request := importRequest{"http://" + in.Host + in.URL.Path, map[string]string{
			"Host": in.Host, "Content-Length": strconv.Itoa(len(body)), // which net/http takes out of the headers
		}, string(body)}
		for name := range in.Header {
			request.Headers[name] = in.Header.Get(name)
		}
		i.mu.Lock()
		i.requests = append(i.requests, request)
		i.mu.Unlock()
		in.Body = io.NopCloser(bytes.NewReader(body))
		pass.ServeHTTP(w, in)
	})
}

// audits audits twice and returns what findings.json had of each finding in the end.
func (i *imports) audits(ctx context.Context, hub string) (map[string]audit.Detail, error) {
	lab, err := labtest.Start(labtest.Config{})
	if err != nil {
		return nil, err
	}
	defer lab.Close()
	expected := make(map[string]audit.Detail)
	for run, days := range []int{90, 60} {
		policy := fmt.Sprintf(`{"maxAgeDays":%d,"exceptions":%s}`, days, hostileExceptions())
		lab.Databrain.SetDataApps(hostileApps(time.Now(), run))
		err := i.run(ctx, lab, policy, "AUDIT_SECURITY_HUB", "true", "AWS_ENDPOINT_URL_SECURITYHUB", hub)
		if err != nil {
			return nil, err
		}
		object, found := lab.Objects.Object(labtest.Bucket, "databrain-audit/latest/findings.json")
		if !found {
			return nil, errors.New("findings.json was not stored")
		}
		var details []audit.Detail
		if err := json.Unmarshal(object.Body, &details); err != nil {
			return nil, err
		}
		for _, d := range details {
			expected[d.Finding.ID] = d
		}
	}
	return expected, nil
}

// compare wants moto to have each finding as the report has it.
func (i *imports) compare(ctx context.Context, expected map[string]audit.Detail) error {
	path := filepath.Join(i.workshop.dir, "imports.json")
	text, err := json.Marshal(i.requests)
	if err != nil {
		return err
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		return err
	}
	script := filepath.Join(i.root, "scripts/e2e/readers/asff.py")
	judge := i.tool(ctx, "python", script, path, i.endpoint)
	// What labtest and runtimetest give to the function.
	judge.Env = append(judge.Env, "HUB_KEY=stand-in", "HUB_SECRET=stand-in", "HUB_TOKEN=example")
	out, err := output(ctx, judge)
	if err != nil {
		return err
	}
	var found map[string]struct{ Title, State, Compliance, Severity, Fingerprint, Exception string }
	if err := json.Unmarshal([]byte(out), &found); err != nil {
		return err
	}
	states := make(map[string]int)
	for id, d := range expected {
		got := found[id]
		states[got.State+" "+got.Compliance]++
		fingerprint := ""
		if d.Token != nil {
			fingerprint = d.Token.Fingerprint
		}
		if got.Title != d.Finding.Title || got.Severity != string(d.Finding.Severity) || got.Fingerprint != fingerprint ||
			(got.Exception != "") != (d.Exception != nil) || (got.State == "ARCHIVED") != (d.Finding.State == "resolved") {
			return fmt.Errorf("finding %s is %+v there, and here %+v", id, got, d)
		}
	}
	if len(found) != len(expected) || len(found) < 100 || len(i.requests) < 3 || states["ARCHIVED PASSED"] == 0 ||
		states["ARCHIVED WARNING"] == 0 || states["ACTIVE FAILED"] == 0 {
		return fmt.Errorf("%d findings there, %d here, by %d requests: %v",
			len(found), len(expected), len(i.requests), states)
	}
	return nil
}
