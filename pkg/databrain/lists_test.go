package databrain_test

import (
	"io"
	"iter"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"databrain-rotation/pkg/databrain"
	"databrain-rotation/pkg/standin"
	"databrain-rotation/pkg/standin/databraintest"
)

// says is a client of an instance that gives one answer to everything.
func says(t testing.TB, body string) *databrain.Client {
	return inProcess(t, standin.Transport{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, body)
	})}, databrain.Options{})
}

// collect is drain that keeps what came before the error.
func collect[T any](seq iter.Seq2[T, error]) (all []T, err error) {
	for v, e := range seq {
		if e != nil {
			err = e
			continue
		}
		all = append(all, v)
	}
	return all, err
}

func TestExampleLists(t *testing.T) {
	db := databraintest.New(databraintest.Config{})
	c := inProcess(t, db.Client().Transport, databrain.Options{})
	apps, err := collect(c.DataApps(t.Context(), serviceToken(), databrain.Whole))
	if diff := cmp.Diff([]databrain.DataApp{{Name: exampleApp}, {Name: "Partner Dashboard"}}, apps); diff != "" ||
		err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	tokens, err := collect(c.APITokens(t.Context(), serviceToken(), exampleApp, databrain.Whole))
	if diff := cmp.Diff([]databrain.APIToken{
		{Fingerprint: "a3a9e1ed9732cab2", Name: "Production API Key", CreatedAt: time.Date(2024, 1, 15, 10, 30, 0, 0,
			time.UTC)},
		{Fingerprint: "6316e01c9e1d33de", Name: "Development Token", CreatedAt: time.Date(2024, 1, 10, 14, 15, 0, 0,
			time.UTC)},
		{Fingerprint: "5c28b2022dca14af", Name: "Staging Environment", CreatedAt: time.Date(2024, 1, 8, 9, 0, 0, 0,
			time.UTC)},
	}, tokens); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	if got := db.Calls()[0].Query; got != "isPagination=false" {
		t.Errorf("the whole list was asked for with %q", got)
	}
}

// TestListIsStreamed: entries come while the instance is still at the rest.
func TestListIsStreamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := make(chan struct{})
		c := inProcess(t, standin.Transport{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, `{"data":[{"name":"a"}`)
			<-first
			io.WriteString(w, `,{"name":"b"}]}`)
		})}, databrain.Options{})
		var got []string
		for app, err := range c.DataApps(t.Context(), serviceToken(), databrain.Whole) {
			if err != nil {
				t.Fatal(err)
			}
			if got = append(got, app.Name); len(got) == 1 {
				close(first)
			}
		}
		if diff := cmp.Diff([]string{"a", "b"}, got); diff != "" {
			t.Error(diff)
		}
	})
}

// TestFlatMemory reads an app with 10,000 tokens and looks at what is held on the
// way, compared with before.
func TestFlatMemory(t *testing.T) {
	db := databraintest.New(databraintest.Config{DataApps: databraintest.Many(1, 10_000, time.Unix(0, 0), manyToken)})
	c := inProcess(t, db.Client().Transport, databrain.Options{})
	held := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before := held()
	n := 0
	for _, err := range c.APITokens(t.Context(), serviceToken(), "Data App 00000", databrain.Whole) {
		if err != nil {
			t.Fatal(err)
		}
		if n++; n == 1 || n == 5_000 || n == 9_999 {
			if grown := held() - before; grown > 256<<10 {
				t.Errorf("holds %d KiB at token %d; the whole answer has about 2 MiB", grown>>10, n)
			}
		}
	}
	if n != 10_000 {
		t.Errorf("%d tokens", n)
	}
}

// TestEarlyStop: a caller that has seen enough, or panics, leaves no answer open.
func TestEarlyStop(t *testing.T) {
	db := databraintest.New(databraintest.Config{DataApps: databraintest.Many(30, 10_000, time.Unix(0, 0), manyToken)})
	transport := &bodies{RoundTripper: db.Client().Transport}
	c := inProcess(t, transport, databrain.Options{})
	for name, seq := range map[string]func(func() bool){
		"apps":      func(more func() bool) { each2(c.DataApps(t.Context(), serviceToken(), databrain.Whole), more) },
		"app pages": func(more func() bool) { each2(c.DataApps(t.Context(), serviceToken(), 1), more) },
		"tokens": func(more func() bool) {
			each2(c.APITokens(t.Context(), serviceToken(), "Data App 00007", databrain.Whole), more)
		},
		"token pages": func(more func() bool) { each2(c.APITokens(t.Context(), serviceToken(), "Data App 00007", 1), more) },
	} {
		for _, stop := range []int{1, 2} {
			n := 0
			seq(func() bool { n++; return n < stop })
			if n != stop || transport.open != 0 {
				t.Errorf("%s: stopped at %d of %d, %d answers left open", name, n, stop, transport.open)
			}
		}
		func() {
			defer func() {
				if recover() != "enough" || transport.open != 0 {
					t.Errorf("%s: after a panic: %d answers left open", name, transport.open)
				}
			}()
			seq(func() bool { panic("enough") })
		}()
	}
}

func each2[T any](seq iter.Seq2[T, error], more func() bool) {
	for range seq {
		if !more() {
			return
		}
	}
}

