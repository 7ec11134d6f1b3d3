package upstream

import (
	"context"
	"crypto/tls"
	"encoding/hex"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/internal/httpsettings"
)

// Reach is what a Probe learnt of an upstream.
type Reach struct {
	// Host and port.
	Host string
	// Proxied says that the way leads through a proxy.
	Proxied bool
	// TLS is the protocol's version, "" for plain HTTP; CertificateEnds is when
	// the server's certificate expires.
	TLS             string
	CertificateEnds time.Time
	// WantsCertificate says that the server asked for a client certificate,
	// which a probe does not show.
	WantsCertificate bool
	// Status of the answer, 0 where the server gave none; Date is its clock.
	Status int
	Date   time.Time
	// Took is how long it was until the answer.
	Took time.Duration
}

// ProbeKey is the same for options that a Probe cannot tell apart.
func ProbeKey(o Options) string {
	o.ClientCertificate = nil
	digest := connectionDigest(o)
	scheme, host := hostPort(o.BaseURL)
	return scheme + "://" + host + " " + hex.EncodeToString(digest[:])
}

// hostPort is the scheme of a base URL, and its host with the port.
func hostPort(base string) (scheme, host string) {
	u, err := url.Parse(base)
	if err != nil {
		return "", ""
	}
	return u.Scheme, httpsettings.Host(u)
}

// Probe finds out whether an upstream can be reached the way that an account's
// requests go: its proxy, its authorities. It sends one request, HEAD of "/",
// without credentials, headers of the account or its client certificate, so
// that nobody could count it as a login. It fails with a *failure.Error; what
// was learnt until then is returned too.
func Probe(ctx context.Context, o Options, userAgent string) (Reach, error) {
	op := Op{Name: "reach the upstream"}
	base, err := parseBaseURL(o.BaseURL, o.AllowPlainHTTP)
	if err != nil {
		return Reach{}, configError("base_url", err.Error())
	}
	o.ClientCertificate = nil
	_, host := hostPort(o.BaseURL)
	r := Reach{Host: host}
	transport, err := newTransport(o)
	if err != nil {
		return r, err
	}
	transport.DisableKeepAlives = true
	defer transport.CloseIdleConnections()
	var shake handshake
	shake.watch(transport.TLSClientConfig)
	root := &url.URL{Scheme: base.Scheme, Host: base.Host, Path: "/"}
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, root.String(), nil)
	if err != nil {
		return r, configError("base_url", "not an absolute URL")
	}
	req.Header.Set("User-Agent", userAgent)
	if proxy, err := transport.Proxy(req); err == nil && proxy != nil {
		r.Proxied = true
	}
	start := time.Now()
	resp, err := (&allowlist{next: transport, allowed: o.Allowed}).RoundTrip(req)
	r.Took = time.Since(start)
	shake.tell(&r)
	if err != nil {
		if r.TLS != "" && r.WantsCertificate && ctx.Err() == nil {
			// It has proved who it is, and turned us down for want of ours.
			return r, nil
		}
		return r, failed(transportFailure(err), op, shownURL(root))
	}
	_ = resp.Body.Close()
	r.Status = resp.StatusCode
	r.Date, _ = http.ParseTime(resp.Header.Get("Date"))
	if resp.StatusCode == http.StatusProxyAuthRequired {
		return r, failed(proxyFailure(resp.StatusCode), op, shownURL(root))
	}
	return r, nil
}

// handshake notes what TLS shows, even if nothing comes after it. A dial that
// was given up may still be at it.
type handshake struct {
	mu   sync.Mutex
	seen Reach
}

func (h *handshake) watch(c *tls.Config) {
	c.VerifyConnection = func(s tls.ConnectionState) error {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.seen.TLS = tls.VersionName(s.Version)
		if len(s.PeerCertificates) > 0 {
			h.seen.CertificateEnds = s.PeerCertificates[0].NotAfter
		}
		return nil
	}
	c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.seen.WantsCertificate = true
		return &tls.Certificate{}, nil
	}
}

func (h *handshake) tell(r *Reach) {
	h.mu.Lock()
	defer h.mu.Unlock()
	r.TLS, r.CertificateEnds, r.WantsCertificate = h.seen.TLS, h.seen.CertificateEnds, h.seen.WantsCertificate
}

func failed(f diagnosis, op Op, shown string) *failure.Error {
	return &failure.Error{
		Class: f.class, Reason: f.reason, Attribute: f.attribute, Op: op.Name, URL: shown,
		Message: f.message, Advice: f.advice,
	}
}
