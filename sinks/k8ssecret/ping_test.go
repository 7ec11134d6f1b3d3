package k8ssecret

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/sinks"
)

// A cluster is ready where it answers at all: that it hides its version is no fault.
func TestPingTellsWhetherTheAPIServerServes(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		answer func(w http.ResponseWriter)
		about  string
		class  error
		says   string
	}{
		"its version":      {func(w http.ResponseWriter) { answerWith(w, object{"gitVersion": "v1.34.1"}) }, "Kubernetes v1.34.1", nil, ""},
		"no version":       {func(w http.ResponseWriter) { answerWith(w, object{}) }, "Kubernetes", nil, ""},
		"a denial":         {func(w http.ResponseWriter) { w.WriteHeader(403); _, _ = io.WriteString(w, `{"gitVersion":"v0"}`) }, "Kubernetes", nil, ""},
		"a page":           {func(w http.ResponseWriter) { _, _ = io.WriteString(w, "<html>") }, "Kubernetes", nil, ""},
		"unknown identity": {func(w http.ResponseWriter) { fail(w, 401, "Unauthorized", "Unauthorized", nil) }, "Kubernetes", sinks.ErrDenied, "expired"},
		"it starts":        {func(w http.ResponseWriter) { fail(w, 500, "InternalError", "starting", nil) }, "Kubernetes", sinks.ErrUnavailable, "HTTP 500"},
		"it is overloaded": {func(w http.ResponseWriter) { w.WriteHeader(503) }, "Kubernetes", sinks.ErrUnavailable, "HTTP 503"},
		"it hangs up":      {func(http.ResponseWriter) { panic(http.ErrAbortHandler) }, "Kubernetes", sinks.ErrUnavailable, "check the version"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t, func(_ int, w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/version" {
					t.Errorf("asked for %s", r.URL)
				}
				w.Header().Set("Date", now.Format(http.TimeFormat))
				c.answer(w)
			})
			server, err := f.conn(t).open(t).Ping(t.Context())
			if (err == nil) != (c.class == nil) ||
				c.class != nil && (!errors.Is(err, c.class) || !strings.Contains(err.Error(), c.says)) {
				t.Errorf("Ping = %v", err)
			}
			if server.About != c.about || server.Address != f.URL {
				t.Errorf("it is %q at %q", server.About, server.Address)
			}
			if name != "it hangs up" && (!server.Date.Equal(now) || !server.CertificateEnds.Equal(f.Certificate().NotAfter)) {
				t.Errorf("its clock says %v, its certificate ends at %v", server.Date, server.CertificateEnds)
			}
		})
	}
}
