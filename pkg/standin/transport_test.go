package standin_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"databrain-rotation/pkg/standin"
)

func get(t *testing.T, ctx context.Context, h http.HandlerFunc) (*http.Response, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://stand-in.test/a?b=c", strings.NewReader("sent"))
	if err != nil {
		t.Fatal(err)
	}
	return standin.Transport{Handler: h}.RoundTrip(req)
}

func TestTransportCarriesTheExchange(t *testing.T) {
	resp, err := get(t, t.Context(), func(w http.ResponseWriter, r *http.Request) {
		sent, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Seen", r.Method+" "+r.RequestURI+" "+r.Host+" "+string(sent))
		w.WriteHeader(http.StatusTeapot)
		io.WriteString(w, "answer")
	})
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil || string(got) != "answer" || resp.StatusCode != http.StatusTeapot {
		t.Errorf("got %d %q, %v", resp.StatusCode, got, err)
	}
	if seen := resp.Header.Get("X-Seen"); seen != "POST /a?b=c stand-in.test sent" {
		t.Errorf("the handler saw %q", seen)
	}
}

func TestTransportAnswersHeadWithoutABody(t *testing.T) {
	req := httptest.NewRequest(http.MethodHead, "http://stand-in.test/", nil)
	resp, err := standin.Transport{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "10")
	})}.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if got, err := io.ReadAll(resp.Body); err != nil || len(got) != 0 || resp.ContentLength != 10 {
		t.Errorf("read %q, %v, Content-Length %d", got, err, resp.ContentLength)
	}
}

func TestTransportFaults(t *testing.T) {
	_, err := get(t, t.Context(), func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	if !errors.Is(err, standin.ErrReset) || !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("cut before the first byte: %v", err)
	}
	for name, h := range map[string]http.HandlerFunc{
		"cut in the body": func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, "half")
			panic(http.ErrAbortHandler)
		},
		"short of its Content-Length": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "10")
			io.WriteString(w, "half")
		},
	} {
		resp, err := get(t, t.Context(), h)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got, err := io.ReadAll(resp.Body); string(got) != "half" || !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s: read %q, %v", name, got, err)
		}
		resp.Body.Close()
	}
}

func TestTransportObeysTheContextWhileTheHandlerRunsOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		done := false
		_, err := get(t, ctx, func(http.ResponseWriter, *http.Request) {
			time.Sleep(time.Minute)
			done = true
		})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if !done {
			t.Error("the handler was undone")
		}

		ctx, cancel = context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		resp, err := get(t, ctx, func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "slow")
			<-r.Context().Done()
		})
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if _, err := io.ReadAll(resp.Body); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("slow body: %v", err)
		}
	})
}
