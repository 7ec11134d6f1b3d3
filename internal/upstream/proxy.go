package upstream

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/internal/httpsettings"
	"github.com/credsync/credsync/internal/proxyenv"
)

func proxyOf(s credential.Secret) (func(*http.Request) (*url.URL, error), error) {
	if s.IsZero() {
		return proxyenv.Func(os.Getenv), nil
	}
	u, err := url.Parse(s.Reveal())
	if err != nil || u.Hostname() == "" {
		return nil, configError("http.proxy", "not a URL: use one such as \"http://proxy.internal:3128\"")
	}
	if !httpsettings.ProxyScheme(u.Scheme) {
		return nil, configError("http.proxy", "the URL must start with http://, https:// or socks5://")
	}
	return http.ProxyURL(u), nil
}

// noting sees to it that no message repeats the proxy's password: what is
// behind the proxy may have been handed it.
func noting(proxy func(*http.Request) (*url.URL, error)) func(*http.Request) (*url.URL, error) {
	return func(req *http.Request) (*url.URL, error) {
		u, err := proxy(req)
		if err == nil && u != nil && u.User != nil {
			password, _ := u.User.Password()
			exchangeOf(req.Context()).add(credential.NewSecret(password))
		}
		return u, err
	}
}

// proxyError is a proxy's refusal to connect us.
type proxyError struct{ status int }

func (e proxyError) Error() string { return fmt.Sprintf("the proxy answered HTTP %d", e.status) }

func checkProxyAnswer(_ context.Context, _ *url.URL, _ *http.Request, resp *http.Response) error {
	if resp.StatusCode != http.StatusOK {
		return proxyError{status: resp.StatusCode}
	}
	return nil
}

func proxyFailure(status int) diagnosis {
	f := diagnosis{class: failure.Retryable, message: proxyError{status}.Error(), advice: tryLater}
	if status < 500 && status != http.StatusTooManyRequests {
		f.class, f.attribute = failure.Config, "http.proxy"
		f.advice = "Check http.proxy, its user and password, and whether it allows this host."
	}
	return f
}
