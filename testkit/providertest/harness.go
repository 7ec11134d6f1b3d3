package providertest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/internal/upstream"
	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/sandbox"
	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/testkit/output"
	"github.com/hashicorp/go-hclog"
	"github.com/zclconf/go-cty/cty"
)

const version = "1.2.3"

// maxAttempts is how often a request is sent that may be repeated.
const maxAttempts = 3

// Harness is one provider configured for an account of a sandbox of its own.
type Harness struct {
	Sandbox  *sandbox.Sandbox
	Provider providers.Provider

	target   Target
	base     string
	recorder *recorder
	log      *output.Buffer
	timeout  time.Duration
	attrs    map[string]cty.Value
	previous credential.Outputs
	// between changes answers on their way; nil for none.
	between *between
	// last is the token that failOn works with.
	last credential.Token
}

// Option changes a Harness before its provider is made.
type Option func(*Harness)

// WithAttributes lays attributes over those of the Target.
func WithAttributes(a map[string]cty.Value) Option {
	return func(h *Harness) { maps.Copy(h.attrs, a) }
}

// WithPrevious sets the outputs of the account's last token.
func WithPrevious(o credential.Outputs) Option {
	return func(h *Harness) { h.previous = o }
}

func withTimeout(d time.Duration) Option { return func(h *Harness) { h.timeout = d } }

