package vault

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"strings"
	"sync"

	"github.com/credsync/credsync/sinks"
	"github.com/hashicorp/vault/api"
)

// A standby node can answer with a redirect to the active one, which the API
// client follows once, with the token and what is to be written. The client
// refuses one that gives TLS up, and guard one that leads away from the cluster.
// A redirect that is left after that it takes for an answer.

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

// astray is a redirect to a host that is not known to be of the cluster.
type astray struct {
	// to is that host's URL, without a path.
	to string
	// vault says that what redirects is a Vault, so that the nodes may just be
	// electing; otherwise it is something in between.
	vault bool
}

func (a astray) Error() string {
	if a.vault {
		return fmt.Sprintf("a redirect to %s, which is not the active node that this Vault names: it may be electing one; run credsync again, or correct api_addr of its nodes", a.to)
	}
	return fmt.Sprintf("a redirect to %s, which no node of Vault names as the active one, so that the token was not sent there: check address, and that there is no proxy with a page in between", a.to)
}

// guard passes on a redirect to another host only where the configured address
// names that host as the active node. Vault tells that without a token. Without
// it the page of a login somewhere on the way would get the token.
type guard struct {
	next http.RoundTripper
	// prefix of the API's paths, from the address.
	prefix string
	// known holds the hosts that were once named.
	known sync.Map
}

// RoundTrip implements http.RoundTripper.
func (g *guard) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := g.next.RoundTrip(req)
	if err != nil || resp.StatusCode/100 != 3 {
		return resp, err
	}
	to, err := resp.Location()
	if err != nil || !leavesHost(req.URL, to) {
		return resp, nil
	}
	host := to.Scheme + "://" + to.Host
	if _, ok := g.known.Load(host); ok {
		return resp, nil
	}
	active, vault := g.activeNode(req)
	if active != host {
		_ = resp.Body.Close()
		return nil, astray{to: host, vault: vault}
	}
	g.known.Store(host, nil)
	return resp, nil
}

// leavesHost reports whether a redirect is to another server. One from plain
// HTTP to TLS on the same host is not, and one that gives TLS up is refused by
// the client wherever it leads.
func leavesHost(from, to *url.URL) bool {
	switch {
	case from.Scheme == "https" && to.Scheme != "https", from.Scheme == to.Scheme && from.Host == to.Host:
		return false
	}
	return to.Scheme != "https" || from.Hostname() != to.Hostname()
}

// maxLeader is far above what Vault says of its active node, in bytes.
const maxLeader = 64 << 10

// activeNode asks the server that a request went to for the active node, as
// scheme and host; "" where it names none. vault is false where the answer is
// not one of a Vault with several nodes.
func (g *guard) activeNode(req *http.Request) (address string, vault bool) {
	ask := req.Clone(req.Context())
	ask.Method, ask.Body, ask.GetBody, ask.ContentLength = http.MethodGet, nil, nil, 0
	ask.URL.Path, ask.URL.RawPath, ask.URL.RawQuery = path.Join("/", g.prefix, "v1/sys/leader"), "", ""
	// This is a question of no namespace.
	for _, name := range []string{api.AuthHeaderName, api.NamespaceHeaderName, "X-Vault-Wrap-TTL", "Content-Type"} {
		ask.Header.Del(name)
	}
	resp, err := g.next.RoundTrip(ask)
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

// redirected describes a request that failed for a redirect; nil for others.
func redirected(err error, r request) error {
	var away astray
	switch {
	case errors.As(err, &away) && away.vault:
		return fmt.Errorf("%s: %w: the answer is %w", r, sinks.ErrUnavailable, away)
	case errors.As(err, &away):
		return fmt.Errorf("%s: the answer is %w", r, away)
	case strings.Contains(err.Error(), "protocol downgrade"):
		return fmt.Errorf("%s: the answer is a redirect from https to http, which would show the token to the network: correct api_addr of that Vault server, or address", r)
	case errors.Is(err, errRedirect), errors.Is(err, http.ErrNoLocation):
		return fmt.Errorf("%s: the answer is a redirect, of which only one is followed, from a standby node to the active one: check address, and that no proxy's login page is in between", r)
	}
	return nil
}
