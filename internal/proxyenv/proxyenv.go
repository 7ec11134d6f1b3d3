// Package proxyenv finds the proxy of a request in HTTPS_PROXY, HTTP_PROXY and
// NO_PROXY, as net/http does, but takes a value that is no proxy for a mistake: net/http
// then connects directly, and blames the name server.
package proxyenv

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/net/http/httpproxy"
)

// Error is a variable that does not name a proxy. It does not quote the value, which
// may hold a password.
type Error struct{ Variable string }

func (e Error) Error() string {
	return fmt.Sprintf("the environment variable %s is not a proxy URL such as \"http://proxy.internal:3128\"", e.Variable)
}

// Func returns what finds the proxy of a request, for http.Transport. A value that is
// no proxy is an Error for those requests that would go by it.
func Func(getenv func(string) string) func(*http.Request) (*url.URL, error) {
	value := func(names ...string) (name, text string) {
		for _, name := range names {
			if text := getenv(name); text != "" {
				return name, text
			}
		}
		return "", ""
	}
	httpsName, httpsProxy := value("https_proxy", "HTTPS_PROXY")
	httpName, httpProxy := value("http_proxy", "HTTP_PROXY")
	_, noProxy := value("no_proxy", "NO_PROXY")
	wrong := map[string]string{}
	for scheme, v := range map[string]struct {
		name string
		text *string
	}{"https": {httpsName, &httpsProxy}, "http": {httpName, &httpProxy}} {
		if *v.text != "" && !isProxy(*v.text) {
			// It stands in for the one that is meant: whether a request goes by it
			// depends on NO_PROXY alone.
			wrong[scheme], *v.text = v.name, "http://proxy.invalid"
		}
	}
	cfg := httpproxy.Config{HTTPProxy: httpProxy, HTTPSProxy: httpsProxy, NoProxy: noProxy, CGI: getenv("REQUEST_METHOD") != ""}
	find := cfg.ProxyFunc()
	return func(req *http.Request) (*url.URL, error) {
		u, err := find(req.URL)
		if name := wrong[req.URL.Scheme]; name != "" && u != nil {
			return nil, Error{Variable: name}
		}
		return u, err
	}
}

// isProxy reports whether a value is a URL, or a host with or without a port, as
// net/http takes them.
func isProxy(text string) bool {
	u, err := url.Parse(text)
	if err != nil || u.Scheme == "" || u.Host == "" {
		if u, err = url.Parse("http://" + text); err != nil {
			return false
		}
		// What stands after the host is no port that was mistyped.
		if u.Path != "" && u.Path != "/" {
			return false
		}
	}
	switch strings.ToLower(u.Scheme) {
	case "http", "https", "socks5", "socks5h":
		return u.Hostname() != "" && !strings.HasSuffix(u.Host, ":")
	}
	return false
}
