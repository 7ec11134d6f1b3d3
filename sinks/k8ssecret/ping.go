package k8ssecret

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"github.com/credsync/credsync/sinks"
	"k8s.io/client-go/rest"
)

// maxVersion bounds the answer of /version, which has a few hundred bytes.
const maxVersion = 64 << 10

// Ping implements sinks.Pinger. Every cluster lets everyone read /version; one
// that does not still answers.
func (s *Sink) Ping(ctx context.Context) (sinks.Server, error) {
	server := sinks.Server{Address: s.client.address, About: "Kubernetes"}
	what := call{op: "check the version", verb: "get"}
	made, ok := s.client.rest.(*rest.RESTClient)
	if !ok {
		return server, nil
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.client.address+"/version", nil)
	if err != nil {
		return server, fmt.Errorf("%s: the address is not a URL", s.client.about(what))
	}
	resp, err := made.Client.Do(req)
	if err != nil {
		return server, s.client.describe(ctx, err, what)
	}
	defer func() { _ = resp.Body.Close() }()
	server.Date, _ = http.ParseTime(resp.Header.Get("Date"))
	if resp.TLS != nil && len(resp.TLS.PeerCertificates) > 0 {
		server.CertificateEnds = resp.TLS.PeerCertificates[0].NotAfter
	}
	switch {
	case resp.StatusCode == http.StatusUnauthorized:
		return server, fmt.Errorf("%s: %w: the API server does not accept the identity of %s: it has expired, was revoked or belongs to another cluster; renew it", s.client.about(what), sinks.ErrDenied, s.client.identity)
	case resp.StatusCode >= http.StatusInternalServerError:
		return server, fmt.Errorf("%s: %w: HTTP %d; the API server may be starting or overloaded: run credsync again once it answers", s.client.about(what), sinks.ErrUnavailable, resp.StatusCode)
	}
	var version struct{ GitVersion string }
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxVersion))
	if err == nil && resp.StatusCode == http.StatusOK && json.Unmarshal(body, &version) == nil &&
		version.GitVersion != "" {
		server.About = "Kubernetes " + version.GitVersion
	}
	return server, nil
}
