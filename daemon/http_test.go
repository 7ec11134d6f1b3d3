package daemon

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/metrics"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// get asks the daemon's handler.
func get(d *Daemon, method, path string) *httptest.ResponseRecorder {
	r := httptest.NewRecorder()
	d.Handler(nil).ServeHTTP(r, httptest.NewRequest(method, path, nil))
	return r
}

func gatheredAll(t *testing.T, d *Daemon) string {
	t.Helper()
	return get(d, http.MethodGet, "/metrics").Body.String()
}

// gathered is the first series of a family, as Prometheus reads it.
func gathered(t *testing.T, d *Daemon, name string) *dto.Metric {
	t.Helper()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(gatheredAll(t, d)))
	if err != nil {
		t.Fatal(err)
	}
	if families[name] == nil {
		t.Fatalf("there is no %s", name)
	}
	return families[name].Metric[0]
}

// bucket counts the observations up to a bound.
func bucket(m *dto.Metric, bound float64) uint64 {
	for _, b := range m.GetHistogram().Bucket {
		if b.GetUpperBound() == bound {
			return b.GetCumulativeCount()
		}
	}
	return 0
}

func TestOnlyReadsAreServedAndBrowsersAreToldToBeStrict(t *testing.T) {
	inWorld(t, head+account("a", ""), func(t *testing.T, w *world) {
		d := w.start("runner")
		wait(time.Minute)
		for _, path := range []string{"/", "/metrics", "/healthz", "/readyz"} {
			for _, method := range []string{http.MethodGet, http.MethodHead} {
				r := get(d.Daemon, method, path)
				if r.Code != http.StatusOK || !strings.Contains(r.Header().Get("Content-Security-Policy"), "default-src 'none'") || r.Header().Get("X-Content-Type-Options") != "nosniff" {
					t.Errorf("%s %s: HTTP %d, %v", method, path, r.Code, r.Header())
				}
			}
			for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions} {
				if r := get(d.Daemon, method, path); r.Code != http.StatusMethodNotAllowed {
					t.Errorf("%s %s: HTTP %d", method, path, r.Code)
				}
			}
		}
		if r := get(d.Daemon, http.MethodGet, "/debug/pprof/"); r.Code != http.StatusNotFound {
			t.Errorf("/debug/pprof/: HTTP %d", r.Code)
		}
		for _, secret := range []string{"token-1", `"pw"`} {
			if strings.Contains(gatheredAll(t, d.Daemon), secret) {
				t.Error("the metrics hold a secret")
			}
		}
		d.stop()
		<-d.ended
		if r := get(d.Daemon, http.MethodGet, "/readyz"); r.Code != http.StatusServiceUnavailable ||
			!strings.Contains(r.Body.String(), "stopping") {
			t.Errorf("a daemon that has stopped: HTTP %d %s", r.Code, r.Body)
		}
	})
}

func TestALoopThatStandsStillIsNotAlive(t *testing.T) {
	d := New(Options{Metrics: metrics.NewCollector("1", "go1"), Now: func() time.Time { return t0 }})
	d.status.heartbeat = t0.Add(-2 * heartbeatLimit)
	if r := get(d, http.MethodGet, "/healthz"); r.Code != http.StatusServiceUnavailable {
		t.Errorf("HTTP %d", r.Code)
	}
}

func TestWhatIsServed(t *testing.T) {
	d, _ := still(4)
	d.uses()
	d.status.stateTried = true
	page := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "the page") })
	for _, c := range []struct {
		page         http.Handler
		method, path string
		code         int
		body         string
	}{
		{nil, http.MethodGet, "/", http.StatusOK, "/readyz"},
		{page, http.MethodGet, "/", http.StatusOK, "the page"},
		{page, http.MethodGet, "/other", http.StatusNotFound, ""},
		{page, http.MethodGet, "/healthz", http.StatusOK, "ok\n"},
		{nil, http.MethodGet, "/readyz", http.StatusOK, "ok\n"},
		{nil, http.MethodGet, "/metrics", http.StatusOK, "credsync_ready"},
		{page, http.MethodPost, "/", http.StatusMethodNotAllowed, "only GET and HEAD are allowed"},
	} {
		d.publish(func(*publishedStatus) {})
		r := httptest.NewRecorder()
		d.Handler(c.page).ServeHTTP(r, httptest.NewRequest(c.method, c.path, nil))
		if r.Code != c.code || !strings.Contains(r.Body.String(), c.body) {
			t.Errorf("%s %s: HTTP %d %s", c.method, c.path, r.Code, r.Body)
		}
		want := map[string]string{
			"Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'", "X-Content-Type-Options": "nosniff",
			"Referrer-Policy": "no-referrer", "Cross-Origin-Resource-Policy": "same-origin", "Cache-Control": "no-store",
			"Allow": map[bool]string{true: "GET, HEAD"}[c.method == http.MethodPost],
		}
		if c.page == nil && c.path != "/metrics" {
			want["Content-Type"] = "text/plain; charset=utf-8"
		}
		for name, value := range want {
			if got := r.Header().Get(name); got != value {
				t.Errorf("%s %s: %s is %q, want %q", c.method, c.path, name, got, value)
			}
		}
	}
}

func TestServingEndsWithItsContext(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ended := make(chan error, 1)
	go func() {
		ended <- Serve(ctx, l, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			plainText(w, http.StatusOK, "here")
		}))
	}()
	url := "http://" + l.Addr().String()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil || string(body) != "here" {
		t.Errorf("%q, %v", body, err)
	}
	// Whoever sends headers without end gets no room for them.
	r, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X", strings.Repeat("x", 24<<10))
	if resp, err = http.DefaultClient.Do(r); err != nil || resp.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("24 KiB of headers: %v, %v", resp, err)
	} else {
		_ = resp.Body.Close()
	}
	stop()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("it goes on")
	}
	if err := Serve(t.Context(), l, http.NotFoundHandler()); err == nil ||
		!strings.Contains(err.Error(), l.Addr().String()) {
		t.Errorf("a listener that is closed: %v", err)
	}
}
