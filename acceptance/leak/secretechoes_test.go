package leak

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/credsync/credsync/testkit/canary"
)

// frontServer stands before the upstreams, and is a proxy too. It hands requests on,
// or answers them itself with what they held.
type frontServer struct {
	server *httptest.Server
	honest http.Handler
	aviary *canary.Set

	mu       sync.Mutex
	hostile  *secretEcho
	requests int
	hold     chan struct{}
	held     chan struct{}
}

func newFront(t *testing.T, honest http.Handler, aviary *canary.Set) *frontServer {
	f := &frontServer{honest: honest, aviary: aviary}
	f.server = httptest.NewServer(f)
	t.Cleanup(func() { f.release(); f.server.Close() })
	return f
}

func (f *frontServer) url(upstream string) string {
	if upstream == "" {
		return f.server.URL
	}
	return f.server.URL + "/" + upstream
}

// answerWith makes the front hostile, or honest again with nil, and returns how many
// requests came until then.
func (f *frontServer) answerWith(h *secretEcho) (before int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.hostile, before, f.requests = h, f.requests, 0
	return before
}

// holdNext keeps every request waiting from now on. The channel that it returns
// tells of the first.
func (f *frontServer) holdNext() <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.hold, f.held = make(chan struct{}), make(chan struct{}, 1)
	return f.held
}

func (f *frontServer) release() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.hold != nil {
		close(f.hold)
		f.hold = nil
	}
}

func (f *frontServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	h, n, hold, held := f.hostile, f.requests, f.hold, f.held
	f.requests++
	f.mu.Unlock()
	if hold != nil {
		select {
		case held <- struct{}{}:
		default:
		}
		select {
		case <-hold:
		case <-r.Context().Done():
		}
		return
	}
	if h == nil {
		f.honest.ServeHTTP(w, r)
		return
	}
	pieces := f.pieces(r)
	h.answer(w, r, h.form(pieces[n%len(pieces)]))
}

