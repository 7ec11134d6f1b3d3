package redact_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/credsync/credsync/internal/redact"
)

// server answers requests without a network.
type server func(*http.Request) (*http.Response, error)

func (s server) RoundTrip(req *http.Request) (*http.Response, error) { return s(req) }

func answer(status int, body string) *http.Response {
	return &http.Response{
		StatusCode: status,
		Status:     http.StatusText(status),
		Header:     http.Header{},
		Body:       io.NopCloser(strings.NewReader(body)),
	}
}

// hears sends a request to a server that answers with the text, and returns what is left
// of it.
func hears(t *testing.T, req *http.Request, text string, fields ...string) string {
	t.Helper()
	transport := redact.NewTransport(
		server(func(*http.Request) (*http.Response, error) { return answer(http.StatusForbidden, text), nil }),
		fields...)
	resp, err := transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.ContentLength != int64(len(b)) {
		t.Errorf("%d bytes, told are %d, %v", len(b), resp.ContentLength, err)
	}
	return string(b)
}

func request(t *testing.T, body string) *http.Request {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, "http://server.invalid/", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return req
}

// Each way to log in alone: a secret that is sent in another way as well would be found
// by that.
func TestASecretIsKnownByTheWayItIsSent(t *testing.T) {
	const canary = "zX81-kanarienvogel"
	object := func(t *testing.T, name string, value any) string {
		b, err := json.Marshal(map[string]any{"other": "harmless-value", name: value})
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	for name, tt := range map[string]struct {
		change func(*testing.T, *http.Request) *http.Request
		fields []string
		hidden bool
	}{
		"bearer": {func(_ *testing.T, r *http.Request) *http.Request {
			r.Header.Set("Authorization", "Bearer "+canary)
			return r
		}, nil, true},
		"no scheme": {func(_ *testing.T, r *http.Request) *http.Request { r.Header.Set("Authorization", canary); return r }, nil, true},
		"a proxy's": {func(_ *testing.T, r *http.Request) *http.Request {
			r.Header.Set("Proxy-Authorization", "Basic "+canary)
			return r
		}, nil, true},
		"Vault's": {func(_ *testing.T, r *http.Request) *http.Request { r.Header.Set("X-Vault-Token", canary); return r }, nil, true},
		"basic":   {func(_ *testing.T, r *http.Request) *http.Request { r.SetBasicAuth("user", canary); return r }, nil, true},
		"the user of basic": {func(_ *testing.T, r *http.Request) *http.Request {
			r.SetBasicAuth(canary, "another-password")
			return r
		}, nil, false},
		"another header": {func(_ *testing.T, r *http.Request) *http.Request { r.Header.Set("X-Request-Id", canary); return r },
			nil, false},
		"a field": {func(t *testing.T, _ *http.Request) *http.Request {
			return request(t, object(t, "secret_id", canary))
		}, []string{"secret_id"}, true},
		"the second of two fields": {func(t *testing.T, _ *http.Request) *http.Request { return request(t, object(t, "secret_id", canary)) },
			[]string{"jwt", "secret_id"}, true},
		"the first of two fields": {func(t *testing.T, _ *http.Request) *http.Request { return request(t, object(t, "jwt", canary)) },
			[]string{"jwt", "secret_id"}, true},
		"a field of no secret": {func(t *testing.T, _ *http.Request) *http.Request { return request(t, object(t, "role", canary)) },
			[]string{"jwt"}, false},
		"no fields are known": {func(t *testing.T, _ *http.Request) *http.Request { return request(t, object(t, "jwt", canary)) },
			nil, false},
		"a field that is no string": {func(t *testing.T, _ *http.Request) *http.Request {
			return request(t, object(t, "jwt", []string{canary}))
		}, []string{"jwt"}, false},
		"a body that is not JSON": {func(t *testing.T, _ *http.Request) *http.Request { return request(t, `"jwt"=`+canary) }, []string{"jwt"}, false},
		"a body that is read once": {func(t *testing.T, _ *http.Request) *http.Request {
			r := request(t, object(t, "jwt", canary))
			r.GetBody = nil
			return r
		}, []string{"jwt"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			req := tt.change(t, request(t, ""))
			if seen := hears(t, req, "not known: "+canary+".", tt.fields...); strings.Contains(seen, canary) == tt.hidden {
				t.Errorf("seen: %s", seen)
			}
			if seen := hears(t, tt.change(t, request(t, "")), "permission denied", tt.fields...); seen != "permission denied" {
				t.Errorf("seen: %s", seen)
			}
		})
	}
}

func TestFewCharactersAreNoKey(t *testing.T) {
	for value, hidden := range map[string]bool{"q7w8e9r": false, "q7w8e9rt": true} {
		req := request(t, "")
		req.Header.Set("X-Vault-Token", value)
		if seen := hears(t, req, "item "+value+" is missing"); strings.Contains(seen, value) == hidden {
			t.Errorf("%d characters: %q", len(value), seen)
		}
	}
}

// A token that was renewed is another secret, with nothing in common with the old one.
func TestARenewedTokenIsNotShown(t *testing.T) {
	transport := redact.NewTransport(server(func(r *http.Request) (*http.Response, error) {
		return answer(http.StatusForbidden, "bad: "+r.Header.Get("X-Vault-Token")), nil
	}))
	for _, token := range []string{"aaaa1111bbbb", "zzzz9999yyyy", "aaaa1111bbbb", "kkkk5555llll"} {
		req := request(t, "")
		req.Header.Set("X-Vault-Token", token)
		resp, err := transport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		if text, _ := io.ReadAll(resp.Body); strings.Contains(string(text), token) {
			t.Errorf("seen: %s", text)
		}
	}
}

// The password of a proxy is of the address that the transport has, not of the request.
func TestAProxysPasswordIsNotShown(t *testing.T) {
	const password = "zX81-kanarienvogel"
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "not known: "+password, http.StatusProxyAuthRequired)
	}))
	defer proxy.Close()
	for _, user := range []*url.Userinfo{url.UserPassword("user", password), nil} {
		address, err := url.Parse(proxy.URL)
		if err != nil {
			t.Fatal(err)
		}
		address.User = user
		direct := &http.Transport{Proxy: http.ProxyURL(address)}
		defer direct.CloseIdleConnections()
		resp, err := redact.NewTransport(direct).RoundTrip(request(t, ""))
		if err != nil {
			t.Fatal(err)
		}
		if text, _ := io.ReadAll(resp.Body); strings.Contains(string(text), password) == (user != nil) {
			t.Errorf("with a password %t: %s", user != nil, text)
		}
	}
	odd := errors.New("no such proxy")
	direct := &http.Transport{Proxy: func(*http.Request) (*url.URL, error) { return address(t, password), odd }}
	if _, err := redact.NewTransport(direct).RoundTrip(request(t, "")); !errors.Is(err, odd) {
		t.Errorf("a proxy that is not known: %v", err)
	}
}