// New starts a sandbox with the target's account and makes the provider.
func New(t *testing.T, target Target, options ...Option) *Harness {
	t.Helper()
	h := &Harness{
		target: target, attrs: maps.Clone(target.Attributes), log: &output.Buffer{},
		Sandbox: sandbox.New(sandbox.Options{Accounts: []sandbox.Account{target.Account}}),
	}
	for _, o := range options {
		o(h)
	}
	start := h.Sandbox.Start
	if target.TLS {
		start = h.Sandbox.StartTLS
	}
	if err := start("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	h.base = h.Sandbox.URL(target.Spec.Name)
	if target.TLS {
		h.base = h.Sandbox.TLSURL(target.Spec.Name)
	}
	if h.between != nil {
		h.base = h.between.serve(t, h.base)
	}
	pool := upstream.NewPool(upstream.PoolOptions{Pause: func(time.Duration) time.Duration { return 0 }})
	t.Cleanup(func() {
		pool.Close()
		if err := h.Sandbox.Close(); err != nil {
			t.Error(err)
		}
	})
	h.configure(t, pool)
	return h
}

// configure makes the provider and its client.
func (h *Harness) configure(t *testing.T, pool *upstream.Pool) {
	t.Helper()
	var blocks map[string][]schema.Values
	if h.target.Blocks != nil {
		blocks = h.target.Blocks(t, h.Sandbox)
	}
	h.attrs["base_url"] = cty.StringVal(h.base)
	values := schema.NewValues(h.target.Spec.Block(), "", h.attrs, blocks)
	logger := hclog.New(&hclog.LoggerOptions{Level: hclog.Trace, Output: h.log})
	options := upstream.Options{BaseURL: h.base, Timeout: h.timeout, MaxAttempts: maxAttempts, Log: logger}
	if h.target.TLS {
		options.CAPEM = h.Sandbox.CAPEM()
	}
	if f := h.target.Spec.ClientCertificate; f != nil {
		cert, err := f(values)
		if err != nil {
			t.Fatalf("ClientCertificate: %v", err)
		}
		options.ClientCertificate = cert
	}
	client, err := pool.Client(options)
	if err != nil {
		t.Fatal(err)
	}
	h.recorder = &recorder{next: client.Transport}
	client.Transport = h.recorder
	h.Provider, err = h.target.Spec.New(values, providers.Env{
		Client: client, Now: time.Now, Previous: h.previous, Log: logger, Version: version,
	})
	if err != nil {
		t.Fatalf("New: %v", err)
	}
}

// Login logs in and fails the test if that fails.
func (h *Harness) Login(t *testing.T) credential.Token {
	t.Helper()
	token, err := h.Provider.Login(t.Context())
	if err != nil {
		t.Fatalf("Login: %v", err)
	}
	return token
}

// Verify verifies and returns the outputs, laid over the token's.
func (h *Harness) Verify(ctx context.Context, token credential.Token) (credential.Outputs, error) {
	v, ok := h.Provider.(providers.Verifier)
	if !ok {
		return token.Outputs, nil
	}
	out, err := v.Verify(ctx, token)
	return token.Outputs.Merge(out), err
}

// Do does an operation with a token; a login needs none.
func (h *Harness) Do(ctx context.Context, op string, token credential.Token) (credential.Token, error) {
	switch op {
	case sandbox.OpLogin:
		return h.Provider.Login(ctx)
	case sandbox.OpRefresh:
		return h.Provider.(providers.Refresher).Refresh(ctx, token)
	}
	out, err := h.Verify(ctx, token)
	token.Outputs = out
	return token, err
}

// prepare logs in if the operation needs a token.
func (h *Harness) prepare(t *testing.T, op string) credential.Token {
	t.Helper()
	if op == sandbox.OpLogin {
		return credential.Token{}
	}
	return h.Login(t)
}

// count returns how often the upstream received an operation.
func (h *Harness) received(op string) int {
	name := h.target.Spec.Name
	c := h.Sandbox.Counters(name, h.target.Account.Name)
	switch op {
	case sandbox.OpLogin:
		return c.Logins.Received
	case sandbox.OpRefresh:
		return c.Refreshes.Received
	}
	return c.Verifications.Received
}

// once reports whether the operation must not be sent twice.
func once(op string) bool { return op != sandbox.OpVerify }

// fail does an operation that must fail, and returns the error as what it has
// to be.
func (h *Harness) fail(t *testing.T, op string, token credential.Token) *failure.Error {
	t.Helper()
	_, err := h.Do(t.Context(), op, token)
	if err == nil {
		t.Fatalf("%s succeeded", op)
	}
	h.checkHidden(t, err, token)
	var e *failure.Error
	if !errors.As(err, &e) {
		t.Fatalf("%s failed with %T, want *failure.Error", op, err)
	}
	if e.Op == "" || e.URL == "" || e.Message == "" || e.Advice == "" {
		t.Errorf("the error must say what was done, where, what happened and what to do: %+v", *e)
	}
	if strings.ContainsAny(e.URL, "?@") {
		t.Errorf("the error's URL has a query or user info: %s", e.URL)
	}
	return e
}

// checkHidden fails the test if a secret is in the error or in the log.
func (h *Harness) checkHidden(t *testing.T, err error, token credential.Token) {
	t.Helper()
	shown := fmt.Sprintf("%v\n%+v\n%#v\n%s", err, err, err, h.log.String())
	var e *failure.Error
	if errors.As(err, &e) {
		shown += fmt.Sprintf("\n%+v\n%#v", *e, *e)
	}
	secrets := append([]string{token.Access.Reveal(), token.Refresh.Reveal()}, h.target.Secrets...)
	for i, secret := range secrets {
		quoted := strconv.Quote(secret)
		if secret != "" && (strings.Contains(shown, secret) || strings.Contains(shown, quoted[1:len(quoted)-1])) {
			t.Errorf("secret %d is in the error or the log", i)
		}
	}
}

// recorder keeps the requests that a provider makes.
type recorder struct {
	next http.RoundTripper
	mu   sync.Mutex
	seen []recorded
}

type recorded struct {
	request *http.Request
	body    string
}

func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	var body []byte
	if req.Body != nil {
		var err error
		if body, err = io.ReadAll(req.Body); err != nil {
			return nil, err
		}
		req.Body = io.NopCloser(bytes.NewReader(body))
	}
	r.mu.Lock()
	r.seen = append(r.seen, recorded{request: req.Clone(context.Background()), body: string(body)})
	r.mu.Unlock()
	return r.next.RoundTrip(req)
}

func (r *recorder) take() []recorded {
	r.mu.Lock()
	defer r.mu.Unlock()
	seen := r.seen
	r.seen = nil
	return seen
}
