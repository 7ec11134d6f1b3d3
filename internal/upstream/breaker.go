package upstream

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/credsync/credsync/credential"
)

// A host that answers nobody would make each of thousands of accounts pay all
// its attempts with their pauses. So after some requests in a row, of several
// accounts, that ended with no answer though each was tried as often as it may
// be, the rest fail at once; now and then one is let through to look.
const (
	// breakAfter is how many requests in a row must have ended so, and
	// breakAccounts of how many accounts: what is wrong with one account's
	// connection says nothing of the others.
	breakAfter    = 5
	breakAccounts = 3
	// probeEvery is the time between two requests that are let through.
	probeEvery = 15 * time.Second
)

// breaker watches one host, reached by one way, for all accounts.
type breaker struct {
	host string
	now  func() time.Time

	mu sync.Mutex
	// failures in a row, and whose they were.
	failures int
	accounts map[string]bool
	// probing says that a request was let through and has not ended; lastAt is
	// when the last of them, or the last failure, did.
	probing bool
	lastAt  time.Time
}

// breakerKey tells the ways to a host apart: through another proxy it may be
// within reach.
type breakerKey struct {
	host  string
	proxy [sha256.Size]byte
}

func (p *Pool) breaker(host string, proxy credential.Secret) *breaker {
	key := breakerKey{host: host, proxy: sha256.Sum256([]byte(proxy.Reveal()))}
	p.mu.Lock()
	defer p.mu.Unlock()
	b, ok := p.breakers[key]
	if !ok {
		b = &breaker{host: host, now: p.opts.Now, accounts: map[string]bool{}}
		p.breakers[key] = b
	}
	return b
}

// errSilent is what a request ends with that was not sent, since the host has
// answered nobody for a while.
type errSilent struct {
	host     string
	accounts int
}

func (e errSilent) Error() string {
	return fmt.Sprintf("nothing was sent, because %s has just failed to answer %d other accounts", e.host, e.accounts)
}

// admit lets an account's request through or returns errSilent. With probe set,
// its end decides for the others.
func (b *breaker) admit(account string) (probe bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.failures < breakAfter || len(b.accounts) < breakAccounts {
		return false, nil
	}
	if b.probing || b.now().Sub(b.lastAt).Abs() < probeEvery {
		others := len(b.accounts)
		if b.accounts[account] {
			others--
		}
		return false, errSilent{host: b.host, accounts: others}
	}
	b.probing = true
	return true, nil
}

// saw takes in how an account's request ended.
func (b *breaker) saw(ctx context.Context, account string, probe bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if probe {
		b.probing = false
	}
	switch {
	case ctx.Err() != nil || errors.Is(err, errLimited{}):
		// It was given up by this side, which says nothing of the host.
	case silence(err):
		b.failures++
		b.accounts[account] = true
		b.lastAt = b.now()
	default:
		b.failures = 0
		clear(b.accounts)
	}
}

// silence reports whether a failure means that the host cannot be reached or
// does not answer. One that breaks connections is there, and the next try may
// fare better.
func silence(err error) bool {
	var dns *net.DNSError
	var op *net.OpError
	var timeout net.Error
	return errors.Is(err, errTimeout) || errors.As(err, &timeout) && timeout.Timeout() || errors.As(err, &dns) ||
		errors.As(err, &op) && (op.Op == "dial" || op.Op == "proxyconnect")
}

// guard keeps one account's requests from a host that is known to be silent.
type guard struct {
	next    http.RoundTripper
	pool    *Pool
	proxy   credential.Secret
	account string
}

func (g *guard) RoundTrip(req *http.Request) (*http.Response, error) {
	b := g.pool.breaker(req.URL.Host, g.proxy)
	probe, err := b.admit(g.account)
	if err != nil {
		return nil, err
	}
	resp, err := g.next.RoundTrip(req)
	b.saw(req.Context(), g.account, probe, err)
	return resp, err
}