func address(t *testing.T, password string) *url.URL {
	t.Helper()
	return &url.URL{Scheme: "http", Host: "127.0.0.1:1", User: url.UserPassword("user", password)}
}

// The server gets the body that was sent, whether it can be had again or not.
func TestABodyArrivesWhole(t *testing.T) {
	body := `{"jwt":"canary-0123456789","pad":"` + strings.Repeat("x", 5000) + `"}`
	for _, again := range []bool{true, false} {
		for _, fields := range [][]string{nil, {"jwt"}} {
			req := request(t, body)
			if !again {
				req.GetBody = nil
			}
			var got []byte
			transport := redact.NewTransport(server(func(r *http.Request) (*http.Response, error) {
				got, _ = io.ReadAll(r.Body)
				return answer(http.StatusOK, ""), nil
			}), fields...)
			if _, err := transport.RoundTrip(req); err != nil || string(got) != body {
				t.Errorf("can be had again: %t, fields %v: %d bytes of %d arrive, %v", again, fields, len(got), len(body), err)
			}
		}
	}
}

type broken struct{ err error }

func (b broken) Read([]byte) (int, error) { return 0, b.err }
func (b broken) Close() error             { return nil }

func TestABodyThatCannotBeReadIsNotSent(t *testing.T) {
	odd := errors.New("the disk is gone")
	for name, change := range map[string]func(*http.Request){
		"once":                    func(r *http.Request) { r.GetBody, r.Body = nil, broken{odd} },
		"again":                   func(r *http.Request) { r.GetBody = func() (io.ReadCloser, error) { return nil, odd } },
		"again, and it is broken": func(r *http.Request) { r.GetBody = func() (io.ReadCloser, error) { return broken{odd}, nil } },
	} {
		req := request(t, `{"jwt":"x"}`)
		change(req)
		_, err := redact.NewTransport(server(func(*http.Request) (*http.Response, error) {
			t.Errorf("%s: it is sent", name)
			return answer(http.StatusOK, ""), nil
		}), "jwt").RoundTrip(req)
		if !errors.Is(err, odd) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWhatIsLeftOfARefusal(t *testing.T) {
	const token = "zX81-kanarienvogel"
	for name, tt := range map[string]struct{ body, has, lacks string }{
		"a message in JSON":            {`{"message":"bad ` + token + `","code":"E_17"}`, `"code":"E_17"`, token},
		"a name in JSON":               {`{"` + token + `":1,"code":"E_17"}`, `"code":"E_17"`, token},
		"in a list":                    {`{"errors":["bad ` + token + `","see the manual"]}`, "see the manual", token},
		"deep in JSON":                 {`{"a":{"b":[{"c":"` + token + `"}],"d":"kept"}}`, "kept", token},
		"a large number":               {`{"id":12345678901234567890,"m":"` + token + `"}`, "12345678901234567890", token},
		"escaped in JSON":              {`{"m":"zX81-\u006banarienvogel","code":"E_17"}`, "E_17", "anarienvogel"},
		"plain":                        {"bad " + token, "(", token},
		"JSON, then text":              {`{"code":"E_17"} ` + token, "(", token},
		"two of JSON":                  {`{"code":"E_17"}{"m":"` + token + `"}`, "(", token},
		"a number that is the secret":  {`{"code":"E_17","n":` + "7" + `,"m":"` + token + `"}`, `"n":7`, token},
		"nothing repeated, escaped":    {`{"path":"C:\\temp","a":1}`, "temp", token},
		"nothing repeated, not JSON":   {`C:\temp is full`, `C:\temp is full`, token},
		"nothing repeated, untouched":  {"{ \"a\" :  1 }", "{ \"a\" :  1 }", token},
		"nothing repeated, and broken": {`{"a":"\`, `{"a":"\`, token},
	} {
		req := request(t, "")
		req.Header.Set("X-Vault-Token", token)
		if seen := hears(t, req, tt.body); !strings.Contains(seen, tt.has) || strings.Contains(seen, tt.lacks) {
			t.Errorf("%s: %s", name, seen)
		}
	}
}

func TestOnlyWhatRepeatsTheSecretIsTakenFromAnAnswer(t *testing.T) {
	const token = "zX81-kanarienvogel"
	send := func(status int, change func(*http.Response)) *http.Response {
		req := request(t, "")
		req.Header.Set("X-Vault-Token", token)
		resp, err := redact.NewTransport(server(func(*http.Request) (*http.Response, error) {
			resp := answer(status, "bad "+token)
			change(resp)
			return resp, nil
		})).RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		return resp
	}
	resp := send(http.StatusOK, func(r *http.Response) {
		r.Header = http.Header{"Warning": {"fine", "has " + token}, "X-" + token: {"x"}, "Date": {"today"}}
	})
	if resp.Header.Get("Warning") != "" || len(resp.Header) != 1 || resp.Header.Get("Date") != "today" {
		t.Errorf("headers %v", resp.Header)
	}
	if resp := send(http.StatusTeapot, func(r *http.Response) { r.Status = "418 " + token }); resp.Status != "418 I'm a teapot" {
		t.Errorf("status %q", resp.Status)
	}
	if resp := send(http.StatusTeapot, func(r *http.Response) { r.Status = "418 short and stout" }); resp.Status != "418 short and stout" {
		t.Errorf("status %q", resp.Status)
	}
	for status, whole := range map[int]bool{200: true, 302: true, 399: true, 400: false, 500: false} {
		text, _ := io.ReadAll(send(status, func(*http.Response) {}).Body)
		if strings.Contains(string(text), token) != whole {
			t.Errorf("%d: %s", status, text)
		}
	}
	long := bytes.Repeat([]byte("x"), 1<<20+5)
	text, _ := io.ReadAll(send(500, func(r *http.Response) { r.Body = io.NopCloser(bytes.NewReader(long)) }).Body)
	if len(text) != 1<<20 {
		t.Errorf("%d bytes of a long refusal are read", len(text))
	}
}

func TestErrorsThatQuoteTheSecretAreReplaced(t *testing.T) {
	const token = "zX81-kanarienvogel"
	quotes, harmless := errors.New("malformed: "+token), errors.New("connection reset")
	for _, err := range []error{quotes, harmless} {
		for name, next := range map[string]server{
			"instead of an answer": func(*http.Request) (*http.Response, error) { return nil, err },
			"in a refusal": func(*http.Request) (*http.Response, error) {
				r := answer(500, "")
				r.Body = broken{err}
				return r, nil
			},
		} {
			req := request(t, "")
			req.Header.Set("X-Vault-Token", token)
			resp, got := redact.NewTransport(next).RoundTrip(req)
			if resp != nil || got == nil || strings.Contains(got.Error(), token) ||
				errors.Is(got, harmless) != (err == harmless) {
				t.Errorf("%s, %v: %v, %v", name, err == quotes, resp, got)
			}
		}
	}
}

func TestACancellationCanBePassedOn(t *testing.T) {
	next := &http.Transport{}
	if redact.NewTransport(next).WrappedRoundTripper() != http.RoundTripper(next) {
		t.Error("the transport below is not told")
	}
}
