package vault

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"sync"

	"github.com/credsync/credsync/sinks"
	"github.com/hashicorp/vault/api"
)

// A standby node can answer with a redirect to the active one. Of these one is
// followed, as the vault program does it, with the token and what is to be
// written. One that is left after that must not be taken for an answer.

// errRedirect is a redirect that was not followed.
var errRedirect = errors.New("the answer is a redirect")

// refuseRedirect makes an answer that is a redirect fail where it is read.
func refuseRedirect(r *api.Response) {
	if r.StatusCode >= http.StatusMultipleChoices && r.StatusCode < http.StatusBadRequest {
		_ = r.Body.Close()
		r.Body = redirectBody{}
	}
}

type redirectBody struct{}

func (redirectBody) Read([]byte) (int, error) { return 0, errRedirect }
func (redirectBody) Close() error             { return nil }

// redirectElsewhere is a redirect to a host that is not known to be of the cluster.
type redirectElsewhere struct {
	// to is that host's URL, without a path.
	to string
	// vault says that what redirects is a Vault, so that the nodes may just be
	// electing; otherwise it is something in between.
	vault bool
}

func (a redirectElsewhere) Error() string {
	if a.vault {
		return fmt.Sprintf("a redirect to %s, which is not the active node that this Vault reports: an election may be in progress; run credsync again, or correct api_addr of its nodes", a.to)
	}
	return fmt.Sprintf("a redirect to %s, which no Vault node reports as the active node, so credsync did not send the token there: check address, and that no proxy answers in its place", a.to)
}

// errDowngrade is a redirect that gives TLS up.
var errDowngrade = errors.New("a redirect from https to http, which would send the token in plain text: correct api_addr of that Vault server, or address")

// activeNodeGone is an active node that does not answer.
type activeNodeGone struct {
	// node is its URL, without a path.
	node string
	err  error
}

func (g activeNodeGone) Error() string {
	return fmt.Sprintf("it redirects to the active node, %s, which does not answer: %v", g.node, g.err)
}

func (g activeNodeGone) Unwrap() error { return g.err }

// redirectFollower follows a redirect; to another host only where the configured
// address names that host as the active node. Vault tells that without a token.
// Otherwise the page of a login somewhere on the way would get the token.
//
// It stands below what tries again, so that each try begins at the configured
// address: while the nodes elect, a standby sends on to one that is gone.
type redirectFollower struct {
	next http.RoundTripper
	// prefix of the API's paths, from the address.
	prefix string
	// known holds the hosts that were once named.
	known sync.Map
}

// RoundTrip implements http.RoundTripper.
func (f *redirectFollower) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := f.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	to := redirectTarget(req, resp)
	if to == nil {
		return resp, nil
	}
	_ = resp.Body.Close()
	host := to.Scheme + "://" + to.Host
	if err := f.check(req, to, host); err != nil {
		return nil, err
	}
	onward := req.Clone(req.Context())
	onward.URL, onward.Host = to, ""
	if req.GetBody != nil {
		if onward.Body, err = req.GetBody(); err != nil {
			return nil, err
		}
	}
	if resp, err = f.next.RoundTrip(onward); err != nil {
		return nil, activeNodeGone{host, err}
	}
	return resp, nil
}

// redirectTarget is where an answer redirects a request to; nil where it does not, or
// not in a way that repeats the request.
func redirectTarget(req *http.Request, resp *http.Response) *url.URL {
	switch resp.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusTemporaryRedirect:
	default:
		return nil
	}
	if req.Body != nil && req.GetBody == nil {
		return nil
	}
	to, err := resp.Location()
	if err != nil {
		return nil
	}
	return to
}

// check refuses a redirect that would show the token to others.
func (f *redirectFollower) check(req *http.Request, to *url.URL, host string) error {
	if req.URL.Scheme == "https" && to.Scheme != "https" {
		return errDowngrade
	}
	if _, ok := f.known.Load(host); ok || !leavesHost(req.URL, to) {
		return nil
	}
	active, vault := f.activeNode(req)
	if active != host {
		return redirectElsewhere{to: host, vault: vault}
	}
	f.known.Store(host, nil)
	return nil
}

// leavesHost reports whether a redirect is to another server. One from plain
// HTTP to TLS on the same host is not.
func leavesHost(from, to *url.URL) bool {
	if from.Scheme == to.Scheme && from.Host == to.Host {
		return false
	}
	return to.Scheme != "https" || from.Hostname() != to.Hostname()
}

// maxLeader is far above what Vault says of its active node, in bytes.
const maxLeader = 64 << 10

// activeNode asks the server that a request went to for the active node, as
// scheme and host; "" where it names none. vault is false where the answer is
// not one of a Vault with several nodes.
func (f *redirectFollower) activeNode(req *http.Request) (address string, vault bool) {
	ask := req.Clone(req.Context())
	ask.Method, ask.Body, ask.GetBody, ask.ContentLength = http.MethodGet, nil, nil, 0
	ask.URL.Path, ask.URL.RawPath, ask.URL.RawQuery = path.Join("/", f.prefix, "v1/sys/leader"), "", ""
	// This is a question of no namespace.
	for _, name := range []string{api.AuthHeaderName, api.NamespaceHeaderName, "X-Vault-Wrap-TTL", "Content-Type"} {
		ask.Header.Del(name)
	}
	resp, err := f.next.RoundTrip(ask)
	if err != nil {
		return "", false
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxLeader))
	var leader api.LeaderResponse
	if err != nil || resp.StatusCode != http.StatusOK || json.Unmarshal(body, &leader) != nil || !leader.HAEnabled {
		return "", false
	}
	u, err := url.Parse(leader.LeaderAddress)
	if err != nil || u.Host == "" {
		return "", true
	}
	return u.Scheme + "://" + u.Host, true
}

// redirectError describes a request that failed for a redirect; nil for others.
func redirectError(err error, r request) error {
	var away redirectElsewhere
	var node activeNodeGone
	switch {
	case errors.As(err, &node):
		return fmt.Errorf("%s: %w: %w; %s", r, sinks.ErrUnavailable, node, advice(node.err, "run credsync again: if that node is down, another one takes over within seconds"))
	case errors.As(err, &away) && away.vault:
		return fmt.Errorf("%s: %w: the answer is %w", r, sinks.ErrUnavailable, away)
	case errors.As(err, &away):
		return fmt.Errorf("%s: the answer is %w", r, away)
	case errors.Is(err, errDowngrade):
		return fmt.Errorf("%s: the answer is %w", r, errDowngrade)
	case errors.Is(err, errRedirect):
		return fmt.Errorf("%s: the answer is a redirect, and credsync follows only one, from a standby node to the active node: check address, and that no proxy with a login page is in between", r)
	}
	return nil
}

// isPermanentRedirect reports whether a redirect that was not followed will be met again.
func isPermanentRedirect(err error) bool {
	var away redirectElsewhere
	return errors.Is(err, errDowngrade) || errors.As(err, &away) && !away.vault
}
