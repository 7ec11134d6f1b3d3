package sandbox_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/sandbox"
	"github.com/google/go-cmp/cmp"
)

// bankEncrypt encrypts as a client of the bank does, for a query.
func bankEncrypt(t *testing.T, key, value string) string {
	t.Helper()
	block, _ := pem.Decode([]byte(key))
	pub, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	//lint:ignore SA1019 the bank asks for it
	ciphertext, err := rsa.EncryptPKCS1v15(rand.Reader, pub.(*rsa.PublicKey), []byte(value))
	if err != nil {
		t.Fatal(err)
	}
	return url.QueryEscape(base64.StdEncoding.EncodeToString(ciphertext))
}

// bankLogin is a login that the bank takes, to be spoilt by a test.
func bankLogin(t *testing.T, key string) *http.Request {
	t.Helper()
	query := "username=" + bankEncrypt(t, key, "test") + "&password=" + bankEncrypt(t, key, "bank_password")
	r := httptest.NewRequest("POST", "/bereke/auth/oauth/token?grant_type=Password&user_type=customer&"+query, strings.NewReader("{}"))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Basic V0VCOg==")
	r.Header.Set("Device-Fingerprint", "")
	return r
}

func bankSend(s *sandbox.Sandbox, r *http.Request) (int, map[string]any) {
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	var body map[string]any
	_ = json.Unmarshal(w.Body.Bytes(), &body)
	return w.Code, body
}

func TestBankTakesDocumentedLogin(t *testing.T) {
	s := demo(t)
	status, body := bankSend(s, bankLogin(t, sandbox.BerekePublicKey(0)))
	if status != http.StatusOK || body["expires_in"] != 899.0 {
		t.Fatalf("status %d, %v", status, body)
	}
	token, _ := body["access_token"].(string)
	if name, live := s.Live("bereke", token); name != "test" || !live {
		t.Error("the token is not alive")
	}
	s.Advance(899 * time.Second)
	if _, live := s.Live("bereke", token); live {
		t.Error("the token outlives what its answer said")
	}
	if v := s.Violations(); len(v) > 0 {
		t.Error(v)
	}
}

func TestBankIsStrict(t *testing.T) {
	key := sandbox.BerekePublicKey(0)
	query := func(f func(string) string) func(*http.Request) {
		return func(r *http.Request) { r.URL.RawQuery = f(r.URL.RawQuery) }
	}
	replace := func(old, new string) func(*http.Request) {
		return query(func(q string) string { return strings.Replace(q, old, new, 1) })
	}
	head := func(name string, values ...string) func(*http.Request) {
		return func(r *http.Request) { r.Header[name] = values }
	}
	for name, spoil := range map[string]func(*http.Request){
		"grant_type in lower case":   replace("=Password&", "=password&"),
		"another user_type":          replace("=customer", "=bank"),
		"no user_type":               replace("user_type=customer&", ""),
		"a parameter twice":          query(func(q string) string { return q + "&user_type=customer" }),
		"another parameter":          query(func(q string) string { return q + "&scope=ALL" }),
		"no query":                   query(func(string) string { return "" }),
		"padding of base64 as it is": replace("%3D", "="),
		"password in clear":          query(func(q string) string { return q[:strings.Index(q, "password=")] + "password=bank_password" }),
		"short ciphertext":           query(func(q string) string { return q[:strings.Index(q, "password=")] + "password=QUJD" }),
		"another client":             head("Authorization", "Basic T1RIRVI6"),
		"no client":                  head("Authorization"),
		"no fingerprint":             head("Device-Fingerprint"),
		"another content type":       head("Content-Type", "application/x-www-form-urlencoded"),
		"another body":               func(r *http.Request) { r.Body = http.NoBody },
	} {
		t.Run(name, func(t *testing.T) {
			s, r := demo(t), bankLogin(t, key)
			spoil(r)
			if status, _ := bankSend(s, r); status != http.StatusBadRequest || len(s.Violations()) == 0 {
				t.Errorf("status %d, violations %q", status, s.Violations())
			}
		})
	}
}

func TestBankRotatesItsKey(t *testing.T) {
	s := demo(t)
	published := func() string {
		status, body := bankSend(s, httptest.NewRequest("GET", "/bereke/auth/public-key", nil))
		if status != http.StatusOK {
			t.Fatalf("status %d", status)
		}
		key, _ := body["key"].(string)
		return key
	}
	old := published()
	s.RotateBerekeKey()
	status, body := bankSend(s, bankLogin(t, old))
	if status != http.StatusUnauthorized || body["error"] != "invalid_grant" {
		t.Errorf("status %d, %v", status, body)
	}
	if status, _ := bankSend(s, bankLogin(t, published())); status != http.StatusOK {
		t.Errorf("status %d", status)
	}
	if diff := cmp.Diff(sandbox.Count{Received: 2, Accepted: 2}, s.Counters("bereke", "").Keys); diff != "" {
		t.Error(diff)
	}
}

func TestBankLocksAnAccount(t *testing.T) {
	s := demo(t)
	s.Update("bereke", "test", func(a *sandbox.Account) { a.LockAfter, a.Password = 2, "another" })
	for _, want := range []int{401, 401, 423} {
		if status, _ := bankSend(s, bankLogin(t, sandbox.BerekePublicKey(0))); status != want {
			t.Errorf("status %d, want %d", status, want)
		}
	}
}
