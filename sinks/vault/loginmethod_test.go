package vault_test

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/credsync/credsync/testkit/posixfile"
)

// A login's files are read at each login, by what nobody watches.
func TestPipesAndDevicesAreNoCredentials(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	posixfile.MakePipe(t, pipe)
	f := newFake(t, func(http.ResponseWriter, *http.Request) { t.Error("a request was sent") })
	for _, path := range []string{pipe, "/dev/zero", filepath.Dir(pipe)} {
		for name, c := range map[string]*conn{
			"token_path":  {method: "kubernetes", auth: attrs{"role": "r", "token_path": path}},
			"client_cert": {method: "cert", auth: attrs{"client_cert": path, "client_key": path}},
		} {
			c.attrs = attrs{"address": f.URL}
			s, err := c.tryOpen()
			if err == nil {
				_, err = s.Stat(t.Context(), c.target(t, "a", false))
			}
			if err == nil || !strings.Contains(err.Error(), "not a regular file") || !strings.Contains(err.Error(), name) {
				t.Errorf("%s %s: %v", name, path, err)
			}
		}
	}
}
