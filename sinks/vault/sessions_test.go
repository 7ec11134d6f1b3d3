package vault_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/testkit/servers"
)

// session answers logins, renewals and questions about a token as told.
type session struct {
	login, renewal, lookup func(w http.ResponseWriter)
	seen                   []string
}

func tokenFor(life time.Duration, renewable bool) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		_, _ = fmt.Fprintf(w, `{"auth":{"client_token":"hvs.canary-%d","lease_duration":%d,"renewable":%t}}`, int(life.Seconds()), int(life.Seconds()), renewable)
	}
}

func failing(status int) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) { fail(w, status, "no") }
}

func (s *session) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch path := strings.TrimPrefix(r.URL.Path, "/v1/"); {
	case strings.HasPrefix(path, "sys/internal/ui/mounts/"):
		_, _ = io.WriteString(w, `{"data":{"type":"kv","options":{"version":"2"}}}`)
	case strings.HasSuffix(path, "/login"):
		s.seen = append(s.seen, "login")
		s.login(w)
	case path == "auth/token/renew-self":
		s.seen = append(s.seen, "renewal")
		s.renewal(w)
	case path == "auth/token/lookup-self":
		s.seen = append(s.seen, "lookup")
		s.lookup(w)
	default:
		fail(w, 404)
	}
}

// A session is renewed once two thirds of its life have passed, and replaced where that
// brings too little or fails for good. What fails for now costs nothing while the token
// lives.
func TestSessionsAreProlongedInTime(t *testing.T) {
	type step struct {
		pass time.Duration
		want string
	}
	hour, third := tokenFor(time.Hour, true), tokenFor(20*time.Minute, true)
	for name, c := range map[string]struct {
		session session
		steps   []step
	}{
		"renewed": {session{login: hour, renewal: hour},
			[]step{{0, "login"}, {39 * time.Minute, ""}, {2 * time.Minute, "renewal"}, {39 * time.Minute, ""}, {2 * time.Minute, "renewal"}}},
		"a third is enough": {session{login: hour, renewal: third}, []step{{0, "login"}, {41 * time.Minute, "renewal"}, {14 * time.Minute, "renewal"}}},
		"less is not": {session{login: hour, renewal: tokenFor(19*time.Minute, true)},
			[]step{{0, "login"}, {41 * time.Minute, "renewal login"}, {39 * time.Minute, ""}}},
		"not renewable": {session{login: tokenFor(time.Hour, false)}, []step{{0, "login"}, {41 * time.Minute, "login"}}},
		"no longer renewable": {session{login: hour, renewal: tokenFor(time.Hour, false)},
			[]step{{0, "login"}, {41 * time.Minute, "renewal"}, {41 * time.Minute, "login"}}},
		"refused":               {session{login: hour, renewal: failing(400)}, []step{{0, "login"}, {41 * time.Minute, "renewal login"}}},
		"denied":                {session{login: hour, renewal: failing(403)}, []step{{0, "login"}, {41 * time.Minute, "renewal login"}}},
		"endless":               {session{login: tokenFor(0, false)}, []step{{0, "login"}, {1000 * time.Hour, ""}}},
		"endless after renewal": {session{login: hour, renewal: tokenFor(0, true)}, []step{{0, "login"}, {41 * time.Minute, "renewal"}, {1000 * time.Hour, ""}}},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(&c.session)
			defer server.Close()
			conn := &conn{attrs: attrs{"address": server.URL}, method: "approle", auth: attrs{"role_id": "r"}, env: attrs{"VAULT_MAX_RETRIES": "0"}}
			s, target := conn.open(t), conn.target(t, "a", false)
			for i, step := range c.steps {
				conn.pass(step.pass)
				c.session.seen = nil
				if _, err := s.Stat(t.Context(), target); err != nil {
					t.Fatalf("step %d: %v", i, err)
				}
				if got := strings.Join(c.session.seen, " "); got != step.want {
					t.Errorf("step %d: %q, want %q", i, got, step.want)
				}
			}
		})
	}
}

// A login that fails for now is no failure while the token before it lives.
func TestAnOutageOfLoginsIsMetWhenTheTokenEnds(t *testing.T) {
	session := &session{login: tokenFor(time.Hour, false)}
	server := httptest.NewServer(session)
	defer server.Close()
	conn := &conn{attrs: attrs{"address": server.URL}, method: "approle", auth: attrs{"role_id": "r"}, env: attrs{"VAULT_MAX_RETRIES": "0"}}
	s, target := conn.open(t), conn.target(t, "a", false)
	if _, err := s.Stat(t.Context(), target); err != nil {
		t.Fatal(err)
	}
	session.login = failing(500)
	conn.pass(59 * time.Minute)
	if _, err := s.Stat(t.Context(), target); err != nil {
		t.Errorf("while the token lives: %v", err)
	}
	conn.pass(2 * time.Minute)
	if _, err := s.Stat(t.Context(), target); !errors.Is(err, sinks.ErrUnavailable) {
		t.Errorf("once it has ended: %v", err)
	}
}

