package upstream

import (
	"net/http"

	"github.com/credsync/credsync/credential"
)

// headers adds the configured headers.
type headers struct {
	next http.RoundTripper
	add  map[string]credential.Secret
}

func (h *headers) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	for name, value := range h.add {
		if http.CanonicalHeaderKey(name) == "Host" {
			req.Host = value.Reveal()
		} else if len(req.Header.Values(name)) == 0 {
			req.Header.Set(name, value.Reveal())
		}
	}
	return h.next.RoundTrip(req)
}
