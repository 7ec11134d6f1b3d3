package upstream

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/internal/httpsettings"
)

// notAllowedError refuses a host that the operator does not allow. Nothing was sent.
type notAllowedError struct {
	host string
	// attribute names it in the configuration.
	attribute string
}

func (e notAllowedError) Error() string {
	return "the host " + e.host + " is not in " + httpsettings.AllowedHostsVariable
}

func (e notAllowedError) diagnosis() diagnosis {
	return diagnosis{
		class: failure.Config, attribute: e.attribute, message: e.Error(),
		advice: "Nothing was sent. Correct " + e.attribute + ". If the host is right, ask whoever operates " +
			"credsync to add " + e.host + " to that environment variable.",
	}
}

// allowlist refuses requests to other hosts than those allowed, before anything is dialled.
type allowlist struct {
	next    http.RoundTripper
	allowed *httpsettings.AllowedHosts
}

func (a *allowlist) RoundTrip(req *http.Request) (*http.Response, error) {
	if !a.allowed.Allows(req.URL) {
		if req.Body != nil {
			_ = req.Body.Close()
		}
		return nil, notAllowedError{host: httpsettings.ShortHost(req.URL), attribute: baseURL}
	}
	return a.next.RoundTrip(req)
}

// allowedDials is the same rule where connections are made. The host that a request is for
// counts, not the operator's own proxy in between, which the environment names. A proxy
// that the configuration names has to be allowed like any other host: with ca_pem it could
// read what passes through.
type allowedDials struct {
	allowed    *httpsettings.AllowedHosts
	configured bool
	// proxies are the addresses of the operator's proxies.
	proxies sync.Map
}

// proxy wraps the function that chooses one.
func (d *allowedDials) proxy(
	choose func(*http.Request) (*url.URL, error),
) func(*http.Request) (*url.URL, error) {
	return func(req *http.Request) (*url.URL, error) {
		u, err := choose(req)
		if err != nil || u == nil {
			return u, err
		}
		address := proxyAddress(u)
		if !d.configured {
			d.proxies.Store(address, true)
		} else if !d.allowed.AllowsAddress(address) {
			return nil, notAllowedError{host: address, attribute: "http.proxy"}
		}
		return u, nil
	}
}

// dial wraps the function that connects.
func (d *allowedDials) dial(
	connect func(ctx context.Context, network, address string) (net.Conn, error),
) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		_, proxy := d.proxies.Load(strings.ToLower(address))
		if !proxy && !d.allowed.AllowsAddress(address) {
			return nil, notAllowedError{host: address, attribute: baseURL}
		}
		return connect(ctx, network, address)
	}
}

// proxyAddress is what is dialled to reach a proxy.
func proxyAddress(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	if port == "" {
		port = "1080"
	}
	return net.JoinHostPort(strings.ToLower(u.Hostname()), port)
}
