package redact_test

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/internal/redact"
)

const secret = "canary+5f1e2d\"<é9Q"

// ask sends the secret in each way that there is, and returns all that can be
// seen of the answer.
func ask(t *testing.T, answer http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(answer)
	defer server.Close()
	proxy, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	proxy.User = url.UserPassword("user", secret)
	client := &http.Client{Transport: redact.NewTransport(&http.Transport{Proxy: http.ProxyURL(proxy)}, "jwt")}
	body, err := json.Marshal(map[string]string{"jwt": secret, "role": "reader"})
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequest(http.MethodPost, "http://server.invalid/login", strings.NewReader(string(body)))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var headers strings.Builder
	if err := resp.Header.Write(&headers); err != nil {
		t.Fatal(err)
	}
	return resp.Status + "\n" + headers.String() + "\n" + string(text)
}

func TestServerThatRepeatsASecretIsNotHeard(t *testing.T) {
	raw := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				_, _ = io.WriteString(conn, text)
				_ = conn.Close()
			}
		}
	}
	inJSON, _ := json.Marshal(map[string]string{"message": "bad token " + secret})
	for name, answer := range map[string]http.HandlerFunc{
		"in a message": func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "bad token "+secret, http.StatusForbidden) },
		"in JSON":      func(w http.ResponseWriter, _ *http.Request) { http.Error(w, string(inJSON), 400) },
		"as base64": func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, base64.StdEncoding.EncodeToString([]byte("u:"+secret)), 500)
		},
		"a piece":            func(w http.ResponseWriter, _ *http.Request) { http.Error(w, secret[:8], http.StatusForbidden) },
		"in a header":        func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Warning", "299 - "+secret) },
		"as a status":        raw("HTTP/1.1 403 " + secret + "\r\nContent-Length: 0\r\n\r\n"),
		"in place of HTTP":   raw(secret + "\r\n\r\n"),
		"in a broken header": raw("HTTP/1.1 200 OK\r\n" + secret + "\r\n\r\n"),
	} {
		t.Run(name, func(t *testing.T) {
			seen := ask(t, answer)
			if redact.ContainsSecret(seen, credential.NewSecret(secret)) {
				t.Errorf("seen: %s", seen)
			}
		})
	}
}

func TestServerThatRepeatsNothingIsHeard(t *testing.T) {
	seen := ask(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Warning", "299 - deprecated")
		http.Error(w, "permission denied for role reader", http.StatusForbidden)
	})
	for _, want := range []string{"403 Forbidden", "permission denied for role reader", "deprecated"} {
		if !strings.Contains(seen, want) {
			t.Errorf("%q lacks %q", seen, want)
		}
	}
	// What a success holds is for the program, which shows none of it.
	if seen := ask(t, func(w http.ResponseWriter, _ *http.Request) {
		_,
			_ = io.WriteString(w, secret)
	}); !strings.Contains(
		seen,
		secret,
	) {
		t.Errorf("the answer is %q", seen)
	}
}

// net/http complains to the standard logger of a transport that returns both.
func TestRefusalThatBreaksOffIsAnErrorAndNoAnswer(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, "cut")
	}))
	defer server.Close()
	req, err := http.NewRequest(http.MethodGet, server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	resp, err := redact.NewTransport(transport).RoundTrip(req)
	if resp != nil {
		_ = resp.Body.Close()
	}
	if resp != nil || err == nil {
		t.Errorf("got an answer (%v) and the error %v", resp != nil, err)
	}
}

// One request may log in with another secret than the one before it.
func TestEachRequestsOwnSecretIsWithheld(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "bad token "+r.Header.Get("X-Vault-Token")+" of role reader", http.StatusForbidden)
	}))
	defer server.Close()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: redact.NewTransport(transport)}
	for _, token := range []string{"first-canary-9182", "", "second-canary-5560", "first-canary-9182"} {
		req, err := http.NewRequest(http.MethodGet, server.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Vault-Token", token)
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		if heard := strings.Contains(string(text), "role reader"); heard != (token == "") || strings.Contains(string(text), "canary") {
			t.Errorf("token %q: %s", token, text)
		}
	}
}

func BenchmarkTransport(b *testing.B) {
	answer := &http.Response{StatusCode: http.StatusOK, Status: "200 OK", Body: http.NoBody, Header: http.Header{
		"Cache-Control": {"no-store"}, "Content-Type": {"application/json"}, "Content-Length": {"1234"},
		"Strict-Transport-Security": {"max-age=31536000; includeSubDomains"}, "Date": {"Sun, 01 Mar 2026 12:00:00 GMT"},
	}}
	transport := redact.NewTransport(answers{answer})
	req, err := http.NewRequest(http.MethodGet, "http://vault.invalid/v1/secret/data/x", nil)
	if err != nil {
		b.Fatal(err)
	}
	req.Header.Set("X-Vault-Token", "hvs."+strings.Repeat("x1Y", 30))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := transport.RoundTrip(req); err != nil {
			b.Fatal(err)
		}
	}
}

type answers struct{ resp *http.Response }

func (a answers) RoundTrip(*http.Request) (*http.Response, error) { return a.resp, nil }
