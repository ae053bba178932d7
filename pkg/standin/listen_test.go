package standin_test

import (
	"net/http"
	"testing"
)

func TestNewConnections(t *testing.T) {
	c := newCounter()
	defer c.Close()
	url, err := c.Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	call(t.Context(), c.Client(), url) // in the process
	for range 3 {
		call(t.Context(), http.DefaultClient, url)
	}
	if n := c.NewConnections(); n != 3 {
		t.Errorf("%d connections, want one for each of the 3 calls on the socket", n)
	}
}
