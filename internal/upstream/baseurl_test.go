package upstream_test

import (
	"testing"

	"github.com/credsync/credsync/internal/upstream"
)

func TestPlainHTTPIsForLoopbackOrByPermission(t *testing.T) {
	for _, base := range []string{"http://127.0.0.1:1", "http://[::1]:1", "http://localhost", "https://example.com"} {
		if _, err := upstream.NewPool(upstream.PoolOptions{}).Client(upstream.Options{BaseURL: base}); err != nil {
			t.Errorf("%s: %v", base, err)
		}
	}
	if _, err := upstream.NewPool(upstream.PoolOptions{}).Client(upstream.Options{BaseURL: "http://example.com", AllowPlainHTTP: true}); err != nil {
		t.Error(err)
	}
}