// A token that was given is asked how long it lives; one that may not ask is used as it is.
func TestAGivenTokenIsLookedUp(t *testing.T) {
	life := func(ttl, created int, renewable bool) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) {
			_, _ = fmt.Fprintf(w, `{"data":{"ttl":%d,"creation_ttl":%d,"renewable":%t}}`, ttl, created, renewable)
		}
	}
	for name, c := range map[string]struct {
		lookup  func(http.ResponseWriter)
		pass    time.Duration
		renewed bool
		fails   bool
	}{
		"young":         {life(3600, 3600, true), 39 * time.Minute, false, false},
		"due":           {life(3600, 3600, true), 41 * time.Minute, true, false},
		"given late":    {life(1300, 3600, true), time.Minute, false, false},
		"given due":     {life(1100, 3600, true), time.Second, true, false},
		"not renewable": {life(3600, 3600, false), 41 * time.Minute, false, false},
		"endless":       {life(0, 0, false), 1000 * time.Hour, false, false},
		"no numbers":    {func(w http.ResponseWriter) { _, _ = io.WriteString(w, `{"data":{"ttl":"soon","creation_ttl":1.5}}`) }, 1000 * time.Hour, false, false},
		"may not ask":   {failing(403), 1000 * time.Hour, false, false},
		"an outage":     {failing(500), 0, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			session := &session{lookup: c.lookup, renewal: tokenFor(time.Hour, true)}
			server := httptest.NewServer(session)
			defer server.Close()
			conn := &conn{attrs: attrs{"address": server.URL}, env: attrs{"VAULT_MAX_RETRIES": "0", "VAULT_TOKEN": "hvs.canary"}}
			s, target := conn.open(t), conn.target(t, "a", false)
			for range 2 {
				_, err := s.Stat(t.Context(), target)
				if (err != nil) != c.fails ||
					err != nil && (!errors.Is(err, sinks.ErrUnavailable) || strings.Contains(err.Error(), "canary")) {
					t.Fatalf("Stat = %v", err)
				}
				conn.pass(c.pass)
			}
			if got := slices.Contains(session.seen, "renewal"); got != c.renewed {
				t.Errorf("renewed: %v, after %v", got, session.seen)
			}
			if n := len(session.seen); c.fails && n != 2 {
				t.Errorf("an outage is remembered: %v", session.seen)
			}
		})
	}
}

