package providertest

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/sandbox"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// form is how a good answer is written otherwise than documented, though all is in it.
type form struct {
	name   string
	change func(h http.Header, body []byte) []byte
}

func called(contentType string) form {
	return form{"called " + contentType, func(h http.Header, body []byte) []byte {
		h.Set("Content-Type", contentType)
		return body
	}}
}

func encoded(name string, encode func([]byte) []byte) form {
	return form{"Content-Encoding " + name, func(h http.Header, body []byte) []byte {
		h.Set("Content-Encoding", name)
		return encode(body)
	}}
}

func asItIs(b []byte) []byte { return b }

func gzipped(b []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = w.Write(b)
	_ = w.Close()
	return out.Bytes()
}

var tokenText = regexp.MustCompile(`("(?:access_token|token)"\s*:\s*")([^"]*)"`)

var forms = []form{
	{"a byte order mark", func(_ http.Header, body []byte) []byte { return append([]byte("\xef\xbb\xbf"), body...) }},
	called("text/html"), called("text/plain"), called("text/javascript"), called("application/octet-stream"), called("nonsense"),
	called("application/json; charset=utf-8"), called(`text/html; charset="UTF-8"`),
	{"no type", func(h http.Header, body []byte) []byte {
		h["Content-Type"] = nil
		return body
	}},
	encoded("none", asItIs), encoded("identity", asItIs), encoded("utf-8", asItIs), encoded("x-gzip", gzipped), encoded("gzip", gzipped),
	{"in windows-1251", func(h http.Header, body []byte) []byte {
		h.Set("Content-Type", "application/json; charset=windows-1251")
		return inWindows1251(body)
	}},
	{"space around the token", func(_ http.Header, body []byte) []byte {
		return tokenText.ReplaceAll(body, []byte(`$1 $2\r\n"`))
	}},
	{"a field that nobody knows", func(_ http.Header, body []byte) []byte {
		return append([]byte(`{"zzz":{"a":[1,null]},`), bytes.TrimPrefix(bytes.TrimSpace(body), []byte("{"))...)
	}},
}

// inWindows1251 writes what is in that table, as JSON may escape what is not.
func inWindows1251(body []byte) []byte {
	var out []byte
	for _, r := range string(body) {
		switch {
		case r < 0x80:
			out = append(out, byte(r))
		case r >= 'А' && r <= 'я':
			out = append(out, byte(r-'А')+0xc0)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
	}
	return out
}

// testForms: an answer with what was asked for is one, however it is written.
func testForms(t *testing.T, target Target) {
	if target.TLS {
		t.Skip("what stands between would need the certificate's key")
	}
	eachOp(t, target, func(t *testing.T, op string) {
		for _, f := range forms {
			t.Run(f.name, func(t *testing.T) {
				h, between := newBetween(t, target)
				old := h.prepare(t, op)
				between.change = f.change
				if op == sandbox.OpVerify && target.anyJSON(op) && strings.HasPrefix(f.name, "a field") {
					return
				}
				token, err := h.Do(t.Context(), op, old)
				if err != nil {
					t.Fatalf("%s failed: %v", op, err)
				}
				if op != sandbox.OpVerify {
					between.wantToken(t, token)
				}
				if op == sandbox.OpLogin || op == sandbox.OpVerify {
					between.change = nil
					wantOutputs(t, h, target, op, token)
				}
			})
		}
	})
}

// wantOutputs checks that nothing of an answer got lost or was garbled.
func wantOutputs(t *testing.T, h *Harness, target Target, op string, token credential.Token) {
	t.Helper()
	out := token.Outputs
	if op == sandbox.OpLogin {
		var err error
		if out, err = h.Verify(t.Context(), token); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(target.Outputs, out, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("outputs (-want +got):\n%s", diff)
	}
}

// between stands before the emulator, and writes its answers otherwise.
type between struct {
	change func(http.Header, []byte) []byte
	// token is the last one that went through.
	token string
}

// newBetween is New, with something in between.
func newBetween(t *testing.T, target Target) (*Harness, *between) {
	t.Helper()
	b := &between{}
	return New(t, target, func(h *Harness) { h.between = b }), b
}

// serve returns the address at which what is at origin can be had through b.
func (b *between) serve(t *testing.T, origin string) string {
	t.Helper()
	u, err := url.Parse(origin)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{DisableCompression: true}
	t.Cleanup(transport.CloseIdleConnections)
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host = u.Scheme, u.Host
		},
		Transport: transport, ModifyResponse: b.rewrite,
	}
	server := httptest.NewServer(proxy)
	t.Cleanup(server.Close)
	return server.URL + u.Path
}

func (b *between) rewrite(r *http.Response) error {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	if m := tokenText.FindSubmatch(body); m != nil {
		b.token = string(m[2])
	}
	if b.change != nil {
		body = b.change(r.Header, body)
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	r.Header.Set("Content-Length", strconv.Itoa(len(body)))
	return nil
}

func (b *between) wantToken(t *testing.T, token credential.Token) {
	t.Helper()
	if token.Access.Reveal() != b.token {
		t.Error("the token is not the one that was sent")
	}
}
