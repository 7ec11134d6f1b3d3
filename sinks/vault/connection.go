package vault

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/internal/crashpoint"
	"github.com/credsync/credsync/internal/proxyenv"
	"github.com/credsync/credsync/internal/redact"
	"github.com/credsync/credsync/internal/regularfile"
	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/sinks"
	"github.com/hashicorp/go-cleanhttp"
	"github.com/hashicorp/go-retryablehttp"
	"github.com/hashicorp/go-secure-stdlib/parseutil"
	"github.com/hashicorp/vault/api"
	"golang.org/x/time/rate"
)

const (
	// requestTimeout bounds one request with all its retries; VAULT_CLIENT_TIMEOUT
	// replaces it.
	requestTimeout = 30 * time.Second
	// maxRetries with these waits makes about 8 s of an outage invisible;
	// VAULT_MAX_RETRIES replaces it.
	maxRetries   = 5
	minRetryWait = 250 * time.Millisecond
	maxRetryWait = 5 * time.Second
	// maxIdle keeps a connection for each of the accounts that may be
	// delivered at once.
	maxIdle = 64
)

// connection is the environment and the attributes that a client is made of.
type connection struct {
	conn schema.Values
	env  sinks.Env
}

// getenv is the environment of the sink, not of the process, so that a test
// can have its own.
func (c connection) getenv(name string) string { return c.env.Getenv(name) }

// attr is an attribute, or else an environment variable.
func (c connection) attr(name, envName string) string {
	if v := c.conn.String(name); v != "" {
		return v
	}
	return c.getenv(envName)
}

func (c connection) address() string {
	for _, a := range []string{c.getenv(api.EnvVaultAgentAddr), c.attr("address", api.EnvVaultAddress)} {
		if a != "" {
			return a
		}
	}
	return defaultAddress
}

// client makes a client that has sent nothing and holds no token.
func (c connection) client() (*api.Client, error) {
	if err := checkAddress(c.address()); err != nil {
		return nil, fmt.Errorf("address: %w", err)
	}
	cfg := &api.Config{
		Address: c.address(), HttpClient: newHTTPClient(), Timeout: requestTimeout,
		MinRetryWait: minRetryWait, MaxRetryWait: maxRetryWait, MaxRetries: maxRetries,
		Backoff: retryablehttp.DefaultBackoff, CheckRetry: checkRetry,
	}
	if err := errors.Join(c.limits(cfg), c.proxy(cfg), c.tls(cfg)); err != nil {
		return nil, err
	}
	// What follows them is below; the client's own way is not used.
	stay := cfg.DisableRedirects
	cfg.DisableRedirects = true
	client, err := api.NewClient(cfg)
	if err != nil {
		// It quotes nothing but the address and the names of variables.
		return nil, fmt.Errorf("set up the connection to Vault at %s: %w", c.address(), err)
	}
	transport := crashpoint.Transport(cfg.HttpClient.Transport)
	if !stay {
		transport = &redirectFollower{next: transport, prefix: prefix(client)}
	}
	// Vault does not repeat what it is sent; what poses as Vault may.
	cfg.HttpClient.Transport = redact.NewTransport(transport, "secret_id", "jwt", "token")
	// NewClient has looked into the environment of the process; what it took
	// from there is replaced by what the sink was given.
	client.ClearToken()
	client.SetWrappingLookupFunc(func(string, string) string { return "" })
	headers, err := c.headers()
	if err != nil {
		return nil, err
	}
	client.SetHeaders(headers)
	if ns := c.attr("namespace", api.EnvVaultNamespace); ns != "" {
		client.SetNamespace(ns)
	}
	return client.WithResponseCallbacks(refuseRedirect), nil
}

// prefix is the path of the address; "" where the API is at the root.
func prefix(client *api.Client) string {
	u, err := url.Parse(client.Address())
	if err != nil {
		// That of a socket.
		return ""
	}
	return u.Path
}

