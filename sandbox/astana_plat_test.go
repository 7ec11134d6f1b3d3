package sandbox_test

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/sandbox"
)

func astanaLogin(body string) request {
	return request{"POST", "/astana_plat/authorize", body, map[string]string{"Accept": "application/json", "Content-Type": "application/json"}}
}

func TestAstanaPlatByPassword(t *testing.T) {
	for _, c := range []struct {
		name, body string
		status     int
		says       string
	}{
		{"good", `{"authType":1,"login":"login","password":"password"}`, 200, `"message":"Access token created","statusCode":200`},
		{"wrong password", `{"authType":1,"login":"login","password":"wrong"}`, 422, `{"message":"Incorrect credentials","statusCode":422}`},
		{"unknown login", `{"authType":1,"login":"nobody","password":"password"}`, 400, `"User with given credentials not found"`},
		{"account without a password", `{"authType":1,"login":"demo-certificate","password":"x"}`, 422, `"Incorrect credentials"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := demo(t)
			status, body := send(t, s, astanaLogin(c.body))
			if status != c.status || !strings.Contains(body, c.says) {
				t.Errorf("got %d %s, want %d with %s", status, body, c.status, c.says)
			}
			if v := s.Violations(); len(v) != 0 {
				t.Error(v)
			}
		})
	}
}

func TestAstanaPlatIsStrict(t *testing.T) {
	const good = `{"authType":1,"login":"login","password":"password"}`
	q := func(change func(*request)) request {
		r := astanaLogin(good)
		change(&r)
		return r
	}
	for name, r := range map[string]request{
		"no authType":           astanaLogin(`{"login":"login","password":"password"}`),
		"authType as text":      astanaLogin(`{"authType":"1","login":"login","password":"password"}`),
		"authType of its own":   astanaLogin(`{"authType":3}`),
		"no password":           astanaLogin(`{"authType":1,"login":"login"}`),
		"one field too many":    astanaLogin(`{"authType":1,"login":"login","password":"password","code":"1"}`),
		"a field twice":         astanaLogin(`{"authType":1,"authType":1,"login":"login","password":"password"}`),
		"a nested field":        astanaLogin(`{"authType":1,"login":{},"password":"password"}`),
		"no certificate":        astanaLogin(`{"authType":2}`),
		"no JSON":               astanaLogin(`authType=1`),
		"no Accept":             q(func(r *request) { delete(r.header, "Accept") }),
		"another Content-Type":  q(func(r *request) { r.header["Content-Type"] = "text/plain" }),
		"a query":               q(func(r *request) { r.path += "?login=login" }),
		"a token that is spent": q(func(r *request) { r.header["Authorization"] = "Bearer x" }),
		"another method":        q(func(r *request) { r.method = "GET" }),
	} {
		t.Run(name, func(t *testing.T) {
			s := demo(t)
			if status, _ := send(t, s, r); status < 400 || len(s.Violations()) == 0 {
				t.Errorf("status %d, violations %v", status, s.Violations())
			}
		})
	}
}

func TestAstanaPlatRefusals(t *testing.T) {
	for refusal, want := range map[sandbox.AstanaPlatRefusal]string{
		sandbox.AstanaServerError: `{"message":"Error on server. try later","statusCode":500}`,
		sandbox.AstanaCANotFound:  `{"message":"Endpoint not found","statusCode":400}`,
		sandbox.AstanaCAFailed:    `{"message":"Error. Try later","statusCode":400}`,
		sandbox.AstanaCAUnknown:   `{"message":"Unknown error. Try later","statusCode":400}`,
		sandbox.AstanaCAGarbled:   `{"message":"Incorrect response body. Try again.","statusCode":400}`,
		sandbox.AstanaOutdated:    `{"message":"Certificate is outdated. Please get fresh one.","statusCode":400}`,
	} {
		t.Run(string(refusal), func(t *testing.T) {
			s := encrypted(t)
			s.Update("astana_plat", "demo-certificate", func(a *sandbox.Account) { a.AstanaPlat.Refusal = refusal })
			if _, body := post(t, s, clientOf(t, s, sandbox.ClientCertificate{CommonName: "demo"})); body != want {
				t.Errorf("got %s, want %s", body, want)
			}
		})
	}
}

func TestAstanaPlatHasOneLiveToken(t *testing.T) {
	for _, keeps := range []bool{false, true} {
		s := demo(t)
		s.Update("astana_plat", "login", func(a *sandbox.Account) { a.AstanaPlat.Opaque, a.AstanaPlat.KeepsPrevious = true, keeps })
		first, second := astanaToken(t, s), astanaToken(t, s)
		if _, live := s.Live("astana_plat", first); live != keeps {
			t.Errorf("the first token's live is %v, want %v", live, keeps)
		}
		if name, live := s.Live("astana_plat", second); !live || name != "login" {
			t.Error("the second token is dead")
		}
		s.Advance(time.Hour)
		if _, live := s.Live("astana_plat", second); live {
			t.Error("the token outlives its hour")
		}
	}
}

func astanaToken(t *testing.T, s *sandbox.Sandbox) string {
	t.Helper()
	_, body := send(t, s, astanaLogin(`{"authType":1,"login":"login","password":"password"}`))
	_, rest, _ := strings.Cut(body, `"token":"`)
	token, _, _ := strings.Cut(rest, `"`)
	return token
}

func TestLockedAfterRejections(t *testing.T) {
	s := demo(t)
	s.Update("astana_plat", "login", func(a *sandbox.Account) { a.LockAfter = 1 })
	send(t, s, astanaLogin(`{"authType":1,"login":"login","password":"wrong"}`))
	if status, _ := send(t, s, astanaLogin(`{"authType":1,"login":"login","password":"password"}`)); status != 400 {
		t.Errorf("a locked account is answered %d", status)
	}
}

// encrypted is the demo served over TLS.
func encrypted(t *testing.T) *sandbox.Sandbox {
	t.Helper()
	s := demo(t)
	if err := s.StartTLS("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// clientOf trusts the sandbox and presents a certificate that by signs.
func clientOf(t *testing.T, by *sandbox.Sandbox, c sandbox.ClientCertificate) *tls.Certificate {
	t.Helper()
	certPEM, keyPEM, err := by.IssueCertificate(c)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := tls.X509KeyPair([]byte(certPEM), []byte(keyPEM))
	if err != nil {
		t.Fatal(err)
	}
	return &cert
}

// post logs in by certificate; status 0 means that there was no answer.
func post(t *testing.T, s *sandbox.Sandbox, cert *tls.Certificate) (int, string) {
	t.Helper()
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM([]byte(s.CAPEM())) {
		t.Fatal("the authority's certificate cannot be read")
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{
		RootCAs:              roots,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return cert, nil },
	}}
	defer transport.CloseIdleConnections()
	req, err := http.NewRequestWithContext(t.Context(), "POST", s.TLSURL("astana_plat")+"/authorize", strings.NewReader(`{"authType":2}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Content-Type", "application/json")
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func TestClientCertificates(t *testing.T) {
	now := time.Now()
	for _, c := range []struct {
		name   string
		cert   sandbox.ClientCertificate
		other  bool
		status int
		says   string
	}{
		{"known", sandbox.ClientCertificate{CommonName: "demo"}, false, 200, "Access token created"},
		{"of nobody", sandbox.ClientCertificate{CommonName: "nobody"}, false, 400, "User with given credentials not found"},
		{"expired", sandbox.ClientCertificate{CommonName: "demo", NotBefore: now.Add(-2 * time.Hour),
			NotAfter: now.Add(-time.Hour)}, false, 0, "expired certificate"},
		{"not valid yet", sandbox.ClientCertificate{CommonName: "demo", NotBefore: now.Add(time.Hour)}, false, 0, "expired certificate"},
		{"of another authority", sandbox.ClientCertificate{CommonName: "demo"}, true, 0, "unknown certificate authority"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := encrypted(t)
			by := s
			if c.other {
				by = demo(t)
			}
			status, body := post(t, s, clientOf(t, by, c.cert))
			if status != c.status || !strings.Contains(body, c.says) {
				t.Errorf("got %d %s, want %d with %s", status, body, c.status, c.says)
			}
			if v := s.Violations(); len(v) != 0 {
				t.Error(v)
			}
		})
	}
	if _, _, err := demo(t).IssueCertificate(sandbox.ClientCertificate{}); err == nil {
		t.Error("a certificate without a name was issued")
	}
}
