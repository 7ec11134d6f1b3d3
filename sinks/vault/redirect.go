package vault

import (
	"errors"
	"net/http"
	"strings"

	"github.com/hashicorp/vault/api"
)

// A standby node can answer with a redirect to the active one, which the API
// client follows once, with the token, as the vault program does. It refuses one
// that gives TLS up. A redirect that is left after that it takes for an answer.

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

// isRedirect reports whether a request failed for a redirect, and why that was
// not followed.
func isRedirect(err error) (why string, ok bool) {
	switch {
	case strings.Contains(err.Error(), "protocol downgrade"):
		return "a redirect from https to http, which would show the token to the network: correct api_addr of that Vault server, or address", true
	case errors.Is(err, errRedirect), errors.Is(err, http.ErrNoLocation):
		return "a redirect, of which only one is followed, from a standby node to the active one: check address, and that no proxy's login page is in between", true
	}
	return "", false
}
