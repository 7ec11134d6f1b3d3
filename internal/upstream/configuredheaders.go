package upstream

import (
	"net/http"
	"slices"

	"github.com/credsync/credsync/credential"
)

// replaceable are the headers of a request that a configured one takes the place of.
// Others are what the request is: the tables refuse those.
var replaceable = []string{"User-Agent", "Accept"}

// headers adds the configured headers, and sees to it that no message repeats
// them: they are the keys of gateways.
type headers struct {
	next http.RoundTripper
	add  map[string]credential.Secret
}

// minKey is the length from which a header's value may be a key. A shorter one
// is a tenant's or a country's name, which would hide innocent messages.
const minKey = 8

func (h *headers) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	x := exchangeOf(req.Context())
	for name, value := range h.add {
		if len(value.Reveal()) >= minKey {
			x.add(value)
		}
		if http.CanonicalHeaderKey(name) == "Host" {
			req.Host = value.Reveal()
		} else if len(req.Header.Values(name)) == 0 || slices.Contains(replaceable, http.CanonicalHeaderKey(name)) {
			req.Header.Set(name, value.Reveal())
		}
	}
	return h.next.RoundTrip(req)
}