// checkAddress does not quote the address, which may hold a password.
func checkAddress(address string) error {
	u, err := url.Parse(address)
	if err == nil && u.Scheme != "unix" {
		if path := strings.Trim(u.Path, "/"); path == "v1" || strings.HasSuffix(path, "/v1") {
			return errors.New("it ends in /v1, which credsync adds to each request: remove /v1")
		} else if strings.HasPrefix(path+"/", "ui/vault/") {
			return errors.New("it is a page of Vault's UI: remove /ui and everything after it")
		}
	}
	switch {
	case err != nil || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return errors.New("it is not a URL such as https://vault.internal:8200 (without user, query or fragment)")
	case (u.Scheme == "https" || u.Scheme == "http") && u.Host != "", u.Scheme == "unix":
		return nil
	}
	return errors.New("it must begin with https://, http:// or unix://, as in https://vault.internal:8200")
}

func newHTTPClient() *http.Client {
	transport := cleanhttp.DefaultPooledTransport()
	transport.MaxIdleConnsPerHost = maxIdle
	transport.TLSHandshakeTimeout = 10 * time.Second
	transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	transport.ForceAttemptHTTP2 = true
	return &http.Client{
		Transport: transport,
		// follower follows a redirect to the active node.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// limits reads the variables that are numbers and switches.
func (c connection) limits(cfg *api.Config) error {
	var errs []error
	parse := func(name string, f func(string) error) {
		if v := c.getenv(name); v != "" {
			if err := f(v); err != nil {
				errs = append(errs, fmt.Errorf("environment variable %s: %q is not valid", name, v))
			}
		}
	}
	parse(api.EnvVaultMaxRetries, func(v string) error {
		n, err := strconv.ParseUint(v, 10, 16)
		cfg.MaxRetries = int(n)
		return err
	})
	parse(api.EnvVaultClientTimeout, func(v string) (err error) {
		cfg.Timeout, err = parseutil.ParseDurationSecond(v)
		return err
	})
	parse(api.EnvVaultSRVLookup, func(v string) (err error) {
		cfg.SRVLookup, err = strconv.ParseBool(v)
		return err
	})
	parse(api.EnvVaultDisableRedirects, func(v string) (err error) {
		cfg.DisableRedirects, err = strconv.ParseBool(v)
		return err
	})
	parse(api.EnvRateLimit, func(v string) error {
		perSecond, burst, hasBurst := strings.Cut(v, ":")
		r, err := strconv.ParseFloat(perSecond, 64)
		if err != nil || !(r > 0) {
			return errors.New("not a rate")
		}
		b := max(1, int(r))
		if hasBurst {
			if b, err = strconv.Atoi(burst); err != nil || b < 1 {
				return errors.New("not a burst")
			}
		}
		cfg.Limiter = rate.NewLimiter(rate.Limit(r), b)
		return nil
	})
	return errors.Join(errs...)
}

func (c connection) proxy(cfg *api.Config) error {
	cfg.HttpClient.Transport.(*http.Transport).Proxy = proxyenv.Func(c.getenv)
	for _, name := range []string{api.EnvVaultProxyAddr, api.EnvHTTPProxy} {
		v := c.getenv(name)
		if v == "" {
			continue
		}
		u, err := url.Parse(v)
		if err != nil {
			return fmt.Errorf("environment variable %s: it is not a URL", name)
		}
		cfg.HttpClient.Transport.(*http.Transport).Proxy = http.ProxyURL(u)
		return nil
	}
	return nil
}

func (c connection) tls(cfg *api.Config) error {
	t := &api.TLSConfig{
		CACert: c.getenv(
			api.EnvVaultCACert,
		), CACertBytes: []byte(c.getenv(api.EnvVaultCACertBytes)), CAPath: c.getenv(api.EnvVaultCAPath),
		TLSServerName: c.getenv(api.EnvVaultTLSServerName),
	}
	if pem := c.conn.String("ca_pem"); pem != "" {
		t.CACert, t.CACertBytes, t.CAPath = "", []byte(pem), ""
	}
	if v := c.getenv(api.EnvVaultSkipVerify); v != "" {
		insecure, err := strconv.ParseBool(v)
		if err != nil {
			return fmt.Errorf("environment variable %s: %q is not true or false", api.EnvVaultSkipVerify, v)
		}
		t.Insecure = insecure
		if insecure {
			c.env.Log.Warn("VAULT_SKIP_VERIFY is set: anyone on the network path to Vault can read the tokens", "address", c.address())
		}
	}
	if err := cfg.ConfigureTLS(t); err != nil {
		return fmt.Errorf("the certificate authorities for Vault (ca_pem, %s, %s or %s): %w", api.EnvVaultCACert, api.EnvVaultCACertBytes, api.EnvVaultCAPath, err)
	}
	return c.clientCertificate(cfg)
}

// clientCertificate presents the certificate of auth "cert", or of
// VAULT_CLIENT_CERT and VAULT_CLIENT_KEY.
func (c connection) clientCertificate(cfg *api.Config) error {
	cert, key := c.getenv(api.EnvVaultClientCert), credential.NewSecret(c.getenv(api.EnvVaultClientKey))
	// As for the vault CLI, the paths of the variables start at the working directory.
	place := func(path string) string { return path }
	if auth := c.auth(); auth.Label() == "cert" && auth.IsSet("client_cert") {
		cert, key, place = auth.String("client_cert"), auth.Secret("client_key"), c.file
	}
	if cert == "" && key.IsZero() {
		return nil
	}
	certPEM, err := readPEM(cert, place)
	if err != nil {
		return fmt.Errorf("the client certificate for Vault (client_cert or %s): %w", api.EnvVaultClientCert, err)
	}
	keyPEM, err := readPEM(key.Reveal(), place)
	if err != nil {
		return fmt.Errorf("the client key for Vault (client_key or %s) cannot be read", api.EnvVaultClientKey)
	}
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		return errors.New("the client certificate and key for Vault are not a matching PEM pair: check client_cert and client_key, or VAULT_CLIENT_CERT and VAULT_CLIENT_KEY")
	}
	// Unlike Certificates this presents it to a server that names other CAs.
	client := cfg.HttpClient.Transport.(*http.Transport).TLSClientConfig
	client.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
	return nil
}

// readPEM returns text that is PEM, or the content of the file that it names.
func readPEM(text string, place func(string) string) ([]byte, error) {
	if strings.Contains(text, "-----BEGIN ") {
		return []byte(text), nil
	}
	return regularfile.Read(place(text), maxCredential)
}

// file makes a path absolute; relative ones start at the configuration.
func (c connection) file(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(c.env.Dir, path)
}

func (c connection) auth() schema.Values {
	if blocks := c.conn.Nested("auth"); len(blocks) > 0 {
		return blocks[0]
	}
	return schema.Values{}
}

// headers are those of each request: VAULT_HEADERS, and our own.
func (c connection) headers() (http.Header, error) {
	h := http.Header{}
	if text := c.getenv(api.EnvVaultHeaders); text != "" {
		var given map[string]string
		if err := json.Unmarshal([]byte(text), &given); err != nil {
			return nil, fmt.Errorf("environment variable %s: it is not a JSON object of strings", api.EnvVaultHeaders)
		}
		for _, name := range slices.Sorted(maps.Keys(given)) {
			if strings.HasPrefix(http.CanonicalHeaderKey(name), "X-Vault-") {
				return nil, fmt.Errorf("environment variable %s: header %q is reserved for Vault clients", api.EnvVaultHeaders, name)
			}
			h.Set(name, given[name])
		}
	}
	h.Set(api.RequestHeaderName, "true")
	h.Set("User-Agent", "credsync/"+c.env.Version)
	return h, nil
}
