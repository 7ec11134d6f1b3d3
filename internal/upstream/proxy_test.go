package upstream_test

import (
	"encoding/base64"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/internal/upstream"
	"github.com/credsync/credsync/testkit/port"
)

func TestProxyRefusalIsAConfigError(t *testing.T) {
	proxy := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusProxyAuthRequired) })
	for _, target := range []string{"https://upstream.invalid", "http://127.0.0.1:9"} {
		c, _ := client(t, upstream.Options{BaseURL: target, Proxy: credential.NewSecret(strings.Replace(proxy, "//", "//user:"+canary+"@", 1))})
		_, err := send(t, c, "POST", target, upstream.Op{Once: true})
		if e := upstreamError(t, err); e.Class != failure.Config || e.Attribute != "http.proxy" || e.AnswerLost {
			t.Errorf("%s: %+v", target, *e)
		}
	}
	gone := "http://user:" + canary + "@" + port.Address(t)
	c, _ := client(t, upstream.Options{BaseURL: "https://upstream.invalid", Proxy: credential.NewSecret(gone)})
	_, err := send(t, c, "POST", "https://upstream.invalid", upstream.Op{Once: true})
	if e := upstreamError(t, err); e.Class != failure.Retryable || !strings.Contains(e.Message, "proxy") {
		t.Errorf("%+v", *e)
	}
}

func TestProxyCredentialsAreNotRepeated(t *testing.T) {
	// A proxy may hand on its own credentials, and what is behind it repeat them.
	proxy := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, "{}")
	})
	c, _ := client(t, upstream.Options{BaseURL: "http://127.0.0.1:9", Proxy: credential.NewSecret(strings.Replace(proxy, "//", "//user:"+canary+"@", 1))})
	a, err := send(t, c, "POST", "http://127.0.0.1:9", upstream.Op{Once: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, said := range []string{"no access for user:" + canary, "Basic " + base64.StdEncoding.EncodeToString([]byte("user:"+canary))} {
		if e := upstreamError(t, a.Refused("", said).As(upstream.Undocumented)); !strings.Contains(e.Message, "not shown") {
			t.Errorf("%+v", *e)
		}
	}
}
