package servers

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// VaultStandIn is a server that is taken for Vault, and answers as handle does: for tests
// that have no Vault. token is the one that may do everything.
func VaultStandIn(t testing.TB, token string, handle http.Handler) *VaultServer {
	t.Helper()
	server := httptest.NewServer(handle)
	t.Cleanup(server.Close)
	return &VaultServer{Address: server.URL, RootToken: token, tb: t}
}
