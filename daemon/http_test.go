package daemon

import (
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
		if r := get(d.Daemon, http.MethodGet, "/readyz"); r.Code != http.StatusServiceUnavailable || !strings.Contains(r.Body.String(), "stopping") {
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
