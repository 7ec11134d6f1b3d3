package upstream_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/internal/httpsettings"
	"github.com/credsync/credsync/internal/upstream"
)

func allowed(t *testing.T, list string) *httpsettings.AllowedHosts {
	t.Helper()
	a, err := httpsettings.ParseAllowedHosts(list)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// listens counts the connections to an address.
func listens(t *testing.T) (address string, connections *atomic.Int32) {
	t.Helper()
	connections = new(atomic.Int32)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("{}"))
	}))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	return s.Listener.Addr().String(), connections
}

func TestOtherHostsThanTheAllowedOnesAreNotConnectedTo(t *testing.T) {
	address, connections := listens(t)
	other, others := listens(t)
	c, pauses := client(t, upstream.Options{BaseURL: "http://" + address, Allowed: allowed(t, "api.example.com,"+address)})
	if _, err := send(t, c, "POST", "http://"+address+"/login", upstream.Op{Once: true}); err != nil {
		t.Error(err)
	}
	_, err := send(t, c, "POST", "http://"+other+"/login?q="+canary, upstream.Op{Once: true, Endpoint: "idp_url"})
	e := upstreamError(t, err)
	if e.Class != failure.Config || e.Attribute != "idp_url" || e.AnswerLost || e.IsCounted() ||
		!strings.Contains(e.Message, "the host "+other+" is not in CREDSYNC_ALLOWED_HOSTS") ||
		!strings.Contains(e.Advice, "Nothing was sent. Correct idp_url.") || len(pauses.asked) > 0 {
		t.Errorf("%+v after %d pauses", *e, len(pauses.asked))
	}
	if connections.Load() != 1 || others.Load() != 0 {
		t.Errorf("%d connections, and %d to a host that is not allowed", connections.Load(), others.Load())
	}
}

func TestAProbeKeepsToTheAllowedHosts(t *testing.T) {
	address, connections := listens(t)
	o := upstream.Options{BaseURL: "http://" + address, Allowed: httpsettings.NoHosts()}
	_, err := upstream.Probe(t.Context(), o, "credsync/test")
	if e := upstreamError(t, err); e.Class != failure.Config || !strings.Contains(e.Message, "CREDSYNC_ALLOWED_HOSTS") {
		t.Errorf("%+v", *e)
	}
	if connections.Load() != 0 {
		t.Error("it was connected to")
	}
	o.Allowed = allowed(t, address)
	if _, err := upstream.Probe(t.Context(), o, "credsync/test"); err != nil {
		t.Error(err)
	}
}

// The operator's proxy needs no entry; the host behind it does.
func TestTheProxyOfTheEnvironmentIsNoUpstream(t *testing.T) {
	proxy, connections := listens(t)
	t.Setenv("http_proxy", "http://"+proxy)
	t.Setenv("no_proxy", "")
	t.Setenv("NO_PROXY", "")
	o := upstream.Options{BaseURL: "http://api.example.com", AllowPlainHTTP: true, Allowed: allowed(t, "api.example.com")}
	c, _ := client(t, o)
	if _, err := send(t, c, "POST", o.BaseURL, upstream.Op{Once: true}); err != nil {
		t.Error(err)
	}
	o.Allowed = allowed(t, "other.example.com,"+proxy)
	c, _ = client(t, o)
	_, err := send(t, c, "POST", o.BaseURL, upstream.Op{Once: true})
	if e := upstreamError(t, err); e.Class != failure.Config || !strings.Contains(e.Message, "api.example.com:80 is not in") {
		t.Errorf("%+v", *e)
	}
	if connections.Load() != 1 {
		t.Errorf("%d connections to the proxy", connections.Load())
	}
}

// A proxy that the configuration names could read what passes through it with a ca_pem of
// the configuration, so it has to be allowed as well.
func TestTheProxyOfTheConfigurationHasToBeAllowed(t *testing.T) {
	proxy, connections := listens(t)
	o := upstream.Options{
		BaseURL: "http://127.0.0.1:9", Proxy: credential.NewSecret("http://user:" + canary + "@" + proxy),
		Allowed: allowed(t, "127.0.0.1:9"),
	}
	c, _ := client(t, o)
	_, err := send(t, c, "POST", o.BaseURL, upstream.Op{Once: true})
	e := upstreamError(t, err)
	if e.Class != failure.Config || e.Attribute != "http.proxy" || !strings.Contains(e.Message, proxy) ||
		strings.Contains(e.Message, canary) {
		t.Errorf("%+v", *e)
	}
	if connections.Load() != 0 {
		t.Errorf("%d connections to the proxy", connections.Load())
	}
	o.Allowed = allowed(t, "127.0.0.1:9 "+proxy)
	c, _ = client(t, o)
	if _, err := send(t, c, "POST", o.BaseURL, upstream.Op{Once: true}); err != nil {
		t.Error(err)
	}
}
