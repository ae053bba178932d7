package standin_test

import (
	"net/http"
	"testing"

	"databrain-rotation/pkg/standin"
)

var empty = http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})

func TestListenOnLoopbackAlone(t *testing.T) {
	var l standin.Listener
	for _, addr := range []string{":0", "0.0.0.0:0", "[::]:0", "192.0.2.1:80", "databrain.example.com:80",
		"127.0.0.1", "nonsense"} {
		if url, err := l.Listen(addr, empty); err == nil {
			t.Errorf("%q: listens on %s", addr, url)
			l.Close()
		}
	}
}

func TestListenAndClose(t *testing.T) {
	var l standin.Listener
	if err := l.Close(); err != nil {
		t.Errorf("Close before Listen: %v", err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for _, addr := range []string{"127.0.0.1:0", ""} { // it may listen again
		url, err := l.Listen(addr, empty)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := l.Listen("", empty); err == nil {
			t.Error("listens twice")
		}
		before := l.NewConnections()
		for range 3 {
			resp, err := client.Get(url)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
		}
		if n := l.NewConnections() - before; n != 3 {
			t.Errorf("%d connections, want one for each of the 3 calls", n)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		if _, err := client.Get(url); err == nil {
			t.Error("it listens after Close")
		}
	}
}