// pieces are the secrets that an upstream knows from a request: its headers,
// what is in its query and its body; and what it knows anyway, the tokens and
// passwords of the account.
func (f *frontServer) pieces(r *http.Request) []string {
	body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	var list []string
	add := func(s string) {
		if len(f.aviary.Find([]byte(s))) > 0 {
			list = append(list, s)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		for _, value := range r.Header[name] {
			add(value)
			if _, credentials, ok := strings.Cut(value, " "); ok {
				add(credentials)
				if decoded, err := base64.StdEncoding.DecodeString(credentials); err == nil {
					add(string(decoded))
				}
			}
		}
	}
	if r.URL.Query().Has("password") {
		// What is encrypted is as good as what is not: whoever has it can send it.
		for _, name := range []string{"username", "password"} {
			f.aviary.Add("encrypted "+name, r.URL.Query().Get(name))
		}
	}
	add(string(body))
	add(r.URL.RawQuery)
	values, _ := url.ParseQuery(string(body))
	var object map[string]any
	_ = json.Unmarshal(body, &object)
	for _, values := range []url.Values{r.URL.Query(), values} {
		for _, name := range slices.Sorted(maps.Keys(values)) {
			add(values.Get(name))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if s, ok := object[name].(string); ok {
			add(s)
		}
	}
	if len(list) == 0 {
		list = append(list, "nothing")
	}
	return list
}

// secretEcho is a way to answer with a secret, in some form.
type secretEcho struct {
	name   string
	form   func(string) string
	answer func(w http.ResponseWriter, r *http.Request, secret string)
}

// echoForms are the forms in which secrets are repeated.
var echoForms = []struct {
	name string
	form func(string) string
}{
	{"as it is", func(s string) string { return s }},
	{"its beginning", func(s string) string { return s[:min(len(s), 9)] }},
	{"its end", func(s string) string { return s[max(0, len(s)-9):] }},
	{"base64", func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }},
	{"base64 behind one", func(s string) string { return base64.StdEncoding.EncodeToString([]byte(":" + s)) }},
	{"base64 behind two", func(s string) string { return base64.URLEncoding.EncodeToString([]byte("u:" + s)) }},
	{"hexadecimal", func(s string) string { return hex.EncodeToString([]byte(s)) }},
	{"reversed", func(s string) string {
		r := []rune(s)
		slices.Reverse(r)
		return string(r)
	}},
	{"percent-encoded", url.QueryEscape},
	{"each byte percent-encoded", func(s string) string { return eachByte(s, "%%%02X") }},
	{"JSON in JSON", func(s string) string { return asJSON(asJSON(s)) }},
	{"JSON, all escaped", func(s string) string { return eachByte(s, `\u%04x`) }},
}

func eachByte(s, format string) string {
	var b strings.Builder
	for i := range len(s) {
		fmt.Fprintf(&b, format, s[i])
	}
	return b.String()
}

// secretEchoes are all ways to answer.
func secretEchoes() []*secretEcho {
	var list []*secretEcho
	plain := echoForms[0].form
	for _, status := range []int{400, 401, 403, 404, 409, 422, 423, 429, 500, 502, 503} {
		list = append(list, &secretEcho{fmt.Sprint("texts at ", status), plain, inTexts(status)})
	}
	for _, status := range []int{400, 401} {
		list = append(list, &secretEcho{fmt.Sprint("objects at ", status), plain, inObjects(status)})
		for _, s := range echoForms[1:] {
			list = append(list, &secretEcho{fmt.Sprintf("texts at %d, %s", status, s.name), s.form, inTexts(status)})
		}
	}
	list = append(list,
		&secretEcho{"everywhere at 200", plain, inTexts(200)}, &secretEcho{"wrong types at 200", plain, inWrongTypes},
		&secretEcho{"as names at 200", plain, asNames}, &secretEcho{"a page", plain, asPage},
	)
	for _, status := range []int{301, 302, 307, 407} {
		list = append(list, &secretEcho{fmt.Sprint("in headers at ", status), plain, inHeaders(status)})
	}
	list = append(list, &secretEcho{"in headers at 200", plain, inHeaders(200)}, &secretEcho{"host of a redirect", plain, asHost})
	for _, raw := range raws {
		list = append(list, &secretEcho{"not HTTP: " + fmt.Sprintf("%.30q", raw), plain, broken(raw)})
	}
	return list
}

// texts are the fields that upstreams document for errors, and those that
// clients may take for such.
func texts(status int, s string) map[string]any {
	return map[string]any{
		"message": s, "error": s, "error_description": s, "error_message": s, "statusCode": status, "code": status,
		"errors": []string{s}, "warnings": []string{s}, "reason": s, "details": s, "status": "Failure", "data": map[string]any{"message": s, "error": s},
	}
}

func inTexts(status int) func(http.ResponseWriter, *http.Request, string) {
	return func(w http.ResponseWriter, _ *http.Request, s string) { answer(w, status, texts(status, s)) }
}

func inObjects(status int) func(http.ResponseWriter, *http.Request, string) {
	return func(w http.ResponseWriter, _ *http.Request, s string) {
		answer(w, status, map[string]any{"error": texts(status, s), "message": map[string]any{s: s}, "statusCode": s, "code": s})
	}
}

func inWrongTypes(w http.ResponseWriter, _ *http.Request, s string) {
	in := map[string]any{s: []any{s}}
	answer(w, http.StatusOK, map[string]any{
		"access_token": in, "expire": s, "expires_in": s, "organization": s, "data": in, "token": in, "id": s, "group_id": s, "key": s,
		"token_type": in, "user_id": s, "statusCode": s, "auth": s, "lease_duration": s, "metadata": s, "kind": in, "apiVersion": s,
	})
}

func asNames(w http.ResponseWriter, _ *http.Request, s string) {
	answer(w, http.StatusOK, map[string]any{
		"access_token": "a", "token_type": s, "refresh_token": "r", "expires_in": 100, "scope": s, "user_id": 1, "role": s, "expire": "2099-01-01T00:00:00Z",
		"organization": map[string]any{"id": "1", "role": s, "branches": []string{s}, "branches_details": []any{map[string]any{"id": s, "name": s}}},
		"customers":    []any{map[string]any{"id": s, "name": s}}, "statusCode": 200, "message": s, "data": map[string]any{"token": "t", "userId": s},
	})
}

func asPage(w http.ResponseWriter, _ *http.Request, s string) {
	w.Header().Set("Content-Type", "text/html; charset="+oneLine(s))
	w.WriteHeader(http.StatusUnauthorized)
	fmt.Fprintf(w, "<html><title>%s</title><body>%s</body></html>", s, s)
}

func inHeaders(status int) func(http.ResponseWriter, *http.Request, string) {
	return func(w http.ResponseWriter, _ *http.Request, s string) {
		s = oneLine(s)
		for _, name := range []string{"Retry-After", "Date", "Www-Authenticate", "Proxy-Authenticate", "Set-Cookie", "X-Request-Id", "Server", "Audit-Id"} {
			w.Header().Set(name, s)
		}
		w.Header().Set("Warning", "299 - "+strconv.Quote(s))
		w.Header().Set("Content-Type", "application/"+s)
		w.Header().Set("Location", "https://user:"+url.PathEscape(s)+"@elsewhere.example/"+url.PathEscape(s)+"?"+url.QueryEscape(s)+"#"+url.PathEscape(s))
		w.WriteHeader(status)
		fmt.Fprint(w, s)
	}
}

func asHost(w http.ResponseWriter, _ *http.Request, s string) {
	host := strings.Map(func(r rune) rune {
		if strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-", r) {
			return r
		}
		return '.'
	}, s)
	w.Header().Set("Location", "https://"+host+".example/")
	w.WriteHeader(http.StatusFound)
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

func oneLine(s string) string { return strings.NewReplacer("\r", " ", "\n", " ").Replace(s) }

// raws are answers that are not HTTP, which net/http quotes in its errors.
var raws = []string{
	"SECRET\r\n\r\n",
	"HTTP/1.1 SECRET\r\n\r\n",
	"HTTP/1.1 2SECRET OK\r\n\r\n",
	"HTTP/SECRET 200 OK\r\n\r\n",
	"HTTP/1.1 400 SECRET\r\nContent-Length: 0\r\n\r\n",
	"HTTP/1.1 407 SECRET\r\nContent-Length: 0\r\n\r\n",
	"HTTP/1.1 200 OK\r\nSECRET\r\n\r\n",
	"HTTP/1.1 200 OK\r\nSECRET: a\r\n b\r\n\r\n{}",
	"HTTP/1.1 200 OK\r\nContent-Length: SECRET\r\n\r\n",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: SECRET\r\n\r\n",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nSECRET\r\n",
	"HTTP/1.1 200 OK\r\nContent-Encoding: SECRET\r\nContent-Length: 2\r\n\r\n{}",
	"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 6\r\n\r\nSECRET",
	"HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\n{}SECRET",
	"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\nSECRET",
	"HTTP/1.1 101 SECRET\r\nUpgrade: SECRET\r\nConnection: Upgrade\r\n\r\n",
	"HTTP/1.1 103 Early\r\nLink: SECRET\r\n\r\nHTTP/1.1 401 SECRET\r\nContent-Length: 0\r\n\r\n",
}

// broken writes the raw answer and closes the connection.
func broken(raw string) func(http.ResponseWriter, *http.Request, string) {
	return func(w http.ResponseWriter, _ *http.Request, s string) {
		conn, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		defer conn.Close()
		_ = writeTo(buffered.Writer, strings.ReplaceAll(raw, "SECRET", oneLine(s)))
	}
}

func writeTo(w *bufio.Writer, s string) error {
	if _, err := io.Copy(w, bytes.NewBufferString(s)); err != nil {
		return err
	}
	return w.Flush()
}
