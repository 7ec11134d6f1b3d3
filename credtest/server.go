package credtest

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/credsync/credsync/internal/upstream"
	"github.com/credsync/credsync/providers/described"
)

// sent is a request as the provider made it.
type sent struct {
	label  string
	method string
	url    *url.URL
	header http.Header
	body   string
}

// server gives recorded answers to requests of any host.
type server struct {
	http    *http.Server
	address string
	// answer gives an answer to the request, the n-th of all from 0.
	answer func(w http.ResponseWriter, n int, label string)

	mu       sync.Mutex
	requests []sent
}

// The headers by which the transport tells the server what was asked for.
const (
	originalURL  = "X-Credtest-Url"
	requestLabel = "X-Credtest-Label"
)

func startServer(ctx context.Context, answer func(w http.ResponseWriter, n int, label string)) (*server, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("could not start the server of recorded answers: %w", err)
	}
	s := &server{address: listener.Addr().String(), answer: answer}
	s.http = &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = s.http.Serve(listener) }()
	return s, nil
}

func (s *server) close() { _ = s.http.Close() }

// ServeHTTP implements http.Handler.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return
	}
	original, err := url.Parse(r.Header.Get(originalURL))
	if err != nil {
		original = r.URL
	}
	label := r.Header.Get(requestLabel)
	r.Header.Del(originalURL)
	r.Header.Del(requestLabel)
	s.mu.Lock()
	n := len(s.requests)
	s.requests = append(
		s.requests,
		sent{label: label, method: r.Method, url: original, header: r.Header, body: string(body)},
	)
	s.mu.Unlock()
	s.answer(w, n, label)
}

func (s *server) taken() []sent {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests
}

// toServer sends every request to the server, whatever host it is for. What lies below is
// what real requests go through.
type toServer struct {
	next    http.RoundTripper
	address string
}

func (t toServer) RoundTrip(r *http.Request) (*http.Response, error) {
	to := r.Clone(r.Context())
	to.Header.Set(originalURL, r.URL.String())
	to.Header.Set(requestLabel, described.LabelOf(r.Context()))
	to.URL.Scheme, to.URL.Host, to.Host = "http", t.address, r.URL.Host
	return t.next.RoundTrip(to)
}

// client is what a provider sends by.
func (s *server) client(attempts int) (*http.Client, func(), error) {
	pool := upstream.NewPool(upstream.PoolOptions{Pause: func(time.Duration) time.Duration { return 0 }})
	c, err := pool.Client(upstream.Options{BaseURL: "http://" + s.address, Timeout: 10 * time.Second, MaxAttempts: attempts})
	if err != nil {
		return nil, nil, fmt.Errorf("could not set up the client of the tests: %w", err)
	}
	c.Transport = toServer{next: c.Transport, address: s.address}
	return c, pool.Close, nil
}
