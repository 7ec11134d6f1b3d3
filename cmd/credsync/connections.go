package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"sync"

	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/internal/upstream"
	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/state"
)

// connections makes each sink once: data blocks, the state and the targets
// share its login.
type connections struct {
	env sinks.Env

	mu   sync.Mutex
	made map[*config.Sink]connection
	// earlier are those of an earlier reading of the configuration, by the names
	// of their sinks: they are used again where the block has stayed the same.
	earlier map[string]earlierConnection
}

// earlierConnection is a connection and the block that it was made of.
type earlierConnection struct {
	block *config.Sink
	connection
}

// forNextReading returns connections for another reading of the configuration, which
// continue with the logins of these.
func (c *connections) forNextReading() *connections {
	c.mu.Lock()
	defer c.mu.Unlock()
	next := &connections{env: c.env, earlier: maps.Clone(c.earlier)}
	if next.earlier == nil {
		next.earlier = make(map[string]earlierConnection, len(c.made))
	}
	for block, made := range c.made {
		if made.err == nil {
			next.earlier[block.Name] = earlierConnection{block, made}
		}
	}
	return next
}

type connection struct {
	sink sinks.Sink
	err  error
}

// open returns the sink of a block; it contacts nothing yet.
func (c *connections) open(s *config.Sink) (sinks.Sink, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if made, ok := c.made[s]; ok {
		return made.sink, made.err
	}
	sink, err := c.make(s)
	if c.made == nil {
		c.made = make(map[*config.Sink]connection)
	}
	c.made[s] = connection{sink, err}
	return sink, err
}

func (c *connections) make(s *config.Sink) (sinks.Sink, error) {
	if k, ok := c.earlier[s.Name]; ok && k.block.Spec.Type == s.Spec.Type && k.block.Values.Equal(s.Values) {
		return k.sink, nil
	}
	sink, err := s.Spec.New(s.Values, c.env)
	if err != nil {
		err = fmt.Errorf("set up sink %s: %w", s.Name, err)
	}
	return sink, err
}

func (c *connections) store(project string, s *config.State) (*state.Store, error) {
	if s == nil {
		return nil, errors.New("the state has no location; declare a state block")
	}
	sink, err := c.open(s.Sink)
	if err != nil {
		return nil, err
	}
	return state.NewStore(sink, project, s.Record), nil
}

// accountClients returns the function that makes an account's HTTP client, as its
// http block says.
func (a *app) accountClients(pool *upstream.Pool) func(*config.Account) (*http.Client, error) {
	log := a.log.Named("upstream")
	return func(account *config.Account) (*http.Client, error) {
		cert, err := clientCertificate(account)
		if err != nil {
			return nil, err
		}
		o := a.upstreamOptions(account)
		o.ClientCertificate = cert
		if o.Log = log; log.IsDebug() {
			// Nothing else is logged there, and a logger for each is dear.
			o.Log = log.With("address", account.Address)
		}
		return pool.Client(o)
	}
}

// upstreamOptions is what an account's http block says, without its certificate.
func (a *app) upstreamOptions(account *config.Account) upstream.Options {
	h := account.HTTP
	return upstream.Options{
		BaseURL:           account.Values.String("base_url"),
		Allowed:           a.allowedHosts,
		AllowPlainHTTP:    h.Bool("allow_plain_http"),
		Timeout:           h.Duration("timeout"),
		MaxAttempts:       h.Int("max_attempts"),
		Proxy:             h.Secret("proxy"),
		CAPEM:             h.String("ca_pem"),
		Headers:           h.Secrets("headers"),
		RequestsPerSecond: h.Float("requests_per_second"),
		Limit:             account.Spec.Limit,
		LimitKey:          account.Address,
	}
}

func clientCertificate(a *config.Account) (*tls.Certificate, error) {
	if a.Spec.ClientCertificate == nil {
		return nil, nil
	}
	return a.Spec.ClientCertificate(a.Values)
}