// A login by a certificate presents it, inline or from files beside the configuration.
func TestLoginByCertificate(t *testing.T) {
	ca := servers.NewCA(t)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM([]byte(ca.PEM))
	serverCert, serverKey := ca.Issue(t, "vault", true)
	pair, err := tls.X509KeyPair([]byte(serverCert), []byte(serverKey))
	if err != nil {
		t.Fatal(err)
	}
	var presented string
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if presented = ""; len(r.TLS.PeerCertificates) > 0 {
			presented = r.TLS.PeerCertificates[0].Subject.CommonName
		}
		(&session{login: tokenFor(time.Hour, true)}).ServeHTTP(w, r)
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.TLS = &tls.Config{
		Certificates: []tls.Certificate{pair},
		ClientAuth:   tls.VerifyClientCertIfGiven,
		ClientCAs:    pool,
		MinVersion:   tls.VersionTLS12,
	}
	server.StartTLS()
	defer server.Close()
	cert, key := ca.Issue(t, "deployer", false)
	_, otherKey := ca.Issue(t, "other", false)
	dir := t.TempDir()
	for name, text := range map[string]string{"c.pem": cert, "k.pem": key} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		auth, env attrs
		presents  string
		wrong     string
	}{
		"inline":           {attrs{"client_cert": cert, "client_key": key, "name": "r"}, nil, "deployer", ""},
		"files":            {attrs{"client_cert": "c.pem", "client_key": "k.pem"}, nil, "deployer", ""},
		"absolute files":   {attrs{"client_cert": filepath.Join(dir, "c.pem"), "client_key": filepath.Join(dir, "k.pem")}, nil, "deployer", ""},
		"variables":        {attrs{}, attrs{"VAULT_CLIENT_CERT": filepath.Join(dir, "c.pem"), "VAULT_CLIENT_KEY": filepath.Join(dir, "k.pem")}, "deployer", ""},
		"none":             {attrs{}, nil, "", ""},
		"another key":      {attrs{"client_cert": cert, "client_key": otherKey}, nil, "", "not a matching PEM pair"},
		"no file":          {attrs{"client_cert": "none.pem", "client_key": "k.pem"}, nil, "", "client_cert"},
		"no key file":      {attrs{"client_cert": "c.pem", "client_key": "none.pem"}, nil, "", "client_key"},
		"a key alone":      {attrs{}, attrs{"VAULT_CLIENT_KEY": filepath.Join(dir, "k.pem")}, "", "VAULT_CLIENT_CERT"},
		"attributes first": {attrs{"client_cert": "c.pem", "client_key": "k.pem"}, attrs{"VAULT_CLIENT_CERT": "none", "VAULT_CLIENT_KEY": "none"}, "deployer", ""},
	} {
		t.Run(name, func(t *testing.T) {
			conn := &conn{attrs: attrs{"address": server.URL, "ca_pem": ca.PEM}, method: "cert", auth: c.auth, dir: dir, env: attrs{"VAULT_MAX_RETRIES": "0"}}
			for name, value := range c.env {
				conn.env[name] = value
			}
			s, err := conn.tryOpen()
			if c.wrong != "" {
				if err == nil || !strings.Contains(err.Error(), c.wrong) || strings.Contains(err.Error(), "PRIVATE") {
					t.Errorf("New = %v, want %q", err, c.wrong)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.Stat(t.Context(), conn.target(t, "a", false)); err != nil || presented != c.presents {
				t.Errorf("Stat = %v, with the certificate of %q", err, presented)
			}
		})
	}
}

// Each method logs in with what its block says, read anew from files.
func TestWhatLoginsSend(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "jwt"), []byte(" a.b.c\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		method     string
		auth       attrs
		path, body string
	}{
		"approle":            {"approle", attrs{"role_id": "r", "secret_id": "s"}, "auth/approle/login", `{"role_id":"r","secret_id":"s"}`},
		"approle, no secret": {"approle", attrs{"role_id": "r"}, "auth/approle/login", `{"role_id":"r"}`},
		"approle, a file":    {"approle", attrs{"role_id": "r", "secret_id_file": "jwt", "mount": "/other/"}, "auth/other/login", `{"role_id":"r","secret_id":"a.b.c"}`},
		"kubernetes":         {"kubernetes", attrs{"role": "r", "token_path": "jwt"}, "auth/kubernetes/login", `{"jwt":"a.b.c","role":"r"}`},
		"jwt":                {"jwt", attrs{"role": "r", "jwt": "x.y.z"}, "auth/jwt/login", `{"jwt":"x.y.z","role":"r"}`},
		"jwt, a file":        {"jwt", attrs{"role": "r", "jwt_file": filepath.Join(dir, "jwt")}, "auth/jwt/login", `{"jwt":"a.b.c","role":"r"}`},
		"cert":               {"cert", attrs{}, "auth/cert/login", `{}`},
		"cert, a name":       {"cert", attrs{"name": "n"}, "auth/cert/login", `{"name":"n"}`},
	} {
		t.Run(name, func(t *testing.T) {
			var path, body string
			f := newFake(t, func(w http.ResponseWriter, r *http.Request) {
				if strings.HasSuffix(r.URL.Path, "/login") {
					text, _ := io.ReadAll(r.Body)
					path, body = strings.TrimPrefix(r.URL.Path, "/v1/"), strings.TrimSpace(string(text))
					tokenFor(time.Hour, true)(w)
					return
				}
				fail(w, 404)
			})
			conn := &conn{
				attrs:  attrs{"address": f.URL},
				method: c.method,
				auth:   c.auth,
				dir:    dir,
				env:    attrs{"VAULT_MAX_RETRIES": "0"},
			}
			if _, err := conn.open(t).Stat(t.Context(), conn.target(t, "a", false)); err != nil || path != c.path ||
				body != c.body {
				t.Errorf("sent %s to %s, %v", body, path, err)
			}
		})
	}
	for name, text := range map[string]string{"empty": "", "two lines": "a\nb"} {
		if err := os.WriteFile(filepath.Join(dir, "bad"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		conn := &conn{
			attrs:  attrs{"address": "http://127.0.0.1:1"},
			method: "jwt",
			auth:   attrs{"role": "r", "jwt_file": "bad"},
			dir:    dir,
			env:    attrs{"VAULT_MAX_RETRIES": "0"},
		}
		if _, err := conn.open(t).Stat(t.Context(), conn.target(t, "a", false)); err == nil ||
			!strings.Contains(err.Error(), "jwt_file") {
			t.Errorf("%s: %v", name, err)
		}
	}
	conn := &conn{attrs: attrs{"address": "http://127.0.0.1:1"}, env: attrs{"VAULT_MAX_RETRIES": "0"}}
	if _, err := conn.open(t).Stat(t.Context(), conn.target(t, "a", false)); !errors.Is(err, sinks.ErrDenied) ||
		!strings.Contains(err.Error(), "no Vault token is set") {
		t.Errorf("without a token: %v", err)
	}
}
