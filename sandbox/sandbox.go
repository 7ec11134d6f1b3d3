package sandbox

import (
	"context"
	crand "crypto/rand"
	"errors"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"time"
)

// Options for New.
type Options struct {
	// Now is the clock; time.Now if nil.
	Now func() time.Time
	// Accounts to begin with.
	Accounts []Account
	// Seed decides which requests are hit by faults with a probability.
	Seed uint64
	// MaxHang bounds how long a timeout fault holds a request whose client
	// does not leave; a minute if 0.
	MaxHang time.Duration
}

// Sandbox is all emulated upstreams. It is safe for concurrent use.
type Sandbox struct {
	maxHang   time.Duration
	emulators []emulator
	handler   http.Handler
	key       []byte

	mu       sync.Mutex
	clock    func() time.Time
	advanced time.Duration
	random   *rand.Rand
	accounts map[string]map[string]*account
	tokens   map[string]*token
	faults   []*Fault
	observer func()
	// berekeKey is the number of the key pair in use; see BerekePublicKey.
	berekeKey int

	servers   []*http.Server
	url       string
	tlsURL    string
	authority *authority
}

// New makes a sandbox. It panics on an account that SetAccount would refuse.
func New(o Options) *Sandbox {
	s := &Sandbox{
		maxHang: o.MaxHang, clock: o.Now, key: []byte(crand.Text()),
		random:   rand.New(rand.NewPCG(o.Seed, o.Seed)),
		accounts: map[string]map[string]*account{}, tokens: map[string]*token{},
		emulators: emulators(),
	}
	if s.clock == nil {
		s.clock = time.Now
	}
	s.authority = newAuthority(s.clock())
	if s.maxHang == 0 {
		s.maxHang = time.Minute
	}
	for _, a := range o.Accounts {
		if err := s.SetAccount(a); err != nil {
			panic("sandbox: " + err.Error())
		}
	}
	mux := http.NewServeMux()
	for _, e := range s.emulators {
		mux.Handle("/"+e.name+"/", http.StripPrefix("/"+e.name, s.serve(e)))
	}
	mux.Handle("/_control/", s.control())
	s.handler = s.dated(mux)
	return s
}

// emulators lists the upstreams, in the order in which they are shown.
func emulators() []emulator {
	return []emulator{invoicebox(), sagi(), bereke(), bifitKassa(), astanaPlat(),
		loyalty(), veeva(), gitlab(), github()}
}

// Handler serves all upstreams and the control API.
func (s *Sandbox) Handler() http.Handler { return s.handler }

// Upstreams returns their names.
func (s *Sandbox) Upstreams() []string {
	var names []string
	for _, e := range s.emulators {
		names = append(names, e.name)
	}
	return names
}

// Start listens at a loopback address such as "127.0.0.1:0" and serves until
// Close. It is called at most once.
func (s *Sandbox) Start(address string) error {
	listener, err := listen(address)
	if err != nil {
		return err
	}
	s.url = "http://" + listener.Addr().String()
	s.serveAt(listener)
	return nil
}

func listen(address string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(address)
	if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsLoopback() {
		return nil, fmt.Errorf("cannot listen at %q: the sandbox serves this machine only; use an address such as \"127.0.0.1:0\"", address)
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("cannot listen: %w", err)
	}
	return listener, nil
}

func (s *Sandbox) serveAt(listener net.Listener) {
	server := &http.Server{Handler: s.handler, ReadHeaderTimeout: 10 * time.Second, ErrorLog: log.New(io.Discard, "", 0)}
	s.servers = append(s.servers, server)
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			panic("sandbox: the server failed: " + err.Error())
		}
	}()
}

// URL returns the base URL of an upstream, or of all if upstream is "".
func (s *Sandbox) URL(upstream string) string {
	if upstream == "" {
		return s.url
	}
	return s.url + "/" + upstream
}

// Close stops serving. Requests under way get a second to end.
func (s *Sandbox) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	var errs []error
	for _, server := range s.servers {
		if server.Shutdown(ctx) != nil {
			errs = append(errs, server.Close())
		}
	}
	return errors.Join(errs...)
}

// OnReceived has f called at each request, once it is counted and before it is
// answered, until the function that is returned is called.
func (s *Sandbox) OnReceived(f func()) (stop func()) {
	set := func(f func()) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.observer = f
	}
	set(f)
	return func() { set(nil) }
}

// Advance moves the sandbox's clock forward and returns its time.
func (s *Sandbox) Advance(d time.Duration) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.advanced += d
	return s.now()
}

// now is the sandbox's time. Callers hold the mutex.
func (s *Sandbox) now() time.Time { return s.clock().Add(s.advanced) }
