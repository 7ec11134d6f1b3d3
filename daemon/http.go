package daemon

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Bounds of the server, which answers from memory.
const (
	readWithin  = 5 * time.Second
	writeWithin = 30 * time.Second
	idleWithin  = 2 * time.Minute
	maxHeader   = 16 << 10
)

// contentPolicy lets nothing be loaded. A page with styles sets its own.
const contentPolicy = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// Handler serves /metrics, /healthz and /readyz, and page at /; nil has only
// a pointer to the others there. There is nothing that could be changed by it,
// and no secret.
func (d *Daemon) Handler(page http.Handler) http.Handler {
	if page == nil {
		page = http.HandlerFunc(listOfPaths)
	}
	mux := http.NewServeMux()
	mux.Handle("/{$}", page)
	mux.Handle("/metrics", promhttp.HandlerFor(d.Metrics.Registry(true), promhttp.HandlerOpts{}))
	mux.HandleFunc("/healthz", probe(d.Alive))
	mux.HandleFunc("/readyz", probe(d.Ready))
	return readsOnly(mux)
}

func listOfPaths(w http.ResponseWriter, _ *http.Request) {
	plainText(w, http.StatusOK, "credsync is running.\n\n/metrics  metrics for Prometheus\n/healthz  liveness: the process is working\n/readyz   readiness: it can do its work, or why it cannot\n")
}

// probe answers 200, or 503 and why.
func probe(check func() error) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if err := check(); err != nil {
			plainText(w, http.StatusServiceUnavailable, err.Error()+"\n")
			return
		}
		plainText(w, http.StatusOK, "ok\n")
	}
}

func plainText(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	// A reader that has left is no concern of ours.
	_, _ = io.WriteString(w, text)
}

// readsOnly lets only reads through and tells browsers to be strict.
func readsOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", contentPolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			h.Set("Allow", "GET, HEAD")
			plainText(w, http.StatusMethodNotAllowed, "only GET and HEAD are allowed\n")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// Serve answers on a listener until ctx ends.
func Serve(ctx context.Context, l net.Listener, h http.Handler) error {
	server := &http.Server{
		Handler: h, ReadTimeout: readWithin, ReadHeaderTimeout: readWithin, WriteTimeout: writeWithin,
		IdleTimeout:    idleWithin,
		MaxHeaderBytes: maxHeader, ErrorLog: log.New(io.Discard, "", 0),
	}
	stopped := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stopped()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve at %s: %w", l.Addr(), err)
	}
	return nil
}
