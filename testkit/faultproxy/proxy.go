// Package faultproxy stands between a client and a real server and damages a
// part of what goes through: it turns requests away, breaks connections, cuts
// answers short and answers nonsense, before the server has processed a request
// or after.
//
// Which exchange is damaged, and how, depends on nothing but the seed, on what
// is asked for and on how often that was asked for before. So a schedule of
// faults can be repeated though requests come in another order.
package faultproxy

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// maxBody bounds a request and an answer.
const maxBody = 16 << 20

// Options for Start.
type Options struct {
	// Target is the URL of the server; the request's path is added to it.
	Target string
	// Transport reaches it; a plain one if nil.
	Transport http.RoundTripper
	// Seed makes the schedule; Rate is the share of the requests that is
	// damaged, from 0 to 1.
	Seed uint64
	Rate float64
	// Kinds are the faults to choose from; AllKinds if empty.
	Kinds []Kind
	// Prefixed says that the first part of each path tells whose request it is
	// and is taken off before the request goes on.
	Prefixed bool
	// Damage, where it is not nil, picks the fault of a request in place of
	// the schedule; "" for none.
	Damage func(*Exchange) Kind
	// Observe gets every exchange at its end; may be nil. It is called from
	// several goroutines, and before the client has the last of the answer.
	Observe func(*Exchange)
}

// Exchange is a request with what came of it.
type Exchange struct {
	// Whose is the prefix of the path; "" without Options.Prefixed.
	Whose  string
	Method string
	// Path as the server gets it, and its query.
	Path, Query string
	Header      http.Header
	Body        []byte
	// Fault that hit it; "" for none.
	Fault Kind
	// Processed says that the server got the request and answered. Status and
	// Answer are its answer.
	Processed bool
	Status    int
	Answer    []byte
	// At is when the request came, by the time of this machine.
	At time.Time
}

// Intact reports whether the client got the server's answer as it was given.
func (x *Exchange) Intact() bool { return x.Processed && (x.Fault == "" || x.Fault == Slow) }

// Proxy is a running one.
type Proxy struct {
	opts   Options
	target *url.URL
	server *http.Server
	url    string

	mu      sync.Mutex
	quiet   bool
	counts  map[string]uint64
	damaged map[Kind]int
	total   int
}

// Start serves at a free port of this machine until Close.
func Start(o Options) (*Proxy, error) {
	target, err := url.Parse(o.Target)
	if err != nil {
		return nil, fmt.Errorf("start a fault proxy: %w", err)
	}
	if o.Transport == nil {
		o.Transport = &http.Transport{}
	}
	if len(o.Kinds) == 0 {
		o.Kinds = AllKinds
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start a fault proxy: %w", err)
	}
	p := &Proxy{
		opts:    o,
		target:  target,
		url:     "http://" + listener.Addr().String(),
		counts:  map[string]uint64{},
		damaged: map[Kind]int{},
	}
	p.server = &http.Server{Handler: p, ReadHeaderTimeout: 10 * time.Second, ErrorLog: log.New(io.Discard, "", 0)}
	go func() { _ = p.server.Serve(listener) }()
	return p, nil
}

// URL is where the proxy is.
func (p *Proxy) URL() string { return p.url }

// Close stops serving and breaks what is under way.
func (p *Proxy) Close() error { return p.server.Close() }

// Quiet ends the faults, or lets them go on.
func (p *Proxy) Quiet(quiet bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.quiet = quiet
}

// Counts returns how many exchanges there were and how many were damaged.
func (p *Proxy) Counts() (total, damaged int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, n := range p.damaged {
		damaged += n
	}
	return p.total, damaged
}

// ServeHTTP implements http.Handler.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		abort(w)
		return
	}
	x := &Exchange{
		Method: r.Method,
		Path:   r.URL.EscapedPath(),
		Query:  r.URL.RawQuery,
		Header: r.Header.Clone(),
		Body:   body,
		At:     time.Now(),
	}
	if p.opts.Prefixed {
		x.Whose, x.Path, _ = strings.Cut(strings.TrimPrefix(x.Path, "/"), "/")
		x.Path = "/" + x.Path
	}
	x.Fault = p.choose(x)
	answer := p.forward(r, x)
	if p.opts.Observe != nil {
		p.opts.Observe(x)
	}
	x.Fault.reply(w, answer)
}

// forward sends a request on, unless its fault is to keep it back. It goes on
// also when the client has left, as a server does that is at work.
func (p *Proxy) forward(r *http.Request, x *Exchange) *answer {
	switch {
	case x.Fault.before():
		return nil
	case x.Fault == Slow:
		time.Sleep(slowBy)
	}
	out, err := http.NewRequestWithContext(
		context.WithoutCancel(r.Context()),
		x.Method,
		strings.TrimRight(p.target.String(), "/")+x.Path,
		bytes.NewReader(x.Body),
	)
	if err != nil {
		return nil
	}
	out.URL.RawQuery = x.Query
	out.Header = x.Header.Clone()
	out.Header.Del("Connection")
	out.Header.Del("Proxy-Authorization")
	if len(x.Body) == 0 {
		out.Body, out.ContentLength = http.NoBody, 0
	}
	resp, err := p.opts.Transport.RoundTrip(out)
	if err != nil {
		return nil
	}
	defer func() { _ = resp.Body.Close() }()
	content, err := io.ReadAll(io.LimitReader(resp.Body, maxBody))
	if err != nil {
		return nil
	}
	x.Processed, x.Status, x.Answer = true, resp.StatusCode, content
	return &answer{status: resp.StatusCode, header: resp.Header, body: content}
}

// choose picks the fault of a request.
func (p *Proxy) choose(x *Exchange) Kind {
	key := x.Whose + " " + x.Method + " " + x.Path
	p.mu.Lock()
	defer p.mu.Unlock()
	p.total++
	n := p.counts[key]
	p.counts[key]++
	if p.quiet {
		return ""
	}
	var kind Kind
	if p.opts.Damage != nil {
		kind = p.opts.Damage(x)
	} else {
		kind = Pick(p.opts.Seed, key, n, p.opts.Rate, p.opts.Kinds)
	}
	if kind != "" {
		p.damaged[kind]++
	}
	return kind
}
