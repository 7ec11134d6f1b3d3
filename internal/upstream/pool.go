package upstream

import (
	"crypto/tls"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/internal/crashpoint"
	"github.com/credsync/credsync/internal/httpsettings"
	"github.com/hashicorp/go-hclog"
	"golang.org/x/time/rate"
)

// PoolOptions are what all clients of a Pool share.
type PoolOptions struct {
	// Now is the clock; time.Now if nil.
	Now func() time.Time
	// OnSkew is called at most once per host, with how far the upstream's
	// clock is ahead of ours, where that is more than a minute either way.
	OnSkew func(host string, skew time.Duration)
	// Pause maps the pause before a retry to the one that is made, so that
	// tests need not wait; nil makes every pause as it is.
	Pause func(time.Duration) time.Duration
}

// Pool makes HTTP clients that share connections, rate limits and what is
// known of hosts that do not answer. It is safe
// for concurrent use.
type Pool struct {
	opts PoolOptions

	mu         sync.Mutex
	transports map[transportKey]*http.Transport
	limiters   map[limitKey]*rate.Limiter
	breakers   map[breakerKey]*breaker
	skewed     map[string]bool
}

// NewPool returns an empty pool.
func NewPool(o PoolOptions) *Pool {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.OnSkew == nil {
		o.OnSkew = func(string, time.Duration) {}
	}
	if o.Pause == nil {
		o.Pause = func(d time.Duration) time.Duration { return d }
	}
	return &Pool{
		opts:       o,
		transports: map[transportKey]*http.Transport{},
		limiters:   map[limitKey]*rate.Limiter{},
		breakers:   map[breakerKey]*breaker{},
		skewed:     map[string]bool{},
	}
}

// Close drops the idle connections.
func (p *Pool) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, t := range p.transports {
		t.CloseIdleConnections()
	}
}

// Options say how one account's requests are sent: its http block.
type Options struct {
	// BaseURL of the upstream; see CheckBaseURL. Empty for an account whose requests, if
	// there are any, have addresses of their own.
	BaseURL string
	// AllowPlainHTTP lets BaseURL be http:// for a host that is not loopback.
	AllowPlainHTTP bool
	// Allowed are the only hosts that may be connected to; nil for any.
	Allowed *httpsettings.AllowedHosts
	// Timeout of one attempt, from connecting to the answer's last byte;
	// httpsettings.DefaultTimeout if 0.
	Timeout time.Duration
	// MaxAttempts counts the first attempt too; httpsettings.DefaultMaxAttempts if
	// 0. A GET on a kept-alive connection that turns out to be closed is sent once
	// more by net/http, which is not counted.
	MaxAttempts int
	// Proxy is the URL of an HTTP(S) or SOCKS5 proxy. Where it is not set, the
	// HTTPS_PROXY family of environment variables decides.
	Proxy credential.Secret
	// CAPEM are certificates to trust in place of the system's.
	CAPEM string
	// Headers are added to every request. One that the provider sets itself
	// is not replaced.
	Headers map[string]credential.Secret
	// RequestsPerSecond replaces Limit where it is not 0.
	RequestsPerSecond float64
	// Limit is the upstream's documented limit; the client stays below it.
	Limit Limit
	// LimitKey names what the limit counts for: clients of one host with equal
	// keys share one limiter, and the first of them sets its rate. An account's
	// address is the usual one. It also tells the accounts apart that a host
	// does not answer.
	LimitKey string
	// ClientCertificate authenticates this side of the TLS connection.
	ClientCertificate *tls.Certificate
	// Log gets one debug line per attempt; may be nil.
	Log hclog.Logger
}

// Client returns a client for those options. It fails with a *failure.Error
// of class Config that names the attribute which is wrong.
//
// Redirects are not followed. Answers are at most 1 MiB and arrive whole or
// not at all. While a host answers none of several accounts, most requests to
// it fail without being sent. Use it through Send.
func (p *Pool) Client(o Options) (*http.Client, error) {
	base := &url.URL{}
	if o.BaseURL != "" {
		var err error
		if base, err = parseBaseURL(o.BaseURL, o.AllowPlainHTTP); err != nil {
			return nil, configError("base_url", err.Error())
		}
	}
	if o.Timeout <= 0 {
		o.Timeout = httpsettings.DefaultTimeout
	}
	if o.MaxAttempts <= 0 {
		o.MaxAttempts = httpsettings.DefaultMaxAttempts
	}
	if o.Log == nil {
		o.Log = hclog.NewNullLogger()
	}
	transport, err := p.transport(base.Host, o)
	if err != nil {
		return nil, err
	}
	var rt http.RoundTripper = &attempt{next: crashpoint.Transport(transport), pool: p, timeout: o.Timeout, log: o.Log}
	if l := p.limiter(base.Host, o); l != nil {
		rt = &limit{next: rt, limiter: l}
	}
	rt = newRetry(rt, p, o.MaxAttempts)
	rt = &guard{next: rt, pool: p, proxy: o.Proxy, account: o.LimitKey}
	if len(o.Headers) > 0 {
		rt = &headers{next: rt, add: o.Headers}
	}
	if o.Allowed != nil {
		rt = &allowlist{next: rt, allowed: o.Allowed}
	}
	return &http.Client{Transport: rt, CheckRedirect: neverRedirect}, nil
}

func neverRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// sawDate compares the Date of an answer with the clock.
func (p *Pool) sawDate(host string, header http.Header) {
	theirs, err := http.ParseTime(header.Get("Date"))
	if err != nil {
		return
	}
	skew := theirs.Sub(p.opts.Now())
	if skew.Abs() <= time.Minute {
		return
	}
	p.mu.Lock()
	known := p.skewed[host]
	p.skewed[host] = true
	p.mu.Unlock()
	if !known {
		p.opts.OnSkew(host, skew)
	}
}

// configError is an error about an attribute, found before anything is sent.
func configError(attribute, message string) *failure.Error {
	return &failure.Error{
		Class: failure.Config, Op: "set up the connection", Message: message,
		Advice: "Correct " + attribute + ".", Attribute: attribute,
	}
}
