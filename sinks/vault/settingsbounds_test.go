package vault_test

import (
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/sinks/vault"
	"github.com/credsync/credsync/testkit/servers"
)

// The rate limit of the vault CLI: a rate, and a burst after a colon.
func TestRateLimitsAreReadAsTheCLIs(t *testing.T) {
	for text, ok := range map[string]bool{
		"10": true, "0.5": true, "10:1": true, "10:20": true, "0": false, "-1": false, "x": false, "10:0": false, "10:-1": false, "10:x": false, "NaN": false, ":5": false,
	} {
		_, err := (&conn{env: attrs{"VAULT_TOKEN": "t", "VAULT_RATE_LIMIT": text}}).tryOpen()
		if (err == nil) != ok || err != nil && !strings.Contains(err.Error(), "VAULT_RATE_LIMIT") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// What keeps a connection from being made is told with what to change.
func TestAConnectionThatFailsHasAnAdvice(t *testing.T) {
	ca := servers.NewCA(t)
	cert, key := ca.Issue(t, "another-host", true)
	pair, err := tls.X509KeyPair([]byte(cert), []byte(key))
	if err != nil {
		t.Fatal(err)
	}
	serve := func(c *tls.Config) *httptest.Server {
		s := httptest.NewUnstartedServer(http.NotFoundHandler())
		s.TLS, s.Config.ErrorLog = c, log.New(io.Discard, "", 0)
		s.StartTLS()
		t.Cleanup(s.Close)
		return s
	}
	trusted, strange := serve(
		&tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12},
	), serve(
		nil,
	)
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	for name, c := range map[string]struct{ address, want string }{
		"another authority": {strange.URL, "set ca_pem, or VAULT_CACERT"},
		"another name":      {strings.Replace(trusted.URL, "127.0.0.1", "localhost", 1), "VAULT_TLS_SERVER_NAME"},
		"no TLS":            {strings.Replace(plain.URL, "http:", "https:", 1), "start address with http://"},
		"nobody there":      {"http://127.0.0.1:1", "check address and that this machine can reach it"},
	} {
		t.Run(name, func(t *testing.T) {
			conn := &conn{attrs: attrs{"address": c.address, "ca_pem": ca.PEM}, env: attrs{"VAULT_TOKEN": "hvs.canary", "VAULT_MAX_RETRIES": "0"}}
			_, err := conn.open(t).Stat(t.Context(), conn.target(t, "a", false))
			if !errors.Is(err, sinks.ErrUnavailable) || !strings.Contains(err.Error(), c.want) ||
				strings.Contains(err.Error(), "canary") {
				t.Errorf("Stat = %v, want %q", err, c.want)
			}
		})
	}
}

// The name that the certificate must have, and the authority, are as the environment says;
// an attribute goes before it.
func TestTheCertificateIsCheckedAsConfigured(t *testing.T) {
	f := newTLSFake(t, func(w http.ResponseWriter, _ *http.Request) { fail(w, 404) })
	right, wrong := pemOf(f.Certificate()), servers.NewCA(t).PEM
	for name, c := range map[string]struct {
		ca  string
		env attrs
		ok  bool
	}{
		"by the attribute":           {right, nil, true},
		"by another authority":       {wrong, nil, false},
		"by the environment":         {"", attrs{"VAULT_CACERT_BYTES": right}, true},
		"the attribute goes first":   {wrong, attrs{"VAULT_CACERT_BYTES": right}, false},
		"by its name":                {right, attrs{"VAULT_TLS_SERVER_NAME": "example.com"}, true},
		"by a name it has not":       {right, attrs{"VAULT_TLS_SERVER_NAME": "vault.invalid"}, false},
		"not at all":                 {"", attrs{"VAULT_SKIP_VERIFY": "true"}, true},
		"not by the machine's roots": {"", attrs{"VAULT_SKIP_VERIFY": "false"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			conn := f.conn(c.env)
			if c.ca != "" {
				conn.attrs["ca_pem"] = c.ca
			}
			_, err := conn.open(t).Stat(t.Context(), conn.target(t, "a", false))
			if (err == nil) != c.ok {
				t.Errorf("Stat = %v", err)
			}
			if warned := strings.Contains(conn.log.String(), "VAULT_SKIP_VERIFY"); warned != (name == "not at all") {
				t.Errorf("warned: %v", warned)
			}
		})
	}
}

// What a Vault says of itself is told, also where it does not serve.
func TestPingTellsWhatServes(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		answer       string
		about, wants string
	}{
		"serving":         {`{"initialized":true,"sealed":false,"version":"1.21.0"}`, "Vault 1.21.0", ""},
		"sealed":          {`{"initialized":true,"sealed":true,"version":"1.21.0"}`, "Vault 1.21.0", "it is sealed"},
		"not initialized": {`{"initialized":false,"sealed":true,"version":"1.21.0"}`, "Vault 1.21.0", "vault operator init"},
		"no version":      {`{"initialized":true}`, "Vault", "not from Vault's API"},
	} {
		t.Run(name, func(t *testing.T) {
			var asked *http.Request
			f := newTLSFake(t, func(w http.ResponseWriter, r *http.Request) {
				asked = r
				w.Header().Set("Date", now.Format(http.TimeFormat))
				_, _ = io.WriteString(w, c.answer)
			})
			conn := f.conn(attrs{"VAULT_CACERT_BYTES": pemOf(f.Certificate()), "VAULT_NAMESPACE": "team"})
			server, err := conn.open(t).(sinks.Pinger).Ping(t.Context())
			if (err == nil) != (c.wants == "") || err != nil && !strings.Contains(err.Error(), c.wants) {
				t.Errorf("Ping = %v, want %q", err, c.wants)
			}
			if server.About != c.about || server.Address != f.URL || !server.Date.Equal(now) ||
				!server.CertificateEnds.Equal(f.Certificate().NotAfter) {
				t.Errorf("got %+v", server)
			}
			if asked.URL.Path != "/v1/sys/health" || asked.Header.Get("X-Vault-Token") != "" || asked.Header.Get("X-Vault-Namespace") != "" {
				t.Errorf("asked %s with %v", asked.URL, asked.Header)
			}
			// Otherwise each state but one would be taken for an outage, and asked for again.
			for code, want := range map[string]string{"standbyok": "true", "perfstandbyok": "true", "sealedcode": "200", "uninitcode": "200", "drsecondarycode": "200"} {
				if got := asked.URL.Query().Get(code); got != want {
					t.Errorf("%s is %q, want %q", code, got, want)
				}
			}
		})
	}
}

