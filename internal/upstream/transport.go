package upstream

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"time"
)

// maxIdle is how many idle connections a host may keep: the highest useful
// --concurrency.
const maxIdle = 64

// transportKey tells transports apart: by host, and by a digest of what else
// shapes a connection, since a proxy's URL may hold a password.
type transportKey struct {
	host   string
	digest [sha256.Size]byte
}

// transport returns the shared transport for those options.
func (p *Pool) transport(host string, o Options) (*http.Transport, error) {
	key := transportKey{host: host, digest: connectionDigest(o)}
	p.mu.Lock()
	defer p.mu.Unlock()
	if t, ok := p.transports[key]; ok {
		return t, nil
	}
	t, err := newTransport(o)
	if err != nil {
		return nil, err
	}
	p.transports[key] = t
	return t, nil
}

func connectionDigest(o Options) [sha256.Size]byte {
	h := sha256.New()
	fmt.Fprintf(h, "%q %q %q", o.Proxy.Reveal(), o.CAPEM, o.Allowed.String())
	if o.ClientCertificate != nil {
		// The key is not hashed: two keys cannot share a certificate.
		for _, der := range o.ClientCertificate.Certificate {
			fmt.Fprintf(h, " %x", der)
		}
	}
	return [sha256.Size]byte(h.Sum(nil))
}

func newTransport(o Options) (*http.Transport, error) {
	proxy, err := proxyOf(o.Proxy)
	if err != nil {
		return nil, err
	}
	conf, err := tlsConfig(o)
	if err != nil {
		return nil, err
	}
	dialer := net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second, Control: refuseLinkLocal}
	dial := dialer.DialContext
	if o.Allowed != nil {
		only := &allowedDials{allowed: o.Allowed, configured: !o.Proxy.IsZero()}
		proxy, dial = only.proxy(proxy), only.dial(dial)
	}
	return &http.Transport{
		Proxy:                  noting(proxy),
		OnProxyConnectResponse: checkProxyAnswer,
		DialContext:            dial,
		TLSClientConfig:        conf,
		TLSHandshakeTimeout:    10 * time.Second,
		// Without this a TLS config of one's own turns HTTP/2 off. It stays off
		// with a client certificate: under TLS 1.3 the refusal of one arrives
		// after the handshake, and HTTP/2 loses it.
		ForceAttemptHTTP2:      o.ClientCertificate == nil,
		MaxIdleConns:           maxIdle,
		MaxIdleConnsPerHost:    maxIdle,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
		DisableCompression:     true,
	}, nil
}

func tlsConfig(o Options) (*tls.Config, error) {
	conf := &tls.Config{MinVersion: tls.VersionTLS12}
	if o.CAPEM != "" {
		roots := x509.NewCertPool()
		if !roots.AppendCertsFromPEM([]byte(o.CAPEM)) {
			return nil, configError("http.ca_pem", "it contains no certificate in PEM format")
		}
		conf.RootCAs = roots
	}
	if o.ClientCertificate != nil {
		// Presented whatever authorities the server says it takes: left out, it
		// would be reported as missing, which tells the user nothing.
		conf.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return o.ClientCertificate, nil
		}
		// Some servers ask for it only once they have read the request. This one has
		// already been authenticated, and its certificate may not change meanwhile.
		conf.Renegotiation = tls.RenegotiateOnceAsClient
	}
	return conf, nil
}