// TestPages: a page has its part of the list, and the request says in words which.
func TestPages(t *testing.T) {
	for _, size := range []int{0, 1, 9, 10, 11, 20, 25} {
		db := databraintest.New(databraintest.Config{DataApps: databraintest.Many(size, size, time.Unix(0, 0), manyToken)})
		c := inProcess(t, db.Client().Transport, databrain.Options{})
		for page := 1; page <= 4; page++ {
			want := min(10, max(0, size-10*(page-1)))
			apps, err := collect(c.DataApps(t.Context(), serviceToken(), page))
			if err != nil || len(apps) != want {
				t.Errorf("page %d of %d apps has %d; %v", page, size, len(apps), err)
			}
			if size == 0 {
				continue
			}
			tokens, err := collect(c.APITokens(t.Context(), serviceToken(), "Data App 00000", page))
			if err != nil || len(tokens) != want {
				t.Errorf("page %d of %d tokens has %d; %v", page, size, len(tokens), err)
			}
		}
	}
}

// TestAppNames: whatever an app is called arrives as it is.
func TestAppNames(t *testing.T) {
	for _, name := range []string{
		"Customer Portal Analytics", "a+b", "a%20b", "a&isPagination=true", "a=b;c", "a?b#c", "a/../b", "100 %",
		`"quoted"`, `back\slash`,
		"Größe", "日本語", "👩🏽‍🚀", "e\u0301", "\u202egnp.exe", "\ufeff", "tab\tand\r\nline", "\x00\x1b[31m", "<script>",
		" ", "null", strings.Repeat("long ", 1000),
	} {
		var got url.Values
		db := databraintest.New(databraintest.Config{DataApps: []databraintest.DataApp{{Name: name}}})
		c := inProcess(t, standin.Transport{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			got, _ = url.ParseQuery(r.URL.RawQuery)
			db.ServeHTTP(w, r)
		})}, databrain.Options{})
		apps, err := collect(c.DataApps(t.Context(), serviceToken(), databrain.Whole))
		if diff := cmp.Diff([]databrain.DataApp{{Name: name}}, apps); diff != "" || err != nil {
			t.Errorf("%q: %v\n%s", name, err, diff)
		}
		if err := drain(c.APITokens(t.Context(), serviceToken(), name, databrain.Whole)); err != nil {
			t.Errorf("%q: %v", name, err)
		}
		if diff := cmp.Diff(url.Values{"dataAppName": {name}, "isPagination": {"false"}}, got); diff != "" {
			t.Errorf("%q: %s", name, diff)
		}
		if err := drain(c.APITokens(t.Context(), serviceToken(), name, 1)); err != nil {
			t.Errorf("%q: %v", name, err)
		}
		if diff := cmp.Diff(url.Values{"dataAppName": {name}, "isPagination": {"true"}, "pageNumber": {"1"}},
			got); diff != "" {
			t.Errorf("%q: %s", name, diff)
		}
	}
}

// TestListSize: a list may be long, up to 64 MiB, and one entry up to 1 MiB.
func TestListSize(t *testing.T) {
	entry := func(size int) string {
		const frame = `{"name":"a","x":""}`
		return `{"name":"a","x":"` + strings.Repeat("x", size-len(frame)) + `"}`
	}
	big := entry(1 << 20)
	for name, tt := range map[string]struct {
		body string
		apps int
		good bool
	}{
		"almost 1 MiB":   {`{"data":[` + entry(1<<20-64) + `]}`, 1, true},
		"over 1 MiB":     {`{"data":[{"name":"b"},` + big + `,{"name":"c"}]}`, 1, false},
		"many 0.6 MiB":   {`{"data":[` + entry(600<<10) + strings.Repeat(","+entry(600<<10), 3) + `]}`, 4, true},
		"big member":     {`{"data":[{"name":"b"}],"x":"` + strings.Repeat("x", 1<<20) + `"}`, 1, false},
		"1 MiB of space": {`{"data":[{"name":"b"}` + strings.Repeat(" ", 1<<20) + `,{"name":"c"}]}`, 1, false},
	} {
		apps, err := collect(says(t, tt.body).DataApps(t.Context(), serviceToken(), databrain.Whole))
		if len(apps) != tt.apps || (err == nil) != tt.good {
			t.Errorf("%s: %d apps, %v", name, len(apps), err)
		}
		if !tt.good && databrain.ClassOf(err) != databrain.ClassDecode {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestEndlessList has an instance that never ends its list.
func TestEndlessList(t *testing.T) {
	db := databraintest.New(databraintest.Config{})
	repeat := strings.Repeat(" ", 1<<19) + `,{"name":"a"}`
	db.Inject(standin.Fault{Do: standin.Endless(`{"data":[{"name":"a"}`, repeat)})
	transport := &bodies{RoundTripper: db.Client().Transport}
	apps, err := collect(
		inProcess(t, transport, databrain.Options{}).DataApps(t.Context(), serviceToken(), databrain.Whole),
	)
	want := outcome{Class: databrain.ClassDecode, Unknown: true, Status: 200}
	if diff := cmp.Diff(want, outcomeOf(t, err)); diff != "" || len(apps) != 128 || transport.open != 0 {
		t.Errorf("%d apps, %d answers left open, %v", len(apps), transport.open, err)
	}
}
