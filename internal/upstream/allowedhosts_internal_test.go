package upstream

import (
	"context"
	"errors"
	"net"
	"testing"

	"github.com/credsync/credsync/internal/httpsettings"
)

// Whatever way a request takes to the dialler, it does not lead to another host.
func TestDialsToOtherHostsAreRefused(t *testing.T) {
	list, err := httpsettings.ParseAllowedHosts("api.example.com, idp.example.com:8443")
	if err != nil {
		t.Fatal(err)
	}
	var dialled []string
	connected := errors.New("connected")
	d := &allowedDials{allowed: list}
	d.proxies.Store("proxy.internal:3128", true)
	dial := d.dial(func(_ context.Context, _, address string) (net.Conn, error) {
		dialled = append(dialled, address)
		return nil, connected
	})
	for address, want := range map[string]bool{
		"api.example.com:443": true, "API.example.com:443": true, "idp.example.com:8443": true, "proxy.internal:3128": true,
		"Proxy.Internal:3128":  true,
		"api.example.com:8443": false, "idp.example.com:443": false, "evil.example:443": false, "proxy.internal:443": false,
		"169.254.169.254:80": false,
	} {
		_, err := dial(t.Context(), "tcp", address)
		if errors.Is(err, connected) != want {
			t.Errorf("%s: %v", address, err)
		}
	}
	if len(dialled) != 5 {
		t.Errorf("dialled %q", dialled)
	}
}