// A rejected login answers for a minute for all that follow.
func TestARejectedLoginIsRememberedForAMinute(t *testing.T) {
	f := newFake(t, func(w http.ResponseWriter, _ *http.Request) { fail(w, 400, "invalid role or secret ID") })
	c := &conn{attrs: attrs{"address": f.URL}, method: "approle", auth: attrs{"role_id": "r"}, env: attrs{"VAULT_MAX_RETRIES": "0"}}
	s := c.open(t)
	for i, step := range []struct {
		pass   time.Duration
		logins int
	}{{0, 1}, {0, 1}, {58 * time.Second, 1}, {3 * time.Second, 2}, {0, 2}} {
		c.pass(step.pass)
		if _, err := s.Stat(t.Context(), c.target(t, "a", false)); !errors.Is(err, sinks.ErrDenied) {
			t.Errorf("step %d: Stat = %v", i, err)
		}
		if n := f.count("/v1/auth/approle/login"); n != step.logins {
			t.Errorf("step %d: %d logins, want %d", i, n, step.logins)
		}
	}
}

// Why a login failed is told from why a request did.
func TestFailedLoginsHaveAClass(t *testing.T) {
	for status, c := range map[int]struct {
		class error
		want  string
	}{
		400: {sinks.ErrDenied, `check the auth "approle" block`}, 401: {sinks.ErrDenied, `check the auth "approle" block`}, 403: {sinks.ErrDenied, `check the auth "approle" block`},
		404: {nil, "no auth method is mounted there"}, 418: {nil, "HTTP 418"}, 500: {sinks.ErrUnavailable, "HTTP 500"}, 503: {sinks.ErrUnavailable, "HTTP 503"},
		412: {sinks.ErrUnavailable, "HTTP 412"}, 429: {sinks.ErrUnavailable, "HTTP 429"}, 472: {sinks.ErrUnavailable, "HTTP 472"},
		473: {sinks.ErrUnavailable, "HTTP 473"}, 499: {nil, "HTTP 499"},
	} {
		f := newFake(t, func(w http.ResponseWriter, _ *http.Request) { fail(w, status, "no") })
		c2 := &conn{attrs: attrs{"address": f.URL}, method: "approle", auth: attrs{"role_id": "r"}, env: attrs{"VAULT_MAX_RETRIES": "0"}}
		_, err := c2.open(t).Stat(t.Context(), c2.target(t, "a", false))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%d: %v, want %q", status, err, c.want)
		}
		for _, class := range []error{sinks.ErrDenied, sinks.ErrUnavailable} {
			if errors.Is(err, class) != (class == c.class) {
				t.Errorf("%d: %v is %q: %v", status, err, class, errors.Is(err, class))
			}
		}
	}
}

func TestWhatABlockMustSet(t *testing.T) {
	spec := vault.Spec()
	required := func(b schema.Block) string {
		var names []string
		for _, a := range b.Attributes {
			if a.Required {
				names = append(names, a.Name)
			}
		}
		return strings.Join(names, " ")
	}
	got := map[string]string{
		"sink": required(spec.Connection), "deliver": required(spec.Deliver), "state": required(spec.State), "data": required(spec.Data),
	}
	for _, v := range spec.Connection.Blocks[0].Variants {
		got["auth "+v.Labels[0]] = required(v)
	}
	for name, want := range map[string]string{
		"sink": "", "deliver": "path", "state": "path", "data": "path",
		"auth token": "", "auth approle": "role_id", "auth kubernetes": "role", "auth jwt": "role", "auth cert": "",
	} {
		if have, ok := got[name]; !ok || have != want {
			t.Errorf("%s requires %q, want %q", name, have, want)
		}
	}
	if len(got) != 9 || spec.Connection.Blocks[0].Max != 1 {
		t.Errorf("blocks %v, at most %d auth blocks", got, spec.Connection.Blocks[0].Max)
	}
}
