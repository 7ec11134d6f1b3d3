package upstream

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/credsync/credsync/failure"
)

func TestLinkLocalAddressesAreRefused(t *testing.T) {
	for address, refused := range map[string]bool{
		"169.254.169.254:80": true, "169.254.0.1:443": true, "[fe80::1%eth0]:443": true, "[fe80::1]:443": true,
		"[fd00:ec2::254]:80": true, "[::ffff:169.254.169.254]:80": true,
		"127.0.0.1:80": false, "10.0.0.1:443": false, "192.168.1.1:443": false, "[::1]:80": false, "[fd00::1]:443": false,
		"8.8.8.8:443": false, "/run/socket": false,
	} {
		if err := refuseLinkLocal("tcp", address, nil); errors.Is(err, errLinkLocal) != refused {
			t.Errorf("%s: %v, want it refused: %v", address, err, refused)
		}
	}
}

func TestNothingIsSentToALinkLocalAddress(t *testing.T) {
	pool := NewPool(PoolOptions{})
	t.Cleanup(pool.Close)
	client, err := pool.Client(Options{BaseURL: "https://169.254.169.254", MaxAttempts: 1})
	if err != nil {
		t.Fatal(err)
	}
	_, err = Send(t.Context(), client, Request{Op: Op{Name: failure.LogIn}, Method: http.MethodPost, URL: "https://169.254.169.254/latest"})
	var e *failure.Error
	if !errors.As(err, &e) || e.Class != failure.Config || e.Attribute != "base_url" ||
		!strings.Contains(e.Message, "link-local") ||
		e.AnswerLost {
		t.Errorf("%+v", e)
	}
}
